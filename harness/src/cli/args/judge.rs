//! Flags of `judge`.

use std::path::PathBuf;

use clap::{ArgAction, Args};

use super::common::{Switch, filled};
use super::options::{Extra, FailOn, Grading, JudgeOptions, Selection};
use super::resolve::Surroundings;

#[derive(Debug, Clone, Args)]
pub(super) struct JudgeArgs {
    /// The history.jsonl of a run
    #[arg(value_name = "HISTORY")]
    history: PathBuf,

    /// Only checks whose id matches, such as 'SRV-TERM-*'; repeatable
    #[arg(long, value_name = "GLOB", value_delimiter = ',', value_parser = filled)]
    #[arg(env = "X402_ASSAY_CHECK", hide_env = true)]
    check: Vec<String>,

    /// No checks whose id matches; repeatable
    #[arg(long, value_name = "GLOB", value_delimiter = ',', value_parser = filled)]
    #[arg(env = "X402_ASSAY_SKIP", hide_env = true)]
    skip: Vec<String>,

    /// Only checks with this tag; repeatable
    #[arg(long, value_name = "TAG", value_delimiter = ',', value_parser = filled)]
    #[arg(env = "X402_ASSAY_TAG", hide_env = true)]
    tag: Vec<String>,

    /// How grades are read
    #[arg(long, value_name = "GRADING", value_enum, default_value = "default")]
    #[arg(env = "X402_ASSAY_GRADING", hide_env = true)]
    grading: Grading,

    /// What makes the run nonconformant
    #[arg(long, value_name = "VERDICT", value_enum, default_value = "fail")]
    #[arg(env = "X402_ASSAY_FAIL_ON", hide_env = true)]
    fail_on: FailOn,

    /// Write the report files into this folder [default: no files]
    #[arg(long, value_name = "DIR", env = "X402_ASSAY_OUT", hide_env = true)]
    out: Option<PathBuf>,

    /// Report files to write beside the usual ones: report.sarif, books.csv, report.har
    #[arg(long, value_name = "FORMAT", value_enum, value_delimiter = ',')]
    #[arg(env = "X402_ASSAY_ALSO", hide_env = true)]
    also: Vec<Extra>,

    /// Findings that are accepted [default: x402-assay.expectations.yaml, where it exists]
    #[arg(
        long,
        value_name = "FILE",
        env = "X402_ASSAY_EXPECTATIONS",
        hide_env = true
    )]
    expectations: Option<PathBuf>,

    /// Print the report as JSON on stdout
    #[arg(long, action = ArgAction::SetTrue, value_parser = Switch)]
    #[arg(env = "X402_ASSAY_JSON", hide_env = true)]
    json: bool,
}

impl JudgeArgs {
    /// What it means, read in a folder.
    pub(super) fn options(&self, surroundings: Surroundings<'_>) -> JudgeOptions {
        let in_folder = |path: &PathBuf| surroundings.folder.join(path);
        JudgeOptions {
            history: in_folder(&self.history),
            selection: Selection {
                check: self.check.clone(),
                skip: self.skip.clone(),
                tags: self.tag.clone(),
            },
            grading: self.grading,
            fail_on: self.fail_on,
            out: self.out.as_ref().map(in_folder),
            also: self.also.clone(),
            json: self.json,
            expectations: self.expectations.as_ref().map(in_folder),
        }
    }
}
