//! Section N: the same payment again, many at once, and what others do meanwhile.

use std::collections::BTreeSet;

use x402_assay_protocol::Version;

use super::asked::{
    ROW, Said, book_of, calls, each, evidence, said, settled, told, unjudgeable, untried,
    whole_evidence,
};
use super::settle_truth::{book_at, successes};
use crate::checks::check::{Check, Grade, Level, Need};
use crate::checks::judged::Judged;
use crate::checks::outcome::Outcome;
use crate::history::DirectCall;
use crate::history::direct::said as reasons_of;

pub(super) const AGAIN: Check = Check {
    id: "FAC-SETTLE-006",
    title: "A settled payment is no new success",
    requirement: "A second settle of a settled payment fails, or repeats the very same transaction.",
    observe: "A payment that was settled is settled again.",
    good: "success false (nonce used); or success with the same hash, which is recorded",
    bad: "success with another hash: a second server delivers for it",
    source: "x402 specification, section 10.1",
    probes: &["settle/again"],
    judge: again,
    cause: "a revert because of the used nonce is taken for a success",
    fix: "refuse used nonces, or answer with the transaction that used it",
    tags: &["facilitator", "CWE-294"],
    killed_by: &["duplicate-new-success"],
    ..ROW
};

pub(super) const AT_ONCE: Check = Check {
    id: "FAC-SETTLE-007",
    title: "Copies settled at once lead to one success",
    requirement: "Concurrent settles of one payment lead to one transfer and at most one success, unless all name the same transaction.",
    observe: "Ten copies of one payment go to settle at the same time.",
    good: "one success, nine refusals",
    bad: "several successes: each lets a server deliver",
    source: "x402 specification, section 10.1; newer text on consumed primitives",
    level: Level::Derived,
    probes: &["settle/copies"],
    judge: at_once,
    cause: "nothing claims the authorization while it is being settled",
    fix: "claim (payer, nonce) before broadcasting and refuse the others as duplicate_settlement",
    tags: &["facilitator", "CWE-362", "CWE-294"],
    killed_by: &["duplicate-settle-success", "duplicate-new-success"],
    ..ROW
};

pub(super) const DISTINCT: Check = Check {
    id: "FAC-SETTLE-012",
    title: "Different payments settled at once do not hinder each other",
    requirement: "Parallel settles of different good payments all succeed.",
    observe: "Eight good payments go to settle at the same time, then one more.",
    good: "nine successes",
    bad: "nonce too low, replacement transaction underpriced",
    source: "follows from every payment being good",
    level: Level::Derived,
    grade: Grade::Warn,
    probes: &["settle/distinct"],
    judge: distinct,
    cause: "the account's nonce is read from the last block for each transaction",
    fix: "count account nonces in the process (viem: nonceManager), give a failed one back, or use several accounts",
    tags: &["facilitator", "CWE-362"],
    killed_by: &["colliding-nonces", "failure-blocks-account"],
    ..ROW
};

pub(super) const EDGE: Check = Check {
    id: "FAC-SETTLE-014",
    title: "Near its end a payment is settled in time or not at all",
    requirement: "What is settled shortly before `validBefore` either moved in time and succeeds, or fails and moved nothing.",
    observe: "A payment that ends in three seconds goes to settle; then the ledger.",
    good: "refused, or success with its Transfer",
    bad: "a failure whose Transfer is on the ledger, or a success without one",
    source: "follows from the token's own rule",
    level: Level::Derived,
    grade: Grade::Warn,
    probes: &["settle/ends-soon"],
    judge: edge,
    cause: "the answer is given without looking at the receipt",
    fix: "answer by the receipt",
    killed_by: &["receipt-wait-ends-early"],
    ..ROW
};

pub(super) const WITHOUT_GAS: Check = Check {
    id: "FAC-SETTLE-015",
    title: "Without gas nothing is called settled",
    requirement: "A signer without gas leads to `success: false` or an error in bounded time, never to a false success.",
    observe: "The facilitator's accounts lose their native coins, a good payment goes to settle, the coins come back.",
    good: "success false",
    bad: "success, and nothing moved; or no answer at all",
    source: "follows from what success means",
    level: Level::Derived,
    grade: Grade::Warn,
    needs: &[Need::Evm],
    probes: &["settle/without-gas"],
    judge: without_gas,
    cause: "an error of the node is swallowed",
    fix: "answer every error of the node with success false and its reason",
    killed_by: &["success-without-settling"],
    ..ROW
};

pub(super) const PREEMPTED: Check = Check {
    id: "FAC-SETTLE-016",
    title: "What somebody else landed is no success",
    requirement: "When the authorization was used by somebody else between verify and settle, the answer is a failure.",
    observe: "A third party lands a verified payment; then it goes to settle.",
    good: "success false (nonce used)",
    bad: "success that names a transaction of the facilitator's own",
    source: "newer text on consumed primitives",
    level: Level::Derived,
    grade: Grade::Warn,
    probes: &["settle/preempted"],
    judge: preempted,
    cause: "a used nonce is taken for a settlement of one's own",
    fix: "refuse used nonces unless the facilitator's own transaction used it",
    killed_by: &["duplicate-new-success"],
    ..ROW
};

fn hash(call: &DirectCall<'_, '_>) -> Option<String> {
    call.transaction().map(str::to_ascii_lowercase)
}

fn again(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let first = successes(judged, version, "settle/good");
    let Some(first) = first.first() else {
        return Outcome::skipped("control missing: the payment to settle again was not settled");
    };
    each(judged, version, "settle/again", |again| {
        if let Some(outcome) = unjudgeable(again) {
            return outcome;
        }
        let pieces = whole_evidence(judged, again);
        match said(again) {
            Said::Yes if hash(again) == hash(first) => {
                Outcome::info("success again, with the same transaction", pieces)
            }
            Said::Yes => Outcome::fail("success again, with another transaction", pieces),
            Said::Nothing => Outcome::warn("a success without a verdict", pieces),
            _ => Outcome::pass(format!("once more: {}", told(again)), pieces),
        }
    })
}

fn at_once(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let probe = "settle/copies";
    let all: Vec<DirectCall<'_, '_>> = calls(judged, version, probe).collect();
    let Some(first) = all.first() else {
        return untried(judged, version, probe);
    };
    if settled(judged, version).is_empty() {
        return Outcome::skipped("control missing: no good payment was settled");
    }
    let silent = all
        .iter()
        .filter(|call| said(call) == Said::Trouble)
        .count();
    let yes = successes(judged, version, probe);
    let hashes: BTreeSet<Option<String>> = yes.iter().map(hash).collect();
    let book = book_of(judged, first);
    let transfers = book.map_or(0, |book| book.transfers.len());
    let pieces = book.map_or_else(|| evidence(first), |book| book.evidence(judged.facts));
    let of = all.len();
    match (yes.len(), transfers) {
        (_, 2..) => Outcome::given(format!("{transfers} Transfers for one payment"), pieces),
        (2.., _) if hashes.len() > 1 => {
            let text = format!(
                "{} of {of} successes, with {} transactions",
                yes.len(),
                hashes.len()
            );
            Outcome::fail(text, pieces)
        }
        (2.., _) => {
            let text = format!(
                "{} of {of} successes with one transaction: each lets a server deliver",
                yes.len()
            );
            Outcome::warn(text, pieces)
        }
        (1, _) => Outcome::pass(format!("one success of {of}"), pieces),
        (0, _) if all.iter().any(DirectCall::is_pending) => {
            Outcome::info(format!("all of {of} pending or refused"), pieces)
        }
        (0, 0) if silent == 0 => Outcome::warn(
            format!("none of {of} was settled{}", reasons_of(&all)),
            pieces,
        ),
        (0, _) if silent > 0 => {
            Outcome::inconclusive(format!("{silent} of {of} without an answer"), pieces)
        }
        (0, _) => Outcome::warn(format!("no success of {of}, and the money moved"), pieces),
    }
}

fn distinct(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let probe = "settle/distinct";
    let all: Vec<DirectCall<'_, '_>> = calls(judged, version, probe)
        .chain(calls(judged, version, "settle/after-distinct"))
        .collect();
    if all.is_empty() {
        return untried(judged, version, probe);
    }
    if settled(judged, version).is_empty() {
        return Outcome::skipped("control missing: no good payment was settled");
    }
    let has_settled = |call: &DirectCall<'_, '_>| {
        let same = |other: &&DirectCall<'_, '_>| {
            other.exchange.sent.authorization == call.exchange.sent.authorization
        };
        all.iter()
            .filter(same)
            .any(|other| said(other) == Said::Yes)
    };
    // What was pending at first was asked about again.
    let failed: Vec<DirectCall<'_, '_>> = all
        .iter()
        .copied()
        .filter(|call| !matches!(said(call), Said::Yes | Said::Trouble) && !has_settled(call))
        .collect();
    let silent: Vec<&DirectCall<'_, '_>> = all
        .iter()
        .filter(|call| said(call) == Said::Trouble)
        .collect();
    if !failed.is_empty() {
        let text = format!(
            "{} of {} answers to good payments were no success{}",
            failed.len(),
            all.len(),
            reasons_of(&failed)
        );
        return Outcome::warn(text, failed.iter().flat_map(evidence).collect());
    }
    if !silent.is_empty() {
        let text = format!("{} of {} without an answer", silent.len(), all.len());
        return Outcome::inconclusive(text, silent.into_iter().flat_map(evidence).collect());
    }
    let text = format!("{} good payments at once, and all settled", all.len() - 1);
    Outcome::pass(text, all.iter().flat_map(evidence).collect())
}

fn edge(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    each(judged, version, "settle/ends-soon", |call| {
        if let Some(outcome) = unjudgeable(call) {
            return outcome;
        }
        let Some(book) = book_of(judged, call).filter(|book| book.at_rest) else {
            return Outcome::inconclusive("the ledger was not read", evidence(call));
        };
        let pieces = whole_evidence(judged, call);
        match (said(call), book.transfers.len()) {
            (Said::Yes, 1) => Outcome::pass("settled in time", pieces),
            (Said::Yes, _) => Outcome::warn("success, and no Transfer is on the ledger", pieces),
            (_, 0) => Outcome::pass(format!("{}, and nothing moved", told(call)), pieces),
            _ if call.is_pending() => Outcome::pass("pending, and it landed", pieces),
            _ => Outcome::warn(
                format!("{}, and the Transfer is on the ledger", told(call)),
                pieces,
            ),
        }
    })
}

fn without_gas(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let moved = book_at(judged, version, "settle/without-gas")
        .is_some_and(|book| !book.transfers.is_empty());
    each(judged, version, "settle/without-gas", |call| {
        let pieces = whole_evidence(judged, call);
        match said(call) {
            Said::Trouble if call.exchange.answer().is_none() => {
                Outcome::warn(format!("without gas: {}", call.exchange.ending()), pieces)
            }
            Said::Trouble => Outcome::inconclusive(call.exchange.ending(), pieces),
            Said::Yes if moved => Outcome::info(
                "it settled all the same: somebody else paid the gas",
                pieces,
            ),
            Said::Yes => Outcome::warn("success without gas, and nothing moved", pieces),
            _ => Outcome::pass(format!("without gas: {}", told(call)), pieces),
        }
    })
}

fn preempted(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    let before =
        calls(judged, version, "verify/before-preempt").any(|call| said(&call) == Said::Yes);
    if !before {
        return Outcome::skipped("control missing: the payment was not valid before");
    }
    each(judged, version, "settle/preempted", |call| {
        if let Some(outcome) = unjudgeable(call) {
            return outcome;
        }
        let pieces = whole_evidence(judged, call);
        let landed = book_of(judged, call).and_then(|book| book.transfers.first());
        let landed = landed.map(|moved| moved.record.transaction.to_string());
        match said(call) {
            Said::Yes if hash(call) == landed => Outcome::info(
                "success, with the transaction that somebody else sent",
                pieces,
            ),
            Said::Yes => Outcome::warn("success for what somebody else had landed", pieces),
            _ => Outcome::pass(
                format!("landed by somebody else, then {}", told(call)),
                pieces,
            ),
        }
    })
}
