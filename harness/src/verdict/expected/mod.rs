//! Which findings of a run its expectations file covers. Pure: no clock, no I/O; the day is that of the run's start.

mod rows;
mod scope;
mod spot;
mod survey;
#[cfg(test)]
mod tests;
mod update;

pub(super) use rows::{check, invariant, scenario};
pub(super) use scope::Places;
pub use spot::{Row, Spot};
pub use survey::{Standing, Survey};
pub use update::{Changes, updated};

use x402_assay_reports::model;

use crate::audit::invariants::Told;
use crate::checks::{Check, Outcome, Parts};
use crate::expectations::{Day, Expectations};
use crate::history::Facts;
use crate::verdict::scenarios::Scenarios;

/// Everything of a run that an entry may be about.
pub(super) struct AllJudged<'a, C> {
    /// Checks with their outcome over all generations, and in each.
    pub(super) checks: C,
    /// The invariants over the whole run.
    pub(super) invariants: &'a [model::InvariantResult],
    /// The invariants of what is no scenario.
    pub(super) own: &'a [Told],
    /// The scenarios.
    pub(super) scenarios: &'a Scenarios,
}

/// Holds a run against its expectations.
pub(super) fn survey<'a>(
    judged: AllJudged<'a, impl Iterator<Item = (&'static Check, &'a Outcome, &'a Parts)>>,
    whole: &Facts<'_>,
    expectations: &Expectations,
) -> (Survey, model::Expectations) {
    let places = Places::new(whole);
    let routes = places.routes();
    let today = Day::of_unix_us(whole.started_us);
    let scenarios = judged.scenarios.results.iter();
    let mut rows: Vec<Row> = scenarios.map(|result| scenario(result, &places)).collect();
    // What an expected scenario broke is expected of the invariants too.
    let first = Survey::take(rows.clone(), expectations, today, &routes);
    let covered = |place: usize| {
        let result = judged.scenarios.results.get(place)?;
        Some((result, first.expected.get(&result.name)?))
    };
    for result in judged.invariants {
        let rounds = judged.scenarios.invariants.iter();
        let open = rounds
            .clone()
            .filter(|(place, _)| covered(*place).is_none());
        let open = open.flat_map(|(_, told)| told);
        let mut broken = rounds.filter_map(|(place, told)| {
            let is_red =
                |told: &Told| matches!(told.verdict, model::Verdict::Fail | model::Verdict::Warn);
            told.iter()
                .find(|told| told.id == result.id && is_red(told))?;
            let (scenario, why) = covered(*place)?;
            Some(model::Expected {
                reason: format!("in {}: {}", scenario.name, why.reason),
                ..why.clone()
            })
        });
        let inherited = broken.next();
        rows.push(invariant(
            result,
            judged.own.iter().chain(open),
            inherited,
            &places,
        ));
    }
    for (one, whole, parts) in judged.checks {
        let parts = parts.as_deref().unwrap_or_default();
        rows.push(check(one, whole, parts, &places));
    }
    let survey = Survey::take(rows, expectations, today, &routes);
    let told = survey.told(expectations, &routes);
    (survey, told)
}
