//! `wait`: lets time pass, or waits for something to happen.

use std::time::Duration;

use super::super::keys::{exactly_one, only_with};
use super::super::model::Role;
use super::super::scope::{NameKind, Scope};
use super::super::words::{Need, words};
use super::{ANY_ROLE, Endpoint, Step, StepKind};
use crate::config::yaml::{MapView, View};

/// How long a condition is waited for unless the step says so.
const WITHIN_DEFAULT: Duration = Duration::from_secs(10);
/// Numbers above this are mistakes.
const COUNT_MAX: u32 = 10_000;

words! {
    /// How far a facilitator call got.
    pub enum CallState {
        /// It arrived.
        Seen = "seen",
        /// A `hold` keeps it.
        Held = "held",
        /// It was answered, or its connection ended.
        Answered = "answered",
    }
}

/// What a `wait` step waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    /// This long, in real time.
    For(Duration),
    /// Until the condition holds; the step fails after `within`.
    Until {
        /// What must hold.
        condition: Condition,
        /// For how long it is waited at most.
        within: Duration,
    },
}

/// Something that happens; counts are from the start of the round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// `2 settle held`: so many calls (or more) got this far.
    Calls {
        /// How many.
        count: u32,
        /// Of which endpoint.
        of: Endpoint,
        /// How far.
        state: CallState,
    },
    /// `3 blocks`: so many blocks were mined since this step began.
    Blocks(u32),
    /// `NAME done`: every request of a `send` or `buy` is answered.
    Responses(String),
    /// `NAME done`, of a `call`.
    Answers(String),
    /// `NAME expired`: the chain's time has passed the payment's `validBefore`.
    Expired(String),
    /// `NAME settled`: a Transfer of the payment is on the ledger.
    Settled(String),
}

pub(super) const KIND: StepKind = StepKind {
    name: "wait",
    about: "waits for a time or until something happened",
    keys: &["for", "until", "within"],
    roles: ANY_ROLE,
    decode,
};

fn decode(map: &MapView<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let (key, view) = exactly_one(map, &["for", "until"])?;
    only_with(map, "within", "`until`", key == "until");
    if key == "for" {
        let time = view.as_positive_duration()?;
        scope.wait(time);
        return Some(Step::Wait(Wait::For(time)));
    }
    let within = map.optional_positive_duration("within");
    let condition = decode_condition(&view, scope)?;
    Some(Step::Wait(Wait::Until {
        condition,
        within: within.unwrap_or(WITHIN_DEFAULT),
    }))
}

fn decode_condition(view: &View<'_>, scope: &mut Scope<'_>) -> Option<Condition> {
    let text = view.as_non_empty_str()?;
    let words: Vec<&str> = text.split_whitespace().collect();
    match words[..] {
        [count, endpoint, state] => decode_calls(view, scope, count, endpoint, state),
        [count, "blocks" | "block"] => {
            scope.need(view, Need::Anvil, "waiting for blocks");
            decode_count(view, count).map(Condition::Blocks)
        }
        [name, "expired"] => {
            scope.need(view, Need::Chain, "waiting for the chain's time");
            let name = scope.refer_name(view, name, NameKind::Payment)?;
            Some(Condition::Expired(name.to_owned()))
        }
        [name, "settled"] => {
            scope.need(view, Need::Chain, "waiting for a Transfer");
            let name = scope.refer_name(view, name, NameKind::Payment)?;
            Some(Condition::Settled(name.to_owned()))
        }
        [name, "done"] if scope.is(name, NameKind::Answers) => {
            let name = scope.refer_name(view, name, NameKind::Answers)?;
            Some(Condition::Answers(name.to_owned()))
        }
        [name, "done"] => {
            let name = scope.refer_name(view, name, NameKind::Responses)?;
            Some(Condition::Responses(name.to_owned()))
        }
        _ => malformed(view),
    }
}

fn decode_calls(
    view: &View<'_>,
    scope: &Scope<'_>,
    count: &str,
    endpoint: &str,
    state: &str,
) -> Option<Condition> {
    if scope.role == Role::Server {
        scope.need(view, Need::Facilitator, "waiting for facilitator calls");
    }
    let of = word(Endpoint::ALL, endpoint);
    let state = word(CallState::ALL, state);
    let (Some(of), Some(state)) = (of, state) else {
        return malformed(view);
    };
    let count = decode_count(view, count)?;
    Some(Condition::Calls { count, of, state })
}

/// A number from 1 within a text.
pub(super) fn decode_count(view: &View<'_>, text: &str) -> Option<u32> {
    let count = text
        .parse()
        .ok()
        .filter(|count| (1..=COUNT_MAX).contains(count));
    if count.is_none() {
        view.problem(format!(
            "`{text}` is not a whole number from 1 to {COUNT_MAX}"
        ));
    }
    count
}

fn word<T: Copy>(all: &[(&str, T)], text: &str) -> Option<T> {
    let found = all.iter().find(|(word, _)| *word == text);
    found.map(|(_, value)| *value)
}

fn malformed(view: &View<'_>) -> Option<Condition> {
    view.problem(format!(
        "expected \"N verify|settle|supported seen|held|answered\", \"N blocks\", \"NAME done\", \"PAYMENT settled\" or \"PAYMENT expired\", found {}",
        view.node().describe()
    ));
    None
}
