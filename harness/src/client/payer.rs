//! A payer: one test key, and how often it signed.

use std::sync::atomic::{AtomicU64, Ordering};

use alloy_primitives::Address;
use x402_assay_protocol::PayerKey;

/// A client's key with its counter. Only built-in test keys sign.
#[derive(Debug)]
pub struct Payer {
    key: PayerKey,
    signed: AtomicU64,
}

impl Payer {
    /// A payer that has signed nothing yet.
    pub const fn new(key: PayerKey) -> Self {
        Self {
            key,
            signed: AtomicU64::new(0),
        }
    }

    /// Its address.
    pub const fn address(&self) -> Address {
        self.key.address()
    }

    /// Its key.
    pub const fn key(&self) -> &PayerKey {
        &self.key
    }

    /// Authorizations it signed so far.
    pub fn signed(&self) -> u64 {
        self.signed.load(Ordering::Relaxed)
    }

    pub(super) fn count(&self) {
        self.signed.fetch_add(1, Ordering::Relaxed);
    }
}
