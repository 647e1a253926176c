//! What direct calls of the facilitator were answered: `answers`, and the invariants as they concern them.

use x402_assay_reports::model::{Evidence, Verdict};
use x402_mock_facilitator::event::Endpoint;

use super::expectation::{Miss, count};
use super::scene::Scene;
use crate::audit::{Book, Moved};
use crate::history::DirectCall;
use crate::scenario::Step;
use crate::scenario::expect::Answers;
use crate::scenario::steps::Chain;

pub(super) fn judge(scene: &Scene<'_, '_>, wanted: &Answers) -> Vec<Miss> {
    let all = scene.answers(wanted.of.as_deref());
    let of = wanted.of.as_deref().unwrap_or("answers");
    if all.is_empty() {
        return vec![Miss::unseen(
            "answers",
            &format!("{of}: nothing was called"),
        )];
    }
    let yes = |endpoint| {
        let matching = all.iter().filter(move |call| call.endpoint() == endpoint);
        matching.filter(|call| call.says_yes()).count()
    };
    let silent = all
        .iter()
        .filter(|call| call.exchange.answer().is_none())
        .count();
    let mut misses: Vec<Miss> = [
        count(of, "valid", wanted.valid, yes(Endpoint::Verify)),
        count(of, "success", wanted.success, yes(Endpoint::Settle)),
        count(of, "unanswered", wanted.unanswered, silent),
    ]
    .into_iter()
    .flatten()
    .map(|text| Miss::new("answers", text + &said(&all), evidence(scene, &all)))
    .collect();
    for call in &all {
        let Some(status) = call.exchange.status() else {
            continue;
        };
        let odd = !wanted.statuses.is_empty() && !wanted.statuses.iter().any(|p| p.matches(status));
        if odd || wanted.never.iter().any(|pattern| pattern.matches(status)) {
            let text = format!("{of}: answered {status}{}", said(&[*call]));
            misses.push(Miss::new("answers", text, evidence(scene, &[*call])));
        }
        let reason = call.reason().unwrap_or_default();
        let named = wanted.reasons.iter().any(|wanted| wanted == reason);
        if !wanted.reasons.is_empty() && call.says_no() && !named {
            let text = format!("{of}: refused with the reason `{}`", short(reason));
            misses.push(Miss::new("answers", text, evidence(scene, &[*call])));
        }
    }
    misses
}

/// Where verify said valid, the settle call that followed it succeeded, or is under way.
pub(super) fn verify_predicts_settle(scene: &Scene<'_, '_>, of: Option<&str>) -> Vec<Miss> {
    let what = "verify_predicts_settle";
    let (mut misses, mut observed) = (Vec::new(), false);
    for book in &scene.books.books {
        let calls = scene.calls_of(book, of);
        let mut verified = calls
            .iter()
            .filter(|call| call.endpoint() == Endpoint::Verify && call.exchange.answer().is_some());
        let Some(last) = verified.next_back() else {
            continue;
        };
        let next = calls.iter().find(|call| {
            let settles = call.endpoint() == Endpoint::Settle;
            settles && call.exchange.sent_at_us >= last.exchange.ended_at_us
        });
        let Some(next) = next.filter(|call| call.exchange.answer().is_some()) else {
            continue;
        };
        observed = true;
        if last.says_yes() && !next.says_yes() && !next.is_pending() {
            let text = format!("verify said valid, and settle failed{}", said(&[*next]));
            misses.push(Miss::new(what, text, evidence(scene, &[*last, *next])));
        }
    }
    if !observed {
        return vec![Miss::unseen(
            what,
            "no payment was verified and then settled with an answer to both",
        )];
    }
    misses
}

/// Parts of reasons that lay it on the payer.
const BLAME: [&str; 4] = ["signature", "insufficient", "amount", "value"];

/// The payments are good, so that whoever blames them blames the wrong one.
pub(super) fn payer_is_not_blamed(scene: &Scene<'_, '_>, of: Option<&str>) -> Vec<Miss> {
    let what = "payer_is_not_blamed";
    let (mut misses, mut observed) = (Vec::new(), false);
    for book in scene.books.books.iter().filter(|book| book.is_honest()) {
        for call in scene.calls_of(book, of) {
            observed = true;
            let reason = call.reason().unwrap_or_default().to_ascii_lowercase();
            if call.verdict() == Some(false) && BLAME.iter().any(|part| reason.contains(part)) {
                let text = format!("a good payment was refused{}", said(&[call]));
                misses.push(Miss::new(what, text, evidence(scene, &[call])));
            }
        }
    }
    if !observed {
        return vec![Miss::unseen(what, "no good payment was asked about")];
    }
    misses
}

/// I5 for direct calls: success names a mined transaction with this payment's Transfer; after a final failure nothing lands.
pub(super) fn are_true(scene: &Scene<'_, '_>, what: &str) -> Vec<Miss> {
    let mut misses = Vec::new();
    for book in scene.books.books.iter().filter(|book| !book.faulted) {
        let settled: Vec<DirectCall<'_, '_>> = scene
            .calls_of(book, None)
            .into_iter()
            .filter(|call| call.endpoint() == Endpoint::Settle)
            .collect();
        for call in settled.iter().filter(|call| call.says_yes()) {
            if let Some(text) = untrue(scene, book, call) {
                misses.push(Miss {
                    // Said before the block went away: the operator's risk, which one confirmation leaves.
                    verdict: before_reorg(scene, call).then_some(Verdict::Info),
                    ..Miss::new(what, text, shown(scene, book, call))
                });
            }
        }
        let failed = |call: &DirectCall<'_, '_>| {
            call.says_no() && call.verdict() == Some(false) && !call.is_pending()
        };
        let all_failed = !settled.is_empty() && settled.iter().all(failed);
        // A token that moved too little was no payment: calling it failed is true.
        let paid = book.transfers.iter().any(|moved| pays(book, moved));
        if all_failed && paid && !landed_by_others(scene, book) {
            let text = format!(
                "settle said that it failed{}, and its transfer is on the ledger",
                said(&settled[..1])
            );
            misses.push(Miss::new(what, text, shown(scene, book, &settled[0])));
        }
    }
    misses
}

/// What is not true of a success.
fn untrue(scene: &Scene<'_, '_>, book: &Book<'_>, call: &DirectCall<'_, '_>) -> Option<String> {
    let Some(hash) = call.transaction() else {
        return Some("settle said success and named no transaction".to_owned());
    };
    let named = |record: &str| record.eq_ignore_ascii_case(hash);
    let moved = book
        .transfers
        .iter()
        .find(|moved| named(&moved.record.transaction.to_string()));
    let offered = &book.signed.offered;
    match moved {
        None if scene.at_rest() => Some(format!(
            "settle said success, and the ledger shows no transfer of this payment in {}",
            short(hash)
        )),
        None => None,
        Some(moved) if !pays(book, moved) => Some(format!(
            "settle said success, and {} of the required {} came to {}",
            moved.value, offered.amount, moved.to
        )),
        Some(_) => None,
    }
}

/// The recipient got at least what was asked for.
fn pays(book: &Book<'_>, moved: &Moved<'_>) -> bool {
    let offered = &book.signed.offered;
    moved.to == offered.pay_to && moved.value >= offered.amount
}

/// True when a later step of the case took blocks away.
fn before_reorg(scene: &Scene<'_, '_>, call: &DirectCall<'_, '_>) -> bool {
    let step = scene.step_number(call.exchange);
    scene.case.steps.iter().any(|later| {
        let reorganises = matches!(&later.step, Step::Chain(Chain::Reorg(_)));
        reorganises && step.is_some_and(|step| step < later.number)
    })
}

/// A third party was made to land it: the Transfer is not the facilitator's.
fn landed_by_others(scene: &Scene<'_, '_>, book: &Book<'_>) -> bool {
    scene.case.steps.iter().any(|step| match &step.step {
        Step::Chain(Chain::Preempt(name)) => {
            let mut named = scene.payments(name).into_iter();
            named.any(|other| other.signed.authorization == book.signed.authorization)
        }
        _ => false,
    })
}

/// I6 for direct calls: no verify call sends a transaction, and nothing moves for a payment that was never settled.
pub(super) fn verify_only_reads(scene: &Scene<'_, '_>, what: &str) -> Vec<Miss> {
    let mut misses = Vec::new();
    for book in &scene.books.books {
        let mut calls = scene.facts.calls_about(book.signed.key);
        let sent = calls.any(|call| {
            call.endpoint == Endpoint::Verify && (call.broadcast.is_some() || call.mined.is_some())
        });
        if sent {
            let text = "a verify call sent a transaction".to_owned();
            misses.push(Miss::new(what, text, scene.evidence_of(&[book])));
        }
    }
    misses
}

/// True when a settle call was answered, so that I5 had something to be about.
pub(super) fn settle_was_answered(scene: &Scene<'_, '_>) -> bool {
    let mut calls = scene.answers(None).into_iter();
    calls.any(|call| call.endpoint() == Endpoint::Settle && call.exchange.answer().is_some())
}

/// True for a payment on which verify could have been seen to move money.
pub(super) fn shows_verify(scene: &Scene<'_, '_>, book: &Book<'_>) -> bool {
    let mut calls = scene.facts.calls_about(book.signed.key);
    let traced = calls.any(|call| call.broadcast.is_some() || call.mined.is_some());
    book.verify_calls > 0 && (book.settle_calls == 0 || book.transfers.is_empty() || traced)
}

/// The reasons that were given, each once.
fn said(calls: &[DirectCall<'_, '_>]) -> String {
    let mut reasons: Vec<String> = Vec::new();
    for reason in calls.iter().filter_map(DirectCall::reason).map(short) {
        if !reasons.contains(&reason) && reasons.len() < 3 {
            reasons.push(reason);
        }
    }
    match reasons.is_empty() {
        true => String::new(),
        false => format!(" ({})", reasons.join(", ")),
    }
}

/// Long enough for every reason of the specification.
fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

fn evidence(scene: &Scene<'_, '_>, calls: &[DirectCall<'_, '_>]) -> Vec<Evidence> {
    let exchanges: Vec<_> = calls.iter().map(|call| call.exchange).collect();
    scene.evidence(&exchanges)
}

fn shown(scene: &Scene<'_, '_>, book: &Book<'_>, call: &DirectCall<'_, '_>) -> Vec<Evidence> {
    let mut pieces = vec![call.exchange.evidence()];
    pieces.extend(scene.evidence_of(&[book]));
    pieces
}
