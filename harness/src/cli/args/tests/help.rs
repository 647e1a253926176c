use std::path::Path;

use clap::error::ErrorKind;

use super::super::{ArgsError, parse};
use super::invoke;

fn help(words: &[&str]) -> String {
    invoke(Path::new("."), words).unwrap_err()
}

#[test]
fn help_of_the_bench() {
    insta::assert_snapshot!(help(&["--help"]));
}

#[test]
fn help_of_run() {
    insta::assert_snapshot!(help(&["run", "--help"]));
}

#[test]
fn help_of_up() {
    insta::assert_snapshot!(help(&["up", "--help"]));
}

#[test]
fn help_of_down() {
    insta::assert_snapshot!(help(&["down", "--help"]));
}

#[test]
fn help_of_list() {
    insta::assert_snapshot!(help(&["list", "--help"]));
}

#[test]
fn help_of_doctor() {
    insta::assert_snapshot!(help(&["doctor", "--help"]));
}

#[test]
fn help_of_judge() {
    insta::assert_snapshot!(help(&["judge", "--help"]));
}

#[test]
fn help_of_report() {
    insta::assert_snapshot!(help(&["report", "--help"]));
}

#[test]
fn help_of_replay() {
    insta::assert_snapshot!(help(&["replay", "--help"]));
}

#[test]
fn help_and_version_are_no_errors() {
    for (words, kind) in [
        (["x402-assay", "--help"], ErrorKind::DisplayHelp),
        (["x402-assay", "--version"], ErrorKind::DisplayVersion),
    ] {
        let ArgsError(error) = parse(words.iter().map(Into::into)).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert_eq!(error.exit_code(), 0);
    }
}

#[test]
fn the_definitions_are_sound() {
    use clap::CommandFactory;
    super::super::command::Cli::command().debug_assert();
}

#[test]
fn every_flag_can_be_set_in_the_environment() {
    use clap::CommandFactory;
    let command = super::super::command::Cli::command();
    for inner in command.get_subcommands() {
        for arg in inner.get_arguments().filter(|arg| arg.get_long().is_some()) {
            let id = arg.get_id().as_str();
            if matches!(id, "help" | "version") {
                continue;
            }
            let long = arg
                .get_long()
                .expect("filtered above")
                .replace('-', "_")
                .to_uppercase();
            let variable = arg
                .get_env()
                .map(|name| name.to_string_lossy().into_owned());
            assert_eq!(
                variable,
                Some(format!("X402_ASSAY_{long}")),
                "{} --{id}",
                inner.get_name()
            );
        }
    }
}
