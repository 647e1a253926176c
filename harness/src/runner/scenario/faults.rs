//! Faults and holds of the facilitator, as its control API takes them.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256};
use serde_json::{Map, Value, json};

use super::state::State;
use crate::scenario::steps::{
    Calls, CannedBody, Facilitator, Fault, Hold, HoldOn, Lie, Order, Select, Supported, Until,
};
use crate::scenario::{Case, Moment, OddBody, Stage, Step};

/// Where a redirect leads: a path that the facilitator does not have.
const NOWHERE: &str = "/x402-assay-nowhere/{endpoint}";
/// A hold that is told when to end waits this long at most, and takes this many calls.
const TOLD_MS: u64 = 30_000;
const TOLD_CALLS: u32 = 10_000;
/// Silence at most, in milliseconds: longer than any server waits.
const HANG_MS: u64 = 120_000;

/// Who is meant when a step names nobody: this run's payers, so that runs beside it are not disturbed.
pub(super) struct Names<'a> {
    pub(super) prefix: &'a str,
    pub(super) step: usize,
    pub(super) seed: u64,
    pub(super) payers: &'a BTreeSet<Address>,
}

/// The faults of one step, one for each payment it is about.
pub(super) fn fault_specs(step: &Facilitator, state: &State, names: &Names<'_>) -> Vec<Value> {
    let mut kinds = Vec::new();
    if let Some(delay) = step.delay.filter(|delay| !delay.is_zero()) {
        let when = if step.at == Stage::BeforeWork {
            "before"
        } else {
            "after"
        };
        let ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        kinds.push(json!({ "latency": { "delay_ms": ms, "when": when } }));
    }
    if let Some(fault) = &step.fault {
        kinds.push(fault_kind(fault, step));
    }
    let is_outage = step.fault == Some(Fault::Outage);
    let rules = if is_outage {
        vec![json!({})]
    } else {
        matches(step.on, &step.select, state, names)
    };
    let mut specs = Vec::new();
    for kind in kinds {
        for rule in &rules {
            specs.push(json!({
                "name": format!("{}.s{}.{}", names.prefix, names.step, specs.len()),
                "seed": names.seed,
                "match": rule,
                "fault": kind,
            }));
        }
    }
    specs
}

fn matches(on: Calls, select: &Select, state: &State, names: &Names<'_>) -> Vec<Value> {
    let mut rule = Map::new();
    let endpoint = match on {
        Calls::Verify => Some("verify"),
        Calls::Settle => Some("settle"),
        Calls::Supported => Some("supported"),
        Calls::Any => None,
    };
    if let Some(endpoint) = endpoint {
        rule.insert("endpoint".to_owned(), json!(endpoint));
    }
    if let Some(nth) = select.nth {
        rule.insert("nth".to_owned(), json!(u64::from(nth)));
    } else if let Some(times) = select.times {
        rule.insert("nth".to_owned(), json!(format!("1-{times}")));
    }
    if select.percent < 100 {
        let share = f64::from(select.percent) / 100.0;
        rule.insert("probability".to_owned(), json!(share));
    }
    // Nobody's authorization is in a call of /supported.
    if on != Calls::Supported {
        rule.insert(
            "payer".to_owned(),
            payers(select.payer.as_deref(), state, names),
        );
    }
    let nonces: Vec<B256> = select
        .payment
        .iter()
        .flat_map(|name| state.payment(name))
        .map(|payment| payment.nonce)
        .collect();
    if nonces.is_empty() {
        return vec![Value::Object(rule)];
    }
    let with = |nonce: B256| {
        let mut rule = rule.clone();
        rule.insert("authorization".to_owned(), json!(nonce));
        Value::Object(rule)
    };
    nonces.into_iter().map(with).collect()
}

fn payers(named: Option<&str>, state: &State, names: &Names<'_>) -> Value {
    let one = named
        .and_then(|name| state.payer(name))
        .map(|payer| payer.address());
    one.map_or_else(|| json!(names.payers), |address| json!(address))
}

fn fault_kind(fault: &Fault, step: &Facilitator) -> Value {
    let when = |stage: Stage| {
        if stage == Stage::BeforeWork {
            "before"
        } else {
            "after"
        }
    };
    match fault {
        Fault::Hang(stage) => json!({ "hang": { "max_ms": HANG_MS, "when": when(*stage) } }),
        Fault::Reset(moment) => json!({ "reset": { "when": match moment {
            Moment::BeforeWork => "before",
            Moment::AfterBroadcast => "after-broadcast",
            Moment::AfterMined => "after-mined",
            Moment::AfterWork => "before-answer",
            Moment::MidBody => "mid-body",
        } } }),
        Fault::Answer { status, body } => canned(*status, body, step),
        Fault::Lie(lie) => json!({ "lie": lie_of(*lie) }),
        Fault::Pending(times) => json!({ "pending": { "times": times } }),
        Fault::Redirect(status) => json!({ "redirect": { "status": status, "location": NOWHERE } }),
        Fault::Supported(what) => json!({ "supported": match what {
            Supported::NoKinds => json!({ "no_kinds": true }),
            Supported::EmptyKinds => json!({ "drop": ["*"] }),
            Supported::NoSigners => json!({ "no_signers": true }),
        } }),
        Fault::Outage => json!({ "outage": {} }),
    }
}

fn canned(status: u16, body: &CannedBody, step: &Facilitator) -> Value {
    let work = step.at == Stage::AfterWork;
    let with = |text: &str, content_type: &str| json!({ "status": { "status": status, "body": text, "content_type": content_type, "work": work } });
    match body {
        CannedBody::Refusal(reason) if status == 200 => {
            json!({ "lie": { "claim": false, "reason": reason, "work": work } })
        }
        CannedBody::Refusal(reason) => {
            let refusal = match step.on {
                Calls::Settle => {
                    json!({ "success": false, "errorReason": reason, "transaction": "", "network": "" })
                }
                _ => json!({ "isValid": false, "invalidReason": reason }),
            };
            with(&refusal.to_string(), "application/json")
        }
        CannedBody::Odd(odd) if status == 200 => {
            json!({ "body": { "case": odd.word(), "work": work } })
        }
        CannedBody::Odd(OddBody::Html) => with(
            "<!doctype html><title>trouble</title><h1>trouble</h1>",
            "text/html",
        ),
        CannedBody::Odd(OddBody::TextOk) => with("OK", "text/plain"),
        CannedBody::Odd(_) | CannedBody::Empty => with("", "application/json"),
    }
}

fn lie_of(lie: Lie) -> Value {
    match lie {
        Lie::Valid => json!({ "claim": true }),
        Lie::Invalid | Lie::Failure => json!({ "claim": false }),
        Lie::Success => json!({ "claim": true, "work": false }),
        Lie::RandomHash => json!({ "transaction": "random" }),
        Lie::ZeroHash => json!({ "transaction": "zero" }),
        Lie::EmptyHash => json!({ "transaction": "empty" }),
        Lie::NoHash => json!({ "transaction": "missing" }),
    }
}

/// The hold of a step, and whether a `release` ends it.
pub(super) fn hold_spec(step: &Hold, case: &Case, names: &Names<'_>) -> (String, Value, bool) {
    let name = format!("{}.s{}.hold", names.prefix, names.step);
    let (count, quiet_ms, order, told) = match step.until {
        Until::InFlight {
            count,
            or_quiet,
            release,
        } => {
            let ms = u64::try_from(or_quiet.as_millis()).unwrap_or(TOLD_MS);
            (count, ms.clamp(1, TOLD_MS), release, false)
        }
        Until::Told => (TOLD_CALLS, TOLD_MS, release_after(case, names.step), true),
    };
    let spec = json!({
        "name": name,
        "endpoint": match step.on { HoldOn::Verify => "verify", HoldOn::Settle => "settle" },
        "count": count,
        "or_quiet_ms": quiet_ms,
        "release": match order {
            Order::Together => "together",
            Order::SeededOrder => "seeded",
            Order::InOrder => "in-order",
        },
        "at": if step.at == Stage::BeforeWork { "arrival" } else { "answer" },
        "seed": names.seed,
        "match": { "payer": names.payers },
    });
    (name, spec, told)
}

/// The order the next `release` step wants: a hold is told it when it begins.
fn release_after(case: &Case, step: usize) -> Order {
    let later = case.steps.iter().filter(|later| later.number > step);
    let mut orders = later.filter_map(|later| match &later.step {
        Step::Release(release) => Some(release.order),
        _ => None,
    });
    orders.next().unwrap_or(Order::Together)
}
