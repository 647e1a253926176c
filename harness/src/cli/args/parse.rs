//! Words → clap structs. Adds the implied `run`, and remembers which flags were typed.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};

use clap::builder::Resettable;
use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches};

use super::again::Again;
use super::command::Cli;

/// What was typed, with the flags that came from the command line rather than the environment.
#[derive(Debug, Clone)]
pub struct Parsed {
    pub(super) cli: Cli,
    typed: BTreeSet<String>,
    /// The same for a repetition.
    pub(super) again: Option<Again>,
}

/// clap's answer: help or version (stdout, exit 0) or a usage error (stderr, exit 2).
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ArgsError(pub Box<clap::Error>);

impl Parsed {
    /// Whether a flag was typed, as opposed to set in the environment or left out.
    pub(super) fn typed(&self, flag: &str) -> bool {
        self.typed.contains(flag)
    }
}

/// Parses the words of the command line, the program's name first.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Parsed, ArgsError> {
    let words = with_implied_run(words.into_iter().collect());
    let mut command = ignore_empty_variables(Cli::command());
    let matches = command.try_get_matches_from_mut(words).map_err(boxed)?;
    let cli = Cli::from_arg_matches(&matches).map_err(|error| boxed(error.format(&mut command)))?;
    let mut typed = BTreeSet::new();
    let levels = [Some(&matches), matches.subcommand().map(|(_, inner)| inner)];
    for level in levels.into_iter().flatten() {
        let ids = level.ids().map(clap::Id::as_str);
        let from_words = ids
            .filter(|id| level.try_get_raw(id).is_ok())
            .filter(|id| level.value_source(id) == Some(ValueSource::CommandLine));
        typed.extend(from_words.map(str::to_owned));
    }
    let again = matches
        .subcommand()
        .and_then(|(name, inner)| Again::of(command.find_subcommand(name)?, inner));
    Ok(Parsed { cli, typed, again })
}

fn boxed(error: clap::Error) -> ArgsError {
    ArgsError(Box::new(error))
}

/// `x402-assay --server URL` means `x402-assay run --server URL`.
fn with_implied_run(mut words: Vec<OsString>) -> Vec<OsString> {
    let after_verbosity = words.iter().skip(1).find(|word| !is_verbosity(word));
    let text = after_verbosity.map(|word| word.to_string_lossy());
    let implied = match text.as_deref() {
        None => true,
        Some("-h" | "--help" | "-V" | "--version") => false,
        Some(word) => word.starts_with('-'),
    };
    if implied {
        words.insert(words.len().min(1), "run".into());
    }
    words
}

fn is_verbosity(word: &OsStr) -> bool {
    let text = word.to_string_lossy();
    let short = text.strip_prefix('-').unwrap_or_default();
    matches!(text.as_ref(), "--verbose" | "--quiet")
        || (!short.is_empty() && short.chars().all(|c| c == 'v' || c == 'q'))
}

/// CI sets variables to nothing to unset them; clap would read the empty text as a value.
fn ignore_empty_variables(command: clap::Command) -> clap::Command {
    let command = command.mut_args(|arg| {
        let empty = arg
            .get_env()
            .and_then(std::env::var_os)
            .is_some_and(|value| value.is_empty());
        if empty {
            arg.env(Resettable::<clap::builder::OsStr>::Reset)
        } else {
            arg
        }
    });
    command.mut_subcommands(ignore_empty_variables)
}
