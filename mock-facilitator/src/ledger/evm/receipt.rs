//! Waiting for a receipt without asking the node more often than blocks appear.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use alloy_primitives::B256;
use alloy_rpc_types_eth::TransactionReceipt;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::rpc::Rpc;

/// The head is asked for at most this often, by all waiters together.
const HEAD_FRESH: Duration = Duration::from_millis(3);
/// Longest pause between two looks at the head.
const PAUSE_MAX: Duration = Duration::from_millis(50);
/// A receipt is asked for this often even when the head stands still: head and receipt may come apart.
const ASK_ANYWAY: Duration = Duration::from_millis(500);

/// The newest block, shared by all waiters.
#[derive(Debug, Default)]
pub(super) struct Head {
    number: AtomicU64,
    asked: Mutex<Option<Instant>>,
}

impl Head {
    /// The newest block, a few milliseconds old at most; the last known one when the node does not answer.
    async fn newest(&self, rpc: &Rpc) -> u64 {
        let mut asked = self.asked.lock().await;
        if asked.is_none_or(|at| at.elapsed() >= HEAD_FRESH) {
            if let Ok(number) = rpc.block_number().await {
                self.number.store(number, Ordering::Relaxed);
            }
            *asked = Some(Instant::now());
        }
        self.number.load(Ordering::Relaxed)
    }

    /// The receipt, once there is one; `None` when there is none by the deadline.
    pub(super) async fn receipt(
        &self,
        rpc: &Rpc,
        hash: B256,
        deadline: Instant,
    ) -> Option<TransactionReceipt> {
        let mut seen = None;
        let mut pause = Duration::from_millis(1);
        let mut asked = Instant::now();
        loop {
            let head = self.newest(rpc).await;
            if seen != Some(head) || asked.elapsed() >= ASK_ANYWAY {
                seen = Some(head);
                asked = Instant::now();
                if let Ok(Some(receipt)) = rpc.receipt(hash).await {
                    return Some(receipt);
                }
            }
            let now = Instant::now();
            if now >= deadline {
                return None;
            }
            tokio::time::sleep(pause.min(deadline - now)).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}
