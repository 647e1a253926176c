//! The answer comes late.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Match;
use super::inject::{Flow, Inject, Shot};
use crate::answer::Answer;

/// Longest delay and jitter, in milliseconds.
pub(crate) const WAIT_MAX_MS: u64 = 600_000;

/// A delay. A caller that hangs up does not shorten it: the work it stands before is still done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// Least delay, in milliseconds.
    pub delay_ms: u64,
    /// Up to this much more, in milliseconds, drawn from the seed.
    #[serde(default)]
    pub jitter_ms: u64,
    /// Before or after the work.
    #[serde(default)]
    pub when: When,
}

/// Before or after the facilitator has done its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Nothing has been done yet.
    #[default]
    Before,
    /// All is done (a settlement is mined, or has failed); only the answer is missing.
    After,
}

impl Latency {
    fn delay(&self, shot: &Shot) -> Duration {
        let jitter = shot.draw("latency").up_to(self.jitter_ms);
        Duration::from_millis(self.delay_ms + jitter)
    }
}

#[async_trait]
impl Inject for Latency {
    fn validate(&self, _: &Match) -> Result<(), String> {
        check_wait("latency.delay_ms", self.delay_ms)?;
        check_wait("latency.jitter_ms", self.jitter_ms)
    }

    async fn before(&self, shot: &Shot) -> Flow {
        if self.when == When::Before {
            shot.fire();
            tokio::time::sleep(self.delay(shot)).await;
        }
        Flow::Go
    }

    async fn after(&self, shot: &Shot, _: &mut Answer) -> Flow {
        if self.when == When::After {
            shot.fire();
            tokio::time::sleep(self.delay(shot)).await;
        }
        Flow::Go
    }
}

/// Refuses waits beyond the bound.
pub(crate) fn check_wait(name: &str, ms: u64) -> Result<(), String> {
    if ms > WAIT_MAX_MS {
        return Err(format!(
            "{name} is {ms}: the longest wait is {WAIT_MAX_MS} ms"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::trial::{Trial, yes};
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn the_delay_comes_on_the_side_it_is_asked_for() {
        for (when, before_ms, after_ms) in [(When::Before, 250, 0), (When::After, 0, 250)] {
            let fault = Latency {
                delay_ms: 250,
                jitter_ms: 0,
                when,
            };
            let shot = Trial::verify().shot(fault, 1);
            let start = Instant::now();
            assert!(matches!(fault.before(&shot).await, Flow::Go));
            assert_eq!(start.elapsed().as_millis(), before_ms);
            let start = Instant::now();
            assert!(matches!(fault.after(&shot, &mut yes()).await, Flow::Go));
            assert_eq!(start.elapsed().as_millis(), after_ms);
        }
    }

    #[test]
    fn jitter_follows_from_seed_and_position() {
        let fault = Latency {
            delay_ms: 10,
            jitter_ms: 1_000,
            when: When::Before,
        };
        let delays = |seed| -> Vec<Duration> {
            let trial = Trial::verify().seeded(seed);
            (1..20)
                .map(|position| fault.delay(&trial.shot(fault, position)))
                .collect()
        };
        assert_eq!(delays(1), delays(1));
        assert_ne!(delays(1), delays(2));
        let range = Duration::from_millis(10)..=Duration::from_millis(1_010);
        assert!(delays(3).iter().all(|delay| range.contains(delay)));
        assert!(delays(3).windows(2).any(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn waits_are_bounded() {
        let long = Latency {
            delay_ms: WAIT_MAX_MS + 1,
            ..Latency::default()
        };
        assert!(
            long.validate(&Match::default())
                .unwrap_err()
                .contains("latency.delay_ms")
        );
        let long = Latency {
            jitter_ms: u64::MAX,
            ..Latency::default()
        };
        assert!(
            long.validate(&Match::default())
                .unwrap_err()
                .contains("latency.jitter_ms")
        );
    }
}
