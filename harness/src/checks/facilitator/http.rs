//! Section P: HTTP around the two endpoints.

use std::collections::BTreeMap;

use x402_assay_protocol::Version;
use x402_mock_facilitator::event::Endpoint;

use super::asked::{
    ROW, Said, all_at, calls, each, evidence, is_cut, said, told, unjudgeable, wrong,
};
use crate::checks::check::{Check, Grade, Level};
use crate::checks::judged::Judged;
use crate::checks::leaks::leak;
use crate::checks::outcome::Outcome;
use crate::history::DirectCall;

pub(super) const PATHS: Check = Check {
    id: "FAC-HTTP-001",
    title: "verify and settle stand under one base",
    requirement: "POST with JSON is taken at `/verify` and `/settle` under a common base path.",
    observe: "The good payments.",
    good: "both answer with a verdict",
    bad: "404 or 405 from one of them",
    source: "x402 specification, section 7",
    probes: &["verify/good"],
    judge: paths,
    cause: "the base URL is that of a page, or one of the routes is missing",
    fix: "serve both under the URL that servers are given",
    killed_by: &["settle-not-found"],
    ..ROW
};

pub(super) const NEGATIVES: Check = Check {
    id: "FAC-HTTP-002",
    title: "A refusal has the shape of a verdict",
    requirement: "Which status a negative result has is left open (200, 4xx and 500 are in use); its body holds the verdict.",
    observe: "Status and body of every refused payment; unsupported schemes, networks and versions aside.",
    good: "200 or 400 with {\"isValid\": false, ...}",
    bad: "500 with {\"error\": \"...\"}: clients cannot tell a refusal from trouble",
    source: "x402 specification, section 7 (bodies only)",
    level: Level::Open,
    grade: Grade::Warn,
    probes: &["verify/signature-flipped"],
    judge: negatives,
    cause: "a refusal is thrown as an error and caught by the web framework",
    fix: "answer isValid false or success false with its reason, whatever the status",
    killed_by: &["refusals-are-errors"],
    ..ROW
};

pub(super) const PARTS: Check = Check {
    id: "FAC-HTTP-003",
    title: "A request without its parts is refused as such",
    requirement: "A body without paymentPayload or paymentRequirements gets a status of the 400 class, and no positive verdict.",
    observe: "Each part left out, and an empty object, at both endpoints.",
    good: "400, 422, or 200 with isValid false",
    bad: "500; or isValid true",
    source: "SDK samples",
    level: Level::Sdk,
    grade: Grade::Warn,
    probes: &["http/verify/no-payload"],
    judge: parts,
    cause: "the parts are used before they are looked for",
    fix: "check for both first, and answer 400 with the reason",
    tags: &["facilitator", "CWE-248"],
    killed_by: &["malformed-is-500", "missing-parts-are-valid"],
    ..ROW
};

pub(super) const JSON: Check = Check {
    id: "FAC-HTTP-004",
    title: "A body that is no JSON is refused as such",
    requirement: "A body that cannot be parsed gets a status of the 400 class.",
    observe: "Half an object, at both endpoints.",
    good: "400",
    bad: "500, or a closed connection",
    source: "SDK samples",
    level: Level::Sdk,
    grade: Grade::Warn,
    probes: &["http/verify/not-json"],
    judge: json,
    cause: "the parser's error is not caught",
    fix: "answer 400 with the reason",
    tags: &["facilitator", "CWE-248"],
    killed_by: &["malformed-is-500"],
    ..ROW
};

pub(super) const OUTER: Check = Check {
    id: "FAC-HTTP-005",
    title: "What becomes of the outer x402Version",
    requirement: "Whether the version beside the two parts is looked at is left open.",
    observe: "A good payment without it, and with the other version.",
    good: "either verdict",
    bad: "nothing: it is recorded",
    source: "SDK facilitators (they ignore it)",
    level: Level::Open,
    grade: Grade::Info,
    probes: &["http/no-outer-version"],
    judge: |judged, version| {
        endings(
            judged,
            version,
            &["http/no-outer-version", "http/other-outer-version"],
        )
    },
    cause: "nothing to correct",
    fix: "nothing to do",
    ..ROW
};

pub(super) const TYPE: Check = Check {
    id: "FAC-HTTP-006",
    title: "Answers say that they are JSON",
    requirement: "Verdicts and /supported have the content type application/json.",
    observe: "Content-Type of every answer that holds a verdict, and of /supported.",
    good: "application/json; charset=utf-8",
    bad: "text/plain",
    source: "the bodies are JSON",
    level: Level::Derived,
    grade: Grade::Warn,
    probes: &["verify/good"],
    judge: content_type,
    cause: "the body is written as a text",
    fix: "set Content-Type: application/json",
    killed_by: &["answers-as-text"],
    ..ROW
};

pub(super) const OTHER: Check = Check {
    id: "FAC-HTTP-007",
    title: "What other methods and paths get",
    requirement: "Nothing is written about GET on verify and settle, and about unknown paths.",
    observe: "GET /verify, GET /settle, and a path that nobody has.",
    good: "405, 404, or a help text",
    bad: "nothing: it is recorded",
    source: "silent",
    level: Level::Open,
    grade: Grade::Info,
    probes: &["http/get-verify"],
    judge: |judged, version| {
        endings(
            judged,
            version,
            &["http/get-verify", "http/get-settle", "http/unknown-path"],
        )
    },
    cause: "nothing to correct",
    fix: "nothing to do",
    ..ROW
};

pub(super) const BOUNDED: Check = Check {
    id: "FAC-HTTP-008",
    title: "A slow node does not hold answers for ever",
    requirement: "Verify answers in bounded time when its node is slow.",
    observe: "Every answer of the node comes 300 ms late while a good payment is verified.",
    good: "an answer within a few seconds",
    bad: "none within the run's time-out, or after more than ten seconds",
    source: "follows from servers waiting for it",
    level: Level::Derived,
    grade: Grade::Warn,
    probes: &["verify/slow-node"],
    judge: bounded,
    cause: "many calls to the node one after the other, or retries without end",
    fix: "batch what is read (multicall), and set a time-out on the whole verification",
    tags: &["facilitator", "CWE-770"],
    killed_by: &["slow-node-asked-again"],
    ..ROW
};

pub(super) const SECRETS: Check = Check {
    id: "FAC-HTTP-009",
    title: "Answers give nothing of the inside away",
    requirement: "No key, no address of a node with its credentials, no stack trace is in any answer.",
    observe: "Every answer of the run.",
    good: "{\"error\": \"invalid_payload\"}",
    bad: "a stack trace, or the URL of the RPC provider with its key",
    source: "follows from answers being public",
    level: Level::Derived,
    grade: Grade::Warn,
    probes: &["supported"],
    judge: secrets,
    cause: "errors are passed on as they are caught",
    fix: "log the error, answer its code",
    tags: &["facilitator", "CWE-209"],
    killed_by: &["errors-tell-traces"],
    ..ROW
};

/// Longest answer under a slow node.
const SLOW_US: u64 = 10_000_000;

fn paths(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let probes = ["verify/good", "settle/good"];
    let outcome: Outcome = probes
        .iter()
        .map(|probe| {
            each(judged, version, probe, |call| {
                if let Some(outcome) = unjudgeable(call) {
                    return outcome;
                }
                match (call.exchange.status(), said(call)) {
                    (Some(404 | 405 | 410 | 501), Said::Error) => Outcome::fail(
                        format!("{probe}: {}", call.exchange.ending()),
                        evidence(call),
                    ),
                    _ => Outcome::pass(
                        format!("{probe}: {}", call.exchange.ending()),
                        evidence(call),
                    ),
                }
            })
        })
        .collect();
    outcome
}

/// Unsupported schemes, networks and versions may be errors (SDK routers throw); so may what is malformed.
fn must_be_verdict(class: &str) -> bool {
    !["scheme", "network", "version", "malformed"].contains(&class)
}

fn negatives(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let mut outcome = Outcome::new();
    let mut statuses: BTreeMap<(&str, u16), (usize, Vec<_>)> = BTreeMap::new();
    for case in wrong(version) {
        let crate::client::facilitator::Meant::Refused(class) = case.meant else {
            continue;
        };
        if !must_be_verdict(class) {
            continue;
        }
        for endpoint in ["verify", "settle"] {
            let probe = format!("{endpoint}/{}", case.name);
            for exchange in judged.facts.probe(version, &probe) {
                let Some(call) = DirectCall::of(exchange) else {
                    continue;
                };
                let (what, status) = (said(&call), exchange.status().unwrap_or_default());
                match what {
                    Said::No => {
                        let entry = statuses.entry((endpoint, status)).or_default();
                        entry.0 += 1;
                        entry.1.extend(evidence(&call));
                    }
                    Said::Error if matches!(status, 404 | 405) => {}
                    Said::Error => outcome.add(Outcome::warn(
                        format!(
                            "{endpoint}: HTTP {status} without a verdict for a refused payment"
                        ),
                        evidence(&call),
                    )),
                    Said::Yes | Said::Nothing | Said::Trouble => {}
                }
            }
        }
    }
    if outcome.is_empty() && !statuses.is_empty() {
        let texts: Vec<String> = statuses
            .iter()
            .map(|((endpoint, status), (count, _))| format!("{endpoint} {status} ({count})"))
            .collect();
        let pieces = statuses
            .into_values()
            .flat_map(|(_, pieces)| pieces)
            .collect();
        return Outcome::info(format!("refusals: {}", texts.join(", ")), pieces);
    }
    outcome.or_skipped("nothing was refused")
}

fn parts(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let names = ["no-payload", "no-requirements", "empty-object"];
    odd_bodies(judged, version, &names)
}

fn json(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    odd_bodies(judged, version, &["not-json"])
}

fn odd_bodies(judged: &Judged<'_, '_>, version: Version, names: &[&str]) -> Outcome {
    let mut outcome = Outcome::new();
    for name in names {
        for endpoint in ["verify", "settle"] {
            let probe = format!("http/{endpoint}/{name}");
            outcome.add(each(judged, version, &probe, odd_body));
        }
    }
    outcome
}

fn odd_body(call: &DirectCall<'_, '_>) -> Outcome {
    let probe = call.exchange.probe();
    if is_cut(call.exchange) {
        let text = format!("{probe}: {}", call.exchange.ending());
        return Outcome::warn(text, evidence(call));
    }
    if let Some(outcome) = unjudgeable(call) {
        return outcome;
    }
    match (said(call), call.exchange.status()) {
        (Said::Yes, _) => Outcome::fail(format!("{probe}: a positive verdict"), evidence(call)),
        (_, Some(500..)) => Outcome::warn(format!("{probe}: {}", told(call)), evidence(call)),
        _ => Outcome::info(format!("{probe}: {}", told(call)), evidence(call)),
    }
}

fn endings(judged: &Judged<'_, '_>, version: Version, probes: &[&str]) -> Outcome {
    let judge = |call: &DirectCall<'_, '_>| {
        let text = format!("{}: {}", call.exchange.probe(), told(call));
        Outcome::info(text, evidence(call))
    };
    let found = probes.iter().flat_map(|probe| {
        let exchanges = judged.facts.probe(version, probe);
        exchanges
            .filter_map(DirectCall::of)
            .map(|call| judge(&call))
            .collect::<Vec<_>>()
    });
    let outcome: Outcome = found.collect();
    outcome.or_skipped("no such request was sent")
}

fn content_type(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let verdicts = [Endpoint::Verify, Endpoint::Settle]
        .into_iter()
        .flat_map(|endpoint| all_at(judged, version, endpoint).collect::<Vec<_>>())
        .filter(|call| matches!(said(call), Said::Yes | Said::No));
    let supported = calls(judged, version, "supported").filter(|call| call.exchange.is_success());
    let outcome: Outcome = verdicts
        .chain(supported)
        .map(|call| {
            let kind = call.exchange.header("content-type").unwrap_or_default();
            let media = kind.split(';').next().unwrap_or_default().trim();
            let is_json =
                media.eq_ignore_ascii_case("application/json") || media.ends_with("+json");
            match is_json {
                true => Outcome::pass("application/json", evidence(&call)),
                false => Outcome::warn(format!("Content-Type {kind:?} on JSON"), evidence(&call)),
            }
        })
        .collect();
    outcome.or_skipped("no JSON was answered")
}

fn bounded(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    each(judged, version, "verify/slow-node", |call| {
        let took = call
            .exchange
            .ended_at_us
            .saturating_sub(call.exchange.sent_at_us);
        let text = format!(
            "{} after {} ms under a slow node",
            call.exchange.ending(),
            took / 1_000
        );
        match call.exchange.answer() {
            Some(_) if took <= SLOW_US => Outcome::pass(text, evidence(call)),
            _ => Outcome::warn(text, evidence(call)),
        }
    })
}

fn secrets(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let ours = judged.facts.exchanges.iter();
    let ours = ours.filter(|exchange| exchange.version() == Some(version));
    let outcome: Outcome = ours
        .filter_map(DirectCall::of)
        .filter_map(|call| {
            let text = call.exchange.body_text()?;
            Some(match leak(text) {
                Some(what) => Outcome::warn(
                    format!("{}: the body tells {what}", call.exchange.probe()),
                    evidence(&call),
                ),
                None => Outcome::pass("nothing of the inside in the answers", evidence(&call)),
            })
        })
        .collect();
    outcome.or_skipped("nothing was answered")
}
