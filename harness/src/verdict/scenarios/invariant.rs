//! Invariants on the books of one round alone: the audit judges, the scenario's grade weighs.

use x402_assay_reports::model::Verdict;

use super::expectation::Miss;
use super::graded;
use super::scene::Scene;
use crate::scenario::expect::{Grade, InvariantId};

pub(super) fn judge(scene: &Scene<'_, '_>, id: InvariantId, grade: Grade) -> Vec<Miss> {
    let what = format!("invariant {}", id.word());
    let Some(told) = scene.invariants.iter().find(|told| told.id == id.word()) else {
        return vec![Miss::unseen(&what, "this version does not judge it")];
    };
    if told.observed == 0 && told.breaches.is_empty() {
        return vec![Miss::unseen(&what, "it was never observed")];
    }
    let misses = told.breaches.iter().map(|(verdict, violation)| Miss {
        verdict: Some(weigh(*verdict, grade)),
        ..Miss::new(&what, violation.text.clone(), violation.evidence.clone())
    });
    misses.collect()
}

/// The audit says what happened, the grade how much that counts in this scenario; our own trouble is never weighed.
pub(super) fn weigh(verdict: Verdict, grade: Grade) -> Verdict {
    match verdict {
        Verdict::Fail | Verdict::Warn => verdict.min(graded(grade)),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grade_lowers_and_never_raises() {
        assert_eq!(weigh(Verdict::Fail, Grade::Fail), Verdict::Fail);
        assert_eq!(weigh(Verdict::Fail, Grade::Info), Verdict::Info);
        assert_eq!(weigh(Verdict::Warn, Grade::Fail), Verdict::Warn);
        assert_eq!(
            weigh(Verdict::Inconclusive, Grade::Info),
            Verdict::Inconclusive
        );
        assert_eq!(weigh(Verdict::Info, Grade::Fail), Verdict::Info);
    }
}
