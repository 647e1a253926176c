//! The command that was given, written so that it can be given again.

use clap::{Arg, ArgAction, ArgMatches, Command};
use x402_assay_reports::reproduce::quote;

use crate::config::profile::Header;

/// Flags that a repetition does without: where reports go, how much is told, and what is written anew. The seed is the
/// one that was used, typed or not.
const LEFT_OUT: [&str; 8] = [
    "also",
    "dry_run",
    "json",
    "out",
    "quiet",
    "seed",
    "update_expectations",
    "verbose",
];
/// Beside one of these a `--chain` says nothing, or contradicts it.
const ABOUT_CHAIN: [&str; 5] = ["anvil", "attach", "block_time", "chain", "signers"];
/// Groups of flags about the target and the services around it.
const SURROUNDINGS: [&str; 4] = ["TargetArgs", "ChainArgs", "ListenArgs", "AttachArgs"];
/// The headers of a target; their values are secrets.
const HEADERS: &str = "headers";
/// What stands in place of a secret.
const SECRET: &str = "…";

/// The flags of a run as they were typed or set as variables, secrets left out: the same words mean the same again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    /// `run`, `load` or `replay`.
    command: &'static str,
    words: Vec<Word>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Word {
    /// The flag's id.
    id: String,
    /// It is about the target, or the services around it.
    is_surroundings: bool,
    said: Said,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    /// A variable with its name.
    Variable(String, String),
    /// `--strict`.
    Flag(String),
    /// `--rate 5/s`.
    Value(String, String),
    /// A scenario or a file.
    Bare(String),
}

impl Again {
    /// What was said to a command; nothing for one that runs nothing.
    pub(super) fn of(command: &Command, matches: &ArgMatches) -> Option<Self> {
        let name = ["run", "load", "replay"]
            .into_iter()
            .find(|name| *name == command.get_name())?;
        let groups = command.get_groups();
        let about: Vec<&str> = groups
            .filter(|group| SURROUNDINGS.contains(&group.get_id().as_str()))
            .flat_map(|group| group.get_args().map(clap::Id::as_str))
            .collect();
        let (bare, flags): (Vec<&Arg>, Vec<&Arg>) = command
            .get_arguments()
            .filter(|arg| !LEFT_OUT.contains(&arg.get_id().as_str()))
            .partition(|arg| arg.is_positional());
        let words = bare.into_iter().chain(flags).flat_map(|arg| {
            let id = arg.get_id().as_str();
            let is_surroundings = about.contains(&id);
            said(arg, matches).into_iter().map(move |said| Word {
                id: id.to_owned(),
                is_surroundings,
                said,
            })
        });
        Some(Self {
            command: name,
            words: words.collect(),
        })
    }

    /// The command that makes the whole run again, with the seed it had and on the kind of chain it had. `hide` takes
    /// secrets out of a word.
    pub(crate) fn whole(
        &self,
        seed: u64,
        chain_used: &str,
        hide: impl Fn(&str) -> String,
    ) -> String {
        let mut line = self.line(self.command, |_| true, hide);
        // A replay file names both.
        if self.command == "replay" {
            return line;
        }
        let mut words = self.words.iter();
        let about_chain = words.any(|word| ABOUT_CHAIN.contains(&word.id.as_str()));
        if chain_used == "memory" && !about_chain {
            line.push_str(" --chain memory");
        }
        format!("{line} --seed {seed}")
    }

    /// The command that runs the battery on the same target in the same surroundings: what a finding is about is added
    /// to it. Nothing where a file names the target.
    pub(crate) fn on_target(&self, hide: impl Fn(&str) -> String) -> Option<String> {
        (self.command != "replay").then(|| self.line("run", |word| word.is_surroundings, hide))
    }

    fn line(
        &self,
        command: &str,
        wanted: impl Fn(&Word) -> bool,
        hide: impl Fn(&str) -> String,
    ) -> String {
        let quoted = |text: &str| quote(&hide(text));
        let (mut before, mut after) = (String::new(), String::new());
        for word in self.words.iter().filter(|word| wanted(word)) {
            match &word.said {
                Said::Variable(name, value) => {
                    before.push_str(&format!("{name}={} ", quoted(value)));
                }
                Said::Flag(flag) => after.push_str(&format!(" {flag}")),
                // A value that looks like a flag is not taken for one.
                Said::Value(flag, value) if value.starts_with('-') => {
                    after.push_str(&format!(" {flag}={}", quoted(value)));
                }
                Said::Value(flag, value) => {
                    after.push_str(&format!(" {flag} {}", quoted(value)));
                }
                Said::Bare(value) => after.push_str(&format!(" {}", quoted(value))),
            }
        }
        format!("{before}x402-assay {command}{after}")
    }
}

/// What was said of one flag, as often as it was.
fn said(arg: &Arg, matches: &ArgMatches) -> Vec<Said> {
    use clap::parser::ValueSource::{CommandLine, EnvVariable};
    let id = arg.get_id().as_str();
    if matches.try_get_raw(id).is_err() {
        return Vec::new();
    }
    let flag = format!("--{}", arg.get_long().unwrap_or(id));
    let values = matches.get_raw(id).into_iter().flatten();
    let values: Vec<String> = values
        .map(|value| value.to_string_lossy().into_owned())
        .collect();
    match matches.value_source(id) {
        Some(CommandLine | EnvVariable) if id == HEADERS => values
            .iter()
            .map(|line| Said::Value(flag.clone(), without_value(line)))
            .collect(),
        Some(EnvVariable) => variable(arg).into_iter().collect(),
        Some(CommandLine) if matches!(arg.get_action(), ArgAction::SetTrue) => {
            vec![Said::Flag(flag)]
        }
        Some(CommandLine) if values.is_empty() => vec![Said::Flag(flag)],
        Some(CommandLine) => values
            .into_iter()
            .map(|value| match arg.is_positional() {
                true => Said::Bare(value),
                false => Said::Value(flag.clone(), without_user(&value)),
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn variable(arg: &Arg) -> Option<Said> {
    let name = arg.get_env()?;
    let value = std::env::var_os(name)?;
    let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
    Some(Said::Variable(name.into_owned(), without_user(&value)))
}

/// A header's line without its value, unless that says only what kind of body is sent.
fn without_value(line: &str) -> String {
    match Header::parse(line) {
        Ok(header) if header.is_plain() => line.to_owned(),
        _ => {
            let name = line.split_once(':').map_or("", |(name, _)| name.trim());
            format!("{name}: {SECRET}")
        }
    }
}

/// A URL without user and password; any other text as it is.
fn without_user(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{SECRET}{}", &rest[at..]),
        None => text.to_owned(),
    }
}
