//! Running a search: one load after the other on the same target.

use x402_assay_reports::model::Verdict;
use x402_assay_reports::model::load::{
    LimitedBy, LoadStep, STEPS_MAX, ThresholdResult, ThresholdVerdict,
};

use super::arrivals::{Arrivals, RATE_MAX};
use super::plan::{LoadPlan, Pace};
use super::run::{Field, LoadError, Ran, run};
use super::search::Search;
use super::thresholds::{self, Threshold};

/// Runs loads at one rate after the other, and puts together what they came to: the figures are those of the last round
/// at the rate that was found, else of the last round of all; the books are those of all of them.
///
/// # Errors
/// When a load cannot be run.
pub(crate) async fn search(
    field: &Field<'_>,
    plan: &LoadPlan,
    demanded: &[Threshold],
) -> Result<Ran, LoadError> {
    let Pace::Open(Arrivals::Constant { rate, duration }) = plan.pace else {
        return Err(LoadError::Usage(
            "--search begins at one constant rate: --rate 100/s".to_owned(),
        ));
    };
    let mut search = Search::new(rate, RATE_MAX);
    let (mut steps, mut all): (Vec<LoadStep>, Option<Ran>) = (Vec::new(), None);
    while let Some(rate) = search.next() {
        let mut plan = plan.clone();
        plan.pace = Pace::Open(Arrivals::Constant { rate, duration });
        field.progress.stage(&format!("searching: {rate:.1}/s"));
        let ran = run(field, &plan).await?;
        let results = thresholds::judge(demanded, &ran.report);
        let step = step(&ran, search.round(), &results);
        let broken = ran.held.iter().any(|held| held.verdict == Verdict::Fail) || ran.strays > 0;
        let (held, stopped) = (step.verdict == ThresholdVerdict::Held, ran.interrupted);
        field.progress.stage(&format!(
            "{rate:.1}/s: {}{}",
            step.verdict.word(),
            match step.detail.as_str() {
                "" => String::new(),
                detail => format!(" ({detail})"),
            }
        ));
        if steps.len() < STEPS_MAX {
            steps.push(step);
        }
        // The last round at the rate that holds is the one that is told.
        let tells = held
            || all
                .as_ref()
                .is_none_or(|all| all.report.highest_held_per_s.is_none());
        let mut ran = ran;
        ran.report.highest_held_per_s = held.then_some(rate);
        all = Some(match all {
            None => ran,
            Some(all) => all.with(ran, tells),
        });
        if broken || stopped {
            break;
        }
        search.tell(held);
    }
    let mut all = all.ok_or_else(|| LoadError::Usage("nothing was tried".to_owned()))?;
    all.report.steps = steps;
    all.report.highest_held_per_s = search.answer();
    Ok(all)
}

fn step(ran: &Ran, round: u32, results: &[ThresholdResult]) -> LoadStep {
    let load = &ran.report;
    let verdict = thresholds::overall(results);
    let misses: Vec<String> = results
        .iter()
        .filter(|result| result.verdict == verdict && verdict != ThresholdVerdict::Held)
        .map(|result| {
            let measured = result.measured.as_deref().unwrap_or(&result.detail);
            format!("{}: {measured}", result.threshold)
        })
        .collect();
    // A bench that cannot keep up says nothing of the target.
    let late = load.limited_by.by == LimitedBy::Generator && verdict == ThresholdVerdict::Missed;
    let detail = match late {
        true => format!("{}; limited by the bench itself", misses.join(", ")),
        false => misses.join(", "),
    };
    LoadStep {
        round,
        duration_s: load.measured_s,
        offered_per_s: load.arrivals.offered_per_s,
        achieved_per_s: load.arrivals.achieved_per_s,
        goodput_per_s: load.goodput_per_s,
        p99_us: load.headline().map(|(_, time)| time.p99_us),
        dropped: load.arrivals.dropped,
        errors: load.errors(),
        verdict,
        detail,
    }
}
