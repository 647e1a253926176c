//! Checks, invariants and scenarios as expectations see them.

use std::collections::BTreeSet;

use x402_assay_protocol::Version;
use x402_assay_reports::model::{Expected, InvariantResult, ScenarioResult, Verdict};

use super::{Places, Row, Spot};
use crate::audit::invariants::Told;
use crate::checks::{Check, Outcome};

const fn is_red(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Fail | Verdict::Warn)
}

/// A check over the generations it was judged in; `whole` is its outcome over all of them.
pub(in crate::verdict) fn check(
    check: &Check,
    whole: &Outcome,
    parts: &[(Version, Outcome)],
    places: &Places<'_, '_>,
) -> Row {
    let mut red: BTreeSet<Spot> = BTreeSet::new();
    for (version, outcome) in parts {
        let findings = outcome.findings().iter();
        for finding in findings.filter(|finding| is_red(finding.verdict)) {
            red.extend(places.spots(Some(*version), None, &finding.evidence));
        }
        if outcome.leaves_out(is_red) {
            red.extend(places.spots(Some(*version), None, &[]));
        }
    }
    let judged = parts
        .iter()
        .map(|(version, outcome)| (*version, outcome.verdict()));
    Row {
        id: check.id.to_owned(),
        judged: judged.collect(),
        verdict: whole.verdict(),
        red,
        detail: whole.text(),
        inherited: None,
    }
}

/// An invariant. `parts` are those that no expected scenario accounts for, `inherited` tells why the others are expected.
pub(in crate::verdict) fn invariant<'t>(
    result: &InvariantResult,
    parts: impl Iterator<Item = &'t Told>,
    inherited: Option<Expected>,
    places: &Places<'_, '_>,
) -> Row {
    let mut red: BTreeSet<Spot> = BTreeSet::new();
    for told in parts.filter(|told| told.id == result.id) {
        for (_, violation) in told.breaches.iter().filter(|(verdict, _)| is_red(*verdict)) {
            let payment = violation.authorization.as_deref();
            red.extend(places.spots(None, payment, &violation.evidence));
        }
        // What is only counted may be anywhere.
        if told.more > 0 && is_red(told.verdict) {
            red.extend(places.spots(None, None, &[]));
        }
    }
    let detail = result.violations.first();
    let versions = places.versions().into_iter();
    Row {
        id: result.id.clone(),
        judged: versions.map(|version| (version, result.verdict)).collect(),
        verdict: result.verdict,
        red,
        detail: detail.map_or_else(|| result.title.clone(), |one| one.text.clone()),
        inherited: inherited.filter(|_| is_red(result.verdict)),
    }
}

/// A scenario: where its red cases were seen to fail.
pub(in crate::verdict) fn scenario(result: &ScenarioResult, places: &Places<'_, '_>) -> Row {
    let mut red: BTreeSet<Spot> = BTreeSet::new();
    for case in result.cases.iter().filter(|case| is_red(case.verdict)) {
        let findings = case.findings.iter().filter(|found| is_red(found.verdict));
        let before = red.len();
        red.extend(findings.flat_map(|found| places.spots(None, None, &found.evidence)));
        if red.len() == before && case.findings.is_empty() {
            red.extend(places.spots(None, None, &[]));
        }
    }
    let judged = places.versions_of(&result.name).into_iter();
    Row {
        id: result.name.clone(),
        judged: judged.map(|version| (version, result.verdict)).collect(),
        verdict: result.verdict,
        red,
        detail: result.told().map_or_else(String::new, |case| case.seen()),
        inherited: None,
    }
}
