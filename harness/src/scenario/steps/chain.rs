//! `chain`: something happens on the chain, or to its RPC.

use std::time::Duration;

use super::super::keys::{exactly_one, number};
use super::super::scope::{NameKind, Scope};
use super::super::words::{Need, words};
use super::rpc::{Rpc, decode_rpc};
use super::{ANY_ROLE, Step, StepKind};
use crate::config::yaml::{MapView, View};

/// The deepest reorg the node can do.
const REORG_MAX: u32 = 12;
/// The highest base fee, in gwei.
const BASE_FEE_MAX: u32 = 1_000_000;

words! {
    /// Whether blocks are mined.
    pub enum Mining {
        /// No block any more.
        Stop = "stop",
        /// Blocks again; what is pending is mined at once.
        Resume = "resume",
        /// One block now.
        One = "one",
    }
}

words! {
    /// A token put at the asset's address.
    pub enum TokenKind {
        /// The honest one.
        Honest = "honest",
        /// The recipient gets less than the amount.
        FeeOnTransfer = "fee-on-transfer",
        /// `transferWithAuthorization` returns false and moves nothing.
        ReturnsFalse = "returns-false",
        /// A used nonce moves nothing and does not revert.
        SilentOnUsedNonce = "silent-on-used-nonce",
        /// No code at all.
        NoCode = "no-code",
        /// Every transfer reverts.
        Paused = "paused",
    }
}

/// One thing that happens; what lasts, lasts until `clear_faults` or the end of the round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chain {
    /// Mining stops, goes on, or one block is mined.
    Mine(Mining),
    /// A block every so often instead of one for each transaction.
    BlockTime(Duration),
    /// The pending transaction that settles this payment is dropped from the node.
    DropTransaction(String),
    /// The last so many blocks are replaced by empty ones.
    Reorg(u32),
    /// The next transaction that settles this payment reverts when it is mined, though its simulation succeeds.
    Revert(String),
    /// The chain's clock goes ahead; a block is mined.
    Warp(Duration),
    /// The base fee of the next blocks, in gwei.
    BaseFee(u32),
    /// The payer's tokens go elsewhere.
    Drain(String),
    /// The payer cancels the authorization on the chain.
    Cancel(String),
    /// A third party has the authorization settled on the chain first.
    Preempt(String),
    /// The token refuses this payer.
    Block(String),
    /// Another token stands at the asset's address.
    Token(TokenKind),
    /// The facilitator's accounts have no gas any more.
    EmptyGas,
    /// The RPC that the facilitator uses misbehaves.
    Rpc(Rpc),
}

/// What can be done; exactly one stands in a step. The memory ledger can do what needs only `chain`.
const ACTIONS: [(&str, Need); 14] = [
    ("mine", Need::Anvil),
    ("block_time", Need::Anvil),
    ("drop_transaction", Need::Anvil),
    ("reorg", Need::Anvil),
    ("revert", Need::Anvil),
    ("warp", Need::Chain),
    ("base_fee", Need::Anvil),
    ("drain", Need::Chain),
    ("cancel", Need::Chain),
    ("preempt", Need::Chain),
    ("block", Need::Anvil),
    ("token", Need::Anvil),
    ("gas", Need::Anvil),
    ("rpc", Need::Anvil),
];

pub(super) const KIND: StepKind = StepKind {
    name: "chain",
    about: "one thing that happens on the chain or to its RPC",
    keys: &[
        "mine",
        "block_time",
        "drop_transaction",
        "reorg",
        "revert",
        "warp",
        "base_fee",
        "drain",
        "cancel",
        "preempt",
        "block",
        "token",
        "gas",
        "rpc",
    ],
    roles: ANY_ROLE,
    decode,
};

fn decode(map: &MapView<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let (key, view) = exactly_one(map, KIND.keys)?;
    let (_, need) = ACTIONS.iter().find(|(action, _)| *action == key)?;
    scope.need(&view, *need, &format!("`chain: {key}`"));
    decode_action(key, &view, scope).map(Step::Chain)
}

fn decode_action(key: &str, view: &View<'_>, scope: &mut Scope<'_>) -> Option<Chain> {
    let mut refer = |kind| scope.refer(view, kind);
    Some(match key {
        "mine" => Chain::Mine(view.one_of(Mining::ALL)?),
        "block_time" => Chain::BlockTime(view.as_positive_duration()?),
        "drop_transaction" => Chain::DropTransaction(refer(NameKind::Payment)?),
        "reorg" => Chain::Reorg(number(view, 1..=REORG_MAX)?),
        "revert" => Chain::Revert(refer(NameKind::Payment)?),
        "warp" => Chain::Warp(view.as_positive_duration()?),
        "base_fee" => Chain::BaseFee(number(view, 1..=BASE_FEE_MAX)?),
        "drain" => Chain::Drain(refer(NameKind::Payer)?),
        "cancel" => Chain::Cancel(refer(NameKind::Payment)?),
        "preempt" => Chain::Preempt(refer(NameKind::Payment)?),
        "block" => Chain::Block(refer(NameKind::Payer)?),
        "token" => Chain::Token(view.one_of(TokenKind::ALL)?),
        "gas" => view.one_of(&[("empty", ())]).map(|()| Chain::EmptyGas)?,
        _ => Chain::Rpc(decode_rpc(view)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_a_key() {
        let actions: Vec<&str> = ACTIONS.iter().map(|(action, _)| *action).collect();
        assert_eq!(actions, KIND.keys);
    }
}
