//! `responses`: what clients got.

use super::super::scope::{NameKind, Scope};
use super::super::value::{Range, StatusPattern};
use super::super::words::words;
use super::{Expect, ExpectationKind};
use crate::config::yaml::{MapView, View};

words! {
    /// What a response's receipt header says.
    pub enum Receipt {
        /// There is one, whatever it says.
        Present = "present",
        /// There is none.
        Absent = "absent",
        /// It says success.
        Success = "success",
        /// It says failure.
        Failure = "failure",
    }
}

/// About the responses of one step, or of every `send` and `buy` of the round.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Responses {
    /// Whose; of every step if absent.
    pub of: Option<String>,
    /// How many carry the paid body.
    pub delivered: Option<Range>,
    /// How many there are in all.
    pub answered: Option<Range>,
    /// How many requests got no whole answer.
    pub unanswered: Option<Range>,
    /// How many requests ended neither with an answer nor with a closed connection before the client's time was over.
    pub hung: Option<Range>,
    /// Every response has one of these statuses.
    pub statuses: Vec<StatusPattern>,
    /// No response has one of these.
    pub never: Vec<StatusPattern>,
    /// What each response without the paid body says in its receipt header.
    pub refused_receipt: Option<Receipt>,
    /// What each response with the paid body says in its receipt header.
    pub delivered_receipt: Option<Receipt>,
}

pub(super) const KIND: ExpectationKind = ExpectationKind {
    name: "responses",
    about: "how many responses delivered, and with which statuses and receipts",
    keys: &[
        "of",
        "delivered",
        "answered",
        "unanswered",
        "hung",
        "statuses",
        "never",
        "refused_receipt",
        "delivered_receipt",
    ],
    decode,
};

fn decode(view: &View<'_>, scope: &mut Scope<'_>) -> Option<Expect> {
    let map = view.as_map()?;
    let receipt = |key| map.optional(key).and_then(|view| view.one_of(Receipt::ALL));
    let responses = Responses {
        of: map
            .optional("of")
            .and_then(|view| scope.refer(&view, NameKind::Responses)),
        delivered: range(&map, "delivered"),
        answered: range(&map, "answered"),
        unanswered: range(&map, "unanswered"),
        hung: range(&map, "hung"),
        statuses: statuses(&map, "statuses"),
        never: statuses(&map, "never"),
        refused_receipt: receipt("refused_receipt"),
        delivered_receipt: receipt("delivered_receipt"),
    };
    if map.entries().all(|(key, _, _)| key == "of") {
        view.problem("expects nothing; give `delivered`, `statuses` or another key");
    }
    Some(Expect::Responses(responses))
}

/// A range, if the key is given.
pub(super) fn range(map: &MapView<'_>, key: &str) -> Option<Range> {
    map.optional(key).and_then(|view| Range::decode(&view))
}

/// Status patterns; none if the key is absent.
pub(super) fn statuses(map: &MapView<'_>, key: &str) -> Vec<StatusPattern> {
    let items = map.list(key);
    items.iter().filter_map(StatusPattern::decode).collect()
}
