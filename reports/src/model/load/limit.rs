//! What held a load run back, and how that is known.

use serde::{Deserialize, Serialize};

/// The part that was at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LimitedBy {
    /// The bench itself: its figures are a floor, not the target's limit.
    Generator,
    /// The facilitator.
    Facilitator,
    /// The server under test.
    Server,
    /// The chain.
    Chain,
    /// Nothing: what was offered was served.
    None,
}

impl LimitedBy {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Generator => "generator",
            Self::Facilitator => "facilitator",
            Self::Server => "server",
            Self::Chain => "chain",
            Self::None => "none",
        }
    }
}

/// What held the run back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// The part.
    pub by: LimitedBy,
    /// What shows it, in one sentence: lateness, CPU shares, the queue.
    pub proof: String,
    /// CPU of each process that could be watched, over the measured span.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cpu: Vec<ProcessShare>,
    /// Cores of the machine, where the system tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cores: Option<u32>,
}

/// CPU of one process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProcessShare {
    /// `bench`, `server`, `facilitator`, `chain`; parts that share the bench's process are named together:
    /// `bench+facilitator`.
    pub process: String,
    /// Cores it kept busy on average; 1.0 is one core.
    pub cores: f64,
}
