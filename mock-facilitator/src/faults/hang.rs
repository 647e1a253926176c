//! No answer comes.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Match;
use super::inject::{Flow, Inject, Shot};
use super::latency::{When, check_wait};
use crate::answer::Answer;

const fn max_ms() -> u64 {
    30_000
}

/// Silence until the caller hangs up or `max_ms` is over; then the connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hang {
    /// Longest silence, in milliseconds; 30 s when absent.
    #[serde(default = "max_ms")]
    pub max_ms: u64,
    /// `before`: the work is never done. `after`: it is done, and nobody is told.
    #[serde(default)]
    pub when: When,
}

impl Hang {
    async fn keep_silent(&self, shot: &Shot) -> Flow {
        shot.fire();
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(self.max_ms)) => {}
            () = shot.call.gone.cancelled() => {}
        }
        Flow::Cut
    }
}

#[async_trait]
impl Inject for Hang {
    fn validate(&self, _: &Match) -> Result<(), String> {
        check_wait("hang.max_ms", self.max_ms)
    }

    async fn before(&self, shot: &Shot) -> Flow {
        match self.when {
            When::Before => self.keep_silent(shot).await,
            When::After => Flow::Go,
        }
    }

    async fn after(&self, shot: &Shot, _: &mut Answer) -> Flow {
        match self.when {
            When::Before => Flow::Go,
            When::After => self.keep_silent(shot).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::trial::{Trial, yes};
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn silence_ends_with_a_cut_when_its_time_is_over() {
        for when in [When::Before, When::After] {
            let fault = Hang {
                max_ms: 7_000,
                when,
            };
            let shot = Trial::verify().shot(fault, 1);
            let start = Instant::now();
            let flows = (
                fault.before(&shot).await,
                fault.after(&shot, &mut yes()).await,
            );
            assert_eq!(start.elapsed().as_secs(), 7);
            match when {
                When::Before => assert!(matches!(flows, (Flow::Cut, Flow::Go))),
                When::After => assert!(matches!(flows, (Flow::Go, Flow::Cut))),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_when_the_caller_hangs_up() {
        let fault = Hang {
            max_ms: 600_000,
            when: When::Before,
        };
        let shot = Trial::verify().shot(fault, 1);
        let start = Instant::now();
        shot.call.gone.cancel();
        assert!(matches!(fault.before(&shot).await, Flow::Cut));
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}
