//! The commands, as clap sees them.

use clap::{ArgAction, Parser, Subcommand};

use super::common::Switch;
use super::compare::CompareArgs;
use super::judge::JudgeArgs;
use super::load::LoadArgs;
use super::replay::ReplayArgs;
use super::report::ReportArgs;
use super::run::{DoctorArgs, RunArgs};
use super::service::{DownArgs, ListArgs, SelftestArgs, UpArgs};

/// Starts a local chain, a facilitator and paying clients, drives an x402 target, and judges by
/// the money that really moved.
///
/// Without a command this is `run`; without a target it tests the built-in reference server.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "x402-assay",
    version,
    subcommand_required = true,
    arg_required_else_help = false,
    infer_subcommands = false,
    max_term_width = 100,
    after_help = EXIT_CODES
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: CommandArgs,

    #[command(flatten)]
    pub(super) verbosity: VerbosityArgs,
}

const EXIT_CODES: &str = "\
Exit codes: 0 conformant, 1 internal error, 2 usage, 3 nonconformant, 4 nothing ran,
            5 inconclusive, 6 threshold missed, 130 interrupted
Every flag can also be set as X402_ASSAY_<FLAG>; flag > environment > file > default.";

const REPLAY_EXITS: &str = "\
Exit codes: 3 reproduced, 0 not reproduced, 5 could not run, 2 a bad file or flag, 130 interrupted
Every flag can also be set as X402_ASSAY_<FLAG>.";

const SELFTEST_EXITS: &str = "\
Exit codes: 0 as recorded, 3 the matrix differs, 1 internal error, 130 interrupted
Every flag can also be set as X402_ASSAY_<FLAG>.";

const COMPARE_EXITS: &str = "\
Exit codes: 0 nothing broke, 3 newly broken, 5 cannot be compared, 6 load is worse than allowed, 2 a bad file or flag
Every flag can also be set as X402_ASSAY_<FLAG>.";

const VARIABLES: &str =
    "Every flag can also be set as X402_ASSAY_<FLAG>, such as X402_ASSAY_TIMEOUT=10s.";

#[derive(Debug, Clone, clap::Args)]
pub(super) struct VerbosityArgs {
    /// Tell more on stderr; twice for even more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    #[arg(env = "X402_ASSAY_VERBOSE", hide_env = true)]
    pub(super) verbose: u8,

    /// Tell only errors on stderr
    #[arg(short, long, global = true, action = ArgAction::SetTrue, value_parser = Switch)]
    #[arg(env = "X402_ASSAY_QUIET", hide_env = true)]
    pub(super) quiet: bool,
}

#[derive(Debug, Clone, Subcommand)]
pub(super) enum CommandArgs {
    /// Test a server, facilitator or client (the default command)
    #[command(after_help = VARIABLES)]
    Run(Box<RunArgs>),
    /// Start chain and facilitator and keep them running for your own server
    #[command(after_help = VARIABLES)]
    Up(UpArgs),
    /// Stop what `up -d` started
    #[command(after_help = VARIABLES)]
    Down(DownArgs),
    /// List checks or scenarios
    #[command(after_help = VARIABLES)]
    List(ListArgs),
    /// Say why a target does not sell anything yet
    #[command(after_help = VARIABLES)]
    Doctor(Box<DoctorArgs>),
    /// Judge a saved history again
    #[command(after_help = VARIABLES)]
    Judge(JudgeArgs),
    /// Measure exactly-once sales per second, and audit every one of them
    #[command(after_help = VARIABLES)]
    Load(Box<LoadArgs>),
    /// Explain a check: requirement, source, how it is seen, examples, cause and fix
    Explain {
        /// Its id, as `list` shows it
        id: String,
    },
    /// Make one finding again, from the small file a run wrote about it
    #[command(after_help = REPLAY_EXITS)]
    Replay(Box<ReplayArgs>),
    /// Compare two reports: what is fixed, what broke, what got slower
    #[command(after_help = COMPARE_EXITS)]
    Compare(CompareArgs),
    /// Render a report or a history in another format
    #[command(after_help = VARIABLES)]
    Report(ReportArgs),
    /// Prove that every check can fail: run the built-in server with each of its defects
    #[command(after_help = SELFTEST_EXITS)]
    Selftest(SelftestArgs),
    /// Reserved: test real SDKs
    #[command(disable_help_flag = true)]
    Interop(Rest),
    /// Copy a built-in scenario, to change it
    Scenario(ScenarioArgs),
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct ScenarioArgs {
    #[command(subcommand)]
    pub(super) what: ScenarioWhat,
}

#[derive(Debug, Clone, Subcommand)]
pub(super) enum ScenarioWhat {
    /// Write a built-in scenario's file to the current folder
    Copy {
        /// Its name, as `list --scenarios` shows it
        name: String,
    },
}

/// Whatever follows a reserved name; nothing reads it, the command does not exist yet.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Rest {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    rest: Vec<String>,
}

impl CommandArgs {
    /// The name of a reserved command.
    pub(super) fn reserved(&self) -> Option<&'static str> {
        Some(match self {
            Self::Interop(_) => "interop",
            Self::Run(_)
            | Self::Up(_)
            | Self::Down(_)
            | Self::List(_)
            | Self::Doctor(_)
            | Self::Explain { .. }
            | Self::Judge(_)
            | Self::Replay(_)
            | Self::Load(_)
            | Self::Selftest(_)
            | Self::Report(_)
            | Self::Compare(_)
            | Self::Scenario(_) => return None,
        })
    }
}
