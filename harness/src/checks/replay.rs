//! Section G: replay.

use x402_assay_protocol::Version;

use super::check::{BOTH, Check, Grade, Level, Role};
use super::judged::{Judged, unjudgeable};
use super::outcome::Outcome;
use crate::audit::books::Repeat;
use crate::audit::{Book, Delivery};
use crate::history::Exchange;

pub(super) const SERIAL: Check = Check {
    id: "SRV-REPL-001",
    title: "A settled payment buys nothing a second time",
    requirement: "A proof already settled does not buy a second delivery, and is charged once.",
    observe: "A payment that was served is sent again, unchanged.",
    good: "402, or the cached answer where that is declared",
    bad: "200 and a new run of the handler",
    source: "x402 specification, section 10.1",
    role: Role::ResourceServer,
    versions: BOTH,
    level: Level::Derived,
    grade: Grade::Fail,
    raised_by: None,
    needs: &[],
    probes: &["replay"],
    judge: serial,
    cause: "the server keeps verdicts or sessions by header and does not settle again",
    fix: "settle before every delivery, or keep used nonces; declare idempotent_replay if the repeat comes from a cache on purpose",
    tags: &["CWE-294", "CWE-841"],
    killed_by: &["replay-cache", "accept-any-header"],
};

fn serial(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let bought = judged
        .accepted(version)
        .iter()
        .any(|exchange| exchange.probe() == "good");
    if !bought {
        return Outcome::skipped("control missing: the payment to repeat was not accepted");
    }
    judged
        .facts
        .paid(version, "replay")
        .map(|exchange| repeated(judged, exchange))
        .reduce(Outcome::merge)
        .unwrap_or_else(|| Outcome::skipped("the run holds no replay request"))
}

fn repeated<'h>(judged: &Judged<'_, 'h>, exchange: &Exchange<'h>) -> Outcome {
    let Some(book) = judged.true_book(exchange) else {
        return Outcome::skipped(
            "the repeated payment is not known, or our facilitator lied about it",
        );
    };
    let evidence = book.evidence(judged.facts);
    if book.transfers.len() > 1 {
        let text = format!(
            "charged {} times for one authorization",
            book.transfers.len()
        );
        return Outcome::given(text, evidence);
    }
    match judged.books.delivery(exchange) {
        Delivery::Nothing => unjudgeable(exchange).unwrap_or_else(|| {
            Outcome::pass(
                format!("the repeat was answered {}", exchange.ending()),
                evidence,
            )
        }),
        Delivery::OtherSuccess => Outcome::warn(
            format!(
                "the repeat was answered {} without the paid content",
                exchange.ending()
            ),
            evidence,
        ),
        Delivery::Content => match repeat_of(book, exchange) {
            Repeat::Declared => Outcome::pass("answered from a cache, as declared", evidence),
            Repeat::NotRunAgain => {
                Outcome::pass("answered again without a new handler run", evidence)
            }
            Repeat::Distinct => Outcome::given("the repeat was delivered again", evidence),
        },
    }
}

fn repeat_of(book: &Book<'_>, exchange: &Exchange<'_>) -> Repeat {
    book.grants
        .iter()
        .find(|grant| grant.exchange == exchange.number())
        .map_or(Repeat::Distinct, |grant| grant.repeat)
}
