//! What can be done to a chain.

use alloy_primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};
use x402_assay_protocol::{Authorization, Signature};

/// One thing that happens. What lasts, lasts until [`ChaosAction::Calm`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum ChaosAction {
    /// Mining stops, goes on, or one block is mined.
    Mine {
        /// Which.
        order: MiningOrder,
    },
    /// So many blocks are mined at once; deep enough under them nothing is undone by a reorg.
    MineBlocks {
        /// Blocks, 1 to 1,000.
        count: u64,
    },
    /// A block every so often instead of one for each transaction.
    BlockTime {
        /// Milliseconds.
        ms: u64,
    },
    /// The pending transaction that settles this authorization is dropped from the node's pool.
    DropTransaction {
        /// The authorization's nonce.
        nonce: B256,
    },
    /// The last so many blocks are replaced by empty ones; their transactions are gone.
    Reorg {
        /// Blocks, 1 to 12.
        depth: u64,
    },
    /// The next transaction that settles this authorization reverts when it is mined, though its simulation succeeds;
    /// afterwards the authorization is as unused as before. Between the block and that, for the time of one call to the
    /// node, it reads as used.
    RevertSettlement {
        /// Token contract.
        asset: Address,
        /// Who authorized.
        payer: Address,
        /// The authorization's nonce.
        nonce: B256,
    },
    /// Remembers the whole state; the answer names it.
    Snapshot,
    /// Goes back to a remembered state, which is then forgotten.
    Restore {
        /// As the answer to `snapshot` named it.
        snapshot: U256,
    },
    /// The chain's clock goes ahead, and a block is mined.
    Warp {
        /// Milliseconds; rounded up to whole seconds.
        ms: u64,
    },
    /// The base fee of the next block; from there on the chain's own rule takes it down by an eighth a block.
    BaseFee {
        /// Gwei.
        gwei: u64,
    },
    /// All tokens of an account go elsewhere.
    Drain {
        /// Token contract.
        asset: Address,
        /// Whose.
        payer: Address,
    },
    /// The payer cancels an authorization.
    Cancel {
        /// Token contract.
        asset: Address,
        /// Who authorized.
        payer: Address,
        /// The authorization's nonce.
        nonce: B256,
        /// The payer's signature of the cancellation; see [`sign_cancel`](super::sign_cancel).
        signature: Bytes,
    },
    /// A third party has an authorization settled.
    Preempt {
        /// Token contract.
        asset: Address,
        /// The authorization as its payer signed it.
        transfer: SignedTransfer,
    },
    /// The token refuses an account, or takes it again.
    Block {
        /// Token contract.
        asset: Address,
        /// Which account.
        account: Address,
        /// True to refuse it.
        blocked: bool,
    },
    /// Another token stands at an address; balances and used authorizations stay.
    Token {
        /// Token contract.
        asset: Address,
        /// Which.
        code: TokenCode,
    },
    /// A contract is deployed through the deployer that dev nodes bring along.
    Deploy {
        /// Salt and init code.
        code: Bytes,
    },
    /// These accounts have no native coins any more.
    EmptyGas {
        /// Which; the accounts of the bench's facilitator if empty.
        accounts: Vec<Address>,
    },
    /// Everything that lasts ends: mining, base fee, tokens, blocked accounts and gas are as they were, and in memory
    /// the clock. What moved stays moved, and a node's clock cannot go back.
    Calm,
}

impl ChaosAction {
    /// Its word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Mine { .. } => "mine",
            Self::MineBlocks { .. } => "mine-blocks",
            Self::BlockTime { .. } => "block-time",
            Self::DropTransaction { .. } => "drop-transaction",
            Self::Reorg { .. } => "reorg",
            Self::RevertSettlement { .. } => "revert-settlement",
            Self::Snapshot => "snapshot",
            Self::Restore { .. } => "restore",
            Self::Warp { .. } => "warp",
            Self::BaseFee { .. } => "base-fee",
            Self::Drain { .. } => "drain",
            Self::Cancel { .. } => "cancel",
            Self::Preempt { .. } => "preempt",
            Self::Block { .. } => "block",
            Self::Token { .. } => "token",
            Self::Deploy { .. } => "deploy",
            Self::EmptyGas { .. } => "empty-gas",
            Self::Calm => "calm",
        }
    }

    /// True when mined transactions may be undone: whoever counts account nonces must look again.
    pub const fn undoes(&self) -> bool {
        matches!(self, Self::Reorg { .. } | Self::Restore { .. })
    }
}

/// Whether blocks are mined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MiningOrder {
    /// No block any more.
    Stop,
    /// Blocks again, as the node mined them at first; what is pending is mined at once.
    Resume,
    /// One block now.
    One,
}

/// What stands at a token's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenCode {
    /// The honest token.
    Honest,
    /// The recipient gets less than the amount.
    FeeOnTransfer,
    /// Transfers return false and move nothing.
    ReturnsFalse,
    /// A used nonce moves nothing and does not revert.
    SilentOnUsedNonce,
    /// No code at all.
    NoCode,
    /// Every transfer reverts.
    Paused,
}

/// An authorization with its signature, as a third party needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedTransfer {
    /// Payer.
    pub from: Address,
    /// Recipient.
    pub to: Address,
    /// Base units.
    pub value: U256,
    /// Unix seconds.
    pub valid_after: U256,
    /// Unix seconds.
    pub valid_before: U256,
    /// Nonce.
    pub nonce: B256,
    /// The payer's signature.
    pub signature: Bytes,
}

impl SignedTransfer {
    /// Puts the parts together.
    pub fn new(authorization: &Authorization, signature: &Signature) -> Self {
        Self {
            from: authorization.from,
            to: authorization.to,
            value: authorization.value,
            valid_after: authorization.valid_after,
            valid_before: authorization.valid_before,
            nonce: authorization.nonce,
            signature: Bytes::copy_from_slice(&signature.0),
        }
    }

    /// What was signed.
    pub fn authorization(&self) -> Authorization {
        Authorization {
            from: self.from,
            to: self.to,
            value: self.value,
            valid_after: self.valid_after,
            valid_before: self.valid_before,
            nonce: self.nonce,
        }
    }
}

/// What became of an action.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChaosAnswer {
    /// The transaction it sent or dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<B256>,
    /// False while that transaction is pending: mining is stopped, and it comes first when a block is mined.
    pub mined: bool,
    /// The name of the remembered state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<U256>,
    /// Of `calm`: nonces whose settlement was to revert and was never mined.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmet: Vec<B256>,
    /// The newest block afterwards.
    pub head: u64,
}
