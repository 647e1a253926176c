//! Looks for the smallest form of a failing case, on the target itself, within bounds.

use std::time::{Duration, Instant};

use x402_assay_reports::model::Minimised;

use super::args::Setup;
use super::progress::Teller;
use super::replay::Trial;
use crate::history::{Event, What};
use crate::replay::{Candidate, Found, Minimiser};
use crate::runner::{Progress as _, Sheet, Silent};
use crate::scenario::{Case, Scenario};

/// Most smaller forms that are tried on the target.
const TRIES_MAX: usize = 40;
/// Longest search for one case.
const TIME_MAX: Duration = Duration::from_secs(30);
/// So often the whole case is run first, and the smallest form in the end.
const CONFIRM: u32 = 3;
const TOO_MANY_REQUESTS: u16 = 429;

/// The smallest form that was found.
pub(super) struct Smallest {
    pub(super) sheet: Sheet,
    pub(super) told: Minimised,
}

/// Why a target must not be sent more than it was.
pub(super) fn limited(setup: &Setup, history: &[Event]) -> Option<&'static str> {
    let limits = setup.target.as_ref().map(|profile| profile.limits);
    if limits.is_some_and(|limits| limits.rps.is_some() || limits.requests.is_some()) {
        return Some("the profile limits the requests of a run");
    }
    let answered = |event: &Event| matches!(&event.what, What::Answered(answer) if answer.status == TOO_MANY_REQUESTS);
    history
        .iter()
        .any(answered)
        .then_some("the target limits how often it may be asked (429)")
}

/// Takes away copies, faults, expectations and steps as long as the finding stays; tells why nothing came of it.
pub(super) async fn minimise(
    trial: &Trial<'_>,
    scenario: &Scenario,
    case: &Case,
    found: &Found,
    teller: &Teller,
) -> Result<Smallest, String> {
    let deadline = Instant::now() + TIME_MAX;
    let mut minimiser = Minimiser::new(scenario, case);
    let whole = minimiser
        .best()
        .ok_or("the case cannot be written as a file")?;
    let steps = whole.steps;
    teller.stage(&format!(
        "minimising {}: does it fail again?",
        scenario.name
    ));
    let failed = fails(trial, &whole.sheet, found, (CONFIRM, false), deadline).await;
    // What fails by chance gets more tries.
    let repeats = match failed {
        0 => return Err(format!("it did not fail again in {CONFIRM} repeats")),
        1 => 6,
        2 => 3,
        _ => 1,
    };
    let mut tries = 0;
    // Forms that failed, the smallest last.
    let mut smaller: Vec<Candidate> = Vec::new();
    while let Some(form) = minimiser.propose() {
        if tries == TRIES_MAX || Instant::now() >= deadline || trial.cancel.is_cancelled() {
            break;
        }
        tries += 1;
        teller.stage(&format!(
            "minimising {}: try {tries} of at most {TRIES_MAX}: {} {} steps",
            scenario.name, form.label, form.steps
        ));
        let again = fails(trial, &form.sheet, found, (repeats, true), deadline).await > 0
            && means_something(trial, &form, found, deadline).await;
        minimiser.told(again);
        if again {
            smaller.push(form);
        }
    }
    // A form that failed once by chance is not the smallest one: the last that fails again is.
    while let Some(form) = smaller.pop() {
        let until = deadline.max(Instant::now() + TIME_MAX / 3);
        let with = fails(trial, &form.sheet, found, (CONFIRM, false), until).await;
        if with > 0 {
            let of = usize::try_from(CONFIRM).unwrap_or(usize::MAX);
            return Ok(Smallest {
                told: Minimised {
                    label: form.label.clone(),
                    steps: (steps, form.steps),
                    tries,
                    confirmed: (with, of),
                },
                sheet: form.sheet,
            });
        }
        if Instant::now() >= until {
            break;
        }
    }
    Err(format!("nothing smaller fails ({tries} tries)"))
}

/// In how many repeats the finding was made; a trial that is cut or cannot run counts as none.
async fn fails(
    trial: &Trial<'_>,
    sheet: &Sheet,
    found: &Found,
    repeats: (u32, bool),
    deadline: Instant,
) -> usize {
    shown(trial, sheet, found, repeats, deadline)
        .await
        .map_or(0, |(reproduced, _)| reproduced)
}

/// How often the finding was made, of how many repeats.
async fn shown(
    trial: &Trial<'_>,
    sheet: &Sheet,
    found: &Found,
    repeats: (u32, bool),
    deadline: Instant,
) -> Option<(usize, usize)> {
    let cancel = trial.cancel.child_token();
    let left = deadline.saturating_duration_since(Instant::now());
    let clock = cancel.clone();
    let watch = tokio::spawn(async move {
        tokio::time::sleep(left).await;
        clock.cancel();
    });
    let one = Trial {
        cancel,
        guard: trial.guard.clone(),
        ..*trial
    };
    let ended = one.run(sheet, found, repeats).await;
    watch.abort();
    match ended {
        Ok((replayed, _)) => Some((replayed.reproduced, replayed.ran)),
        Err(error) => {
            tracing::warn!(%error, "a smaller form could not be tried");
            None
        }
    }
}

/// A form that a correct server fails too shows nothing about the target: something it stands on was taken away.
async fn means_something(
    trial: &Trial<'_>,
    form: &Candidate,
    found: &Found,
    deadline: Instant,
) -> bool {
    let honest = Setup {
        versions: trial.setup.versions.clone(),
        ..Setup::built_in(Vec::new(), trial.setup.timeout)
    };
    let reference = Trial {
        setup: &honest,
        strict: false,
        guard: trial.guard.clone(),
        cancel: trial.cancel.clone(),
        progress: &Silent,
        ..*trial
    };
    match shown(&reference, &form.sheet, found, (1, false), deadline).await {
        Some((0, 1..)) => true,
        Some((0, 0)) | None => form.only_numbers,
        Some(_) => false,
    }
}
