//! The `load` section of a report: what a load run offered, what came of it, and what held it back.
//!
//! Rates are per second, latencies microseconds. Rows that grow with the run are bounded: [`SERIES_MAX`],
//! [`OUTCOMES_MAX`], [`STEPS_MAX`].

mod ends;
mod facilitator;
mod latency;
mod limit;
mod outcome;
mod plan;
mod recovery;
mod series;
mod step;
mod threshold;

use serde::{Deserialize, Serialize};

pub use ends::{LoadEnd, LoadEnds};
pub use facilitator::{AccountGap, FacilitatorFigures};
pub use latency::{Distribution, HDR_HIGH_US, HDR_SIGNIFICANT, HdrError, LoadPhase, PhaseRow};
pub use limit::{LimitedBy, Limits, ProcessShare};
pub use outcome::{LoadOutcome, OUTCOMES_MAX, class};
pub use plan::{LoadKind, LoadModel, PlanEcho, Share};
pub use recovery::{LoadRecovery, RECOVERED_SHARE, RecoveryState};
pub use series::{LoadInterval, SERIES_MAX};
pub use step::{LoadStep, STEPS_MAX};
pub use threshold::{ThresholdResult, ThresholdVerdict};

/// Result of a load run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadReport {
    /// Distinct authorizations settled once and granted once (for [`LoadKind::Unpaid`]: good answers; for a
    /// facilitator: good answers, settlements only where the ledger agrees), per second of the measured span.
    pub goodput_per_s: f64,
    /// How many that were.
    pub goodput: u64,
    /// Who decides when something is sent.
    pub model: LoadModel,
    /// What the figures cannot show, where the model or the run is limited.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caveats: Vec<String>,
    /// Where settlements went, with what makes it fast or slow: `memory`, `anvil, a block each 1s, 4 lanes`.
    pub ledger: String,
    /// What was asked for, in the words in which it can be asked for again.
    pub plan: PlanEcho,
    /// Length of the measured span in seconds: from the end of the warm-up to the last arrival's end.
    pub measured_s: f64,
    /// Arrivals, and what became of them.
    pub arrivals: Arrivals,
    /// Rows per kind of request and class of outcome, the most frequent first.
    pub outcomes: Vec<LoadOutcome>,
    /// The books after the run.
    pub books: LoadBooks,
    /// Latency of each phase that was seen, in the order of [`LoadPhase::ALL`].
    pub latency: Vec<PhaseRow>,
    /// The accounts that settle, where a facilitator alone was under load and the ledger is a node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facilitator: Option<FacilitatorFigures>,
    /// The run over time, warm-up included.
    pub series: Vec<LoadInterval>,
    /// What held the run back.
    pub limited_by: Limits,
    /// The thresholds, in the order in which they were given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<ThresholdResult>,
    /// Rates that were tried one after the other: the steps of a schedule, or of a search.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<LoadStep>,
    /// The highest rate that held the thresholds, where it was searched for and found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub highest_held_per_s: Option<f64>,
    /// Faults that were injected meanwhile, in order, and how the goodput came back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recovery: Vec<LoadRecovery>,
    /// Memory of the bench, where the system tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<LoadMemory>,
}

/// Arrivals of the measured span.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Arrivals {
    /// Arrivals that were due.
    pub offered: u64,
    /// Of those, sent.
    pub sent: u64,
    /// Never sent: the queue was full, or the run ended first.
    pub dropped: u64,
    /// Sent, and at an end within the run's patience.
    pub completed: u64,
    /// Due arrivals per second.
    pub offered_per_s: f64,
    /// Sent arrivals per second.
    pub achieved_per_s: f64,
    /// Most arrivals that waited for a connection at one time.
    pub queue_high_water: u64,
    /// Most arrivals that were under way at one time.
    pub in_flight_high_water: u64,
}

/// The books of a load run, counted over authorizations and after the ledger came to rest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadBooks {
    /// Authorizations that were signed.
    pub authorizations: u64,
    /// With a matching Transfer.
    pub settled: u64,
    /// For which the paid content came.
    pub granted: u64,
    /// Purchases charged more than once.
    pub double_charged: u64,
    /// Grants without a matching Transfer.
    pub unpaid_grants: u64,
    /// Settled and never granted.
    pub charged_without_service: u64,
}

/// Resident memory of the bench's process.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LoadMemory {
    /// Bytes before the first arrival.
    pub before_bytes: u64,
    /// Most bytes during the run.
    pub peak_bytes: u64,
    /// Growth for each authorization, or each request where nothing is signed, over the last three quarters of the run.
    /// A run of a second or two counts all of it.
    pub bytes_per_authorization: f64,
}

impl LoadReport {
    /// The row of one phase.
    pub fn phase(&self, phase: LoadPhase) -> Option<&Distribution> {
        let row = self.latency.iter().find(|row| row.phase == phase)?;
        Some(&row.time)
    }

    /// Outcomes that were not meant to come: neither what the request was for, nor the refusal it deserved.
    pub fn errors(&self) -> u64 {
        let errors = self.outcomes.iter().filter(|row| !row.meant);
        errors.map(|row| row.count).fold(0, u64::saturating_add)
    }

    /// The most frequent of the outcomes that were not meant to come, where those are more than half of all.
    pub fn mostly_wrong(&self) -> Option<&LoadOutcome> {
        let all = self.outcomes.iter().map(|row| row.count);
        let all = all.fold(0, u64::saturating_add);
        let wrong = self.outcomes.iter().filter(|row| !row.meant);
        let most = wrong.reduce(|most, row| if row.count > most.count { row } else { most });
        most.filter(|_| self.errors() > all / 2)
    }

    /// The whole latency from the intended send time: of payments, else of single requests.
    pub fn headline(&self) -> Option<(LoadPhase, &Distribution)> {
        [LoadPhase::WholeFromDue, LoadPhase::WholeFromSend]
            .into_iter()
            .find_map(|phase| self.phase(phase).map(|time| (phase, time)))
    }

    /// True when a threshold was missed.
    pub fn misses(&self) -> bool {
        self.any(ThresholdVerdict::Missed)
    }

    /// True when a threshold could not be judged.
    pub fn unclear(&self) -> bool {
        self.any(ThresholdVerdict::Inconclusive)
    }

    fn any(&self, verdict: ThresholdVerdict) -> bool {
        self.thresholds.iter().any(|row| row.verdict == verdict)
    }
}
