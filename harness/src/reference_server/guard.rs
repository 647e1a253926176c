//! The replay guard: one authorization, one purchase, decided before the facilitator is asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use alloy_primitives::U256;
use serde_json::Value;

use super::guard_policy::{Insert, Key, Policy};
use super::incoming::Presented;
use super::page::Page;

/// Authorizations that are remembered, at about 50 bytes each; when all of them are still live, new ones are turned
/// away.
const MOST: usize = 1_000_000;
/// Purchases whose settlement is open and whose answer is kept.
const MOST_OPEN: usize = 256;
/// Seconds an ended authorization is remembered longer, for clocks that differ.
const MARGIN_SECONDS: u64 = 120;

/// Authorizations that are in use or used up.
#[derive(Debug)]
pub(super) struct Guard {
    remembered: Mutex<Remembered>,
    policy: Policy,
    began: Instant,
}

#[derive(Debug, Default)]
struct Remembered {
    entries: HashMap<Key, Entry>,
    /// The purchases of those that are open.
    open: HashMap<Key, Arc<OpenPurchase>>,
    /// When those that expired were last forgotten, in unix seconds.
    swept_s: u64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Unix seconds; what never ends ends in the last second there is.
    valid_before_s: u64,
    /// From the guard's beginning.
    since_ms: u32,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    InFlight,
    Spent,
    Open,
}

/// A purchase whose settlement may or may not have happened: a repeat settles again and gets the same answer.
#[derive(Debug)]
pub(super) struct OpenPurchase {
    /// Where it was bought.
    pub(super) url: String,
    /// The body of the settle call.
    pub(super) request: Value,
    /// The answer that is owed.
    pub(super) page: Page,
}

/// What came of asking for an authorization.
#[derive(Debug)]
pub(super) enum Taken {
    /// It is the caller's.
    Claimed(Claim),
    /// It is the caller's, and a purchase with it is still open.
    Open(Claim, Arc<OpenPurchase>),
    /// It is in use or used up.
    Refused(&'static str),
    /// The guard remembers too many live authorizations.
    Full,
}

/// An authorization held by one request. Dropped without a decision, it stays used up: the outcome is unknown.
#[derive(Debug)]
pub(super) struct Claim {
    guard: Arc<Guard>,
    key: Key,
    valid_before: U256,
    decided: bool,
}

impl Guard {
    /// A guard that works so.
    pub(super) fn new(policy: Policy) -> Self {
        Self {
            remembered: Mutex::default(),
            policy,
            began: Instant::now(),
        }
    }

    /// Takes a payment, at `now` (unix seconds).
    pub(super) fn take(self: &Arc<Self>, payment: &Presented, now: u64) -> Taken {
        let key = self.policy.key(payment);
        let valid_before = payment.authorization.valid_before;
        if self.policy.off {
            return Taken::Claimed(self.claim(key, valid_before, true));
        }
        let mut remembered = self.lock();
        let mut known = remembered.entries.get(&key).copied();
        if let (Some(most), Some(entry)) = (self.policy.forgets_after, known)
            && self.age_of(entry) >= most
        {
            remembered.forget(&key);
            known = None;
        }
        let open = match known.map(|entry| entry.state) {
            Some(State::InFlight) => return Taken::Refused("this payment is being processed"),
            Some(State::Spent) => return Taken::Refused("this payment was used already"),
            Some(State::Open) => remembered.open.remove(&key),
            None if remembered.has_room(MOST, now) => None,
            None => return Taken::Full,
        };
        if self.policy.insert == Insert::AtOnce || open.is_some() {
            remembered.put(key, self.entry(valid_before, State::InFlight));
        }
        drop(remembered);
        let claim = self.claim(key, valid_before, false);
        match open {
            Some(open) => Taken::Open(claim, open),
            None => Taken::Claimed(claim),
        }
    }

    fn claim(self: &Arc<Self>, key: Key, valid_before: U256, decided: bool) -> Claim {
        Claim {
            guard: Arc::clone(self),
            key,
            valid_before,
            decided,
        }
    }

    fn entry(&self, valid_before: U256, state: State) -> Entry {
        Entry {
            valid_before_s: valid_before.saturating_to(),
            since_ms: u32::try_from(self.began.elapsed().as_millis()).unwrap_or(u32::MAX),
            state,
        }
    }

    fn age_of(&self, entry: Entry) -> Duration {
        let since = Duration::from_millis(entry.since_ms.into());
        self.began.elapsed().saturating_sub(since)
    }

    fn lock(&self) -> MutexGuard<'_, Remembered> {
        self.remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remembered {
    /// Notes a payment, or changes what is noted of it; when it was first noted stays.
    fn put(&mut self, key: Key, entry: Entry) {
        let state = entry.state;
        self.entries.entry(key).or_insert(entry).state = state;
    }

    fn forget(&mut self, key: &Key) {
        self.entries.remove(key);
        self.open.remove(key);
    }

    /// Whether one more can be remembered; forgets those that have expired where it must, at most once a second.
    fn has_room(&mut self, most: usize, now: u64) -> bool {
        if self.entries.len() >= most && self.swept_s != now {
            self.swept_s = now;
            let oldest = now.saturating_sub(MARGIN_SECONDS);
            self.entries
                .retain(|_, entry| entry.valid_before_s >= oldest);
            let Self { entries, open, .. } = self;
            open.retain(|key, _| entries.contains_key(key));
        }
        self.entries.len() < most
    }
}

impl Claim {
    /// Verify said yes.
    pub(super) fn verified(&self) {
        if !self.decided && self.guard.policy.insert == Insert::AfterVerify {
            self.put(State::InFlight, None);
        }
    }

    /// Gives the authorization back: it certainly moved nothing.
    pub(super) fn release(mut self) {
        if self.guard.policy.burns {
            return self.spend();
        }
        if !self.decided {
            self.guard.lock().forget(&self.key);
        }
        self.decided = true;
    }

    /// Uses the authorization up.
    pub(super) fn spend(mut self) {
        self.put(State::Spent, None);
        self.decided = true;
    }

    /// Keeps the authorization and the answer it may have bought.
    pub(super) fn keep_open(mut self, open: Arc<OpenPurchase>) {
        self.put(State::Open, Some(open));
        self.decided = true;
    }

    fn put(&self, state: State, open: Option<Arc<OpenPurchase>>) {
        if self.decided {
            return;
        }
        let mut remembered = self.guard.lock();
        let kept = open.filter(|_| remembered.open.len() < MOST_OPEN);
        let state = match (state, kept) {
            (State::Open, Some(open)) => {
                remembered.open.insert(self.key, open);
                State::Open
            }
            (State::Open, None) => State::Spent,
            (state, _) => state,
        };
        let entry = self.guard.entry(self.valid_before, state);
        remembered.put(self.key, entry);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.put(State::Spent, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_of_each_payment_is_small() {
        assert!(size_of::<(Key, Entry)>() <= 48);
    }

    #[test]
    fn what_expired_makes_room_once_a_second() {
        let entry = |valid_before_s| Entry {
            valid_before_s,
            since_ms: 0,
            state: State::Spent,
        };
        let mut remembered = Remembered::default();
        let key = |number: usize| Key::text(&number.to_be_bytes());
        for number in 0..100 {
            remembered.put(key(number), entry(if number < 10 { 1_000 } else { 9_000 }));
        }
        assert!(!remembered.has_room(100, 1_000), "all of them are live");
        assert!(!remembered.has_room(100, 1_000));
        assert!(remembered.has_room(100, 2_000));
        assert_eq!(remembered.entries.len(), 90);
    }
}
