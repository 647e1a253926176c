//! Holds as data.

use serde::{Deserialize, Serialize};

use crate::event::{Endpoint, ReleaseCause};
use crate::faults::{Match, check_name};

/// Longest time a call is held, in milliseconds.
pub(crate) const WAIT_MAX_MS: u64 = 30_000;
/// Most calls in one round.
const COUNT_MAX: usize = 10_000;

const fn or_quiet_ms() -> u64 {
    300
}

const fn max_wait_ms() -> u64 {
    WAIT_MAX_MS
}

const fn rounds() -> u32 {
    1
}

/// Parks calls until `count` are in flight, nothing more came for `or_quiet_ms`, or the first has waited
/// `max_wait_ms`; then releases them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldSpec {
    /// Letters, digits, `.`, `_` and `-`; when empty the facilitator chooses one.
    #[serde(default)]
    pub name: String,
    /// `verify` or `settle`.
    pub endpoint: Endpoint,
    /// Calls to wait for, 1 to 10,000.
    pub count: usize,
    /// Release what is there when nothing more came for so long, in milliseconds; 300 when absent.
    #[serde(default = "or_quiet_ms")]
    pub or_quiet_ms: u64,
    /// Longest wait of the first call, in milliseconds; at most, and when absent, 30 s.
    #[serde(default = "max_wait_ms")]
    pub max_wait_ms: u64,
    /// In which order they go.
    #[serde(default)]
    pub release: Release,
    /// Before the work, or when only the answer is missing.
    #[serde(default)]
    pub at: Point,
    /// How often it holds; afterwards calls pass. 0 is for ever.
    #[serde(default = "rounds")]
    pub rounds: u32,
    /// Seed of the seeded order; the facilitator's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Which calls of the endpoint.
    #[serde(default, rename = "match")]
    pub matching: Match,
}

/// In which order held calls go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Release {
    /// All at the same instant.
    #[default]
    Together,
    /// One after the other, each when the one before has its answer, in an order drawn from the seed.
    Seeded,
    /// One after the other, each when the one before has its answer, as they came.
    InOrder,
}

/// Where calls are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Point {
    /// Before the facilitator does its work.
    #[default]
    Arrival,
    /// After it, before the answer.
    Answer,
}

/// A hold as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HoldView {
    /// As it was added, with its name.
    pub hold: HoldSpec,
    /// The seed its order comes from.
    pub seed: u64,
    /// Calls in it now, as they came.
    pub parked: Vec<u64>,
    /// Rounds so far; the newest 64.
    pub rounds: Vec<RoundView>,
    /// True when all rounds are over and calls pass.
    pub over: bool,
}

/// One release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundView {
    /// Number of the round, from 1.
    pub round: u32,
    /// Why they were released.
    pub cause: ReleaseCause,
    /// The calls, in the order in which they were released.
    pub calls: Vec<u64>,
}

impl HoldSpec {
    /// Holds `count` calls of an endpoint and releases them together.
    pub fn new(name: impl Into<String>, endpoint: Endpoint, count: usize) -> Self {
        Self {
            name: name.into(),
            endpoint,
            count,
            or_quiet_ms: or_quiet_ms(),
            max_wait_ms: max_wait_ms(),
            release: Release::default(),
            at: Point::default(),
            rounds: rounds(),
            seed: None,
            matching: Match::default(),
        }
    }

    /// What is wrong with it, in one sentence.
    ///
    /// # Errors
    /// When a value makes no sense.
    pub fn validate(&self) -> Result<(), String> {
        check_name(&self.name)?;
        self.matching.validate()?;
        if !matches!(self.endpoint, Endpoint::Verify | Endpoint::Settle) {
            return Err("endpoint must be verify or settle".to_owned());
        }
        if !self.matching.covers(self.endpoint) {
            return Err("match.endpoint contradicts endpoint: leave it out".to_owned());
        }
        if !(1..=COUNT_MAX).contains(&self.count) {
            return Err(format!(
                "count is {}: it must be 1 to {COUNT_MAX}",
                self.count
            ));
        }
        for (name, ms) in [
            ("or_quiet_ms", self.or_quiet_ms),
            ("max_wait_ms", self.max_wait_ms),
        ] {
            if !(1..=WAIT_MAX_MS).contains(&ms) {
                return Err(format!("{name} is {ms}: it must be 1 to {WAIT_MAX_MS}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nearest::read_json;
    use serde_json::{Value, json};

    fn read(value: &Value) -> Result<HoldSpec, String> {
        let spec: HoldSpec = read_json(value.to_string().as_bytes())?;
        spec.validate().map(|()| spec)
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let spec = read(&json!({ "endpoint": "verify", "count": 5 })).unwrap();
        assert_eq!(spec, HoldSpec::new("", Endpoint::Verify, 5));
        let whole = json!({
            "name": "race", "endpoint": "settle", "count": 50, "or_quiet_ms": 100, "max_wait_ms": 5000,
            "release": "in-order", "at": "answer", "rounds": 0, "seed": 7,
            "match": { "payer": "0x70997970c51812dc3a010c7d01b50e0d17dc79c8" },
        });
        assert_eq!(serde_json::to_value(read(&whole).unwrap()).unwrap(), whole);
    }

    #[test]
    fn mistakes_are_named() {
        for (wrong, says) in [
            (
                json!({ "endpoint": "supported", "count": 5 }),
                "endpoint must be verify or settle",
            ),
            (json!({ "endpoint": "verify", "count": 0 }), "count is 0"),
            (
                json!({ "endpoint": "verify", "count": 10_001 }),
                "count is 10001",
            ),
            (
                json!({ "endpoint": "verify", "count": 5, "max_wait_ms": 30_001 }),
                "max_wait_ms",
            ),
            (
                json!({ "endpoint": "verify", "count": 5, "or_quiet_ms": 0 }),
                "or_quiet_ms is 0",
            ),
            (
                json!({ "endpoint": "verify", "count": 5, "or_quiet": 9 }),
                "`or_quiet_ms`?",
            ),
            (
                json!({ "endpoint": "verify", "count": 5, "release": "seded" }),
                "`seeded`?",
            ),
            (
                json!({ "endpoint": "verfy", "count": 5 }),
                "did you mean `verify`?",
            ),
            (
                json!({ "endpoint": "verify", "count": 5, "match": { "endpoint": "settle" } }),
                "contradicts",
            ),
            (json!({ "endpoint": "verify" }), "missing field `count`"),
        ] {
            let error = read(&wrong).unwrap_err();
            assert!(error.contains(says), "{wrong}: {error}");
        }
    }
}
