//! Clap structs → plain options. Reads profile files; every problem is told at once.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::command::{CommandArgs, ScenarioWhat};
use super::options::{
    Command, DoctorOptions, DownOptions, FailOn, Invocation, ListOptions, RunOptions, Selection,
    SelftestOptions, UpOptions, Verbosity,
};
use super::parse::Parsed;
use super::run::{RunArgs, SelectionArgs, VerdictArgs};
use super::service::UpArgs;
use super::setup::{self, SetupArgs};
use crate::config::{Lookup, did_you_mean};
use crate::scenario::{BUILTIN, LOAD_BUILTIN, builtin_named};

/// The default of `--patience`.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// What the words are read in: the working folder and the environment of `${VAR}`.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Relative paths start here; empty keeps them as they were typed.
    pub folder: &'a Path,
    /// Variables for profile files.
    pub lookup: Lookup<'a>,
}

impl fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

/// Everything wrong with the command line and the files it names; exit code 2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", problems.join("\n"))]
pub struct UsageError {
    /// One problem each, naming its flag or its file, line and column.
    pub problems: Vec<String>,
}

/// Turns what was typed into what it means.
pub fn resolve(parsed: &Parsed, surroundings: Surroundings<'_>) -> Result<Invocation, UsageError> {
    let mut problems = Vec::new();
    let command = match &parsed.cli.command {
        CommandArgs::Run(args) => run(args, parsed, surroundings, &mut problems),
        CommandArgs::Doctor(args) => {
            let groups = SetupArgs {
                target: &args.target,
                chain: &args.chain,
                listen: &args.listen,
                attach: &args.attach,
            };
            setup::resolve(&groups, parsed, surroundings, &mut problems).map(|setup| {
                Command::Doctor(Box::new(DoctorOptions {
                    setup,
                    json: args.json,
                }))
            })
        }
        CommandArgs::Up(args) => Some(Command::Up(up(args, parsed, surroundings, &mut problems))),
        CommandArgs::Down(args) => Some(Command::Down(DownOptions {
            control_url: args.control_url.clone(),
        })),
        CommandArgs::Replay(args) => args.options(parsed, surroundings, &mut problems),
        CommandArgs::Load(args) => args.options(parsed, surroundings, &mut problems),
        CommandArgs::Judge(args) => Some(Command::Judge(args.options(surroundings))),
        CommandArgs::Compare(args) => Some(Command::Compare(args.options(surroundings))),
        CommandArgs::Report(args) => Some(Command::Report(args.options(surroundings))),
        CommandArgs::Explain { id } => Some(Command::Explain(id.clone())),
        CommandArgs::List(args) => {
            let (scenarios, personalities) = (args.scenarios, args.personalities);
            let (role, json) = (args.role, args.json);
            Some(Command::List(ListOptions {
                scenarios,
                personalities,
                role,
                json,
            }))
        }
        CommandArgs::Selftest(args) => Some(Command::Selftest(SelftestOptions {
            json: args.json,
            out: args.out.as_ref().map(|out| surroundings.folder.join(out)),
        })),
        CommandArgs::Scenario(args) => {
            let ScenarioWhat::Copy { name } = &args.what;
            Some(Command::ScenarioCopy { name: name.clone() })
        }
        other => other.reserved().map(|name| Command::Reserved { name }),
    };
    let verbosity = verbosity(parsed, &mut problems);
    match command {
        Some(command) if problems.is_empty() => Ok(Invocation { command, verbosity }),
        _ => Err(UsageError { problems }),
    }
}

fn run(
    args: &RunArgs,
    parsed: &Parsed,
    surroundings: Surroundings<'_>,
    problems: &mut Vec<String>,
) -> Option<Command> {
    let groups = SetupArgs {
        target: &args.target,
        chain: &args.chain,
        listen: &args.listen,
        attach: &args.attach,
    };
    let setup = setup::resolve(&groups, parsed, surroundings, problems);
    let scenarios = scenarios(&args.scenarios, surroundings, problems);
    let fail_on = fail_on(&args.verdict, parsed, problems);
    let patience = patience(&args.selection, parsed, problems);
    let SelectionArgs {
        check,
        skip,
        tag,
        repeat,
        cases,
        ..
    } = args.selection.clone();
    if args.scenarios.is_empty() {
        for (id, flag) in [
            ("repeat", "--repeat"),
            ("cases", "--cases"),
            ("minimise", "--minimise"),
        ] {
            if parsed.typed(id) {
                problems.push(format!(
                    "{flag} is about scenarios; name some, or `{ALL_SCENARIOS}` for every built-in one"
                ));
            }
        }
    }
    let (tags, scenario_tags) = match args.scenarios.is_empty() {
        true => (tag, Vec::new()),
        false => (Vec::new(), tag),
    };
    Some(Command::Run(Box::new(RunOptions {
        setup: setup?,
        scenarios,
        selection: Selection { check, skip, tags },
        scenario_tags,
        repeat: repeat.unwrap_or(1),
        cases: cases.and_then(|cases| usize::try_from(cases).ok()),
        seed: args.selection.seed,
        out: surroundings.folder.join(&args.verdict.out),
        json: args.verdict.json,
        strict: args.verdict.strict,
        fail_on,
        also: args.verdict.also.clone(),
        grading: args.verdict.grading,
        dry_run: args.selection.dry_run,
        patience,
        slow: args.selection.slow,
        minimise: args.selection.minimise,
        expectations: args
            .verdict
            .expectations
            .as_ref()
            .map(|file| surroundings.folder.join(file)),
        update_expectations: args.verdict.update_expectations,
    })))
}

fn up(
    args: &UpArgs,
    parsed: &Parsed,
    surroundings: Surroundings<'_>,
    problems: &mut Vec<String>,
) -> UpOptions {
    UpOptions {
        detach: args.detach || args.wait,
        wait: args.wait,
        env_file: args
            .env_file
            .as_ref()
            .map(|file| surroundings.folder.join(file)),
        chain: setup::chain(&args.chain, parsed, surroundings, problems),
        listen: setup::listen(&args.listen, true, problems),
    }
}

/// Stands for every built-in scenario.
pub(in crate::cli) const ALL_SCENARIOS: &str = "all";

/// Files and folders as whole paths; names of the library as they are, also where a file has such a name: `./NAME` means
/// the file. Paths must exist; a command's name among them is a misplaced command.
fn scenarios(
    given: &[PathBuf],
    surroundings: Surroundings<'_>,
    problems: &mut Vec<String>,
) -> Vec<PathBuf> {
    const COMMANDS: [&str; 11] = [
        "run", "load", "up", "down", "list", "doctor", "judge", "replay", "report", "explain",
        "selftest",
    ];
    let mut found = Vec::new();
    for path in given {
        let absolute = surroundings.folder.join(path);
        let shown = path.display().to_string();
        if shown == ALL_SCENARIOS || builtin_named(&shown).is_some() {
            found.push(path.clone());
        } else if absolute.exists() {
            found.push(absolute);
        } else if COMMANDS.contains(&shown.as_str()) {
            problems.push(format!(
                "`{shown}` is a command; put it first: x402-assay {shown} ..."
            ));
        } else {
            let names = BUILTIN.iter().chain(LOAD_BUILTIN).map(|(name, _)| *name);
            let hint = did_you_mean(&shown, COMMANDS.into_iter().chain(names));
            problems.push(format!("no scenario file or folder `{shown}`{hint}"));
        }
    }
    found
}

/// `--strict` and `--fail-on` answer one question: a typed one beats one from the environment.
fn fail_on(args: &VerdictArgs, parsed: &Parsed, problems: &mut Vec<String>) -> FailOn {
    let from_strict = args.strict.then_some(FailOn::Warn);
    let (strict, explicit) = (parsed.typed("strict"), parsed.typed("fail_on"));
    match (from_strict, args.fail_on) {
        (Some(_), Some(FailOn::Fail)) if strict == explicit => {
            problems.push("--strict means --fail-on warn; it contradicts --fail-on fail".into());
            FailOn::Warn
        }
        (Some(warn), Some(_)) if strict => warn,
        (from_strict, given) => given.or(from_strict).unwrap_or_default(),
    }
}

/// The same for `-v` and `-q`.
fn verbosity(parsed: &Parsed, problems: &mut Vec<String>) -> Verbosity {
    let (verbose, quiet) = (parsed.cli.verbosity.verbose, parsed.cli.verbosity.quiet);
    let (loud, silent) = (parsed.typed("verbose"), parsed.typed("quiet"));
    if verbose == 0 || !quiet {
        return Verbosity { verbose, quiet };
    }
    if loud == silent {
        problems.push("-v and -q contradict each other; keep one".into());
    }
    if loud {
        Verbosity {
            verbose,
            quiet: false,
        }
    } else {
        Verbosity {
            verbose: 0,
            quiet: true,
        }
    }
}

fn patience(args: &SelectionArgs, parsed: &Parsed, problems: &mut Vec<String>) -> Duration {
    if args.slow && parsed.typed("patience") {
        problems.push(
            "--slow sees every wait to its end, so --patience means nothing; keep one".into(),
        );
    }
    args.patience.unwrap_or(PATIENCE)
}
