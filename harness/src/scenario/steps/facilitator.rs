//! `facilitator`: faults of the bench's facilitator.

use std::time::Duration;

use super::super::keys::{at_most_one, never_beside, number, only_with};
use super::super::scope::Scope;
use super::super::value::status;
use super::super::words::{Moment, Need, OddBody, Stage, words};
use super::hold::stage;
use super::{ONLY_SERVER, Select, Step, StepKind};
use crate::config::yaml::{MapView, View};

words! {
    /// Which calls a fault strikes.
    pub enum Calls {
        /// Calls of `/verify`.
        Verify = "verify",
        /// Calls of `/settle`.
        Settle = "settle",
        /// Calls of `/supported`.
        Supported = "supported",
        /// Every call.
        Any = "any",
    }
}

words! {
    /// An untrue answer; such authorizations are booked `faulted`.
    pub enum Lie {
        /// Verify says valid, whatever it is.
        Valid = "valid",
        /// Verify says invalid, whatever it is.
        Invalid = "invalid",
        /// Settle says success and moves nothing.
        Success = "success",
        /// Settle moves the money and says it failed.
        Failure = "failure",
        /// Settle is true but for its hash, which is no transaction's.
        RandomHash = "random-hash",
        /// Settle is true but for its hash, which is all zeros.
        ZeroHash = "zero-hash",
        /// Settle is true but for its hash, which is an empty text.
        EmptyHash = "empty-hash",
        /// Settle is true, without its hash.
        NoHash = "no-hash",
    }
}

words! {
    /// What `/supported` leaves out.
    pub enum Supported {
        /// There is no `kinds` at all.
        NoKinds = "no-kinds",
        /// `kinds` is empty.
        EmptyKinds = "empty-kinds",
        /// There is no `signers`.
        NoSigners = "no-signers",
    }
}

/// From this step on matching calls are treated like this, until `clear_faults` or the end of the round. Several such
/// steps add up: delays add, of several faults the latest that matches strikes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facilitator {
    /// Which calls.
    pub on: Calls,
    /// Which of them.
    pub select: Select,
    /// Whether the delay comes, or the canned answer is given, before or after the work.
    pub at: Stage,
    /// The answer comes so much later.
    pub delay: Option<Duration>,
    /// What goes wrong besides.
    pub fault: Option<Fault>,
}

/// What goes wrong with a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It gets so far and is then never answered.
    Hang(Stage),
    /// At this moment the connection is reset.
    Reset(Moment),
    /// At the step's stage it is answered with this.
    Answer {
        /// The status.
        status: u16,
        /// The body.
        body: CannedBody,
    },
    /// An untrue answer.
    Lie(Lie),
    /// `settlement_pending` with the transaction's hash so many times, each for the same authorization, then the truth.
    Pending(u32),
    /// A redirect with this status to a place that answers nothing.
    Redirect(u16),
    /// `/supported` leaves something out.
    Supported(Supported),
    /// The facilitator is away: every connection is refused or reset.
    Outage,
}

/// A body that is not the truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CannedBody {
    /// None.
    Empty,
    /// A well-formed refusal with this reason.
    Refusal(String),
    /// An odd body; where nothing was done, made from the answer of a good call.
    Odd(OddBody),
}

/// Keys of which at most one stands in a step; `status` goes with `refuse` and `body`.
const FAULTS: [&str; 10] = [
    "hang",
    "reset",
    "status",
    "body",
    "refuse",
    "lie",
    "pending",
    "redirect",
    "supported",
    "outage",
];
/// The keys of a canned answer.
const CANNED: [&str; 3] = ["status", "body", "refuse"];

pub(super) const KIND: StepKind = StepKind {
    name: "facilitator",
    about: "makes the bench's facilitator slow, silent, wrong or away for matching calls",
    keys: &[
        "on",
        "nth",
        "times",
        "percent",
        "payer",
        "payment",
        "delay",
        "at",
        "hang",
        "reset",
        "status",
        "body",
        "refuse",
        "lie",
        "pending",
        "redirect",
        "supported",
        "outage",
    ],
    roles: ONLY_SERVER,
    decode,
};

fn decode(map: &MapView<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    scope.need(map.view(), Need::Facilitator, "`facilitator`");
    let on = decode_on(map);
    let select = Select::decode(map, scope);
    let fault = decode_fault(map, on.unwrap_or(Calls::Any));
    let given = |keys: &[&str]| keys.iter().any(|key| map.optional(key).is_some());
    let staged = given(&CANNED) || given(&["delay"]);
    only_with(map, "at", "`delay`, `status`, `body` or `refuse`", staged);
    if !given(&FAULTS) && !given(&["delay"]) {
        let keys = FAULTS.join(", ");
        map.view()
            .problem(format!("injects nothing; give one of {keys}, delay"));
    }
    Some(Step::Facilitator(Facilitator {
        on: on?,
        select,
        at: stage(map),
        delay: map.optional_duration("delay"),
        fault,
    }))
}

fn decode_on(map: &MapView<'_>) -> Option<Calls> {
    let outage = map.optional("outage").is_some();
    never_beside(map, "on", "`outage`, which strikes every call", outage);
    if outage {
        return Some(Calls::Any);
    }
    map.required("on")?.one_of(Calls::ALL)
}

fn decode_fault(map: &MapView<'_>, on: Calls) -> Option<Fault> {
    if CANNED.iter().any(|key| map.optional(key).is_some()) {
        return decode_answer(map, on);
    }
    let (key, view) = at_most_one(map, &FAULTS)??;
    match key {
        "hang" => view.one_of(Stage::ALL).map(Fault::Hang),
        "reset" => decode_reset(&view, on).map(Fault::Reset),
        "lie" => decode_lie(&view, on).map(Fault::Lie),
        "pending" => {
            only_on(&view, on, Calls::Settle);
            number(&view, 1..=100).map(Fault::Pending)
        }
        "redirect" => decode_redirect(&view).map(Fault::Redirect),
        "supported" => {
            only_on(&view, on, Calls::Supported);
            view.one_of(Supported::ALL).map(Fault::Supported)
        }
        _ => {
            let away = view.as_bool()?;
            if !away {
                view.problem("is true or absent");
            }
            away.then_some(Fault::Outage)
        }
    }
}

/// Status, body or both, in place of the truth.
fn decode_answer(map: &MapView<'_>, on: Calls) -> Option<Fault> {
    for key in FAULTS.iter().filter(|key| !CANNED.contains(key)) {
        never_beside(map, key, "`status`, `body` or `refuse`", true);
    }
    let body = match at_most_one(map, &["body", "refuse"])? {
        Some(("body", view)) => view.one_of(OddBody::ALL).map(CannedBody::Odd),
        Some((_, view)) => {
            if matches!(on, Calls::Supported | Calls::Any) {
                view.problem("a refusal is an answer to verify or settle; say which with `on`");
            }
            let reason = view.as_non_empty_str();
            reason.map(|reason| CannedBody::Refusal(reason.to_owned()))
        }
        None => Some(CannedBody::Empty),
    };
    let status = match map.optional("status") {
        Some(view) => status(&view, 200),
        None => Some(200),
    };
    Some(Fault::Answer {
        status: status?,
        body: body?,
    })
}

/// Only settle broadcasts and mines.
fn decode_reset(view: &View<'_>, on: Calls) -> Option<Moment> {
    let moment = view.one_of(Moment::ALL)?;
    let of_settle = matches!(moment, Moment::AfterBroadcast | Moment::AfterMined);
    if of_settle && on != Calls::Settle {
        view.problem(format!(
            "`{}` exists only for settle; here stands before-work, after-work or mid-body",
            moment.word()
        ));
        return None;
    }
    Some(moment)
}

fn decode_lie(view: &View<'_>, on: Calls) -> Option<Lie> {
    let lie = view.one_of(Lie::ALL)?;
    let told_by = match lie {
        Lie::Valid | Lie::Invalid => Calls::Verify,
        _ => Calls::Settle,
    };
    only_on(view, on, told_by);
    Some(lie)
}

fn only_on(view: &View<'_>, on: Calls, wanted: Calls) {
    if on != wanted {
        let word = wanted.word();
        view.problem(format!("is about {word} calls; write `on: {word}`"));
    }
}

fn decode_redirect(view: &View<'_>) -> Option<u16> {
    let code = view.as_u64(300..=399)?;
    if ![301, 302, 303, 307, 308].contains(&code) {
        view.problem("a redirect is 301, 302, 303, 307 or 308");
        return None;
    }
    u16::try_from(code).ok()
}
