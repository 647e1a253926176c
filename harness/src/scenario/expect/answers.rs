//! `answers`: what direct calls of the facilitator got.

use super::super::scope::{NameKind, Scope};
use super::super::value::{Range, StatusPattern};
use super::responses::{range, statuses};
use super::{Expect, ExpectationKind};
use crate::config::yaml::View;

/// About the answers of one `call` step, or of all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    /// Whose; of every `call` if absent.
    pub of: Option<String>,
    /// How many verify calls said valid.
    pub valid: Option<Range>,
    /// How many settle calls said success.
    pub success: Option<Range>,
    /// How many calls got no whole answer.
    pub unanswered: Option<Range>,
    /// Every answer has one of these statuses.
    pub statuses: Vec<StatusPattern>,
    /// No answer has one of these.
    pub never: Vec<StatusPattern>,
    /// Each answer that says no gives one of these reasons, if any are named.
    pub reasons: Vec<String>,
}

pub(super) const KIND: ExpectationKind = ExpectationKind {
    name: "answers",
    about: "how many direct calls of the facilitator said valid or success, with which statuses and reasons",
    keys: &[
        "of",
        "valid",
        "success",
        "unanswered",
        "statuses",
        "never",
        "reasons",
    ],
    decode,
};

fn decode(view: &View<'_>, scope: &mut Scope<'_>) -> Option<Expect> {
    let map = view.as_map()?;
    let reasons = map.list("reasons");
    let answers = Answers {
        of: map
            .optional("of")
            .and_then(|view| scope.refer(&view, NameKind::Answers)),
        valid: range(&map, "valid"),
        success: range(&map, "success"),
        unanswered: range(&map, "unanswered"),
        statuses: statuses(&map, "statuses"),
        never: statuses(&map, "never"),
        reasons: reasons
            .iter()
            .filter_map(|view| view.as_non_empty_str().map(str::to_owned))
            .collect(),
    };
    if map.entries().all(|(key, _, _)| key == "of") {
        view.problem("expects nothing; give `success`, `valid` or another key");
    }
    Some(Expect::Answers(answers))
}
