//! Transactions that were broadcast and not seen mined: settling them again waits, never sends twice.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes};
use tokio::time::Instant;

use super::lane::LaneSlot;
use crate::ledger::SignedAuthorization;

/// How long a transaction is remembered, as in the SDKs (wire-format section 13).
const REMEMBERED: Duration = Duration::from_secs(300);
/// Most transactions remembered.
const REMEMBERED_MAX: usize = 10_000;
/// Pause between two searches for what is too old.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// Token, payer and nonce: what the token consumes once.
pub(super) type Key = (Address, Address, B256);

/// The key of a payment.
pub(super) const fn key_of(payment: &SignedAuthorization) -> Key {
    (
        payment.asset,
        payment.authorization.from,
        payment.authorization.nonce,
    )
}

/// A transaction on its way.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    /// Its hash.
    pub(super) hash: B256,
    /// The signed bytes, to send the very same one again should the node lose it.
    pub(super) raw: Bytes,
}

#[derive(Debug)]
struct Entry {
    payment: SignedAuthorization,
    sent: Sent,
    since: Instant,
    /// Keeps the lane counted as busy while its transaction is open.
    slot: LaneSlot,
}

/// Every open transaction.
#[derive(Debug, Default)]
pub(super) struct Pending {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    by_key: HashMap<Key, Entry>,
    swept: Option<Instant>,
}

impl Entries {
    /// Drops what is too old, now and then: going through all of them for every settlement would cost more than it.
    fn sweep(&mut self, now: Instant) {
        let is_due = self
            .swept
            .is_none_or(|swept| now.duration_since(swept) >= SWEEP_EVERY);
        if is_due || self.by_key.len() >= REMEMBERED_MAX {
            self.by_key
                .retain(|_, entry| now.duration_since(entry.since) < REMEMBERED);
            self.swept = Some(now);
        }
    }
}

impl Pending {
    /// Remembers a transaction about to be sent.
    ///
    /// # Errors
    /// When too many are open already.
    pub(super) fn insert(
        &self,
        payment: &SignedAuthorization,
        sent: Sent,
        slot: LaneSlot,
    ) -> Result<(), String> {
        let (mut entries, now) = (self.lock(), Instant::now());
        entries.sweep(now);
        if entries.by_key.len() >= REMEMBERED_MAX {
            return Err(format!(
                "{REMEMBERED_MAX} transactions are open: is the chain mining?"
            ));
        }
        let entry = Entry {
            payment: payment.clone(),
            sent,
            since: now,
            slot,
        };
        entries.by_key.insert(key_of(payment), entry);
        Ok(())
    }

    /// The open transaction of a payment.
    pub(super) fn sent(&self, key: &Key) -> Option<Sent> {
        self.get(key, |entry| entry.sent.clone())
    }

    /// The payment of an open transaction.
    pub(super) fn payment(&self, key: &Key) -> Option<SignedAuthorization> {
        self.get(key, |entry| entry.payment.clone())
    }

    /// Forgets a transaction that is mined, or was never taken.
    pub(super) fn remove(&self, key: &Key) {
        self.lock().by_key.remove(key);
    }

    /// The oldest open transactions of a lane that are older than `age`, up to `max`: what blocks a lane is the oldest.
    pub(super) fn overdue(&self, lane: usize, age: Duration, max: usize) -> Vec<Sent> {
        let now = Instant::now();
        let entries = self.lock();
        let mut overdue: Vec<&Entry> = entries
            .by_key
            .values()
            .filter(|entry| entry.slot.lane() == lane && now.duration_since(entry.since) >= age)
            .collect();
        overdue.sort_unstable_by_key(|entry| entry.since);
        overdue.truncate(max);
        overdue
            .into_iter()
            .map(|entry| entry.sent.clone())
            .collect()
    }

    fn get<T>(&self, key: &Key, view: impl FnOnce(&Entry) -> T) -> Option<T> {
        let entries = self.lock();
        let entry = entries.by_key.get(key)?;
        (entry.since.elapsed() < REMEMBERED).then(|| view(entry))
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
