//! Section I: a paid path written in another way.

use x402_assay_protocol::Version;

use super::check::{BOTH, Check, Grade, Level, Role};
use super::judged::{Judged, evidence_of, unjudgeable};
use super::outcome::Outcome;
use super::recorded::{given_unpaid, no_gate};
use crate::audit::{Blind, siblings};
use crate::history::Exchange;
use crate::history::event::Trouble;

/// How the probes begin; what follows is the kind of route, unless it is a literal one, and the form.
const GROUP: &str = "path/";

pub(super) const VARIANTS: Check = Check {
    id: "SRV-HTTP-009",
    title: "A paid path written in another way is not served unpaid",
    requirement: "Trivial variants of a paid path do not get past the paywall.",
    observe: "Every kind of paid route in the profile (literal, parameter, wildcard), sent byte by byte: encoded letters, slashes, dots and line ends, doubled and trailing slashes, backslashes, other letter case, dot segments, bad escapes, `;x`, `?x`, `#x` and a whole URL. Where a form is answered well, the same form of an undeclared path is asked for too: an app that gives its content on any path is not blamed.",
    good: "402, 404 or 400",
    bad: "200 with the paid body for /%70aid or //paid",
    source: "SDK normalisation; follows from the purpose of the protocol",
    role: Role::ResourceServer,
    versions: BOTH,
    level: Level::Derived,
    grade: Grade::Fail,
    raised_by: None,
    needs: &[],
    probes: &["path/query", "path/parameter/query", "path/wildcard/query"],
    judge: variants,
    cause: "the paywall compares the path as it is written, and the router normalises it first",
    fix: "let the paywall decide on the route that was matched, or normalise the path once for both",
    tags: &["CWE-288", "CWE-22"],
    killed_by: &[
        "encoded-path-unpaid",
        "upper-case-path-unpaid",
        "trailing-slash-unpaid",
        "backslash-unpaid",
        "double-slash-unpaid",
        "dot-segments-unpaid",
        "path-parameter-unpaid",
        "bad-escape-unpaid",
        "encoded-slash-unpaid",
        "encoded-newline-unpaid",
        "absolute-form-unpaid",
    ],
};

fn variants(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    if let Some(outcome) = no_gate(judged, version) {
        return outcome;
    }
    let facts = judged.facts;
    let blind = Blind::among(&facts.exchanges, &judged.books.contents);
    let forms = facts.exchanges.iter().filter(|exchange| {
        exchange.version() == Some(version)
            && exchange.probe().starts_with(GROUP)
            && siblings::control_of(exchange).is_none()
    });
    let outcome: Outcome = forms
        .map(|exchange| match blind.covers(exchange) {
            true => Outcome::info(
                format!(
                    "{}: the same form of an undeclared path gives the paid body too, so nothing is shown",
                    exchange.probe()
                ),
                evidence_of(exchange),
            ),
            false => variant(judged, exchange),
        })
        .collect();
    judged.with_control(version, outcome)
}

fn variant<'h>(judged: &Judged<'_, 'h>, exchange: &Exchange<'h>) -> Outcome {
    if let Some(outcome) = given_unpaid(judged, exchange) {
        return outcome;
    }
    let evidence = evidence_of(exchange);
    let text = format!("{}: {}", exchange.probe(), exchange.ending());
    match (exchange.status(), exchange.trouble()) {
        (Some(429), _) => unjudgeable(exchange).unwrap_or_default(),
        (Some(500..), _) => Outcome::info(text, evidence),
        (Some(_), _) => Outcome::pass(text, evidence),
        // Many servers hang up on a target they cannot read.
        (None, Some(Trouble::Closed | Trouble::Malformed)) => Outcome::info(text, evidence),
        (None, _) => unjudgeable(exchange).unwrap_or_default(),
    }
}
