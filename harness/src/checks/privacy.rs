//! Section L: what answers tell that they should not, and to whom.

use serde_json::Value;
use x402_assay_protocol::{Version, header};

use super::check::{BOTH, Check, Grade, Level, Role, V2};
use super::judged::{Judged, evidence_of};
use super::leaks;
use super::outcome::Outcome;
use crate::history::{Exchange, canary};

pub(super) const ERRORS: Check = Check {
    id: "SRV-PRIV-001",
    title: "Errors tell nothing of the inside",
    requirement: "Error bodies and headers do not leak stack traces, RPC URLs, API keys, facilitator auth.",
    observe: "Every answer of the run with a status from 400 on: body, headers and decoded challenge.",
    good: "402 {\"error\":\"invalid signature\"}",
    bad: "400 {\"error\":\"...\", \"stack\":\"Error: ... at decodePayment (/srv/shop/index.js:412:17)\"}",
    source: "common practice; no document says it",
    role: Role::ResourceServer,
    versions: BOTH,
    level: Level::Derived,
    grade: Grade::Warn,
    raised_by: None,
    needs: &[],
    probes: &["unpaid"],
    judge: errors,
    cause: "errors are written into answers as they were caught, or the server runs in development mode",
    fix: "log the error, and answer with a short reason of your own",
    tags: &["CWE-209"],
    killed_by: &["errors-leak"],
};

pub(super) const ECHO: Check = Check {
    id: "SRV-PRIV-002",
    title: "A payment is not passed on in answers",
    requirement: "Payment payload or signature is not echoed to other parties (redirect `Location`, body, CORS `*` with credentials).",
    observe: "Payment header and signature of every signed payment are looked for in its answer. What the facilitator is told of a query string is recorded.",
    good: "402 {\"error\":\"invalid signature\"}",
    bad: "302 Location: /login?payment=eyJ4NDAy..., or an error text that repeats the header",
    judge: echo,
    probes: &["good", "good-2", "mutation"],
    cause: "the whole request goes into an error text, a redirect target or a debug page",
    fix: "leave payment headers out of everything that is written; name allowed origins instead of * where credentials are allowed",
    tags: &["CWE-200"],
    killed_by: &["echoes-payment"],
    ..ERRORS
};

pub(super) const SHARED_RECEIPT: Check = Check {
    id: "SRV-PRIV-003",
    title: "Receipts and shared caches",
    requirement: "`PAYMENT-RESPONSE` on shared-cacheable responses is recorded.",
    observe: "Cache-Control of every good purchase that carries PAYMENT-RESPONSE.",
    good: "Cache-Control: private",
    bad: "Cache-Control: public, max-age=60 beside PAYMENT-RESPONSE",
    source: "comment in the TypeScript SDK",
    versions: V2,
    level: Level::Sdk,
    grade: Grade::Info,
    probes: &["good", "good-2"],
    judge: shared_receipt,
    cause: "recorded only",
    fix: "nothing to change",
    killed_by: &[],
    ..ERRORS
};

/// Answers of the target itself; those of no generation are judged with the first that was probed.
fn answers<'f, 'h>(
    judged: &Judged<'f, 'h>,
    version: Version,
) -> impl Iterator<Item = &'f Exchange<'h>> {
    let first = judged.facts.versions().first().copied();
    let default = first.is_none_or(|first| first == version);
    judged.facts.exchanges.iter().filter(move |exchange| {
        let of_version = exchange.version().map_or(default, |of| of == version);
        of_version && !exchange.is_direct() && exchange.answer().is_some()
    })
}

fn errors(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let run = judged.facts.run;
    let told = |url: Option<&str>| url.filter(|url| !url.is_empty()).map(str::to_owned);
    let rpc = told(run.and_then(|run| run.rpc_url.as_deref()));
    let facilitator = told(run.map(|run| run.facilitator_url.as_str()));
    let refused = answers(judged, version)
        .filter(|exchange| exchange.status().is_some_and(|status| status >= 400));
    let outcome: Outcome = refused
        .map(|exchange| {
            let places = leaks::places(exchange);
            let found = |needle: &dyn Fn(&str) -> Option<String>| {
                places
                    .iter()
                    .find_map(|(place, text)| Some((place, needle(text)?)))
            };
            let named = |url: &Option<String>| {
                let url = url.clone();
                move |text: &str| {
                    let url = url.as_deref()?;
                    leaks::names(text, url).then(|| url.to_owned())
                }
            };
            let evidence = evidence_of(exchange);
            let probe = exchange.probe();
            if let Some((place, leak)) = found(&leaks::leak) {
                let text = format!("{probe}: {place} shows {leak}");
                Outcome::warn(text, evidence)
            } else if let Some((place, url)) = found(&named(&rpc)) {
                let text = format!("{probe}: {place} names the RPC endpoint {url}");
                Outcome::warn(text, evidence)
            } else if let Some((place, url)) = found(&named(&facilitator)) {
                let text = format!("{probe}: {place} names the facilitator {url}");
                Outcome::info(text, evidence)
            } else {
                Outcome::pass("nothing of the inside in this error", evidence)
            }
        })
        .collect();
    match outcome.is_empty() {
        true => Outcome::skipped("control missing: no answer was an error"),
        false => outcome,
    }
}

fn echo(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let signed = answers(judged, version).filter(|exchange| exchange.sent.authorization.is_some());
    let mut outcome: Outcome = signed.filter_map(echo_of).collect();
    if outcome.is_empty() {
        return Outcome::skipped("no signed payment of this generation was answered");
    }
    outcome.add(disclosed(judged, version));
    outcome
}

fn echo_of(exchange: &Exchange<'_>) -> Option<Outcome> {
    let header = exchange.payment_text()?;
    let signature = exchange
        .payment()
        .and_then(|payment| payment.pointer("/payload/signature"))
        .and_then(Value::as_str)
        .map(|signature| signature.trim_start_matches("0x").to_ascii_lowercase())
        .filter(|signature| signature.len() >= 64);
    let evidence = evidence_of(exchange);
    let probe = exchange.probe();
    let echoed = leaks::places(exchange).into_iter().find(|(_, text)| {
        let signed = |signature: &String| text.to_ascii_lowercase().contains(signature);
        text.contains(header) || signature.as_ref().is_some_and(signed)
    });
    if let Some((place, _)) = echoed {
        let text = format!("{probe}: {place} repeats the payment");
        return Some(Outcome::warn(text, evidence));
    }
    let says = |name, value: &str| {
        exchange
            .header(name)
            .is_some_and(|said| said.trim().eq_ignore_ascii_case(value))
    };
    let open = says("access-control-allow-origin", "*")
        && says("access-control-allow-credentials", "true");
    Some(match open {
        true => Outcome::warn(
            format!("{probe}: Access-Control-Allow-Origin * together with Allow-Credentials"),
            evidence,
        ),
        false => Outcome::pass("the payment is not repeated", evidence),
    })
}

/// What the facilitator was told of a purchase with a token in its query string: recorded, for nobody forbids it.
fn disclosed(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let facts = judged.facts;
    let bought = facts.paid(version, "privacy/query");
    let keys = bought.filter_map(|exchange| facts.authorization(exchange.sent.authorization?));
    let mut told: Vec<String> = Vec::new();
    let mut evidence = Vec::new();
    for call in keys.flat_map(|signed| facts.calls_about(signed.key)) {
        let mut members = Vec::new();
        if let Some(request) = call.request() {
            holding(request, canary::QUERY_VALUE, "", &mut members);
        }
        if !members.is_empty() {
            evidence.push(call.evidence());
        }
        members.retain(|member| !told.contains(member));
        told.extend(members);
    }
    if told.is_empty() {
        return Outcome::new();
    }
    let text = format!(
        "the facilitator is told the query string: {}",
        told.join(", ")
    );
    Outcome::info(text, evidence)
}

/// Most characters of a disclosed text that are shown.
const LONGEST: usize = 300;

/// Members whose text holds something: path and exact text.
fn holding(value: &Value, wanted: &str, path: &str, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.contains(wanted) => {
            let exact: String = text.chars().take(LONGEST).collect();
            found.push(format!("{path} = {}", exact.escape_debug()));
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                holding(item, wanted, &format!("{path}[{index}]"), found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let dot = if path.is_empty() { "" } else { "." };
                holding(member, wanted, &format!("{path}{dot}{name}"), found);
            }
        }
        _ => {}
    }
}

fn shared_receipt(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let outcome: Outcome = judged
        .accepted(version)
        .into_iter()
        .filter(|exchange| exchange.header(header::PAYMENT_RESPONSE).is_some())
        .map(|exchange| {
            let cache = exchange.header("cache-control").unwrap_or_default();
            let says = |word: &str| {
                let mut words = cache.split(',').map(str::trim);
                words.any(|said| said.to_ascii_lowercase().starts_with(word))
            };
            let kept = match () {
                () if says("private") || says("no-store") => "no shared cache keeps it",
                () if says("public") || says("s-maxage") => "shared caches may hand it to others",
                () => "nothing keeps a shared cache from guessing",
            };
            let text = format!("PAYMENT-RESPONSE with Cache-Control {cache:?}: {kept}");
            Outcome::info(text, evidence_of(exchange))
        })
        .collect();
    match outcome.is_empty() {
        true => Outcome::skipped("no good purchase carried PAYMENT-RESPONSE"),
        false => outcome,
    }
}
