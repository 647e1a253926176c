//! Defects of capacity: a lock around every purchase, and a purchase that leaves its lock behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Mutex, OwnedMutexGuard};

use super::defects::Defect;
use super::shop::Shop;

/// Whose turn it is to buy; only the defects ask.
#[derive(Debug, Default)]
pub(super) struct Turns {
    lock: Arc<Mutex<()>>,
    jammed: AtomicBool,
}

impl Turns {
    /// Waits for this purchase's turn, where purchases take turns.
    pub(super) async fn wait(&self, shop: &Shop) -> Option<OwnedMutexGuard<()>> {
        if !shop.has(Defect::OnePurchaseAtATime) {
            return None;
        }
        Some(Arc::clone(&self.lock).lock_owned().await)
    }

    /// True when an earlier purchase broke off and was never cleaned up.
    pub(super) fn jammed(&self) -> bool {
        self.jammed.load(Ordering::SeqCst)
    }
}

/// Jams the shop when it is dropped before the purchase is over.
pub(super) struct MidPurchase {
    shop: Arc<Shop>,
    over: bool,
}

impl MidPurchase {
    /// A purchase begins.
    pub(super) fn begin(shop: &Arc<Shop>) -> Self {
        Self {
            shop: Arc::clone(shop),
            over: false,
        }
    }

    /// It is over.
    pub(super) fn end(mut self) {
        self.over = true;
    }
}

impl Drop for MidPurchase {
    fn drop(&mut self) {
        if !self.over && self.shop.has(Defect::AbandonedPurchaseJams) {
            self.shop.turns.jammed.store(true, Ordering::SeqCst);
        }
    }
}
