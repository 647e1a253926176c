//! Section E: what must not leave, or not yet: bytes before the settlement, headers that are for the server alone; and a
//! client that goes away.

use x402_assay_protocol::Version;
use x402_assay_reports::model::Evidence;

use super::check::{BOTH, Check, Grade, Level, Need, Role, V2};
use super::judged::{Judged, evidence_of, unjudgeable};
use super::outcome::Outcome;
use super::troubled::{each, is_upfront, trouble_of};

const LATE: &[&str] = &["flow/late-failure", "flow/late-failure-stream"];
const OVERRIDES: &str = "settlement-overrides";
const EXTENSIONS: &str = "extension-responses";
const TOLD_ASIDE: &str = "flow/extension-responses";
const GONE: &str = "flow/client-gone";

pub(super) const NO_EARLY_BYTE: Check = Check {
    id: "SRV-FLOW-008",
    title: "No byte of paid content leaves before the settlement succeeded",
    requirement: "In the authorization flow no byte of paid content leaves before settle success.",
    observe: "The settlement answers late and then fails, on the first route and on a stream; whatever came by then is looked through.",
    good: "402 after the settlement has failed",
    bad: "200 and the first chunk at once, the rest cut off",
    source: "HTTP status table; every SDK holds the response back",
    role: Role::ResourceServer,
    versions: BOTH,
    level: Level::Derived,
    grade: Grade::Fail,
    raised_by: None,
    needs: &[Need::Facilitator],
    probes: LATE,
    judge: no_early_byte,
    cause: "the handler writes to the client while the payment is only verified",
    fix: "hold the whole response back until /settle said success: true",
    tags: &["CWE-841"],
    killed_by: &[
        "stream-before-settlement",
        "settle-ignored",
        "settle-any-200-is-success",
        "leak-on-settle-failure",
        "leak-in-header",
    ],
};

pub(super) const OVERRIDES_INSIDE: Check = Check {
    id: "SRV-FLOW-015",
    title: "Settlement-Overrides stays inside the server",
    requirement: "`Settlement-Overrides` never reaches the client.",
    observe: "The headers of every answer to a payment.",
    good: "the header is taken off before the answer leaves",
    bad: "200 with Settlement-Overrides: {\"amount\":\"...\"}",
    source: "TypeScript, Python and Go SDKs",
    versions: V2,
    level: Level::Sdk,
    grade: Grade::Warn,
    needs: &[],
    probes: &["good", "good-2"],
    judge: overrides_inside,
    cause: "the handler's header is not removed after it was read",
    fix: "remove Settlement-Overrides before the answer is sent",
    tags: &["CWE-200"],
    killed_by: &["settlement-overrides-leak"],
    ..NO_EARLY_BYTE
};

pub(super) const EXTENSIONS_INSIDE: Check = Check {
    id: "SRV-FLOW-016",
    title: "EXTENSION-RESPONSES of the facilitator stays inside the server",
    requirement: "`EXTENSION-RESPONSES` from the facilitator is not forwarded to the client.",
    observe: "A good payment whose verify and settle answers carry the header.",
    good: "the paid answer has no such header",
    bad: "the facilitator's header on the paid answer",
    source: "newer x402 v2 text, section 7.2.1; an older text implied the opposite",
    versions: V2,
    grade: Grade::Warn,
    probes: &[TOLD_ASIDE],
    judge: extensions_inside,
    cause: "every header of the facilitator is copied",
    fix: "pass on the settle answer's body alone",
    tags: &["CWE-200"],
    killed_by: &["extension-responses-forwarded"],
    ..NO_EARLY_BYTE
};

pub(super) const CLIENT_GONE: Check = Check {
    id: "SRV-FLOW-017",
    title: "What becomes of a payment whose client goes away",
    requirement: "The client disconnects between verify and settle; the documents are silent.",
    observe: "A good payment whose client closes the connection while our facilitator holds the answer of /verify.",
    good: "either: whether it is settled is recorded",
    bad: "nothing is",
    source: "the specification is silent",
    level: Level::Open,
    grade: Grade::Info,
    probes: &[GONE],
    judge: client_gone,
    cause: "the specification leaves it open",
    fix: "none needed",
    tags: &[],
    killed_by: &[],
    ..NO_EARLY_BYTE
};

fn no_early_byte(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    each(judged, version, LATE, |one| {
        if is_upfront(judged, one.book) {
            return Outcome::skipped("the server declares the upfront flow");
        }
        if one.was_told_yes() {
            let probe = one.exchange.probe();
            return Outcome::skipped(format!("{probe}: it was settled in the end"));
        }
        one.delivered(judged).unwrap_or_else(|| {
            let (probe, ending) = (one.exchange.probe(), one.exchange.ending());
            let text = format!("{probe}: {}, answered {ending}", trouble_of(&one.settles));
            Outcome::pass(text, one.evidence())
        })
    })
}

fn overrides_inside(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let accepted = judged.accepted(version);
    if accepted.is_empty() {
        return Outcome::skipped(format!(
            "control missing: no good {version} payment was accepted"
        ));
    }
    let paid = judged.facts.exchanges.iter().filter(|exchange| {
        exchange.version() == Some(version) && exchange.is_paid() && exchange.answer().is_some()
    });
    let leaks: Outcome = paid
        .filter_map(|exchange| {
            let value: String = exchange.header(OVERRIDES)?.chars().take(80).collect();
            let text = format!("{}: Settlement-Overrides: {value}", exchange.probe());
            Some(Outcome::warn(text, evidence_of(exchange)))
        })
        .collect();
    if !leaks.is_empty() {
        return leaks;
    }
    let evidence: Vec<Evidence> = accepted.iter().map(|one| one.evidence()).collect();
    Outcome::pass("no paid answer carries it", evidence)
}

fn extensions_inside(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let mut outcome = Outcome::new();
    for exchange in judged.facts.paid(version, TOLD_ASIDE) {
        let told = judged
            .book_of(exchange)
            .is_some_and(|book| !book.faults.is_empty());
        outcome.add(if !told {
            Outcome::skipped("our facilitator was not asked about this payment")
        } else if let Some(outcome) = unjudgeable(exchange) {
            outcome
        } else if exchange.header(EXTENSIONS).is_some() {
            let text = format!("{} with EXTENSION-RESPONSES", exchange.ending());
            Outcome::warn(text, evidence_of(exchange))
        } else if !exchange.is_success() {
            let ending = exchange.ending();
            Outcome::skipped(format!("the payment was answered {ending}"))
        } else {
            let text = format!("{} without EXTENSION-RESPONSES", exchange.ending());
            Outcome::pass(text, evidence_of(exchange))
        });
    }
    if outcome.is_empty() {
        return super::judged::not_tried(version, TOLD_ASIDE);
    }
    outcome
}

fn client_gone(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let mut outcome = Outcome::new();
    for exchange in judged.facts.paid(version, GONE) {
        let Some(book) = judged.book_of(exchange) else {
            continue;
        };
        let was_asked = judged
            .facts
            .calls_about(book.signed.key)
            .any(|call| call.received_at_us <= exchange.ended_at_us);
        if exchange.answer().is_some() || !was_asked {
            let ending = exchange.ending();
            let text = format!("the client did not leave in mid-purchase: {ending}");
            outcome.add(Outcome::skipped(text));
            continue;
        }
        let evidence = book.evidence(judged.facts);
        outcome.add(match (book.settle_calls, book.transfers.len()) {
            (0, _) => Outcome::warn("not settled after the client was gone", evidence),
            (_, 0) => Outcome::warn("/settle was called and nothing moved", evidence),
            _ => Outcome::warn("settled although the client was gone", evidence),
        });
    }
    if outcome.is_empty() {
        return super::judged::not_tried(version, GONE);
    }
    outcome
}
