//! A fault that is on, and whom it hits.

use std::sync::atomic::{AtomicU64, Ordering};

use super::draw::Draw;
use super::pending::Book;
use super::{Fault, FaultSpec, FaultView};
use crate::event::{AuthorizationKey, Endpoint};

/// A fault that is on.
#[derive(Debug)]
pub(crate) struct Armed {
    spec: FaultSpec,
    seed: u64,
    seen: AtomicU64,
    fired: AtomicU64,
    pending: Book,
}

impl Armed {
    pub(super) fn new(spec: FaultSpec, seed: u64) -> Self {
        Self {
            seed: spec.seed.unwrap_or(seed),
            spec,
            seen: AtomicU64::new(0),
            fired: AtomicU64::new(0),
            pending: Book::default(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.spec.name
    }

    pub(crate) const fn fault(&self) -> &Fault {
        &self.spec.fault
    }

    pub(crate) const fn seed(&self) -> u64 {
        self.seed
    }

    pub(super) const fn pending(&self) -> &Book {
        &self.pending
    }

    pub(super) fn count_fired(&self) {
        self.fired.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a call; its position when the fault is for it.
    pub(super) fn choose(&self, endpoint: Endpoint, key: Option<&AuthorizationKey>) -> Option<u64> {
        let rule = &self.spec.matching;
        if !rule.meets(endpoint, key) {
            return None;
        }
        let position = self.seen.fetch_add(1, Ordering::Relaxed) + 1;
        let chosen = rule.nth.as_ref().is_none_or(|nth| nth.contains(position))
            && rule
                .probability
                .is_none_or(|p| Draw::new(self.seed, "probability", position).chance(p));
        chosen.then_some(position)
    }

    pub(super) fn view(&self) -> FaultView {
        FaultView {
            name: self.spec.name.clone(),
            seed: self.seed,
            matching: self.spec.matching.clone(),
            fault: self.spec.fault.clone(),
            seen: self.seen.load(Ordering::Relaxed),
            fired: self.fired.load(Ordering::Relaxed),
        }
    }
}
