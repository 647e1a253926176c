//! `run`: tests a target.

use std::io::IsTerminal as _;
use std::path::Path;

use rand::Rng as _;
use tokio_util::sync::CancellationToken;
use x402_assay_reports::model::RunVerdict;
use x402_assay_reports::model::load::LoadReport;
use x402_assay_reports::terminal::{self, TerminalOptions};
use x402_assay_reports::{Report, json};

use super::args::{Extra, FailOn, Grading, RunOptions, Setup, Verbosity};
use super::exit::Exit;
use super::findings::Keeper;
use super::list::role as role_name;
use super::main::reserved;
use super::progress::Teller;
use super::replay::Trial;
use super::{expectations, output, print, scenarios};
use crate::bench::{self, Bench, BenchError, HISTORY_FILE, Outcome};
use crate::checks::{self, Check};
use crate::config::profile::TargetKind;
use crate::runner::{Repeats, Scope, Sheet};
use crate::verdict::{self, Judging};

/// `--slow`: longer than any wait of a correct server or SDK (they give up after 90 s).
const TO_THE_END: std::time::Duration = std::time::Duration::from_secs(120);

/// Seeds stay below 2^53, so that every JSON reader keeps them exact.
const SEED_MAX: u64 = 1 << 53;

pub(super) async fn run(
    options: RunOptions,
    verbosity: Verbosity,
    cancel: CancellationToken,
) -> Exit {
    if let Some(exit) = not_built(&options.setup) {
        return exit;
    }
    let selection = &options.selection;
    let role = match options.setup.is_about_facilitator() {
        true => checks::Role::Facilitator,
        false => checks::Role::ResourceServer,
    };
    let mut selected = checks::select(&selection.check, &selection.skip, &selection.tags);
    selected.retain(|check| check.role == role);
    if selected.is_empty() {
        print::message(&format!(
            "error: no check of a {0} matches --check, --skip and --tag (x402-assay list --role {0} shows them all)",
            role_name(role)
        ));
        return Exit::Nothing;
    }
    let sheets = match chosen_sheets(&options) {
        Ok(sheets) => sheets,
        Err(exit) => return exit,
    };
    if options.dry_run {
        return match sheets.is_empty() {
            true => dry_run(&options, &selected),
            false => scenarios::dry_run(&sheets),
        };
    }
    if let Err(error) = output::folder(&options.out) {
        print::message(&format!("error: --out: {error}"));
        return Exit::Usage;
    }
    let own = sheets.iter().map(|sheet| sheet.scenario.name.clone());
    let own: Vec<String> = own.collect();
    let (named, update) = (options.expectations.as_deref(), options.update_expectations);
    let expectations = match expectations::read(named, update, &own) {
        Ok(expectations) => expectations,
        Err(exit) => return exit,
    };
    let teller = Teller::new(verbosity.quiet);
    let seed = options
        .seed
        .unwrap_or_else(|| rand::rng().random_range(0..SEED_MAX));
    let outcome = perform(&options, &sheets, seed, &teller, cancel.clone()).await;
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) => {
            teller.finish();
            return refuse(&error);
        }
    };
    let judging = Judging {
        grading: grading(options.grading),
        selected: Some(selected.iter().map(|check| check.id.to_owned()).collect()),
        // The history holds it.
        replay_command: None,
        expectations,
    };
    let (mut report, not_updated) = judge_expecting(&options, &outcome, judging);
    let kept = keep_findings(&options, &sheets, (&outcome, &mut report), &teller, cancel).await;
    teller.finish();
    let exit = conclude(&options, verbosity, &report, &outcome);
    let exit = tell_update(exit, not_updated);
    match kept {
        Ok(()) => exit,
        Err(error) => {
            print::message(&format!("error: {error}"));
            exit.max(Exit::Internal)
        }
    }
}

/// Judges a run, writes its expectations anew where that was asked for, and judges by them; or why they were not written.
fn judge_expecting(
    options: &RunOptions,
    outcome: &Outcome,
    mut judging: Judging,
) -> (Report, Option<String>) {
    let (report, survey) = verdict::survey_history(&outcome.history, None, &judging);
    let old = judging.expectations.take();
    let Some(old) = old.filter(|_| options.update_expectations) else {
        return (report, None);
    };
    match expectations::update(options.expectations.as_deref(), &old, (&report, &survey)) {
        Ok(new) => {
            judging.expectations = Some(new);
            (judge(outcome, &judging), None)
        }
        Err(why) => (report, Some(why)),
    }
}

/// A run that is worth something and whose expectations could not be written is our trouble.
fn tell_update(exit: Exit, not_updated: Option<String>) -> Exit {
    let Some(why) = not_updated else { return exit };
    print::message(&format!("error: --update-expectations: not written: {why}"));
    match exit < Exit::Inconclusive {
        true => exit.max(Exit::Internal),
        false => exit,
    }
}

/// Replay files of what scenarios found.
async fn keep_findings(
    options: &RunOptions,
    sheets: &[Sheet],
    (outcome, report): (&Outcome, &mut Report),
    teller: &Teller,
    cancel: CancellationToken,
) -> Result<(), String> {
    if sheets.is_empty() {
        return Ok(());
    }
    let folder = std::env::current_dir().unwrap_or_default();
    let keeper = Keeper {
        options,
        sheets,
        outcome,
        teller,
        trial: Trial {
            setup: &options.setup,
            seed: report.seed,
            strict: options.strict,
            patience: options.patience,
            guard: guard_binary().map_err(|error| error.to_string())?,
            cancel,
            progress: teller,
            out: None,
        },
        folder: &folder,
    };
    let kept = keeper.keep(report).await;
    kept.map_err(|error| format!("the replay files are not whole on disk: {error}"))
}

/// The scenarios to run; what is wrong with the choice is said here.
fn chosen_sheets(options: &RunOptions) -> Result<Vec<Sheet>, Exit> {
    let sheets =
        scenarios::sheets(&options.scenarios, &options.scenario_tags).map_err(|problems| {
            for problem in problems {
                print::message(&format!("error: {problem}"));
            }
            Exit::Usage
        })?;
    let sheets = scenarios::with_tags(sheets, &options.scenario_tags);
    if sheets.is_empty() && !options.scenarios.is_empty() {
        print::message(
            "error: no scenario has such a tag (x402-assay list --scenarios --json shows their tags)",
        );
        return Err(Exit::Nothing);
    }
    Ok(sheets)
}

/// Names that are reserved, said before anything is started.
pub(super) fn not_built(setup: &Setup) -> Option<Exit> {
    let kind = setup.target.as_ref().map(|target| &target.kind);
    match kind {
        Some(TargetKind::Client { .. }) => Some(reserved("run --client")),
        _ => None,
    }
}

async fn perform(
    options: &RunOptions,
    sheets: &[Sheet],
    seed: u64,
    teller: &Teller,
    cancel: CancellationToken,
) -> Result<Outcome, BenchError> {
    let guard = guard_binary()?;
    if options.setup.target.is_none() {
        teller.line(match options.setup.built_in_facilitator {
            true => "testing the built-in facilitator (nothing of yours)",
            false => "no target given: testing the built-in reference server (nothing of yours)",
        });
    }
    let bench = Bench {
        setup: &options.setup,
        scope: match (sheets.is_empty(), options.setup.is_about_facilitator()) {
            (true, true) => Scope::Facilitator,
            (true, false) => Scope::Battery,
            (false, _) => Scope::Controls,
        },
        scenarios: sheets,
        repeats: Repeats {
            count: options.repeat,
            cases: options.cases,
            enough: None,
        },
        seed,
        out: Some(&options.out),
        strict: options.strict,
        patience: if options.slow {
            TO_THE_END
        } else {
            options.patience
        },
        guard,
        cancel,
        progress: teller,
    };
    bench::run(&bench).await
}

/// Our own binary, which runs children in guard mode.
pub(super) fn guard_binary() -> Result<std::path::PathBuf, BenchError> {
    std::env::current_exe()
        .map_err(|error| BenchError::Internal(format!("our own binary cannot be found: {error}")))
}

/// Says why a run did not begin.
pub(super) fn refuse(error: &BenchError) -> Exit {
    print::message(&format!("error: {error}"));
    match error {
        BenchError::Usage(_) => Exit::Usage,
        BenchError::Internal(_) => Exit::Internal,
    }
}

fn conclude(
    options: &RunOptions,
    verbosity: Verbosity,
    report: &Report,
    outcome: &Outcome,
) -> Exit {
    show_log(outcome, report);
    let text = rendered(report, options.json, verbosity);
    let mut exit = exit_code(report, options.fail_on);
    if let Err(error) = print::result(&text) {
        print::message(&format!("error: stdout: {error}"));
    }
    let wanted = output::Wanted {
        also: &options.also,
        fail_on: options.fail_on,
        history: &outcome.history,
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
        print::message(&files(&options.out, &options.also));
    }
    exit
}

/// The report as it goes to stdout.
pub(super) fn rendered(report: &Report, as_json: bool, verbosity: Verbosity) -> String {
    if as_json {
        return json::render(report);
    }
    terminal::render(
        report,
        TerminalOptions {
            color: std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
            verbose: verbosity.verbose > 0,
            ..TerminalOptions::default()
        },
    )
}

/// The end of a launched target's log, when the run says nothing good of it.
pub(super) fn show_log(outcome: &Outcome, report: &Report) {
    if report.verdict == RunVerdict::Inconclusive && !outcome.target_log.is_empty() {
        print::message("the target's log ends:");
        for line in &outcome.target_log {
            print::message(&format!("  | {line}"));
        }
    }
}

/// Judges a history.
pub(super) fn judge(outcome: &Outcome, judging: &Judging) -> Report {
    verdict::judge_history(&outcome.history, None, judging)
}

pub(super) const fn grading(asked: Grading) -> checks::Grading {
    match asked {
        Grading::Default => checks::Grading::Default,
        Grading::StrictSpec => checks::Grading::StrictSpec,
        Grading::StrictSdk => checks::Grading::StrictSdk,
    }
}

/// The exit code of a report (design section 9).
pub(super) fn exit_code(report: &Report, fail_on: FailOn) -> Exit {
    if report.interrupted {
        return Exit::Interrupted;
    }
    match report.verdict {
        RunVerdict::Nonconformant => Exit::Nonconformant,
        RunVerdict::Inconclusive => Exit::Inconclusive,
        RunVerdict::Conformant if fail_on == FailOn::Warn && warns(report) => Exit::Nonconformant,
        RunVerdict::Conformant => load_exit(report.load.as_ref()),
    }
}

/// Of a run that is conformant: a threshold that was missed, or could not be judged, is no success.
fn load_exit(load: Option<&LoadReport>) -> Exit {
    match load {
        Some(load) if load.misses() => Exit::Missed,
        Some(load) if load.unclear() => Exit::Inconclusive,
        _ => Exit::Ok,
    }
}

fn warns(report: &Report) -> bool {
    let mut expectations = report.expectations.iter();
    report.warns() || expectations.any(|file| !file.stale.is_empty())
}

fn files(out: &Path, also: &[Extra]) -> String {
    let usual = output::ALWAYS.into_iter().chain([HISTORY_FILE]);
    let extra = also.iter().map(|extra| output::name(*extra));
    let names: Vec<&str> = usual.chain(extra).collect();
    format!("report files: {}/{{{}}}", shown_path(out), names.join(","))
}

/// A path as seen from the current folder.
pub(super) fn shown_path(path: &Path) -> String {
    let folder = std::env::current_dir().ok();
    let below = folder.and_then(|folder| path.strip_prefix(folder).ok().map(Path::to_owned));
    below.as_deref().unwrap_or(path).display().to_string()
}

fn dry_run(options: &RunOptions, selected: &[&Check]) -> Exit {
    let mut text = String::new();
    for check in selected {
        text.push_str(&format!("{}  {}\n", check.id, check.title));
    }
    text.push_str(&plan(&options.setup, selected));
    match print::result(&text) {
        Ok(()) => Exit::Ok,
        Err(_) => Exit::Internal,
    }
}

fn plan(setup: &Setup, selected: &[&Check]) -> String {
    let target = setup.target.as_ref().map_or_else(
        || match setup.built_in_facilitator {
            true => "the built-in facilitator".to_owned(),
            false => "the built-in reference server".to_owned(),
        },
        |target| target.name.clone(),
    );
    if setup.is_about_facilitator() {
        return format!(
            "\n{} checks on {target}: about {} calls per version\n",
            selected.len(),
            crate::runner::planned_calls()
        );
    }
    let routes = setup.target.as_ref().map_or_else(
        || {
            crate::runner::builtin_profile("http://127.0.0.1:1")
                .routes
                .len()
        },
        |target| target.routes.len(),
    );
    format!(
        "\n{} checks on {target}: about {} requests per version\n",
        selected.len(),
        crate::runner::planned_requests(routes)
    )
}
