//! `wasted_transactions`: gas that a facilitator paid for nothing.

use super::super::scope::Scope;
use super::super::value::Range;
use super::super::words::Need;
use super::{Expect, ExpectationKind};
use crate::config::yaml::View;

/// How many transactions of the facilitator's accounts moved nothing for a payment of the round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WastedTransactions {
    /// How many.
    pub count: Range,
}

pub(super) const KIND: ExpectationKind = ExpectationKind {
    name: "wasted_transactions",
    about: "how many transactions the facilitator's accounts paid gas for that moved no money",
    keys: &["at_least", "at_most"],
    decode,
};

fn decode(view: &View<'_>, scope: &mut Scope<'_>) -> Option<Expect> {
    scope.need(view, Need::Anvil, "`wasted_transactions`");
    let count = Range::decode(view)?;
    Some(Expect::WastedTransactions(WastedTransactions { count }))
}
