//! What a check is: a requirement of the catalogue and the judge that decides it.

use x402_assay_protocol::Version;

use super::judged::Judged;
use super::outcome::Outcome;

/// Both generations.
pub const BOTH: &[Version] = &[Version::V1, Version::V2];
/// The first generation.
pub const V1: &[Version] = &[Version::V1];
/// The second generation.
pub const V2: &[Version] = &[Version::V2];

/// A check: data, and a pure judge.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// The catalogue's id: permanent, never reused.
    pub id: &'static str,
    /// The property, in the present tense.
    pub title: &'static str,
    /// Our one-sentence reading of the requirement.
    pub requirement: &'static str,
    /// How it is probed and seen.
    pub observe: &'static str,
    /// What a target that holds it does, by example.
    pub good: &'static str,
    /// What a target that breaks it does, by example.
    pub bad: &'static str,
    /// Document and section it comes from.
    pub source: &'static str,
    /// Whose property it is.
    pub role: Role,
    /// Generations it is about; it is judged once for each that the target offers.
    pub versions: &'static [Version],
    /// How binding the source is.
    pub level: Level,
    /// Worst verdict it may give in the default profile.
    pub grade: Grade,
    /// Grading profile that turns its softer findings into failures.
    pub raised_by: Option<Grading>,
    /// What the run must offer for it to be tried.
    pub needs: &'static [Need],
    /// Probes it looks at, without their generation; at least one must have been made.
    pub probes: &'static [&'static str],
    /// Decides it for one generation.
    pub judge: fn(&Judged<'_, '_>, Version) -> Outcome,
    /// Likely cause of a finding.
    pub cause: &'static str,
    /// What to change.
    pub fix: &'static str,
    /// Tags such as `CWE-294`.
    pub tags: &'static [&'static str],
    /// Defects of the reference server that must turn it red.
    pub killed_by: &'static [&'static str],
}

/// Who is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Sells.
    ResourceServer,
    /// Verifies and settles.
    Facilitator,
    /// Pays.
    Client,
}

/// How binding the source of a requirement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The source says MUST.
    Must,
    /// A table entry, a status-code table or a plain sentence.
    MustDerived,
    /// The source says SHOULD.
    Should,
    /// Follows from the protocol's purpose.
    Derived,
    /// De facto only.
    Sdk,
    /// The documents are silent or contradict each other.
    Open,
}

impl Level {
    /// The word for it in lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::MustDerived => "must-derived",
            Self::Should => "should",
            Self::Derived => "derived",
            Self::Sdk => "sdk",
            Self::Open => "open",
        }
    }
}

/// Worst verdict of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grade {
    /// A clear violation fails.
    Fail,
    /// A violation warns.
    Warn,
    /// Recorded only.
    Info,
}

impl Grade {
    /// `fail`, `warn` or `info`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Warn => "warn",
            Self::Info => "info",
        }
    }
}

/// How strictly soft rows are graded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Grading {
    /// As the catalogue says.
    #[default]
    Default,
    /// Status rows of the specification count in full.
    StrictSpec,
    /// What every SDK does counts in full.
    StrictSdk,
}

/// What a check cannot be tried without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The target calls our facilitator.
    Facilitator,
    /// A real EVM: the memory ledger cannot show it.
    Evm,
}
