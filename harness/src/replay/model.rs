//! What a replay file holds.

use x402_assay_protocol::Version;
use x402_assay_reports::model::{CaseResult, Verdict};

use crate::cli::args::ChainChoice;
use crate::config::TargetProfile;
use crate::runner::Sheet;

/// The version of the format this reader knows.
pub const VERSION: u64 = 1;

/// One finding, with all that is needed to make it again.
#[derive(Debug, Clone)]
pub struct ReplayFile {
    /// What was found.
    pub found: Found,
    /// The bench's version at that time.
    pub bench: String,
    /// When, as an HTTP date.
    pub when: String,
    /// Seed of faults and orders.
    pub seed: u64,
    /// Generation the payments were of.
    pub x402: Option<Version>,
    /// The chain it was found on; `None` for a node that was named by URL, which the file does not keep.
    pub chain: Option<ChainChoice>,
    /// The EIP-155 chain id to stand in for, if one was asked for.
    pub network: Option<u64>,
    /// The target; `None` when it was not read because the caller names another.
    pub target: Option<ReplayTarget>,
    /// The scenario: one case.
    pub sheet: Sheet,
}

/// The target of a replay.
#[derive(Debug, Clone, PartialEq)]
pub enum ReplayTarget {
    /// The built-in reference server.
    BuiltIn {
        /// Its defects.
        defects: Vec<String>,
    },
    /// A target as a profile describes it.
    Profile(Box<TargetProfile>),
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The scenario's id.
    pub scenario: String,
    /// Number of the case in its matrix, from 1.
    pub case: u32,
    /// The values of that case, by name.
    pub parameters: Vec<(String, String)>,
    /// The expectation that did not hold, for example `invariant I1`.
    pub expectation: String,
    /// What it was.
    pub verdict: Verdict,
    /// What was seen, in one sentence.
    pub text: String,
}

impl Found {
    /// The finding of a case that says most: an invariant before anything else of the same verdict.
    pub fn of(
        scenario: &str,
        case: &CaseResult,
        parameters: Vec<(String, String)>,
    ) -> Option<Self> {
        let with = || {
            let findings = case.findings.iter();
            findings.filter(|finding| finding.verdict == case.verdict)
        };
        let invariant = with().find(|finding| finding.expectation.starts_with("invariant "));
        let finding = invariant.or_else(|| with().next())?;
        Some(Self {
            scenario: scenario.to_owned(),
            case: case.case,
            parameters,
            expectation: finding.expectation.clone(),
            verdict: finding.verdict,
            text: finding.text.clone(),
        })
    }
}

/// The verdicts of findings, by their word in a file.
pub(super) const VERDICTS: [(&str, Verdict); 3] = [
    ("info", Verdict::Info),
    ("warn", Verdict::Warn),
    ("fail", Verdict::Fail),
];

/// The word of a finding's verdict; others are no findings.
pub(super) fn verdict_word(verdict: Verdict) -> &'static str {
    let found = VERDICTS.iter().find(|(_, known)| *known == verdict);
    found.map_or("fail", |(word, _)| word)
}
