//! `facilitator_calls`: how often the server called its facilitator.

use super::super::model::Role;
use super::super::scope::{NameKind, Scope};
use super::super::value::Range;
use super::super::words::Need;
use super::responses::range;
use super::{Expect, ExpectationKind};
use crate::config::yaml::View;

/// Calls of the facilitator in the round, direct ones left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FacilitatorCalls {
    /// Only calls about this payment (for a batch: about each of them).
    pub of: Option<String>,
    /// Of verify.
    pub verify: Option<Range>,
    /// Of settle.
    pub settle: Option<Range>,
    /// Of supported.
    pub supported: Option<Range>,
}

pub(super) const KIND: ExpectationKind = ExpectationKind {
    name: "facilitator_calls",
    about: "how often verify, settle and supported were called by the server",
    keys: &["of", "verify", "settle", "supported"],
    decode,
};

fn decode(view: &View<'_>, scope: &mut Scope<'_>) -> Option<Expect> {
    if scope.role == Role::Server {
        scope.need(view, Need::Facilitator, "`facilitator_calls`");
    }
    let map = view.as_map()?;
    let calls = FacilitatorCalls {
        of: map
            .optional("of")
            .and_then(|view| scope.refer(&view, NameKind::Payment)),
        verify: range(&map, "verify"),
        settle: range(&map, "settle"),
        supported: range(&map, "supported"),
    };
    if map.entries().all(|(key, _, _)| key == "of") {
        view.problem("expects nothing; give `verify`, `settle` or `supported`");
    }
    Some(Expect::FacilitatorCalls(calls))
}
