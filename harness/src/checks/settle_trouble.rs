//! Section F: the settlement ends in an error, is pending, is asked for again, or is somebody else's.

use x402_assay_protocol::Version;
use x402_mock_facilitator::event::Endpoint;

use super::check::{BOTH, Check, Grade, Level, Need, Role, V2};
use super::judged::{Judged, unjudgeable};
use super::outcome::Outcome;
use super::troubled::{Troubled, each, trouble_of};
use crate::history::FacilitatorCall;

const ERRORS: &[&str] = &[
    "settle/http-400-json",
    "settle/http-500-json",
    "settle/http-502-html",
    "settle/http-503-empty",
    "settle/junk-html",
    "settle/junk-empty-object",
    "settle/junk-flag-string",
    "settle/reset",
];
const PENDING: &[&str] = &["settle/pending-once", "settle/pending"];
const ELSEWHERE: &[&str] = &["settle/other-network", "settle/other-payer"];
/// The probes after which a server may settle again.
const TROUBLED: &[&str] = &[
    "settle/refused",
    "settle/http-400-json",
    "settle/http-500-json",
    "settle/http-502-html",
    "settle/http-503-empty",
    "settle/junk-html",
    "settle/junk-empty-object",
    "settle/junk-flag-string",
    "settle/reset",
    "settle/pending-once",
    "settle/pending",
    "good",
    "good-2",
];
/// More settle calls than this in one exchange are no bounded retry; SDKs make two at most.
const MOST_SETTLES: usize = 10;

pub(super) const ERROR: Check = Check {
    id: "SRV-SETF-007",
    title: "Nothing is delivered when /settle answers with an error",
    requirement: "When /settle answers HTTP 4xx or 5xx, with or without JSON, with junk, or not at all, nothing is delivered.",
    observe: "Good payments whose settlement our facilitator answers 400, 500, 502 and 503, with junk in a 200, or by cutting the connection; nothing is settled.",
    good: "402, 500, 502 or 503 without the content",
    bad: "200 with the content, because only a refusal counts as failure",
    source: "derived from the purpose of settlement",
    role: Role::ResourceServer,
    versions: BOTH,
    level: Level::Derived,
    grade: Grade::Fail,
    raised_by: None,
    needs: &[Need::Facilitator],
    probes: ERRORS,
    judge: error,
    cause: "an exception of the facilitator client is caught and forgotten, or `success` is read as truthy",
    fix: "deliver only when /settle answered 2xx with success being true; treat everything else as unpaid or unknown",
    tags: &["CWE-636", "CWE-755"],
    killed_by: &[
        "serve-on-facilitator-error",
        "serve-on-settle-trouble",
        "settle-any-200-is-success",
        "verdicts-coerced",
    ],
};

pub(super) const STILL_PENDING: Check = Check {
    id: "SRV-SETF-008",
    title: "A pending settlement is no success, and its transaction is told",
    requirement: "`settlement_pending` is not treated as success; the hash is preserved for the client.",
    observe: "A good payment whose settlement our facilitator calls pending once, and one that stays pending; both are really broadcast.",
    good: "the identical /settle again, then 200; or an answer whose PAYMENT-RESPONSE names the transaction",
    bad: "200 with the content although nobody said that it is settled; a fresh challenge without the hash",
    source: "newer x402 v2 text, section 9",
    versions: V2,
    grade: Grade::Warn,
    probes: PENDING,
    judge: pending,
    cause: "every answer that is not an error counts as settled, or the settle answer is thrown away",
    fix: "settle again with the identical body, and when it is still pending answer with PAYMENT-RESPONSE from the settle answer",
    tags: &["CWE-841"],
    killed_by: &["pending-is-success", "challenge-on-unknown"],
    ..ERROR
};

pub(super) const RETRY: Check = Check {
    id: "SRV-SETF-009",
    title: "A settlement is asked for again with the identical payload, and only so often",
    requirement: "A retry of /settle, if any, uses the identical payload and a bounded count, and none follows a success.",
    observe: "The bodies of all /settle calls about one payment in our facilitator's log.",
    good: "one call, or a second with the same body after settlement_pending",
    bad: "another payload, calls without end, or a second call after success: true",
    source: "derived; SDKs settle once more at most",
    grade: Grade::Warn,
    probes: TROUBLED,
    judge: retry,
    cause: "the settlement is asked for in two places, or a retry loop has no end",
    fix: "settle in one place; after settlement_pending ask again with the same body, a few times at most",
    tags: &["CWE-837"],
    killed_by: &["settle-twice"],
    ..ERROR
};

pub(super) const ELSEWHERE_SETTLED: Check = Check {
    id: "SRV-SETF-010",
    title: "Whether a settlement for another network or payer is delivered",
    requirement: "A settle answer `success: true` for another network or payer than verified is not blindly delivered; the documents are silent.",
    observe: "Good payments of which our facilitator says that they are settled, for another network or another payer; nothing moves.",
    good: "no delivery, or a look at the chain",
    bad: "nothing is: delivery is recorded",
    source: "the specification is silent",
    level: Level::Open,
    grade: Grade::Info,
    probes: ELSEWHERE,
    judge: elsewhere,
    cause: "network and payer of the settle answer are not compared with those of the payment",
    fix: "compare network and payer of the settle answer with those of the payment",
    tags: &["CWE-345"],
    killed_by: &[],
    ..ERROR
};

fn error(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    each(judged, version, ERRORS, |one| {
        one.delivered(judged).unwrap_or_else(|| {
            let (probe, ending) = (one.exchange.probe(), one.exchange.ending());
            let text = format!("{probe}: {}, answered {ending}", trouble_of(&one.settles));
            Outcome::pass(text, one.evidence())
        })
    })
}

fn pending(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    each(judged, version, PENDING, |one| {
        let probe = one.exchange.probe();
        let leak = one.leak(judged);
        if one.was_told_yes() {
            let text = format!("{probe}: settled again until it was no longer pending");
            return match leak {
                Some(_) => Outcome::pass(text, one.evidence()),
                None => unjudgeable(one.exchange).unwrap_or_else(|| {
                    let ending = one.exchange.ending();
                    let text = format!("{text}, and answered {ending} all the same");
                    Outcome::warn(text, one.evidence())
                }),
            };
        }
        if let Some(place) = leak {
            let text = format!("{probe}: pending, and the paid content was delivered {place}");
            return Outcome::warn(text, one.evidence());
        }
        unjudgeable(one.exchange).unwrap_or_else(|| hash_kept(one, version))
    })
}

/// Whether the answer to a payment that stays pending names its transaction.
fn hash_kept(one: &Troubled<'_, '_>, version: Version) -> Outcome {
    let probe = one.exchange.probe();
    let named = one.settles.iter().find_map(|call| {
        call.response_text("transaction")
            .filter(|hash| !hash.is_empty())
    });
    let told = one
        .exchange
        .settlement(version)
        .and_then(|receipt| receipt.as_ref().ok()?.transaction.as_deref());
    let Some(named) = named else {
        return Outcome::skipped(format!("{probe}: our facilitator named no transaction"));
    };
    let ending = one.exchange.ending();
    if told.is_some_and(|told| told.eq_ignore_ascii_case(named)) {
        let text = format!("{probe}: answered {ending}, and the receipt names the transaction");
        Outcome::pass(text, one.evidence())
    } else {
        let text = format!("{probe}: answered {ending}, and the transaction {named} is lost");
        Outcome::warn(text, one.evidence())
    }
}

fn retry(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let facts = judged.facts;
    let mut outcome = Outcome::new();
    for exchange in facts.exchanges.iter().filter(|one| one.is_paid()) {
        let wanted = exchange.version() == Some(version) && TROUBLED.contains(&exchange.probe());
        let Some(book) = judged.book_of(exchange).filter(|_| wanted) else {
            continue;
        };
        // Copies of one payment are settled once each: only what one exchange caused is a retry.
        if book.exchanges.len() > 1 && exchange.probe() != "good" {
            continue;
        }
        let settles: Vec<&FacilitatorCall<'_>> = facts
            .calls_about(book.signed.key)
            .filter(|call| call.endpoint == Endpoint::Settle && exchange.spans(call.received_at_us))
            .collect();
        if !settles.is_empty() {
            outcome.add(asked_again(exchange.probe(), &settles));
        }
    }
    outcome.or_skipped("no payment of this generation was settled by our facilitator")
}

fn asked_again(probe: &str, settles: &[&FacilitatorCall<'_>]) -> Outcome {
    let evidence = || {
        settles
            .iter()
            .map(|call| call.evidence())
            .collect::<Vec<_>>()
    };
    let count = settles.len();
    let after_yes = settles.windows(2).any(|pair| {
        let done = pair[0].answer.filter(|_| pair[0].says_yes());
        done.is_some_and(|answer| answer.at_us <= pair[1].received_at_us)
    });
    if after_yes {
        let text = format!("{probe}: /settle was called again after success: true");
        return Outcome::warn(text, evidence());
    }
    if count > MOST_SETTLES {
        let text = format!("{probe}: /settle was called {count} times");
        return Outcome::warn(text, evidence());
    }
    let differs = settles
        .windows(2)
        .any(|pair| pair[0].request() != pair[1].request());
    if differs {
        let text = format!("{probe}: /settle was called again with another body");
        return Outcome::warn(text, evidence());
    }
    let text = match count {
        1 => format!("{probe}: settled with one call"),
        _ => format!("{probe}: {count} identical settle calls"),
    };
    Outcome::pass(text, evidence())
}

fn elsewhere(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    each(judged, version, ELSEWHERE, |one| {
        let probe = one.exchange.probe();
        match one.leak(judged) {
            Some(_) => {
                let text = format!("{probe}: delivered");
                Outcome::warn(text, one.evidence())
            }
            None => unjudgeable(one.exchange).unwrap_or_else(|| {
                let text = format!("{probe}: not delivered, answered {}", one.exchange.ending());
                Outcome::pass(text, one.evidence())
            }),
        }
    })
}
