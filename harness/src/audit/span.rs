//! What is judged together: a run without its scenarios, or one round of a scenario.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::books::Books;
use crate::history::observation::Fault;
use crate::history::{Exchange, Facts};

/// How the fault is named that has a third party land an authorization.
const PREEMPTED: &str = "chain preempt";

/// A part of a history with its books.
#[derive(Debug, Clone, Copy)]
pub struct Span<'s, 'h> {
    /// The whole history.
    pub facts: &'s Facts<'h>,
    /// The books of this part.
    pub books: &'s Books<'h>,
    /// What is known when this part is a round of a scenario.
    pub round: Option<&'s Round<'s, 'h>>,
}

/// One round of a scenario.
#[derive(Debug, Default)]
pub struct Round<'s, 'h> {
    /// Requests of its `send` and `buy` steps; quotes and the control purchase are left out.
    pub exchanges: Vec<&'s Exchange<'h>>,
    /// Unix microseconds of its first step and of its rest.
    pub window_us: (u64, u64),
    /// What its steps made go wrong, in a few words each; what never took effect is left out.
    pub disturbances: Vec<String>,
    /// Purchases that were tried until one was served.
    pub recoveries: Vec<Recovery>,
    /// Direct calls that were answered before a step took blocks away.
    pub reorganised: Vec<u32>,
    /// Authorizations that a step had a third party land.
    pub preempted: Vec<u32>,
}

/// A `buy` step with `within`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// Number of the step, from 1.
    pub step: usize,
    /// How long it was tried.
    pub within: Duration,
    /// Authorizations it signed.
    pub authorizations: Vec<u32>,
    /// Whether one of them was served.
    pub served: bool,
}

impl<'s, 'h> Span<'s, 'h> {
    /// A run without scenarios.
    pub const fn whole(facts: &'s Facts<'h>, books: &'s Books<'h>) -> Self {
        Self {
            facts,
            books,
            round: None,
        }
    }

    /// Requests that could have been given something they did not pay for.
    pub fn attempts(&self) -> impl Iterator<Item = &'s Exchange<'h>> {
        let (of_round, of_run) = match self.round {
            Some(round) => (round.exchanges.as_slice(), &[][..]),
            None => (&[][..], self.facts.exchanges.as_slice()),
        };
        let probes = of_run
            .iter()
            .filter(|exchange| exchange.version().is_some());
        of_round.iter().copied().chain(probes)
    }

    /// Injected faults that took effect in this part, in order.
    pub fn faults(&self) -> &'s [Fault<'h>] {
        let faults = self.facts.faults.as_slice();
        let Some(window) = self.window_us() else {
            return faults;
        };
        let from = faults.partition_point(|fault| fault.at_us < *window.start());
        let to = faults.partition_point(|fault| fault.at_us <= *window.end());
        faults.get(from..to).unwrap_or_default()
    }

    /// What the steps of this part made go wrong.
    pub fn disturbances(&self) -> &'s [String] {
        self.round.map_or(&[], |round| &round.disturbances)
    }

    /// True where a refusal shows that an invariant held: in a round, which ends with a purchase that must be served. A whole
    /// run may be against a server that refuses everything.
    pub const fn counts_refusals(&self) -> bool {
        self.round.is_some()
    }

    /// True when blocks were taken away after this direct call.
    pub fn was_reorganised(&self, exchange: u32) -> bool {
        self.round
            .is_some_and(|round| round.reorganised.contains(&exchange))
    }

    /// True when a third party was made to land it.
    pub fn was_preempted(&self, authorization: u32) -> bool {
        match self.round {
            Some(round) => round.preempted.contains(&authorization),
            None => self.facts.faults.iter().any(|fault| {
                fault.name.starts_with(PREEMPTED) && fault.authorization == Some(authorization)
            }),
        }
    }

    fn window_us(&self) -> Option<RangeInclusive<u64>> {
        let (from, to) = self.round?.window_us;
        Some(from..=to)
    }
}
