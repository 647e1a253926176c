//! What direct calls of the facilitator were answered: `answers`, and the flags about them.

use x402_assay_reports::model::Evidence;
use x402_mock_facilitator::event::Endpoint;

use super::expectation::{Miss, count};
use super::scene::Scene;
use crate::history::DirectCall;
use crate::history::direct::{said, short};
use crate::scenario::expect::Answers;

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

fn evidence(scene: &Scene<'_, '_>, calls: &[DirectCall<'_, '_>]) -> Vec<Evidence> {
    let exchanges: Vec<_> = calls.iter().map(|call| call.exchange).collect();
    scene.evidence(&exchanges)
}
