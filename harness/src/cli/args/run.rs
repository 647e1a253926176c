//! Flags of `run` and `doctor`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};

use super::common::{Switch, duration, filled};
use super::options::{Extra, FailOn, Grading};
use super::target::{AttachArgs, ChainArgs, ListenArgs, TargetArgs};
use crate::runner::REPEATS_MAX;

#[derive(Debug, Clone, Args)]
pub(super) struct RunArgs {
    /// Built-in scenarios (`all` is every one), files or folders [default: the built-in battery]
    #[arg(value_name = "SCENARIO|DIR")]
    pub(super) scenarios: Vec<PathBuf>,

    #[command(flatten)]
    pub(super) target: TargetArgs,
    #[command(flatten)]
    pub(super) chain: ChainArgs,
    #[command(flatten)]
    pub(super) listen: ListenArgs,
    #[command(flatten)]
    pub(super) attach: AttachArgs,
    #[command(flatten)]
    pub(super) selection: SelectionArgs,
    #[command(flatten)]
    pub(super) verdict: VerdictArgs,
}

/// What to perform.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Selection")]
pub(super) struct SelectionArgs {
    /// Only checks whose id matches, such as 'SRV-TERM-*'; repeatable
    #[arg(long, value_name = "GLOB", value_delimiter = ',', value_parser = filled)]
    #[arg(env = "X402_ASSAY_CHECK", hide_env = true)]
    pub(super) check: Vec<String>,

    /// No checks whose id matches; repeatable
    #[arg(long, value_name = "GLOB", value_delimiter = ',', value_parser = filled)]
    #[arg(env = "X402_ASSAY_SKIP", hide_env = true)]
    pub(super) skip: Vec<String>,

    /// Only checks, or where scenarios are named only scenarios, with this tag; repeatable
    #[arg(long, value_name = "TAG", value_delimiter = ',', value_parser = filled)]
    #[arg(env = "X402_ASSAY_TAG", hide_env = true)]
    pub(super) tag: Vec<String>,

    /// Run each case of the scenarios N times, each time with a seed of its own [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(REPEATS_MAX)))]
    #[arg(env = "X402_ASSAY_REPEAT", hide_env = true)]
    pub(super) repeat: Option<u32>,

    /// At most N cases of each scenario, spread over its matrix [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=500))]
    #[arg(env = "X402_ASSAY_CASES", hide_env = true)]
    pub(super) cases: Option<u32>,

    /// Look for the smallest form of each failing scenario: fewer copies, faults and steps (sends more requests)
    #[arg(long, action = ArgAction::SetTrue, value_parser = Switch)]
    #[arg(env = "X402_ASSAY_MINIMISE", hide_env = true)]
    pub(super) minimise: bool,

    /// Say what would be done, send nothing
    #[arg(long, action = ArgAction::SetTrue, value_parser = Switch)]
    #[arg(env = "X402_ASSAY_DRY_RUN", hide_env = true)]
    pub(super) dry_run: bool,

    /// Seed of order, schedule and faults [default: random, printed]
    #[arg(long, value_name = "N", env = "X402_ASSAY_SEED", hide_env = true)]
    pub(super) seed: Option<u64>,

    /// Longest wait for something that may never happen [default: 5s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    #[arg(env = "X402_ASSAY_PATIENCE", hide_env = true)]
    pub(super) patience: Option<Duration>,

    /// See every wait to its end
    #[arg(long, action = ArgAction::SetTrue, value_parser = Switch)]
    #[arg(env = "X402_ASSAY_SLOW", hide_env = true)]
    pub(super) slow: bool,
}

/// How the run is judged and reported.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Verdict and report")]
pub(super) struct VerdictArgs {
    /// Folder for the report files
    #[arg(long, value_name = "DIR", default_value = "x402-assay-report")]
    #[arg(env = "X402_ASSAY_OUT", hide_env = true)]
    pub(super) out: PathBuf,

    /// Report files to write beside the usual ones: report.sarif, books.csv, report.har
    #[arg(long, value_name = "FORMAT", value_enum, value_delimiter = ',')]
    #[arg(env = "X402_ASSAY_ALSO", hide_env = true)]
    pub(super) also: Vec<Extra>,

    /// Print the report as JSON on stdout
    #[arg(long, action = ArgAction::SetTrue, value_parser = Switch)]
    #[arg(env = "X402_ASSAY_JSON", hide_env = true)]
    pub(super) json: bool,

    /// Warnings fail, and the chain never falls back to the memory ledger
    #[arg(long, action = ArgAction::SetTrue, value_parser = Switch)]
    #[arg(env = "X402_ASSAY_STRICT", hide_env = true)]
    pub(super) strict: bool,

    /// What makes a run nonconformant [default: fail]
    #[arg(long, value_name = "VERDICT", value_enum)]
    #[arg(env = "X402_ASSAY_FAIL_ON", hide_env = true)]
    pub(super) fail_on: Option<FailOn>,

    /// How grades are read
    #[arg(long, value_name = "GRADING", value_enum, default_value = "default")]
    #[arg(env = "X402_ASSAY_GRADING", hide_env = true)]
    pub(super) grading: Grading,

    /// Findings that are accepted [default: x402-assay.expectations.yaml, where it exists]
    #[arg(
        long,
        value_name = "FILE",
        env = "X402_ASSAY_EXPECTATIONS",
        hide_env = true
    )]
    pub(super) expectations: Option<PathBuf>,

    /// Write that file anew: accept what this run found, drop what held
    #[arg(long, action = ArgAction::SetTrue, value_parser = Switch)]
    #[arg(env = "X402_ASSAY_UPDATE_EXPECTATIONS", hide_env = true)]
    pub(super) update_expectations: bool,
}

#[derive(Debug, Clone, Args)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    pub(super) target: TargetArgs,
    #[command(flatten)]
    pub(super) chain: ChainArgs,
    #[command(flatten)]
    pub(super) listen: ListenArgs,
    #[command(flatten)]
    pub(super) attach: AttachArgs,

    /// Print the diagnosis as JSON on stdout
    #[arg(long, action = ArgAction::SetTrue, value_parser = Switch)]
    #[arg(env = "X402_ASSAY_JSON", hide_env = true)]
    pub(super) json: bool,
}

impl ValueEnum for FailOn {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Fail, Self::Warn]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(match self {
            Self::Fail => "fail",
            Self::Warn => "warn",
        }))
    }
}

impl ValueEnum for Extra {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Sarif, Self::Csv, Self::Har]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(match self {
            Self::Sarif => "sarif",
            Self::Csv => "csv",
            Self::Har => "har",
        }))
    }
}

impl ValueEnum for Grading {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Default, Self::StrictSpec, Self::StrictSdk]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(match self {
            Self::Default => "default",
            Self::StrictSpec => "strict-spec",
            Self::StrictSdk => "strict-sdk",
        }))
    }
}
