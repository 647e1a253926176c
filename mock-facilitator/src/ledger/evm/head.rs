//! Waiting for a receipt without asking the node more often than blocks appear, however many wait.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use alloy_primitives::B256;
use tokio::sync::{Mutex as Turn, watch};
use tokio::time::Instant;

use super::mined::{Block, Mined};
use super::rpc::Rpc;

/// Shortest pause between two looks at the head.
const PAUSE_MIN: Duration = Duration::from_millis(1);
/// Longest one.
const PAUSE_MAX: Duration = Duration::from_millis(50);
/// A receipt is asked for this often even when its block did not show: head and receipt may come apart.
const ASK_ANYWAY: Duration = Duration::from_millis(500);
/// So many waiters ask that often, each for its own. For more of them the logs of each block are read once: a
/// development node goes through the whole block for every single receipt, and for all of them once more each.
const ASKERS: usize = 64;
/// Blocks that are read when the head moved on by several; of what lies before them nothing is known.
const BLOCKS_READ_MAX: u64 = 8;
/// Blocks whose transactions are remembered.
const BLOCKS_KEPT: usize = 16;

/// The newest block, and what was mined of late; shared by all waiters, one of whom looks for the others.
#[derive(Debug, Default)]
pub(super) struct Head {
    looked: watch::Sender<Looked>,
    /// Held by the waiter who looks.
    turn: Turn<()>,
    blocks: Mutex<VecDeque<Block>>,
    waiters: AtomicUsize,
}

/// What was seen last.
#[derive(Debug, Clone, Copy, Default)]
struct Looked {
    number: Option<u64>,
    /// How often blocks went by unread: whoever waited through that must ask.
    gaps: u64,
}

/// Counts a waiter for as long as it lives.
struct Waiting<'h>(&'h AtomicUsize);

impl<'h> Waiting<'h> {
    fn among(waiters: &'h AtomicUsize) -> Self {
        waiters.fetch_add(1, Ordering::Relaxed);
        Self(waiters)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Head {
    /// What became of a transaction, once it is mined; `None` when it is not by the deadline.
    pub(super) async fn mined(
        &self,
        rpc: &Rpc,
        hash: B256,
        deadline: Instant,
    ) -> Option<Arc<Mined>> {
        let _waiting = Waiting::among(&self.waiters);
        let mut looked = self.looked.subscribe();
        let mut gaps = looked.borrow().gaps;
        let mut asked = Instant::now();
        let mut first = self.waiters.load(Ordering::Relaxed) <= ASKERS;
        loop {
            let missed = looked.borrow_and_update().gaps;
            let is_due = asked.elapsed() >= self.ask_anyway();
            let mined = self.seen(hash);
            if let Some(Some(mined)) = mined {
                return Some(mined);
            }
            if first || missed != gaps || mined.is_some() || is_due {
                first = false;
                gaps = missed;
                asked = Instant::now();
                if let Ok(Some(receipt)) = rpc.receipt(hash).await {
                    return Some(Arc::new(receipt.into()));
                }
            }
            let again = asked + self.ask_anyway();
            tokio::select! {
                // Whoever gets the turn looks until the head moves, or its own time has come.
                turn = self.turn.lock() => {
                    self.look(rpc, again.min(deadline)).await;
                    drop(turn);
                }
                _ = looked.changed() => {}
                () = tokio::time::sleep_until(again.min(deadline)) => {}
            }
            if Instant::now() >= deadline {
                // The last word is the receipt's, not the head's.
                let receipt = rpc.receipt(hash).await.ok().flatten()?;
                return Some(Arc::new(receipt.into()));
            }
        }
    }

    /// Looks at the head until it moves.
    async fn look(&self, rpc: &Rpc, until: Instant) {
        let before = *self.looked.borrow();
        let mut pause = PAUSE_MIN;
        loop {
            if let Ok(number) = rpc.block_number().await
                && before.number != Some(number)
            {
                let whole = self.read(rpc, before.number, number).await;
                self.looked.send_replace(Looked {
                    number: Some(number),
                    gaps: before.gaps + u64::from(!whole),
                });
                return;
            }
            let now = Instant::now();
            if now >= until {
                return;
            }
            tokio::time::sleep(pause.min(until - now)).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Notes what the new blocks hold; false when some of them are not known.
    async fn read(&self, rpc: &Rpc, before: Option<u64>, head: u64) -> bool {
        let next = before.map_or(head, |before| before + 1);
        if next > head {
            // Blocks were taken back, and with them what was read of them.
            self.blocks().clear();
            return false;
        }
        let first = next.max(head.saturating_sub(BLOCKS_READ_MAX - 1));
        let mut whole = before.is_some() && first == next;
        for block in first..=head {
            let crowd = self.waiters.load(Ordering::Relaxed) > ASKERS;
            match rpc.block(block, crowd).await {
                Ok(Some(block)) => self.note(block),
                Ok(None) | Err(_) => whole = false,
            }
        }
        whole
    }

    fn note(&self, block: Block) {
        let mut blocks = self.blocks();
        if blocks.len() >= BLOCKS_KEPT {
            blocks.pop_front();
        }
        blocks.push_back(block);
    }

    fn blocks(&self) -> MutexGuard<'_, VecDeque<Block>> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a transaction was mined of late, and what is known of it.
    fn seen(&self, hash: B256) -> Option<Option<Arc<Mined>>> {
        let blocks = self.blocks();
        let mut newest_first = blocks.iter().rev();
        newest_first.find_map(|block| block.get(&hash).cloned())
    }

    /// How often a waiter asks for its receipt without a sign of it.
    fn ask_anyway(&self) -> Duration {
        let crowd = self.waiters.load(Ordering::Relaxed) / ASKERS;
        ASK_ANYWAY * u32::try_from(crowd.max(1)).unwrap_or(u32::MAX)
    }
}
