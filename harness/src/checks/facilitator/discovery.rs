//! Section P: discovery.

use serde_json::Value;
use x402_assay_protocol::Version;

use super::asked::{ROW, calls, each, evidence, untried};
use crate::checks::check::{Check, Grade, Level, V2};
use crate::checks::judged::Judged;
use crate::checks::outcome::Outcome;
use crate::history::DirectCall;

const ALL: &str = "discovery/all";

pub(super) const THERE: Check = Check {
    id: "FAC-DISC-001",
    title: "Whether there is a list of resources",
    requirement: "`/discovery/resources` is optional.",
    observe: "GET /discovery/resources.",
    good: "200, 404 or 501",
    bad: "nothing: it is recorded",
    source: "x402 specification, section 8",
    level: Level::Open,
    grade: Grade::Info,
    probes: &[ALL],
    judge: there,
    cause: "nothing to correct",
    fix: "nothing to do",
    tags: &["facilitator", "discovery"],
    ..ROW
};

pub(super) const SHAPE: Check = Check {
    id: "FAC-DISC-002",
    title: "The list has its documented shape",
    requirement: "The answer holds x402Version, items and pagination with limit, offset and total.",
    observe: "The answer, where there is a list.",
    good: "{\"x402Version\": 2, \"items\": [], \"pagination\": {\"limit\": 20, \"offset\": 0, \"total\": 0}}",
    bad: "a bare array",
    source: "x402 specification, section 8.1",
    grade: Grade::Warn,
    judge: shape,
    cause: "the list is written without its frame",
    fix: "add x402Version and pagination",
    ..THERE
};

pub(super) const PAGES: Check = Check {
    id: "FAC-DISC-003",
    title: "limit and offset are honoured",
    requirement: "The default limit is 20, 1 to 100 are taken, and offset skips.",
    observe: "The list without a query, with limit=1, with limit=100, and with limit=1&offset=1.",
    good: "at most one item for limit=1, another one for offset=1",
    bad: "the whole list each time",
    source: "x402 specification, section 8.1",
    grade: Grade::Warn,
    judge: pages,
    cause: "the query is not read",
    fix: "read limit and offset, and say in pagination what was used",
    ..THERE
};

pub(super) const ITEMS: Check = Check {
    id: "FAC-DISC-004",
    title: "Items carry what clients need",
    requirement: "Each item has resource, type, x402Version, accepts and lastUpdated (a number or an ISO time).",
    observe: "Every item of the list.",
    good: "{\"resource\": \"https://...\", \"type\": \"http\", \"x402Version\": 2, \"accepts\": [...], \"lastUpdated\": \"2026-01-01T00:00:00Z\"}",
    bad: "an item without accepts",
    source: "x402 specification, section 8.2",
    grade: Grade::Warn,
    judge: items,
    cause: "an internal record is passed on",
    fix: "write the five members for each item",
    ..THERE
};

pub(super) const BAD_INFO: Check = Check {
    id: "FAC-DISC-005",
    title: "Information that fails its schema is not listed",
    requirement: "Bazaar information that fails its schema is not catalogued as given.",
    observe: "A payment whose `bazaar` information fails its own schema is settled; then the list. Tried where /supported names bazaar.",
    good: "the resource is not listed, or without that information",
    bad: "it is listed with the information that fails",
    source: "bazaar, \"Facilitator Behavior\"",
    versions: V2,
    level: Level::Must,
    grade: Grade::Warn,
    probes: &["supported"],
    judge: bad_info,
    cause: "the information is not validated",
    fix: "validate info against schema before cataloguing",
    killed_by: &["bazaar-lists-anything"],
    ..THERE
};

pub(super) const RESPONSES: Check = Check {
    id: "FAC-DISC-006",
    title: "What EXTENSION-RESPONSES says",
    requirement: "The header, where it is sent, decodes to an object whose bazaar.status is success, processing or rejected.",
    observe: "The header EXTENSION-RESPONSES of every answer.",
    good: "{\"bazaar\": {\"status\": \"processing\"}}",
    bad: "nothing: it is recorded",
    source: "bazaar",
    versions: V2,
    level: Level::Open,
    grade: Grade::Info,
    probes: &["supported"],
    judge: responses,
    ..THERE
};

pub(super) const FETCHES: Check = Check {
    id: "FAC-DISC-007",
    title: "A schema's references are not fetched",
    requirement: "An external `$ref` or `$id` in a bazaar schema is not fetched.",
    observe: "The schema of a settled payment refers to a document on a port of the bench. Tried where /supported names bazaar.",
    good: "nobody connects",
    bad: "the document is fetched: a stranger chooses which URLs the facilitator opens",
    source: "newer bazaar text: MUST NOT",
    versions: V2,
    level: Level::Must,
    grade: Grade::Fail,
    probes: &["supported"],
    judge: fetches,
    cause: "the validator resolves references over the network",
    fix: "turn remote references off in the validator",
    tags: &["facilitator", "discovery", "CWE-918"],
    killed_by: &["bazaar-fetches-schemas"],
    ..THERE
};

/// Number of settled payments with bad information, and of the probe that lists afterwards.
const BAD: &str = "settle/bazaar-bad";
const LISTED: &str = "bazaar/listed";

fn body<'f>(call: &DirectCall<'f, '_>) -> Option<&'f Value> {
    let body = call.exchange.body_json().filter(|body| body.is_object())?;
    call.exchange.is_success().then_some(body)
}

fn with_list(
    judged: &Judged<'_, '_>,
    version: Version,
    judge: impl Fn(&DirectCall<'_, '_>, &Value) -> Outcome,
) -> Outcome {
    each(judged, version, ALL, |call| match body(call) {
        Some(body) => judge(call, body),
        None => Outcome::skipped(format!("there is no list: {}", call.exchange.ending())),
    })
}

fn items_of(body: &Value) -> &[Value] {
    let items = body.get("items").and_then(Value::as_array);
    items.map(Vec::as_slice).unwrap_or_default()
}

fn there(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    each(judged, version, ALL, |call| {
        let text = match body(call) {
            Some(body) => format!("there is a list with {} items", items_of(body).len()),
            None => format!("there is none: {}", call.exchange.ending()),
        };
        Outcome::info(text, evidence(call))
    })
}

fn shape(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    with_list(judged, version, |call, body| {
        let mut missing = Vec::new();
        if !body.get("x402Version").is_some_and(Value::is_number) {
            missing.push("x402Version".to_owned());
        }
        if !body.get("items").is_some_and(Value::is_array) {
            missing.push("items".to_owned());
        }
        for name in ["limit", "offset", "total"] {
            let value = body.pointer(&format!("/pagination/{name}"));
            if !value.is_some_and(Value::is_number) {
                missing.push(format!("pagination.{name}"));
            }
        }
        match missing.is_empty() {
            true => Outcome::pass("version, items and pagination", evidence(call)),
            false => Outcome::warn(format!("no {}", missing.join(", no ")), evidence(call)),
        }
    })
}

fn pages(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let found = |probe: &'static str| -> Option<(DirectCall<'_, '_>, Value)> {
        let call = calls(judged, version, probe).next()?;
        let body = body(&call)?.clone();
        Some((call, body))
    };
    with_list(judged, version, |call, whole| {
        let mut outcome = Outcome::new();
        let limit = whole.pointer("/pagination/limit").and_then(Value::as_u64);
        if let Some(limit) = limit.filter(|limit| *limit != 20) {
            let text = format!("the default limit is {limit}, not 20");
            outcome.add(Outcome::warn(text, evidence(call)));
        }
        let Some((one, first)) = found("discovery/one") else {
            let asked = calls(judged, version, "discovery/one").next();
            let pieces = asked.map_or_else(|| evidence(call), |asked| evidence(&asked));
            return outcome.merge(Outcome::warn("limit=1 is not taken", pieces));
        };
        match items_of(&first).len() {
            0 | 1 => outcome.add(Outcome::pass("limit=1 is honoured", evidence(&one))),
            more => {
                let text = format!("{more} items for limit=1");
                outcome.add(Outcome::warn(text, evidence(&one)));
            }
        }
        if found("discovery/hundred").is_none()
            && let Some(asked) = calls(judged, version, "discovery/hundred").next()
        {
            outcome.add(Outcome::warn("limit=100 is not taken", evidence(&asked)));
        }
        if let Some((second, other)) = found("discovery/second")
            && let (Some(first), Some(next)) = (items_of(&first).first(), items_of(&other).first())
            && first == next
        {
            outcome.add(Outcome::warn("offset=1 skips nothing", evidence(&second)));
        }
        outcome
    })
}

fn items(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    with_list(judged, version, |call, body| {
        let mut lacking = Vec::new();
        for (place, item) in items_of(body).iter().enumerate() {
            let is = |name: &str, is: fn(&Value) -> bool| item.get(name).is_some_and(is);
            let mut missing = Vec::new();
            for name in ["resource", "type"] {
                if !is(name, Value::is_string) {
                    missing.push(name);
                }
            }
            if !is("x402Version", Value::is_number) {
                missing.push("x402Version");
            }
            if !is("accepts", Value::is_array) {
                missing.push("accepts");
            }
            if !is("lastUpdated", |value| {
                value.is_number() || value.is_string()
            }) {
                missing.push("lastUpdated");
            }
            if !missing.is_empty() && lacking.len() < 3 {
                lacking.push(format!("items[{place}] lacks {}", missing.join(", ")));
            }
        }
        match (items_of(body).is_empty(), lacking.is_empty()) {
            (true, _) => Outcome::skipped("the list is empty"),
            (false, true) => Outcome::pass("every item is whole", evidence(call)),
            (false, false) => Outcome::warn(lacking.join("; "), evidence(call)),
        }
    })
}

fn bad_info(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let sent = calls(judged, version, BAD).next();
    let Some(sent) = sent else {
        return untried(judged, version, LISTED);
    };
    each(judged, version, LISTED, |call| {
        let Some(body) = body(call) else {
            return Outcome::skipped(format!("there is no list: {}", call.exchange.ending()));
        };
        // Only the bad information has this method.
        let shown = items_of(body).iter().any(|item| {
            let text = item.to_string();
            text.contains("\"never-there\"") || text.contains("\"method\":7")
        });
        let mut pieces = evidence(&sent);
        pieces.extend(evidence(call));
        match shown {
            true => Outcome::warn("information that fails its schema is listed", pieces),
            false => Outcome::pass("it is not listed as given", pieces),
        }
    })
}

fn responses(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let ours = judged.facts.exchanges.iter();
    let ours = ours.filter(|exchange| exchange.version() == Some(version));
    let outcome: Outcome = ours
        .filter_map(|exchange| {
            let value = exchange.header("extension-responses")?;
            let decoded = x402_assay_protocol::header::decode(value.as_bytes());
            let value = match decoded {
                Ok(decoded) => decoded.value,
                Err(_) => serde_json::from_str(value).unwrap_or(Value::Null),
            };
            let status = value.pointer("/bazaar/status").and_then(Value::as_str);
            let text = match status {
                Some(status @ ("success" | "processing" | "rejected")) => {
                    format!("bazaar.status {status}")
                }
                _ => "a header that is no object with a known bazaar.status".to_owned(),
            };
            Some(Outcome::info(text, vec![exchange.evidence()]))
        })
        .collect();
    outcome.or_skipped("no answer has the header EXTENSION-RESPONSES")
}

fn fetches(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let Some(sent) = calls(judged, version, BAD).next() else {
        return untried(judged, version, LISTED);
    };
    let mut notes = judged.facts.notes.iter();
    match notes.find(|(probe, _)| *probe == Some("bazaar/fetched")) {
        Some((_, url)) => Outcome::given(format!("{url} was fetched"), evidence(&sent)),
        None => Outcome::pass("nobody fetched the document", evidence(&sent)),
    }
}
