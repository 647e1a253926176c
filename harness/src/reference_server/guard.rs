//! The replay guard: one authorization, one purchase, decided before the facilitator is asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use alloy_primitives::U256;
use serde_json::Value;

use super::guard_policy::{Insert, Key, Policy};
use super::incoming::Presented;
use super::page::Page;

/// Authorizations that are remembered; when all of them are still live, new ones are turned away.
const MOST: usize = 200_000;
/// Purchases whose settlement is open and whose answer is kept.
const MOST_OPEN: usize = 256;
/// Seconds an ended authorization is remembered longer, for clocks that differ.
const MARGIN_SECONDS: u64 = 120;

/// Authorizations that are in use or used up.
#[derive(Debug, Default)]
pub(super) struct Guard {
    entries: Mutex<HashMap<Key, Entry>>,
    policy: Policy,
}

#[derive(Debug)]
struct Entry {
    valid_before: U256,
    since: Instant,
    state: State,
}

#[derive(Debug)]
enum State {
    InFlight,
    Spent,
    Open(Arc<OpenPurchase>),
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
            entries: Mutex::default(),
            policy,
        }
    }

    /// Takes a payment, at `now` (unix seconds).
    pub(super) fn take(self: &Arc<Self>, payment: &Presented, now: u64) -> Taken {
        let key = self.policy.key(payment);
        let valid_before = payment.authorization.valid_before;
        if self.policy.off {
            return Taken::Claimed(self.claim(key, valid_before, true));
        }
        let mut entries = self.lock();
        if let Some(most) = self.policy.forgets_after
            && entries
                .get(&key)
                .is_some_and(|entry| entry.since.elapsed() >= most)
        {
            entries.remove(&key);
        }
        let open = match entries.get(&key).map(|entry| &entry.state) {
            Some(State::InFlight) => return Taken::Refused("this payment is being processed"),
            Some(State::Spent) => return Taken::Refused("this payment was used already"),
            Some(State::Open(open)) => Some(Arc::clone(open)),
            None => None,
        };
        if open.is_none() && entries.len() >= MOST {
            let oldest = U256::from(now.saturating_sub(MARGIN_SECONDS));
            entries.retain(|_, entry| entry.valid_before >= oldest);
            if entries.len() >= MOST {
                return Taken::Full;
            }
        }
        if self.policy.insert == Insert::AtOnce || open.is_some() {
            put(&mut entries, &key, valid_before, State::InFlight);
        }
        drop(entries);
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

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes a payment, or changes what is noted of it; when it was first noted stays.
fn put(entries: &mut HashMap<Key, Entry>, key: &Key, valid_before: U256, state: State) {
    if let Some(entry) = entries.get_mut(key) {
        entry.state = state;
        return;
    }
    let entry = Entry {
        valid_before,
        since: Instant::now(),
        state,
    };
    entries.insert(key.clone(), entry);
}

impl Claim {
    /// Verify said yes.
    pub(super) fn verified(&self) {
        if !self.decided && self.guard.policy.insert == Insert::AfterVerify {
            let mut entries = self.guard.lock();
            put(&mut entries, &self.key, self.valid_before, State::InFlight);
        }
    }

    /// Gives the authorization back: it certainly moved nothing.
    pub(super) fn release(self) {
        let state = self.guard.policy.burns.then_some(State::Spent);
        self.decide(state);
    }

    /// Uses the authorization up.
    pub(super) fn spend(self) {
        self.decide(Some(State::Spent));
    }

    /// Keeps the authorization and the answer it may have bought.
    pub(super) fn keep_open(self, open: Arc<OpenPurchase>) {
        let others = self
            .guard
            .lock()
            .values()
            .filter(|entry| matches!(entry.state, State::Open(_)))
            .count();
        let state = if others < MOST_OPEN {
            State::Open(open)
        } else {
            State::Spent
        };
        self.decide(Some(state));
    }

    fn decide(mut self, state: Option<State>) {
        self.note(state);
        self.decided = true;
    }

    fn note(&self, state: Option<State>) {
        if self.decided {
            return;
        }
        let mut entries = self.guard.lock();
        match state {
            Some(state) => put(&mut entries, &self.key, self.valid_before, state),
            None => {
                entries.remove(&self.key);
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.note(Some(State::Spent));
    }
}
