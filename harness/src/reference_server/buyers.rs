//! Who bought before; only a defect asks.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use alloy_primitives::Address;
use x402_assay_protocol::Version;

/// Buyers that are remembered at most.
const BUYERS_MAX: usize = 10_000;

/// Payers that have bought, per generation.
#[derive(Debug, Default)]
pub(super) struct Buyers(Mutex<BTreeSet<(Version, Address)>>);

impl Buyers {
    pub(super) fn knows(&self, buyer: (Version, Address)) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&buyer)
    }

    pub(super) fn remember(&self, buyer: (Version, Address)) {
        let mut buyers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buyers.len() < BUYERS_MAX {
            buyers.insert(buyer);
        }
    }
}
