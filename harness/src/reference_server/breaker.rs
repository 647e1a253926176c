//! Defect: a circuit breaker that opens in an outage and never closes again.

use std::sync::atomic::{AtomicBool, Ordering};

use super::defects::Defect;
use super::shop::Shop;

/// Opened when the facilitator cannot be reached at all; only the defect trips it.
#[derive(Debug, Default)]
pub(super) struct Breaker(AtomicBool);

impl Breaker {
    /// True when nothing is sold any more.
    pub(super) fn is_open(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// A payment could not be verified: when `/supported` gives no answer either, that is for ever.
    pub(super) async fn trip(&self, shop: &Shop) {
        if shop.has(Defect::OutageIsFinal) && shop.facilitator.supports(&[]).await.is_err() {
            self.0.store(true, Ordering::SeqCst);
        }
    }
}
