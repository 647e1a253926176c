//! What must hold after the steps, one small file each. A new expectation is a file with its struct, its `decode` and
//! its `KIND`, an entry in [`EXPECTATIONS`], a variant of [`Expect`], and its keys in the JSON Schema.

mod answers;
mod balances;
mod counts;
mod facilitator_calls;
mod flags;
mod invariant;
mod not_reflected;
mod response_headers;
mod responses;
mod wasted;

pub use answers::Answers;
pub use balances::{Balances, Holder};
pub use counts::{Executions, Transfers};
pub use facilitator_calls::FacilitatorCalls;
pub use flags::{Flag, Flagged};
pub use invariant::InvariantId;
pub use not_reflected::NotReflected;
pub use response_headers::ResponseHeader;
pub use responses::{Receipt, Responses};
pub use wasted::WastedTransactions;

use super::scope::Scope;
use super::words::words;
use crate::config::did_you_mean;
use crate::config::yaml::{MapView, View};

/// More expectations than this are refused.
const EXPECTATIONS_MAX: usize = 50;

words! {
    /// How much it weighs when an expectation is missed.
    pub enum Grade {
        /// The scenario fails.
        Fail = "fail",
        /// A warning.
        Warn = "warn",
        /// Reported, nothing more.
        Info = "info",
    }
}

/// One thing that must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// From 1.
    pub number: usize,
    /// Its line in the file.
    pub line: usize,
    /// How much it weighs.
    pub grade: Grade,
    /// Why it must hold, for the report.
    pub why: Option<String>,
    /// What must hold.
    pub expect: Expect,
}

/// What can be expected.
#[derive(Debug, Clone, PartialEq)]
pub enum Expect {
    /// Invariants of the books that the scenario defends; each must be observed.
    Invariant(Vec<InvariantId>),
    /// What clients got.
    Responses(Responses),
    /// A header of each answer.
    ResponseHeader(ResponseHeader),
    /// What must not stand as markup in a page.
    NotReflected(NotReflected),
    /// What direct calls of the facilitator got.
    Answers(Answers),
    /// Calls our facilitator (or its link) saw.
    FacilitatorCalls(FacilitatorCalls),
    /// By how much balances changed.
    Balances(Balances),
    /// How many Transfers there were.
    Transfers(Transfers),
    /// How often the paid handler ran.
    Executions(Executions),
    /// What a facilitator paid gas for in vain.
    WastedTransactions(WastedTransactions),
    /// Something that is said with one word.
    Flag(Flagged),
}

/// How an expectation is written and read.
#[derive(Debug, Clone, Copy)]
pub struct ExpectationKind {
    /// The word it starts with.
    pub name: &'static str,
    /// What it says, in a line.
    pub about: &'static str,
    /// Every key it knows; none when its value is no map.
    pub keys: &'static [&'static str],
    pub(super) decode: fn(&View<'_>, &mut Scope<'_>) -> Option<Expect>,
}

/// Every expectation of the language.
pub const EXPECTATIONS: &[ExpectationKind] = &[
    invariant::KIND,
    responses::KIND,
    response_headers::KIND,
    not_reflected::KIND,
    answers::KIND,
    facilitator_calls::KIND,
    balances::KIND,
    counts::TRANSFERS,
    counts::EXECUTIONS,
    wasted::KIND,
    flags::NO_FRESH_402,
    flags::TERMS_FROM_SERVER,
    flags::NO_PAID_BYTES,
    flags::VERIFY_PREDICTS_SETTLE,
    flags::PAYER_IS_NOT_BLAMED,
    flags::SUPPORTED_IS_TRUE,
];

/// Reads every expectation; what is wrong is reported and left out.
pub(super) fn decode_expectations(view: &View<'_>, scope: &mut Scope<'_>) -> Vec<Expectation> {
    let Some(items) = view.as_list() else {
        return Vec::new();
    };
    if items.is_empty() {
        view.problem("is empty; a scenario that expects nothing proves nothing");
    }
    if items.len() > EXPECTATIONS_MAX {
        view.problem(format!("has more than {EXPECTATIONS_MAX} expectations"));
    }
    let numbered = items.iter().take(EXPECTATIONS_MAX).enumerate();
    numbered
        .filter_map(|(index, item)| decode_one(item, index + 1, scope))
        .collect()
}

fn decode_one(item: &View<'_>, number: usize, scope: &mut Scope<'_>) -> Option<Expectation> {
    let map = item.as_map()?;
    let grade = map
        .optional("grade")
        .and_then(|view| view.one_of(Grade::ALL));
    let why = map.optional_str("why").map(str::to_owned);
    let mut entries = map
        .entries()
        .filter(|(key, _, _)| !matches!(*key, "grade" | "why"));
    let Some((name, _, value)) = entries.next() else {
        item.problem(
            "expects nothing; an expectation is one word with its value, like `transfers: 1`",
        );
        return None;
    };
    for (extra, _, _) in entries {
        let message = format!(
            "`{extra}` stands beside `{name}`; start each expectation with its own `- `, or indent the keys of `{name}`"
        );
        map.problem_at_key(extra, &message);
    }
    let kind = find(&map, name)?;
    if !kind.keys.is_empty()
        && let Some(keys) = as_map_if_map(&value)
    {
        keys.unknown_keys(kind.keys);
    }
    Some(Expectation {
        number,
        line: item.position().line,
        grade: grade.unwrap_or(Grade::Fail),
        why,
        expect: (kind.decode)(&value, scope)?,
    })
}

fn find(map: &MapView<'_>, name: &str) -> Option<&'static ExpectationKind> {
    let found = EXPECTATIONS.iter().find(|kind| kind.name == name);
    if found.is_none() {
        let names: Vec<&str> = EXPECTATIONS.iter().map(|kind| kind.name).collect();
        let hint = match did_you_mean(name, names.iter().copied()) {
            hint if hint.is_empty() => format!("; expectations: {}", names.join(", ")),
            hint => hint,
        };
        map.problem_at_key(name, &format!("unknown expectation `{name}`{hint}"));
    }
    found
}

fn as_map_if_map<'a>(value: &View<'a>) -> Option<MapView<'a>> {
    matches!(value.node().kind, crate::config::yaml::NodeKind::Map(_))
        .then(|| value.as_map())
        .flatten()
}
