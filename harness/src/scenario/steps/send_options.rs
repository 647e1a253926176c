//! How a `send` writes its requests and what it does with the answers.

use std::time::Duration;

use super::super::keys::{number, only_with};
use super::super::scope::Scope;
use super::super::words::{Encoding, Need, words};
use crate::config::yaml::{MapView, View};

/// The most attempts of one retrying request.
const ATTEMPTS_MAX: u32 = 10;
/// The most copies of a target.
pub(super) const REPLICAS_MAX: u32 = 16;

words! {
    /// What a client does when it is refused or hears nothing.
    pub enum RetryPolicy {
        /// Sends the same payment again after any answer but a 2xx, and after none.
        SamePayment = "same-payment",
        /// Takes the new challenge and signs a new payment for it, as most clients do on a 402.
        FreshPayment = "fresh-payment",
        /// Gives up waiting after `timeout` and sends the same payment again; an answer is final.
        AfterTimeout = "after-timeout",
    }
}

words! {
    /// How often and how the payment header appears.
    pub enum HeaderForm {
        /// Once, as usual.
        Once = "once",
        /// On two lines.
        Twice = "twice",
        /// On one line, joined by a comma.
        Joined = "joined",
    }
}

words! {
    /// What is sent as the request's body instead of the route's own.
    pub enum BodyForm {
        /// Nothing, with a length of 0.
        Empty = "empty",
        /// The route's body (or a JSON object) cut in the middle.
        Truncated = "truncated",
        /// The route's body typed `text/plain; charset=utf-7`.
        WrongCharset = "wrong-charset",
        /// A JSON-RPC batch: the route's body twice in a list.
        Batch = "batch",
        /// The route's body with one more member.
        Other = "other",
    }
}

/// How a client tries again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// What it sends.
    pub policy: RetryPolicy,
    /// How many requests in all, the first one counted.
    pub attempts: u32,
    /// The pause before each further attempt.
    pub backoff: Duration,
    /// After this it stops waiting for an answer.
    pub timeout: Option<Duration>,
}

/// How the payments of a `send` are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encode {
    /// All in this way.
    With(Encoding),
    /// The first as usual, then each copy in the next of the eight ways, over and over.
    Each,
}

/// Which copy of the target is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Replica {
    /// The first.
    #[default]
    First,
    /// This one, from 1.
    Number(u32),
    /// Copy by copy, in turn.
    Spread,
}

pub(super) fn decode_retry(view: &View<'_>) -> Option<Retry> {
    let map = view.as_map()?;
    map.unknown_keys(&["policy", "attempts", "backoff", "timeout"]);
    let policy = map
        .required("policy")
        .and_then(|view| view.one_of(RetryPolicy::ALL));
    let attempts = map
        .optional("attempts")
        .map_or(Some(2), |view| number(&view, 2..=ATTEMPTS_MAX));
    let backoff = map.optional_duration("backoff").unwrap_or_default();
    let timeout = map.optional_positive_duration("timeout");
    if policy == Some(RetryPolicy::AfterTimeout) && map.optional("timeout").is_none() {
        view.problem("the policy `after-timeout` needs `timeout`, for example 2s");
    }
    Some(Retry {
        policy: policy?,
        attempts: attempts?,
        backoff,
        timeout,
    })
}

pub(super) fn decode_encode(view: &View<'_>) -> Option<Encode> {
    let each = std::iter::once(("each", Encode::Each));
    let ways = Encoding::ALL
        .iter()
        .map(|(word, way)| (*word, Encode::With(*way)));
    view.one_of(&each.chain(ways).collect::<Vec<_>>())
}

pub(super) fn decode_replica(view: &View<'_>, scope: &Scope<'_>) -> Option<Replica> {
    scope.need(view, Need::Replicas, "`replica`");
    if view.as_text()? == "spread" {
        return Some(Replica::Spread);
    }
    number(view, 1..=REPLICAS_MAX).map(Replica::Number)
}

/// The header's form and the second payment it carries.
pub(super) fn decode_header(map: &MapView<'_>) -> HeaderForm {
    let form = map
        .optional("header")
        .and_then(|view| view.one_of(HeaderForm::ALL))
        .unwrap_or(HeaderForm::Once);
    only_with(
        map,
        "also",
        "`header: twice` or `header: joined`",
        form != HeaderForm::Once,
    );
    form
}
