//! Which calls or events a fault strikes.

use super::super::keys::{never_beside, number};
use super::super::scope::{NameKind, Scope};
use crate::config::yaml::MapView;

/// Numbers above this are mistakes.
const COUNT_MAX: u32 = 10_000;

/// A fault strikes calls that match all of it; without anything, every call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    /// Only this one of the matching calls, from 1, counted from the step on.
    pub nth: Option<u32>,
    /// Only the first so many of the matching calls.
    pub times: Option<u32>,
    /// Of a hundred matching calls only so many; which ones is decided by the seed.
    pub percent: u32,
    /// Only calls about this payer's authorizations.
    pub payer: Option<String>,
    /// Only calls about this payment (or one of this batch).
    pub payment: Option<String>,
}

impl Select {
    /// Every key it reads.
    pub(super) fn decode(map: &MapView<'_>, scope: &mut Scope<'_>) -> Self {
        let count = |key| {
            map.optional(key)
                .and_then(|view| number(&view, 1..=COUNT_MAX))
        };
        let (nth, times) = (count("nth"), count("times"));
        never_beside(map, "times", "`nth`", nth.is_some());
        let percent = map
            .optional("percent")
            .and_then(|view| number(&view, 1..=100));
        let payer = map
            .optional("payer")
            .and_then(|view| scope.refer(&view, NameKind::Payer));
        let payment = map
            .optional("payment")
            .and_then(|view| scope.refer(&view, NameKind::Payment));
        Self {
            nth,
            times,
            percent: percent.unwrap_or(100),
            payer,
            payment,
        }
    }
}
