//! Section E: the paid handler and the money: when it fails, answers oddly, or takes longer than the payment lives.

use x402_assay_protocol::Version;
use x402_mock_facilitator::event::Endpoint;

use super::check::{BOTH, Check, Grade, Level, Need, Role, V2};
use super::judged::{Judged, evidence_of, not_tried, unjudgeable};
use super::outcome::Outcome;
use super::troubled::is_upfront;
use crate::audit::{Book, Delivery};
use crate::history::Exchange;

const HANDLER_ERROR: &str = "flow/handler-error";
/// Probes that settle late and fail: an upfront server has not run its handler by then.
const SETTLED_FIRST: &[&str] = &["flow/late-failure", "settle/refused"];
const STATUSES: [(&str, u16); 4] = [
    ("flow/status-201", 201),
    ("flow/status-204", 204),
    ("flow/status-206", 206),
    ("flow/status-302", 302),
];
const SLOW: &str = "flow/slow-handler";
/// What the origin has to offer for the first two.
const NEEDS_STATUS: &str =
    "it needs a paid route that answers with a given status: set origin.status in the profile";

pub(super) const FAILED_HANDLER: Check = Check {
    id: "SRV-FLOW-007",
    title: "A handler that fails costs nothing",
    requirement: "In the authorization flow nothing is settled when the handler fails (status 400 or more), and its response is passed through.",
    observe: "A good payment for a route whose handler answers 500.",
    good: "500 from the handler, and no /settle call",
    bad: "the payment is settled all the same, or the 500 becomes a 402",
    source: "every SDK; newer text, section 6.1 (\"only after it completes successfully\")",
    role: Role::ResourceServer,
    versions: BOTH,
    level: Level::Sdk,
    grade: Grade::Warn,
    raised_by: None,
    needs: &[Need::Facilitator],
    probes: &[HANDLER_ERROR, "good"],
    judge: failed_handler,
    cause: "the payment is settled before the handler has run, or whatever it answered",
    fix: "look at the handler's status before /settle, and settle only below 400",
    tags: &["CWE-841"],
    killed_by: &["settle-on-handler-error", "settle-before-handler"],
};

pub(super) const STATUS: Check = Check {
    id: "SRV-FLOW-012",
    title: "Which status a paid answer has when the handler's is not 200",
    requirement: "The status on success is the handler's; the table says 200.",
    observe: "Good payments for routes whose handlers answer 201, 204, 206 and 302.",
    good: "the handler's own status, with the settlement header",
    bad: "nothing is: it is recorded",
    source: "SDKs; the HTTP status table says 200",
    grade: Grade::Info,
    needs: &[],
    probes: &[
        "flow/status-201",
        "flow/status-204",
        "flow/status-206",
        "flow/status-302",
        "good",
    ],
    judge: statuses,
    cause: "the status is set after settlement",
    fix: "none needed",
    tags: &[],
    killed_by: &[],
    ..FAILED_HANDLER
};

pub(super) const UPFRONT: Check = Check {
    id: "SRV-FLOW-013",
    title: "The upfront flow settles first",
    requirement: "In the upfront flow /verify is not called, settle precedes the handler, and a handler that fails is answered with a settlement header of success.",
    observe: "For offers that declare `paymentFlow: upfront`: our facilitator's log, the handler's runs when the settlement failed, and the receipt of a handler that fails.",
    good: "/settle, then the handler; 500 with PAYMENT-RESPONSE success: true when it fails",
    bad: "the flow is declared, and the server verifies, works and settles as in the authorization flow",
    source: "newer x402 v2 text, section 6.1; TypeScript SDK",
    versions: V2,
    probes: &["good"],
    judge: upfront,
    cause: "`paymentFlow` is advertised and not implemented",
    fix: "settle before the handler, or do not advertise `paymentFlow: upfront`",
    tags: &[],
    killed_by: &["upfront-late"],
    ..FAILED_HANDLER
};

pub(super) const SLOW_HANDLER: Check = Check {
    id: "SRV-FLOW-018",
    title: "A handler that outlives the authorization delivers nothing unpaid",
    requirement: "When the authorization ends while the handler works, there is no delivery and no charge, rather than delivery without payment.",
    observe: "A payment with a second to live for a route that takes longer; our facilitator verifies it without looking, and settles for real.",
    good: "402: the settlement failed",
    bad: "200 with the content and no Transfer",
    source: "derived from the time rules",
    level: Level::Derived,
    probes: &[SLOW, "good"],
    judge: slow_handler,
    cause: "the answer of /verify is taken for payment, and a late settlement that fails is ignored",
    fix: "deliver only after /settle said success: true, however long the handler took",
    tags: &["CWE-367", "CWE-841"],
    killed_by: &["settle-ignored"],
    ..FAILED_HANDLER
};

/// The payment of a probe with its book; when there is none, why.
#[expect(
    clippy::result_large_err,
    reason = "made once a probe, and only where there is none"
)]
fn paid<'f, 'h>(
    judged: &Judged<'f, 'h>,
    version: Version,
    probe: &str,
) -> Result<(&'f Exchange<'h>, &'f Book<'h>), Outcome> {
    let facts = judged.facts;
    let found = facts
        .exchanges
        .iter()
        .filter(|one| one.version() == Some(version) && one.probe() == probe && one.is_paid())
        .find_map(|exchange| Some((exchange, judged.book_of(exchange)?)));
    found.ok_or_else(|| not_tried(version, probe))
}

fn verified(judged: &Judged<'_, '_>, book: &Book<'_>) -> bool {
    let mut calls = judged.facts.calls_about(book.signed.key);
    calls.any(|call| call.is_valid() == Some(true))
}

fn failed_handler(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let Ok((exchange, book)) = paid(judged, version, HANDLER_ERROR) else {
        return Outcome::skipped(NEEDS_STATUS);
    };
    if is_upfront(judged, book) {
        return Outcome::skipped("the server declares the upfront flow");
    }
    if let Some(outcome) = unjudgeable(exchange) {
        return outcome;
    }
    if !verified(judged, book) {
        return Outcome::skipped("the payment for the failing handler was not verified");
    }
    let (ending, evidence) = (exchange.ending(), || book.evidence(judged.facts));
    let charged = match (book.settle_calls, book.transfers.len()) {
        (0, 0) => None,
        (_, 0) => Some("/settle was called although the handler failed"),
        _ => Some("the payment was settled although the handler failed"),
    };
    let mut outcome = match charged {
        Some(text) => Outcome::warn(format!("{text}, answered {ending}"), evidence()),
        None => Outcome::pass("nothing was settled for the failed handler", evidence()),
    };
    if exchange.status() != Some(500) {
        let text = format!("the handler answered 500, the client got {ending}");
        outcome.add(Outcome::warn(text, evidence()));
    }
    outcome
}

fn statuses(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let mut outcome = Outcome::new();
    for (probe, asked) in STATUSES {
        let Ok((exchange, book)) = paid(judged, version, probe) else {
            continue;
        };
        let settled = match (book.settle_calls, book.transfers.is_empty()) {
            (_, false) => "settled",
            (0, true) => "not settled",
            (_, true) => "settlement failed",
        };
        outcome.add(unjudgeable(exchange).unwrap_or_else(|| {
            let ending = exchange.ending();
            let text = format!("the handler's {asked} came as {ending}, {settled}");
            Outcome::warn(text, evidence_of(exchange))
        }));
    }
    outcome.or_skipped(NEEDS_STATUS)
}

fn upfront(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let facts = judged.facts;
    let mut outcome = Outcome::new();
    for exchange in judged.accepted(version) {
        let Some(book) = judged
            .book_of(exchange)
            .filter(|book| is_upfront(judged, book))
        else {
            continue;
        };
        let evidence = book.evidence(facts);
        let verify = facts
            .calls_about(book.signed.key)
            .find(|call| call.endpoint == Endpoint::Verify && exchange.spans(call.received_at_us));
        outcome.add(match verify {
            Some(_) => Outcome::warn("/verify was called in the upfront flow", evidence),
            None => Outcome::pass("settled without /verify", evidence),
        });
    }
    if outcome.is_empty() {
        return Outcome::skipped("no accepted payment was for an offer with the upfront flow");
    }
    for probe in SETTLED_FIRST {
        if let Ok((_, book)) = paid(judged, version, probe) {
            outcome.add(handler_waited(judged, book));
        }
    }
    if let Ok((exchange, book)) = paid(judged, version, HANDLER_ERROR) {
        let told = exchange.settlement(version).and_then(|r| r.as_ref().ok());
        let evidence = book.evidence(facts);
        outcome.add(match (exchange.answer(), told) {
            (None, _) => return outcome,
            (_, Some(receipt)) if receipt.success == Some(true) => Outcome::pass(
                "the handler's failure came with a settlement header of success",
                evidence,
            ),
            _ => Outcome::warn(
                "the handler's failure came without a settlement header of success",
                evidence,
            ),
        });
    }
    outcome
}

/// Whether the handler of an upfront server stood still while the settlement failed.
fn handler_waited(judged: &Judged<'_, '_>, book: &Book<'_>) -> Outcome {
    let failed = book.settle_calls > 0 && book.transfers.is_empty();
    match book.handler_runs.filter(|_| failed) {
        Some(0) => Outcome::pass(
            "the handler did not run when the settlement failed",
            book.evidence(judged.facts),
        ),
        Some(_) => Outcome::warn(
            "the handler ran although the settlement before it failed",
            book.evidence(judged.facts),
        ),
        None => Outcome::new(),
    }
}

fn slow_handler(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let Ok((exchange, book)) = paid(judged, version, SLOW) else {
        return Outcome::skipped(
            "it needs a paid route that takes its time (origin.delay in the profile) and a --patience of two seconds",
        );
    };
    let (ending, evidence) = (exchange.ending(), book.evidence(judged.facts));
    if !book.transfers.is_empty() {
        return Outcome::skipped(
            "the payment was settled before it ended: the handler was not slow enough",
        );
    }
    if !book.at_rest {
        return Outcome::inconclusive("the ledger was not read after it", evidence);
    }
    if judged.books.delivery(exchange) == Delivery::Content {
        let text = "delivered although the payment ended before it was settled";
        return Outcome::warn(text, evidence);
    }
    if let Some(outcome) = unjudgeable(exchange) {
        return outcome;
    }
    if book.settle_calls == 0 {
        return Outcome::skipped(format!(
            "the payment with a second to live was answered {ending} and never settled"
        ));
    }
    let text = format!("the settlement failed, nothing was delivered, answered {ending}");
    judged.with_control(version, Outcome::pass(text, evidence))
}
