//! Invariants on the books of one round alone.

use x402_assay_reports::model::{InvariantResult, Verdict};

use super::answers;
use super::expectation::Miss;
use super::scene::Scene;
use crate::audit::{Book, invariants};
use crate::scenario::Step;
use crate::scenario::expect::InvariantId;

pub(super) fn judge(scene: &Scene<'_, '_>, id: InvariantId) -> Vec<Miss> {
    let what = format!("invariant {}", id.word());
    let own = match id {
        InvariantId::I3 => Some(served_once(scene, &what)),
        InvariantId::I6 => Some(verify_moves_nothing(scene, &what)),
        InvariantId::I7 => Some(fails_closed(scene, &what)),
        InvariantId::I9 => Some(sells_again(scene, &what)),
        InvariantId::I10 => Some(nothing_before_settlement(scene, &what)),
        _ => None,
    };
    let mut misses = own.unwrap_or_else(|| from_audit(scene, id, &what));
    match id {
        InvariantId::I5 => misses.extend(answers::are_true(scene, &what)),
        InvariantId::I6 => misses.extend(answers::verify_only_reads(scene, &what)),
        _ => {}
    }
    if misses.is_empty() && !is_observed(scene, id) {
        return vec![Miss::unseen(&what, "it was never observed")];
    }
    misses
}

/// Something was tried on which the invariant could have broken, and the ledger was read after it.
fn is_observed(scene: &Scene<'_, '_>, id: InvariantId) -> bool {
    let answered = scene
        .responses(None)
        .iter()
        .any(|exchange| exchange.answer().is_some());
    match id {
        InvariantId::I9 => true,
        InvariantId::I6 => {
            let mut books = scene.books.books.iter();
            books.any(|book| answers::shows_verify(scene, book))
        }
        InvariantId::I5 if !scene.answers(None).is_empty() => {
            scene.at_rest() && answers::settle_was_answered(scene)
        }
        // Requests without a payment have no books.
        InvariantId::I1 | InvariantId::I7 | InvariantId::I10 if scene.books.books.is_empty() => {
            answered
        }
        InvariantId::I8 => false,
        _ => scene
            .books
            .books
            .iter()
            .any(|book| book.at_rest && !book.exchanges.is_empty()),
    }
}

fn from_audit(scene: &Scene<'_, '_>, id: InvariantId, what: &str) -> Vec<Miss> {
    let judged: Vec<InvariantResult> = invariants::judge_all(scene.facts, &scene.books);
    let Some(result) = judged.into_iter().find(|result| result.id == id.word()) else {
        return vec![Miss::unseen(what, "this version does not judge it")];
    };
    // Charged without service is the fault's doing where one was injected (design section 6).
    let verdict = match result.verdict {
        Verdict::Fail if id == InvariantId::I2 && scene.disturbed() => Verdict::Warn,
        verdict => verdict,
    };
    if !matches!(
        verdict,
        Verdict::Fail | Verdict::Warn | Verdict::Inconclusive
    ) {
        return Vec::new();
    }
    let given = (verdict != Verdict::Fail).then_some(verdict);
    let misses = result.violations.into_iter().map(|violation| Miss {
        verdict: given,
        ..Miss::new(what, violation.text, violation.evidence)
    });
    misses.collect()
}

fn each<'s, 'h>(
    scene: &'s Scene<'_, 'h>,
    what: &str,
    wrong: impl Fn(&'s Book<'h>) -> Option<String>,
) -> Vec<Miss> {
    let books = scene.books.books.iter();
    let misses = books.filter_map(|book| Some((book, wrong(book)?)));
    misses
        .map(|(book, text)| Miss::new(what, text, scene.evidence_of(&[book])))
        .collect()
}

/// I3 holds under lies too: whatever the facilitator says, one authorization buys one delivery.
fn served_once(scene: &Scene<'_, '_>, what: &str) -> Vec<Miss> {
    each(scene, what, |book| {
        let grants = book.distinct_grants();
        (grants > 1).then(|| format!("delivered {grants} times for one authorization"))
    })
}

fn verify_moves_nothing(scene: &Scene<'_, '_>, what: &str) -> Vec<Miss> {
    each(scene, what, |book| {
        (book.settle_calls == 0 && !book.transfers.is_empty())
            .then(|| "money moved, and only verify was called".to_owned())
    })
}

/// Nothing is given for a payment of which no settlement succeeded, as the server was told or as the ledger shows.
fn fails_closed(scene: &Scene<'_, '_>, what: &str) -> Vec<Miss> {
    let mut misses = each(scene, what, |book| {
        let mut calls = scene.facts.calls_about(book.signed.key);
        let told_so = calls.any(|call| call.success() == Some(true));
        let given = book.distinct_grants() > book.transfers.len();
        (given && !told_so).then(|| {
            format!(
                "{} delivered, and no settlement succeeded",
                book.distinct_grants()
            )
        })
    });
    let strays = scene
        .books
        .strays
        .iter()
        .filter_map(|number| scene.facts.exchange(*number));
    misses.extend(strays.map(|exchange| {
        Miss::new(
            what,
            "delivered without a payment".to_owned(),
            vec![exchange.evidence()],
        )
    }));
    misses
}

/// Design section 6 grades I9 as a warning.
fn sells_again(scene: &Scene<'_, '_>, what: &str) -> Vec<Miss> {
    let bought = |step: &crate::scenario::CaseStep| match &step.step {
        Step::Buy(buy) => buy.within.map(|within| (step.number, within)),
        _ => None,
    };
    let tried = scene.case.steps.iter().filter_map(bought);
    let unserved = tried.filter(|(number, _)| !scene.step_delivered(*number));
    let misses = unserved.map(|(number, within)| Miss {
        verdict: Some(Verdict::Warn),
        ..Miss::new(
            what,
            format!("step {number}: no honest purchase was served within {within:?}"),
            Vec::new(),
        )
    });
    misses.collect()
}

/// No answer holds the paid body while no Transfer of its payment exists.
fn nothing_before_settlement(scene: &Scene<'_, '_>, what: &str) -> Vec<Miss> {
    let marker = scene.facts.run.and_then(|run| run.marker.as_deref());
    each(scene, what, |book| {
        if !book.transfers.is_empty() || book.faulted && book.settle_calls == 0 {
            return None;
        }
        let exchanges = book
            .exchanges
            .iter()
            .filter_map(|number| scene.facts.exchange(*number));
        let shown = exchanges.filter(|exchange| {
            let body = exchange.body_text().unwrap_or_default();
            marker.is_some_and(|marker| body.contains(marker))
        });
        (shown.count() > 0).then(|| "the paid body left, and nothing was settled".to_owned())
    })
}
