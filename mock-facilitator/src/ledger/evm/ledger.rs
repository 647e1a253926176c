//! The EVM ledger: what the chain says. Settling is in `settle`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy_eips::BlockId;
use alloy_network::TransactionBuilder as _;
use alloy_primitives::{Address, B256, U256};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_signer_local::PrivateKeySigner;
use async_trait::async_trait;
use tokio::time::Instant;
use url::Url;

use super::abi::{Token, settlement_call};
use super::head::Head;
use super::lane::Lanes;
use super::pending::Pending;
use super::records;
use super::rpc::{CallError, Rpc};
use super::settle::Fees;
use crate::event::{LedgerRecord, TransactionRecord};
use crate::ledger::{Ledger, LedgerError, LedgerKind, OnStep, SettleOutcome, SignedAuthorization};
use crate::refusal::{Refusal, reason};

/// With more open transactions than this the chain is under load, and answers may be a moment old.
const QUIET_MAX: usize = 8;
/// Age of such an answer.
const STALE_MAX: Duration = Duration::from_millis(250);
/// Most tokens whose separator is remembered.
const SEPARATORS_MAX: usize = 256;

/// How an EVM ledger settles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvmOptions {
    /// Gas limit of every settlement: nothing is estimated, and a token that wants more is refused.
    pub gas_limit: u64,
    /// Longest wait for a transaction to be mined; after it the settlement is pending.
    pub receipt_wait: Duration,
    /// Settlements a signer may have open at a time.
    pub lane_depth: usize,
}

impl Default for EvmOptions {
    fn default() -> Self {
        Self {
            gas_limit: 300_000,
            receipt_wait: Duration::from_secs(20),
            lane_depth: 64,
        }
    }
}

/// A ledger on a chain, with one nonce lane a signer.
#[derive(Debug)]
pub struct EvmLedger {
    /// What the facilitator acts through.
    pub(super) rpc: Rpc,
    /// Where the ledger is read at rest; the same node.
    reader: Rpc,
    pub(super) chain_id: u64,
    pub(super) options: EvmOptions,
    pub(super) lanes: Lanes,
    pub(super) pending: Pending,
    pub(super) head: Head,
    pub(super) fees: Fees,
    clock: Mutex<Option<Clock>>,
    separators: Mutex<HashMap<Address, (Instant, B256)>>,
}

/// How far the chain's clock is ahead of ours.
#[derive(Debug, Clone, Copy)]
struct Clock {
    read: Instant,
    ahead_s: i64,
}

impl EvmLedger {
    /// Connects and reads the chain id.
    ///
    /// # Errors
    /// When the node does not answer, or there is no signer.
    pub async fn connect(
        url: Url,
        signers: Vec<PrivateKeySigner>,
        options: EvmOptions,
    ) -> Result<Self, LedgerError> {
        if signers.is_empty() {
            return Err(LedgerError {
                method: "start",
                cause: "there is no signer to settle with".to_owned(),
            });
        }
        let rpc = Rpc::new(url.clone())?;
        let reader = Rpc::new(url)?;
        let chain_id = reader.chain_id().await?;
        Ok(Self {
            rpc,
            reader,
            chain_id,
            lanes: Lanes::new(signers, options.lane_depth),
            options,
            pending: Pending::default(),
            head: Head::default(),
            fees: Fees::default(),
            clock: Mutex::default(),
            separators: Mutex::default(),
        })
    }

    /// Verifies, simulates, sends and waits through another URL of the same node, such as a proxy with faults. What is
    /// read at rest (head, records, transactions, account nonces) still comes from the URL it was connected to.
    ///
    /// # Errors
    /// When no client can be made for the URL.
    pub fn acting_through(mut self, url: Url) -> Result<Self, LedgerError> {
        self.rpc = Rpc::new(url)?;
        Ok(self)
    }

    /// The settlement as a call: what is simulated is what is sent.
    pub(super) fn request(&self, payment: &SignedAuthorization) -> TransactionRequest {
        let from = self.lanes.addresses().first().copied().unwrap_or_default();
        TransactionRequest::default()
            .with_from(from)
            .with_to(payment.asset)
            .with_gas_limit(self.options.gas_limit)
            .with_input(settlement_call(payment))
    }

    /// A quiet chain is always asked afresh, so that a time warp or a new token is seen at once. Under load asking
    /// would make the node execute its whole pool for every payment.
    fn under_load(&self) -> bool {
        self.lanes.open() > QUIET_MAX
    }

    fn known_clock(&self) -> Option<u64> {
        let clock = (*self.clock.lock().unwrap_or_else(PoisonError::into_inner))?;
        (self.under_load() && clock.read.elapsed() < STALE_MAX)
            .then(|| unix_s().saturating_add_signed(clock.ahead_s))
    }

    fn known_separator(&self, asset: Address) -> Option<B256> {
        let separators = self
            .separators
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (read, separator) = separators.get(&asset)?;
        (self.under_load() && read.elapsed() < STALE_MAX).then_some(*separator)
    }

    fn remember_separator(&self, asset: Address, separator: B256) {
        let mut separators = self
            .separators
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if separators.len() >= SEPARATORS_MAX {
            separators.clear();
        }
        separators.insert(asset, (Instant::now(), separator));
    }
}

#[async_trait]
impl Ledger for EvmLedger {
    fn kind(&self) -> LedgerKind {
        LedgerKind::Evm
    }

    fn chain_id(&self) -> u64 {
        self.chain_id
    }

    fn signers(&self) -> Vec<Address> {
        self.lanes.addresses()
    }

    fn use_accounts(&self, count: Option<u32>) {
        self.lanes.limit(count);
    }

    async fn now(&self) -> Result<u64, LedgerError> {
        if let Some(now) = self.known_clock() {
            return Ok(now);
        }
        let now = self.rpc.next_block_time().await?;
        let ahead_s = i64::try_from(now)
            .unwrap_or(i64::MAX)
            .saturating_sub_unsigned(unix_s());
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner) = Some(Clock {
            read: Instant::now(),
            ahead_s,
        });
        Ok(now)
    }

    async fn code_exists(&self, account: Address) -> Result<bool, LedgerError> {
        if self.known_separator(account).is_some() {
            return Ok(true);
        }
        self.rpc.has_code(account).await
    }

    async fn domain_separator(&self, asset: Address) -> Result<Option<B256>, LedgerError> {
        if let Some(known) = self.known_separator(asset) {
            return Ok(Some(known));
        }
        let separator = self.rpc.view(asset, Token::DOMAIN_SEPARATORCall {}).await?;
        if let Some(separator) = separator {
            self.remember_separator(asset, separator);
        }
        Ok(separator)
    }

    async fn name_and_version(
        &self,
        asset: Address,
    ) -> Result<Option<(String, String)>, LedgerError> {
        let (name, version) = futures_util::try_join!(
            self.rpc.view(asset, Token::nameCall {}),
            self.rpc.view(asset, Token::versionCall {})
        )?;
        Ok(name.zip(version))
    }

    async fn balance(&self, asset: Address, owner: Address) -> Result<U256, LedgerError> {
        let call = Token::balanceOfCall { account: owner };
        Ok(self.rpc.view(asset, call).await?.unwrap_or_default())
    }

    async fn authorization_used(
        &self,
        asset: Address,
        payer: Address,
        nonce: B256,
    ) -> Result<bool, LedgerError> {
        let call = Token::authorizationStateCall {
            authorizer: payer,
            nonce,
        };
        Ok(self.rpc.view(asset, call).await?.unwrap_or_default())
    }

    async fn simulate(&self, payment: &SignedAuthorization, at: u64) -> Result<(), Refusal> {
        match self.rpc.call(self.request(payment), Some(at)).await {
            Ok(_) => Ok(()),
            Err(CallError::Ledger(error)) => Err(error.into()),
            Err(CallError::Reverted(why)) => Err(Refusal::new(revert_code(&why), why)),
        }
    }

    async fn settle(&self, payment: &SignedAuthorization, on_step: OnStep<'_>) -> SettleOutcome {
        self.settle_or_wait(payment, on_step).await
    }

    fn pending(&self, asset: Address, payer: Address, nonce: B256) -> Option<SignedAuthorization> {
        self.pending.payment(&(asset, payer, nonce))
    }

    async fn head(&self) -> Result<u64, LedgerError> {
        self.reader.block_number().await
    }

    async fn records(
        &self,
        from_block: u64,
        to_block: Option<u64>,
    ) -> Result<Vec<LedgerRecord>, LedgerError> {
        let head = self.reader.block_number().await?;
        let last = to_block.map_or(head, |block| block.min(head));
        if from_block > last {
            return Ok(Vec::new());
        }
        let logs = self.reader.logs(&records::filter(from_block, last)).await?;
        Ok(logs
            .iter()
            .filter_map(|log| records::record(self.chain_id, log))
            .collect())
    }

    async fn transaction(&self, hash: B256) -> Result<Option<TransactionRecord>, LedgerError> {
        let receipt = self.reader.receipt(hash).await?;
        Ok(receipt.and_then(|receipt| {
            Some(TransactionRecord {
                chain_id: self.chain_id,
                transaction: hash,
                block: receipt.block_number?,
                success: receipt.status(),
                from: Some(receipt.from),
            })
        }))
    }

    async fn account_nonce(&self, account: Address) -> Result<u64, LedgerError> {
        self.reader.account_nonce(account, BlockId::latest()).await
    }

    async fn recount(&self) {
        self.lanes.recount().await;
    }
}

/// The code for what a token said: only the payer's own contract knows whether its signature is right.
fn revert_code(why: &str) -> &'static str {
    if why.contains("invalid signature") || why.contains("ECRecover") {
        reason::SIGNATURE
    } else {
        reason::SIMULATION
    }
}

fn unix_s() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}
