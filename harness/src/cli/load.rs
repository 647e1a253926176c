//! `load`: exactly-once sales per second.

use tokio_util::sync::CancellationToken;
use x402_assay_reports::Report;
use x402_assay_reports::model::RunVerdict;
use x402_assay_reports::model::load::LoadKind;

use super::args::{FailOn, LoadOptions, Verbosity};
use super::exit::Exit;
use super::output;
use super::print;
use super::progress::Teller;
use super::run::{exit_code, guard_binary, refuse, rendered, shown_path};
use crate::bench::{self, BenchError, HISTORY_FILE, LoadBench, LoadOutcome};

pub(super) async fn load(
    options: LoadOptions,
    verbosity: Verbosity,
    cancel: CancellationToken,
) -> Exit {
    if let Err(error) = output::folder(&options.out) {
        print::message(&format!("error: --out: {error}"));
        return Exit::Usage;
    }
    let teller = Teller::new(verbosity.quiet);
    if options.setup.target.is_none() {
        teller.line(match options.setup.built_in_facilitator {
            true => "testing the built-in facilitator (nothing of yours)",
            false => "no target given: testing the built-in reference server (nothing of yours)",
        });
    }
    teller.line(&format!(
        "{} load, {}, seed {}",
        options.plan.kind.word(),
        options.plan.pace,
        options.plan.seed
    ));
    let outcome = perform(&options, &teller, cancel).await;
    teller.finish();
    match outcome {
        Ok(outcome) => conclude(&options, verbosity, &outcome),
        Err(error) => refuse(&error),
    }
}

async fn perform(
    options: &LoadOptions,
    teller: &Teller,
    cancel: CancellationToken,
) -> Result<LoadOutcome, BenchError> {
    let bench = LoadBench {
        setup: &options.setup,
        plan: &options.plan,
        thresholds: &options.thresholds,
        search: options.search,
        out: &options.out,
        block_time: options.block_time,
        signers: options.signers,
        strict: options.strict,
        patience: options.patience,
        guard: guard_binary()?,
        cancel,
        progress: teller,
    };
    bench::run_load(&bench).await
}

fn conclude(options: &LoadOptions, verbosity: Verbosity, outcome: &LoadOutcome) -> Exit {
    let report = &outcome.report;
    if report.load.is_none() && !outcome.target_log.is_empty() {
        print::message("the target's log ends:");
        for line in &outcome.target_log {
            print::message(&format!("  | {line}"));
        }
    }
    let text = rendered(report, options.json, verbosity);
    if let Err(error) = print::result(&text) {
        print::message(&format!("error: stdout: {error}"));
    }
    let mut exit = exit_of(report, options.plan.kind);
    let wanted = output::Wanted {
        also: &options.also,
        fail_on: FailOn::Fail,
        history: &[],
    };
    if let Err(error) = output::write(&options.out, report, &wanted) {
        print::message(&format!("error: the report is not whole on disk: {error}"));
        exit = exit.max(Exit::Internal);
    }
    if let Some(trouble) = &outcome.file_trouble {
        print::message(&format!(
            "error: the history is not whole on disk: {trouble}"
        ));
        exit = exit.max(Exit::Internal);
    }
    if !verbosity.quiet {
        let names: Vec<&str> = output::ALWAYS.into_iter().chain([HISTORY_FILE]).collect();
        print::message(&format!(
            "report files: {}/{{{}}}",
            shown_path(&options.out),
            names.join(",")
        ));
    }
    exit
}

/// As for a run; a threshold counts only where nothing worse is known. An unpaid load buys nothing on purpose, so the
/// missing purchase does not make it inconclusive: its figures and thresholds decide.
fn exit_of(report: &Report, kind: LoadKind) -> Exit {
    let judged = exit_code(report, FailOn::Fail);
    let Some(load) = &report.load else {
        return judged;
    };
    let is_fine = match kind {
        LoadKind::Unpaid => report.verdict == RunVerdict::Inconclusive && !report.interrupted,
        LoadKind::Paid | LoadKind::Verify | LoadKind::Settle => judged == Exit::Ok,
    };
    match is_fine {
        false => judged,
        true if load.misses() => Exit::Missed,
        true if load.unclear() => Exit::Inconclusive,
        true => Exit::Ok,
    }
}
