//! Why an action could not be done.

use std::time::Duration;

use alloy_primitives::B256;

use crate::chain::{ContractError, RpcError};

/// Trouble with a chain fault.
#[derive(Debug, thiserror::Error)]
pub enum ChaosError {
    /// The ledger in memory has no blocks, pool, gas or code.
    #[error(
        "{action} needs an EVM, and this chain is the memory ledger: run with Anvil, or leave the step out"
    )]
    NeedsEvm {
        /// The action's word.
        action: &'static str,
    },
    /// The node refused or did not answer.
    #[error("{action} failed: {source}")]
    Rpc {
        /// The action's word, or a part of it.
        action: &'static str,
        /// The node's answer.
        source: RpcError,
    },
    /// A transaction of the action was not mined well, or a read failed.
    #[error(transparent)]
    Contract(#[from] ContractError),
    /// Nothing to drop.
    #[error(
        "no pending transaction carries the nonce {nonce} after {waited:?}: stop mining before it is sent"
    )]
    NotPending {
        /// The authorization's nonce.
        nonce: B256,
        /// How long was looked.
        waited: Duration,
    },
    /// Not so many blocks.
    #[error("a reorg replaces 1 to {max} blocks here, not {depth}; the chain has {head}")]
    Depth {
        /// What was asked for.
        depth: u64,
        /// What is possible.
        max: u64,
        /// The newest block.
        head: u64,
    },
    /// A number out of range.
    #[error("{action} takes {range}, not {given}")]
    Range {
        /// The action's word.
        action: &'static str,
        /// What it takes.
        range: &'static str,
        /// What was given.
        given: u64,
    },
    /// No such state.
    #[error("the node remembers no such state: each snapshot can be restored once")]
    NoSnapshot,
    /// The ledger in memory refused, for the reason a token would give.
    #[error("{action} was refused: {reason}")]
    Refused {
        /// The action's word.
        action: &'static str,
        /// Why.
        reason: String,
    },
}

impl ChaosError {
    /// For `map_err`: the node's error with what was done.
    pub(super) fn rpc(action: &'static str) -> impl FnOnce(RpcError) -> Self {
        move |source| Self::Rpc { action, source }
    }
}
