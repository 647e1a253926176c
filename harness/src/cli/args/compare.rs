//! Flags of `compare`.

use std::path::PathBuf;

use clap::{ArgAction, Args};

use super::common::Switch;
use super::options::{CompareOptions, FailOn};
use super::resolve::Surroundings;
use crate::load::words::parse_percent;

#[derive(Debug, Clone, Args)]
pub(super) struct CompareArgs {
    /// report.json of the earlier run, or the folder that holds it
    #[arg(value_name = "BASE")]
    base: PathBuf,

    /// report.json of the run that is judged, or the folder that holds it
    #[arg(value_name = "NEW")]
    new: PathBuf,

    /// How much worse goodput, p50 and p99 may become; what is within noise never counts
    #[arg(long, value_name = "SHARE", default_value = "10%", value_parser = max_regression)]
    #[arg(env = "X402_ASSAY_MAX_REGRESSION", hide_env = true)]
    max_regression: f64,

    /// Which new findings break the comparison
    #[arg(long, value_name = "VERDICT", value_enum, default_value = "fail")]
    #[arg(env = "X402_ASSAY_FAIL_ON", hide_env = true)]
    fail_on: FailOn,

    /// Write compare.html, compare.md and compare.json into this folder [default: no files]
    #[arg(long, value_name = "DIR", env = "X402_ASSAY_OUT", hide_env = true)]
    out: Option<PathBuf>,

    /// Print the comparison as JSON on stdout
    #[arg(long, action = ArgAction::SetTrue, value_parser = Switch)]
    #[arg(env = "X402_ASSAY_JSON", hide_env = true)]
    json: bool,
}

/// Latency may well become ten times as long; more than that is a typing error.
const PERCENT_MAX: f64 = 1_000.0;

fn max_regression(text: &str) -> Result<f64, String> {
    let percent = parse_percent(text, PERCENT_MAX).map_err(|wrong| wrong.to_string())?;
    Ok(percent / 100.0)
}

impl CompareArgs {
    /// What it means, read in a folder.
    pub(super) fn options(&self, surroundings: Surroundings<'_>) -> CompareOptions {
        let in_folder = |path: &PathBuf| surroundings.folder.join(path);
        CompareOptions {
            base: in_folder(&self.base),
            new: in_folder(&self.new),
            max_regression: self.max_regression,
            fail_on: self.fail_on,
            out: self.out.as_ref().map(in_folder),
            json: self.json,
        }
    }
}
