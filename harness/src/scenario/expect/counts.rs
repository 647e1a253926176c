//! `transfers` and `executions`: how often money moved and the handler ran.

use super::super::scope::{NameKind, Scope};
use super::super::value::Range;
use super::super::words::Need;
use super::{Expect, ExpectationKind};
use crate::config::yaml::{NodeKind, View};

/// How many Transfers of authorizations signed in this round are on the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfers {
    /// Of each payment of this name; of all together if absent.
    pub of: Option<String>,
    /// How many.
    pub count: Range,
}

/// How often the paid handler ran in this round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Executions {
    /// How many.
    pub count: Range,
}

pub(super) const TRANSFERS: ExpectationKind = ExpectationKind {
    name: "transfers",
    about: "how many Transfers of the round's authorizations the ledger shows",
    keys: &["of", "count", "at_least", "at_most"],
    decode: decode_transfers,
};

pub(super) const EXECUTIONS: ExpectationKind = ExpectationKind {
    name: "executions",
    about: "how often the paid handler ran",
    keys: &["at_least", "at_most"],
    decode: decode_executions,
};

fn decode_transfers(view: &View<'_>, scope: &mut Scope<'_>) -> Option<Expect> {
    scope.need(view, Need::Chain, "`transfers`");
    let is_map = matches!(view.node().kind, NodeKind::Map(_));
    let of_map = if is_map { view.as_map() } else { None };
    let Some(map) =
        of_map.filter(|map| map.optional("count").is_some() || map.optional("of").is_some())
    else {
        let count = Range::decode(view)?;
        return Some(Expect::Transfers(Transfers { of: None, count }));
    };
    let of = map
        .optional("of")
        .map(|view| scope.refer(&view, NameKind::Payment));
    let count = Range::decode(&map.required("count")?)?;
    let of = match of {
        Some(name) => Some(name?),
        None => None,
    };
    Some(Expect::Transfers(Transfers { of, count }))
}

fn decode_executions(view: &View<'_>, scope: &mut Scope<'_>) -> Option<Expect> {
    scope.need(view, Need::Executions, "`executions`");
    let count = Range::decode(view)?;
    Some(Expect::Executions(Executions { count }))
}
