//! Why a facilitator that is asked directly has no positive control: each cause shown by an exchange.

use serde_json::Value;
use x402_assay_protocol::Version;

use crate::checks::Judged;
use crate::history::event::Trouble;
use crate::history::exchange::Outcome;
use crate::history::{DirectCall, Exchange, Facts};

/// Longest piece of an answer that is repeated.
const SHOWN_CHARS: usize = 60;

/// Code and sentence, when `/supported` or the first payment shows why nothing could be settled.
pub(super) fn diagnose(
    judged: &Judged<'_, '_>,
    version: Version,
) -> Option<(&'static str, String)> {
    let facts = judged.facts;
    let asked = |name: &'static str| {
        let of = |version| facts.probe(version, name).next();
        of(version)
            .or_else(|| of(Version::V2))
            .or_else(|| of(Version::V1))
    };
    let supported = asked("supported");
    let first = facts.probe(version, "verify/good").next();
    supported
        .and_then(unanswered)
        .or_else(|| supported.and_then(|exchange| gate(exchange, "/supported")))
        .or_else(|| first.and_then(unanswered))
        .or_else(|| first.and_then(|exchange| gate(exchange, "/verify")))
        .or_else(|| {
            first
                .is_none()
                .then(|| supported.and_then(nothing_to_pay))
                .flatten()
        })
        .or_else(|| run_trouble(facts))
        .or_else(|| first.and_then(other_chain))
}

fn place<'h>(exchange: &Exchange<'h>) -> &'h str {
    exchange.sent.path.as_str()
}

fn unanswered(exchange: &Exchange<'_>) -> Option<(&'static str, String)> {
    let Outcome::Unanswered(trouble, message) = exchange.outcome else {
        return None;
    };
    let path = place(exchange);
    Some(match trouble {
        Trouble::Refused => (
            "connection-refused",
            "nothing listens at the facilitator's URL; start it, or let --launch start it, and check host and port"
                .to_owned(),
        ),
        Trouble::Unresolved => (
            "name-not-found",
            "the facilitator's host name was not found; check the URL".to_owned(),
        ),
        Trouble::Tls => (
            "tls-error",
            format!("TLS failed ({message}); give the authority with tls.ca in the profile, or use http"),
        ),
        Trouble::TimedOut => (
            "time-out",
            format!("{path} got no answer in time; see what the facilitator waits for, or raise --timeout"),
        ),
        Trouble::TooLarge => (
            "answer-too-large",
            format!("the answer of {path} is larger than the bench takes ({message})"),
        ),
        Trouble::Closed => (
            "connection-closed",
            format!("the connection closed before the answer of {path} was whole ({message}); look at the facilitator's log"),
        ),
        Trouble::Malformed => (
            "not-http",
            format!("{path} is not answered in HTTP ({message}); check the port, and http against https"),
        ),
        Trouble::Cancelled | Trouble::Left => return None,
    })
}

/// A status that keeps everybody away, or a body that is none of x402.
fn gate(exchange: &Exchange<'_>, path: &str) -> Option<(&'static str, String)> {
    let status = exchange.status()?;
    let code = match status {
        401 | 403 => {
            let text = format!(
                "{path} answers {status}: it wants credentials; give them with -H, headers or auth in the profile"
            );
            return Some(("unauthorized", text));
        }
        429 => {
            let text = format!(
                "{path} goes on answering 429: raise its rate limit for the run, or set limits.rps"
            );
            return Some(("rate-limited", text));
        }
        300..=399 => {
            let to = exchange.header("location").unwrap_or("nowhere");
            let to = shown(to);
            let text = format!(
                "{path} answers {status} and sends on to {to}; give the URL that it leads to"
            );
            return Some(("redirect", text));
        }
        404 | 405 | 410 => "not-found",
        500.. if path == "/supported" => "server-error",
        _ if exchange.body_json().is_none() => "not-json",
        _ => return None,
    };
    let begins = shown(exchange.body_text().unwrap_or_default());
    let text = match code {
        "not-found" => format!(
            "{path} answers {status}: the URL is not the facilitator's base; /verify, /settle and /supported are appended to it"
        ),
        "server-error" => {
            format!("{path} answers {status} ({begins}); look at the facilitator's log")
        }
        _ => format!(
            "{path} answers {status} with no JSON ({begins}); is this the facilitator's base URL?"
        ),
    };
    Some((code, text))
}

fn nothing_to_pay(exchange: &Exchange<'_>) -> Option<(&'static str, String)> {
    let kinds = exchange.body_json()?.get("kinds").and_then(Value::as_array);
    let Some(kinds) = kinds else {
        let text = "/supported holds no list `kinds`, and a payment on the usual network was not called valid";
        return Some(("no-kinds", text.to_owned()));
    };
    let names: Vec<String> = kinds
        .iter()
        .filter_map(|kind| {
            let text = |name: &str| kind.get(name).and_then(Value::as_str);
            Some(format!(
                "{} ({})",
                text("network")?,
                text("scheme").unwrap_or("no scheme")
            ))
        })
        .take(8)
        .map(|name| shown(&name))
        .collect();
    let text = match names.is_empty() {
        true => "/supported lists no kind: configure a network and an account".to_owned(),
        false => format!(
            "no payer for {}: the bench pays exact on the EVM networks of its table",
            names.join(", ")
        ),
    };
    Some(("no-payable-kind", text))
}

fn run_trouble(facts: &Facts<'_>) -> Option<(&'static str, String)> {
    let trouble = facts.ending?.trouble?;
    Some(("run-trouble", format!("the run could not go on: {trouble}")))
}

/// The payer holds the token on the bench's chain: who finds no money, or no contract, looks at another one.
fn other_chain(exchange: &Exchange<'_>) -> Option<(&'static str, String)> {
    let call = DirectCall::of(exchange)?;
    if call.verdict() == Some(true) {
        return None;
    }
    let reason = call.reason()?.to_ascii_lowercase();
    let elsewhere = ["insufficient", "not_deployed", "asset_not", "balance"];
    if elsewhere.iter().any(|part| reason.contains(part)) {
        let text = format!(
            "a funded payer was refused ({}): the facilitator looks at another chain; give it the bench's node as its RPC URL (x402-assay up prints it)",
            shown(&reason)
        );
        return Some(("other-chain", text));
    }
    let network = ["network", "chain"]
        .iter()
        .any(|part| reason.contains(part));
    network.then(|| {
        let text = format!(
            "a payment on a network of /supported was refused ({}): choose another with --network, or correct the facilitator's configuration",
            shown(&reason)
        );
        ("wrong-network", text)
    })
}

fn shown(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(SHOWN_CHARS)
        .collect();
    line.trim().to_owned()
}
