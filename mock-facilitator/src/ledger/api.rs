//! What the facilitator needs of a ledger.

use std::fmt::Debug;

use alloy_primitives::{Address, B256, U256};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{PermitLedger, SignedAuthorization};
use crate::event::{LedgerRecord, TransactionRecord};
use crate::refusal::Refusal;

/// What a ledger is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LedgerKind {
    /// In-process: real signature checks, no EVM.
    Memory,
    /// A chain behind an RPC URL.
    Evm,
}

/// The ledger could not answer; this says nothing about the payment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the chain did not answer {method}: {cause}")]
pub struct LedgerError {
    /// RPC method or operation.
    pub method: &'static str,
    /// What the transport or the node said.
    pub cause: String,
}

/// Progress of one settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettleStep {
    /// The transaction was handed to the node.
    Broadcast {
        /// Its hash.
        transaction: B256,
    },
    /// It was mined.
    Mined {
        /// Its hash.
        transaction: B256,
        /// Receipt status: true is 1.
        success: bool,
    },
}

/// Told of every step of a settlement, as it happens.
pub type OnStep<'a> = &'a (dyn Fn(SettleStep) + Send + Sync);

/// How a settlement ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettleOutcome {
    /// Mined with status 1, and the matching `Transfer` is in the receipt.
    Mined {
        /// Transaction hash.
        transaction: B256,
        /// Block number.
        block: u64,
    },
    /// Mined with status 0: nothing moved.
    Reverted {
        /// Transaction hash.
        transaction: B256,
        /// What the token said.
        reason: String,
    },
    /// Mined with status 1 without the `Transfer` that was signed.
    WrongTransfer {
        /// Transaction hash.
        transaction: B256,
        /// What the receipt shows instead.
        reason: String,
    },
    /// Broadcast and not mined in time; settling the same authorization again waits for this transaction.
    Pending {
        /// Transaction hash.
        transaction: B256,
    },
    /// Nothing was broadcast.
    NotSent {
        /// Why.
        reason: String,
    },
}

/// A place where EIP-3009 authorizations move tokens.
#[async_trait]
pub trait Ledger: Send + Sync + Debug {
    /// What it is made of.
    fn kind(&self) -> LedgerKind;

    /// EIP-155 chain id.
    fn chain_id(&self) -> u64;

    /// Accounts that send settlements.
    fn signers(&self) -> Vec<Address>;

    /// Unix seconds a token would see in the next block.
    async fn now(&self) -> Result<u64, LedgerError>;

    /// True when the account has code (memory: is a registered token).
    async fn code_exists(&self, account: Address) -> Result<bool, LedgerError>;

    /// The token's own EIP-712 domain separator; `None` when it has none.
    async fn domain_separator(&self, asset: Address) -> Result<Option<B256>, LedgerError>;

    /// The token's own domain name and version, to explain a mismatch; `None` when it does not tell.
    async fn name_and_version(
        &self,
        asset: Address,
    ) -> Result<Option<(String, String)>, LedgerError>;

    /// Base units of the token that an account holds.
    async fn balance(&self, asset: Address, owner: Address) -> Result<U256, LedgerError>;

    /// True once the nonce was used or cancelled.
    async fn authorization_used(
        &self,
        asset: Address,
        payer: Address,
        nonce: B256,
    ) -> Result<bool, LedgerError>;

    /// Runs the settlement without a trace, in a block whose time is `at` (unix seconds).
    async fn simulate(&self, payment: &SignedAuthorization, at: u64) -> Result<(), Refusal>;

    /// Moves the money. Callers verify and simulate first: an EVM ledger broadcasts without asking again.
    ///
    /// While an earlier call's transaction is pending, the same authorization waits for that one.
    async fn settle(&self, payment: &SignedAuthorization, on_step: OnStep<'_>) -> SettleOutcome;

    /// The payment whose transaction is broadcast and not yet known to be mined.
    fn pending(&self, asset: Address, payer: Address, nonce: B256) -> Option<SignedAuthorization>;

    /// Number of the newest block.
    async fn head(&self) -> Result<u64, LedgerError>;

    /// Token logs from `from_block` to `to_block` (else the head), both included, in order.
    async fn records(
        &self,
        from_block: u64,
        to_block: Option<u64>,
    ) -> Result<Vec<LedgerRecord>, LedgerError>;

    /// A mined transaction.
    async fn transaction(&self, hash: B256) -> Result<Option<TransactionRecord>, LedgerError>;

    /// Number of transactions an account has had mined.
    async fn account_nonce(&self, account: Address) -> Result<u64, LedgerError>;

    /// This ledger as one that settles permits; `None` where Permit2 and its proxies are stubs.
    fn permits(&self) -> Option<&dyn PermitLedger> {
        None
    }

    /// Forgets what it counts itself and asks the chain again: mined transactions were undone behind its back.
    async fn recount(&self) {}

    /// Settles with the first so many of its accounts, or with all of them; a ledger without accounts has no choice.
    fn use_accounts(&self, _count: Option<u32>) {}
}
