//! Flags of `report`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::options::{FailOn, Format, ReportOptions};
use super::resolve::Surroundings;

#[derive(Debug, Clone, Args)]
pub(super) struct ReportArgs {
    /// The report.json or the history.jsonl of a run
    #[arg(value_name = "HISTORY|REPORT")]
    input: PathBuf,

    /// What to write; har needs a history
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "terminal")]
    #[arg(env = "X402_ASSAY_FORMAT", hide_env = true)]
    format: Format,

    /// The file to write, or a folder that gets one of the usual name [default: stdout]
    #[arg(long, value_name = "FILE|DIR", env = "X402_ASSAY_OUT", hide_env = true)]
    out: Option<PathBuf>,

    /// What JUnit calls a failure
    #[arg(long, value_name = "VERDICT", value_enum, default_value = "fail")]
    #[arg(env = "X402_ASSAY_FAIL_ON", hide_env = true)]
    fail_on: FailOn,
}

impl ReportArgs {
    /// What it means, read in a folder.
    pub(super) fn options(&self, surroundings: Surroundings<'_>) -> ReportOptions {
        let in_folder = |path: &PathBuf| surroundings.folder.join(path);
        ReportOptions {
            input: in_folder(&self.input),
            format: self.format,
            out: self.out.as_ref().map(in_folder),
            fail_on: self.fail_on,
        }
    }
}

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Terminal,
            Self::Html,
            Self::Md,
            Self::Json,
            Self::Junit,
            Self::Sarif,
            Self::Github,
            Self::Csv,
            Self::Har,
        ]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(match self {
            Self::Terminal => "terminal",
            Self::Html => "html",
            Self::Md => "md",
            Self::Json => "json",
            Self::Junit => "junit",
            Self::Sarif => "sarif",
            Self::Github => "github",
            Self::Csv => "csv",
            Self::Har => "har",
        }))
    }
}
