//! The in-process ledger: a token's rules without an EVM. Every settlement is one block.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use alloy_primitives::{Address, B256, U256, address};
use async_trait::async_trait;
use x402_assay_protocol::TokenDomain;

use super::blocks::{By, Transaction};
use super::state::{State, Token};
use crate::event::{LedgerRecord, TransactionRecord};
use crate::ledger::{
    Ledger, LedgerError, LedgerKind, OnStep, PermitLedger, SettleOutcome, SettleStep,
    SignedAuthorization,
};
use crate::refusal::Refusal;

/// The account settlements seem to come from: the first well-known development account.
pub(super) const SIGNER: Address = address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266");

/// A ledger in memory: real signatures, nonces, balances and time windows.
///
/// What it keeps grows by about 70 bytes a settlement, and by nothing else.
#[derive(Debug)]
pub struct MemoryLedger {
    pub(super) chain_id: u64,
    clock_offset_s: AtomicI64,
    state: Mutex<State>,
}

/// Why tokens could not be minted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// No such token here.
    #[error("{0} is no token of this ledger: register it first")]
    UnknownToken(Address),
    /// The supply would no longer fit.
    #[error("minting {0} would carry the supply over 2^256")]
    Overflow(U256),
}

impl MemoryLedger {
    /// An empty ledger with this EIP-155 chain id.
    pub fn new(chain_id: u64) -> Self {
        Self {
            chain_id,
            clock_offset_s: AtomicI64::new(0),
            state: Mutex::default(),
        }
    }

    /// Adds a token; a known one keeps its balances and takes on the new domain.
    ///
    /// The chain id of the domain is replaced by the ledger's: a token computes it from the chain it lives on.
    pub fn register_token(&self, mut domain: TokenDomain) {
        domain.chain_id = self.chain_id;
        let separator = domain.separator();
        let asset = domain.verifying_contract;
        let mut state = self.lock();
        if let Some(token) = state.tokens.get_mut(&asset) {
            token.domain = domain;
            token.separator = separator;
            return;
        }
        state.tokens.insert(asset, Token::new(domain, separator));
    }

    /// Creates base units for an account, in a block of its own with a `Transfer` from the zero address.
    ///
    /// # Errors
    /// When the token is unknown or its supply would overflow.
    pub fn mint(&self, asset: Address, owner: Address, amount: U256) -> Result<B256, MintError> {
        let mut state = self.lock();
        let token = state
            .tokens
            .get_mut(&asset)
            .ok_or(MintError::UnknownToken(asset))?;
        token.supply = token
            .supply
            .checked_add(amount)
            .ok_or(MintError::Overflow(amount))?;
        *token.balances.entry(owner).or_default() += amount;
        let minted = Transaction {
            asset,
            by: By::Account,
            from: Address::ZERO,
            nonce: B256::ZERO,
            to: owner,
            value: amount,
        };
        Ok(state.blocks.mine(self.chain_id, &minted).0)
    }

    /// Moves the ledger's clock forward (or, negative, back) by some seconds.
    pub fn advance_clock(&self, seconds: i64) {
        self.clock_offset_s.fetch_add(seconds, Ordering::Relaxed);
    }

    /// The ledger's clock shows the system's time again.
    pub fn reset_clock(&self) {
        self.clock_offset_s.store(0, Ordering::Relaxed);
    }

    pub(super) fn clock(&self) -> u64 {
        let system = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        system.saturating_add_signed(self.clock_offset_s.load(Ordering::Relaxed))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token's separator; recovering a signature needs it before the ledger is locked for long.
    fn separator(&self, asset: Address) -> Option<B256> {
        self.lock().tokens.get(&asset).map(|token| token.separator)
    }

    /// Recovers the signer outside the lock, so that recoveries of different payments run side by side.
    fn checked_signer(&self, payment: &SignedAuthorization) -> Option<Address> {
        payment.signer(&self.separator(payment.asset)?)
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    fn kind(&self) -> LedgerKind {
        LedgerKind::Memory
    }

    fn chain_id(&self) -> u64 {
        self.chain_id
    }

    fn signers(&self) -> Vec<Address> {
        vec![SIGNER]
    }

    async fn now(&self) -> Result<u64, LedgerError> {
        Ok(self.clock())
    }

    async fn code_exists(&self, account: Address) -> Result<bool, LedgerError> {
        Ok(self.lock().tokens.contains_key(&account))
    }

    async fn domain_separator(&self, asset: Address) -> Result<Option<B256>, LedgerError> {
        Ok(self.separator(asset))
    }

    async fn name_and_version(
        &self,
        asset: Address,
    ) -> Result<Option<(String, String)>, LedgerError> {
        let state = self.lock();
        let domain = state.tokens.get(&asset).map(|token| &token.domain);
        Ok(domain.map(|domain| (domain.name.clone(), domain.version.clone())))
    }

    async fn balance(&self, asset: Address, owner: Address) -> Result<U256, LedgerError> {
        let state = self.lock();
        let token = state.tokens.get(&asset);
        Ok(token.map_or(U256::ZERO, |token| token.balance(owner)))
    }

    async fn authorization_used(
        &self,
        asset: Address,
        payer: Address,
        nonce: B256,
    ) -> Result<bool, LedgerError> {
        Ok(self.lock().blocks.is_used(asset, payer, nonce))
    }

    async fn simulate(&self, payment: &SignedAuthorization, at: u64) -> Result<(), Refusal> {
        let signer = self.checked_signer(payment);
        self.lock().check(payment, signer, at)
    }

    async fn settle(&self, payment: &SignedAuthorization, on_step: OnStep<'_>) -> SettleOutcome {
        let signer = self.checked_signer(payment);
        let at = self.clock();
        let (transaction, block) = {
            let mut state = self.lock();
            if let Err(refusal) = state.check(payment, signer, at) {
                return SettleOutcome::NotSent {
                    reason: refusal.to_string(),
                };
            }
            state.transfer(self.chain_id, payment)
        };
        on_step(SettleStep::Broadcast { transaction });
        on_step(SettleStep::Mined {
            transaction,
            success: true,
        });
        SettleOutcome::Mined { transaction, block }
    }

    fn pending(&self, _: Address, _: Address, _: B256) -> Option<SignedAuthorization> {
        None
    }

    fn permits(&self) -> Option<&dyn PermitLedger> {
        Some(self)
    }

    async fn head(&self) -> Result<u64, LedgerError> {
        Ok(self.lock().blocks.head())
    }

    async fn records(
        &self,
        from_block: u64,
        to_block: Option<u64>,
    ) -> Result<Vec<LedgerRecord>, LedgerError> {
        let blocks = from_block..=to_block.unwrap_or(u64::MAX);
        Ok(self.lock().blocks.records(self.chain_id, blocks).collect())
    }

    async fn transaction(&self, hash: B256) -> Result<Option<TransactionRecord>, LedgerError> {
        let block = self.lock().blocks.block_of(self.chain_id, hash);
        Ok(block.map(|block| TransactionRecord {
            chain_id: self.chain_id,
            transaction: hash,
            block,
            success: true,
            from: Some(SIGNER),
        }))
    }

    async fn account_nonce(&self, account: Address) -> Result<u64, LedgerError> {
        Ok(if account == SIGNER {
            self.lock().settlements
        } else {
            0
        })
    }
}
