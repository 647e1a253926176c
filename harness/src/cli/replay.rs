//! `replay`: makes one finding again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::args::{FailOn, ReplayOptions, Setup};
use super::exit::Exit;
use super::progress::Teller;
use super::run::{guard_binary, judge, not_built, refuse, show_log};
use super::{output, print};
use crate::bench::{self, Bench, BenchError, Outcome};
use crate::history::{Event, What};
use crate::replay::{Found, Replayed, compare};
use crate::runner::{Progress, Repeats, Scope, Sheet};
use crate::verdict::{Judging, judge_rounds};

/// How a case is run again, by `replay` and while a smaller form is looked for.
pub(super) struct Trial<'a> {
    pub(super) setup: &'a Setup,
    pub(super) seed: u64,
    pub(super) strict: bool,
    pub(super) patience: Duration,
    pub(super) guard: PathBuf,
    pub(super) cancel: CancellationToken,
    pub(super) progress: &'a dyn Progress,
    pub(super) out: Option<&'a Path>,
}

impl Trial<'_> {
    /// Runs a case so often, or until the finding is made again if `first` is enough.
    pub(super) async fn run(
        &self,
        sheet: &Sheet,
        found: &Found,
        (count, first): (u32, bool),
    ) -> Result<(Replayed, Outcome), BenchError> {
        let again = |events: &[Event]| compare(&judge_rounds(events), found).reproduced > 0;
        let bench = Bench {
            setup: self.setup,
            scope: Scope::Controls,
            scenarios: std::slice::from_ref(sheet),
            repeats: Repeats {
                count,
                cases: None,
                enough: first.then_some(&again),
            },
            seed: self.seed,
            out: self.out,
            strict: self.strict,
            patience: self.patience,
            guard: self.guard.clone(),
            cancel: self.cancel.clone(),
            progress: self.progress,
        };
        let outcome = bench::run(&bench).await?;
        let replayed = compare(&judge_rounds(&outcome.history), found);
        Ok((replayed, outcome))
    }
}

pub(super) async fn replay(options: ReplayOptions, quiet: bool, cancel: CancellationToken) -> Exit {
    if let Some(exit) = not_built(&options.setup) {
        return exit;
    }
    if let Some(out) = &options.out
        && let Err(error) = output::folder(out)
    {
        print::message(&format!("error: --out: {error}"));
        return Exit::Usage;
    }
    let guard = match guard_binary() {
        Ok(guard) => guard,
        Err(error) => return refuse(&error),
    };
    let teller = Teller::new(quiet);
    let file = &options.file;
    let trial = Trial {
        setup: &options.setup,
        seed: file.seed,
        strict: false,
        patience: options.patience,
        guard,
        cancel,
        progress: &teller,
        out: options.out.as_deref(),
    };
    let ended = trial
        .run(&file.sheet, &file.found, (options.repeat, true))
        .await;
    teller.finish();
    match ended {
        Ok((replayed, outcome)) => conclude(&options, &replayed, &outcome),
        Err(error) => refuse(&error),
    }
}

fn conclude(options: &ReplayOptions, replayed: &Replayed, outcome: &Outcome) -> Exit {
    let report = judge(outcome, &Judging::default());
    show_log(outcome, &report);
    let found = &options.file.found;
    let what = format!("{}, {}", found.scenario, found.expectation);
    let tries = match replayed.ran {
        1 => "1 try".to_owned(),
        more => format!("{more} tries"),
    };
    let (mut exit, text) = if replayed.reproduced > 0 {
        let text = format!("reproduced in {tries}: {what}: {}", replayed.detail);
        (Exit::Nonconformant, text)
    } else if interrupted(&outcome.history) {
        (Exit::Interrupted, format!("stopped after {tries}: {what}"))
    } else if replayed.ran > 0 {
        let text = format!("not reproduced in {tries}: {what}: {}", replayed.detail);
        (Exit::Ok, text)
    } else {
        let why = match report.scenarios.is_empty() || !report.controls.positive.held {
            true => &report.summary,
            false => &replayed.detail,
        };
        (Exit::Inconclusive, format!("could not run: {what}: {why}"))
    };
    let text = x402_assay_reports::text::line(&outcome.secrets.text(&text), 2_000);
    if let Err(error) = print::result(&format!("{text}\n")) {
        print::message(&format!("error: stdout: {error}"));
    }
    let wanted = output::Wanted {
        also: &[],
        fail_on: FailOn::Fail,
        history: &outcome.history,
    };
    if let Some(out) = &options.out
        && let Err(error) = output::write(out, &report, &wanted)
    {
        print::message(&format!("error: the report is not whole on disk: {error}"));
        exit = exit.max(Exit::Internal);
    }
    exit
}

fn interrupted(history: &[Event]) -> bool {
    let ended = history.last().map(|event| &event.what);
    matches!(
        ended,
        Some(What::RunEnded {
            interrupted: true,
            ..
        })
    )
}
