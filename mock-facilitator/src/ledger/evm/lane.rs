//! Nonce lanes: each signer counts its own transactions, so that it never collides with itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use alloy_primitives::Address;
use alloy_signer_local::PrivateKeySigner;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// One signer.
#[derive(Debug)]
pub(super) struct Lane {
    index: usize,
    pub(super) signer: PrivateKeySigner,
    /// Held while a transaction is numbered and handed to the node, never while it waits to be mined.
    pub(super) counter: Mutex<Counter>,
    open: AtomicUsize,
}

/// Where a lane stands.
#[derive(Debug, Default)]
pub(super) struct Counter {
    /// Account nonce of the next transaction; `None` until the node was asked, and after any doubt.
    pub(super) next_nonce: Option<u64>,
    /// When the lane's overdue transactions were last looked after.
    pub(super) looked_after: Option<Instant>,
}

/// One open transaction of a lane; dropping it makes room.
#[derive(Debug)]
pub(super) struct LaneSlot {
    lane: Arc<Lane>,
}

/// All lanes.
#[derive(Debug)]
pub(super) struct Lanes {
    lanes: Vec<Arc<Lane>>,
    /// How many of them are used, from the first.
    used: AtomicUsize,
    turn: AtomicUsize,
    room: Arc<Semaphore>,
}

impl Lanes {
    /// One lane a signer, each with up to `depth` settlements at a time.
    pub(super) fn new(signers: Vec<PrivateKeySigner>, depth: usize) -> Self {
        let lanes: Vec<Arc<Lane>> = signers
            .into_iter()
            .enumerate()
            .map(|(index, signer)| {
                Arc::new(Lane {
                    index,
                    signer,
                    counter: Mutex::default(),
                    open: AtomicUsize::new(0),
                })
            })
            .collect();
        let room = Arc::new(Semaphore::new(lanes.len().saturating_mul(depth.max(1))));
        Self {
            used: AtomicUsize::new(lanes.len()),
            lanes,
            turn: AtomicUsize::new(0),
            room,
        }
    }

    /// Waits for room for one more settlement; the permit is given back when the caller is done waiting for the
    /// chain, mined or not.
    pub(super) async fn room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.room).acquire_owned().await.ok()
    }

    /// A slot in the lane with the fewest open transactions; equals take turns.
    pub(super) fn take(&self) -> Option<LaneSlot> {
        let lanes = self.used();
        let start = self.turn.fetch_add(1, Ordering::Relaxed) % lanes.len().max(1);
        let (late, early) = lanes.split_at(start);
        let lane = early
            .iter()
            .chain(late)
            .min_by_key(|lane| lane.open.load(Ordering::Relaxed))?;
        lane.open.fetch_add(1, Ordering::Relaxed);
        Some(LaneSlot {
            lane: Arc::clone(lane),
        })
    }

    /// Uses only the first lanes from now on, at least one; all of them without a count.
    pub(super) fn limit(&self, count: Option<u32>) {
        let all = self.lanes.len();
        let wanted = count.map_or(all, |count| usize::try_from(count).unwrap_or(all));
        self.used
            .store(wanted.clamp(1, all.max(1)), Ordering::Relaxed);
    }

    fn used(&self) -> &[Arc<Lane>] {
        let used = self.used.load(Ordering::Relaxed).min(self.lanes.len());
        &self.lanes[..used]
    }

    /// Has every lane ask the node for its nonce again.
    pub(super) async fn recount(&self) {
        for lane in &self.lanes {
            lane.counter.lock().await.next_nonce = None;
        }
    }

    /// Open transactions over all lanes.
    pub(super) fn open(&self) -> usize {
        self.lanes
            .iter()
            .map(|lane| lane.open.load(Ordering::Relaxed))
            .sum()
    }

    /// The address of every signer that is used.
    pub(super) fn addresses(&self) -> Vec<Address> {
        self.used()
            .iter()
            .map(|lane| lane.signer.address())
            .collect()
    }
}

impl LaneSlot {
    /// Number of the lane.
    pub(super) fn lane(&self) -> usize {
        self.lane.index
    }

    /// The signer and its nonce; outlives the slot.
    pub(super) fn signer(&self) -> Arc<Lane> {
        Arc::clone(&self.lane)
    }
}

impl Drop for LaneSlot {
    fn drop(&mut self) {
        self.lane.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes() -> Lanes {
        let signers = (0..3).map(|_| PrivateKeySigner::random()).collect();
        Lanes::new(signers, 2)
    }

    #[test]
    fn equals_take_turns_and_a_busy_lane_is_passed_over() {
        let lanes = lanes();
        let first = lanes.take().unwrap();
        let second = lanes.take().unwrap();
        let third = lanes.take().unwrap();
        let mut taken = [first.lane(), second.lane(), third.lane()];
        taken.sort_unstable();
        assert_eq!(taken, [0, 1, 2]);
        let freed = second.lane();
        drop(second);
        assert_eq!(lanes.take().unwrap().lane(), freed);
    }

    #[test]
    fn lanes_beyond_the_limit_rest() {
        let lanes = lanes();
        lanes.limit(Some(1));
        assert_eq!(lanes.addresses().len(), 1);
        let taken: Vec<LaneSlot> = (0..5).map(|_| lanes.take().unwrap()).collect();
        assert!(taken.iter().all(|slot| slot.lane() == 0));
        lanes.limit(Some(99));
        assert_eq!(lanes.addresses().len(), 3);
        lanes.limit(Some(2));
        lanes.limit(None);
        assert_eq!(lanes.addresses().len(), 3);
    }

    #[test]
    fn no_signer_no_slot() {
        assert!(Lanes::new(Vec::new(), 4).take().is_none());
    }

    #[tokio::test]
    async fn room_is_lanes_times_depth() {
        let lanes = lanes();
        let mut held = Vec::new();
        for _ in 0..6 {
            held.push(lanes.room().await.unwrap());
        }
        assert_eq!(lanes.room.available_permits(), 0);
        held.pop();
        assert_eq!(lanes.room.available_permits(), 1);
    }
}
