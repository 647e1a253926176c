//! The replay guard: one authorization, one purchase, decided before the facilitator is asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alloy_primitives::{Address, B256, U256};
use serde_json::Value;
use x402_assay_protocol::Authorization;

use super::page::Page;

/// Authorizations that are remembered; when all of them are still live, new ones are turned away.
const MOST: usize = 200_000;
/// Purchases whose settlement is open and whose answer is kept.
const MOST_OPEN: usize = 256;
/// Seconds an ended authorization is remembered longer, for clocks that differ.
const MARGIN_SECONDS: u64 = 120;

/// (payer, nonce): what the token itself consumes once.
type Key = (Address, B256);

/// Authorizations that are in use or used up.
#[derive(Debug, Default)]
pub(super) struct Guard {
    entries: Mutex<HashMap<Key, Entry>>,
    off: bool,
    burns: bool,
}

#[derive(Debug)]
struct Entry {
    valid_before: U256,
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
    decided: bool,
}

impl Guard {
    /// A guard; `off` lets everything through, `burns` never gives an authorization back.
    pub(super) fn new(off: bool, burns: bool) -> Self {
        Self {
            entries: Mutex::default(),
            off,
            burns,
        }
    }

    /// Takes an authorization, at `now` (unix seconds).
    pub(super) fn take(self: &Arc<Self>, authorization: &Authorization, now: u64) -> Taken {
        let key = (authorization.from, authorization.nonce);
        if self.off {
            return Taken::Claimed(self.claim(key, true));
        }
        let mut entries = self.lock();
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
        let entry = Entry {
            valid_before: authorization.valid_before,
            state: State::InFlight,
        };
        entries.insert(key, entry);
        drop(entries);
        let claim = self.claim(key, false);
        match open {
            Some(open) => Taken::Open(claim, open),
            None => Taken::Claimed(claim),
        }
    }

    fn claim(self: &Arc<Self>, key: Key, decided: bool) -> Claim {
        Claim {
            guard: Arc::clone(self),
            key,
            decided,
        }
    }

    fn decide(&self, key: &Key, state: Option<State>) {
        let mut entries = self.lock();
        match state {
            Some(state) => {
                if let Some(entry) = entries.get_mut(key) {
                    entry.state = state;
                }
            }
            None => {
                entries.remove(key);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim {
    /// Gives the authorization back: it certainly moved nothing.
    pub(super) fn release(self) {
        let state = self.guard.burns.then_some(State::Spent);
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
        if !self.decided {
            self.guard.decide(&self.key, state);
        }
        self.decided = true;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.decided {
            self.guard.decide(&self.key, Some(State::Spent));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use x402_assay_protocol::payment::fresh_nonce;

    fn authorization() -> Authorization {
        Authorization {
            from: Address::repeat_byte(1),
            to: Address::repeat_byte(2),
            value: U256::from(1),
            valid_after: U256::ZERO,
            valid_before: U256::from(1_000),
            nonce: fresh_nonce(),
        }
    }

    fn claimed(guard: &Arc<Guard>, authorization: &Authorization) -> Option<Claim> {
        match guard.take(authorization, 500) {
            Taken::Claimed(claim) => Some(claim),
            _ => None,
        }
    }

    #[test]
    fn an_authorization_is_held_once_and_comes_back_only_when_released() {
        let guard = Arc::new(Guard::default());
        let one = authorization();
        let claim = claimed(&guard, &one).unwrap();
        assert!(claimed(&guard, &one).is_none());
        assert!(claimed(&guard, &authorization()).is_some());
        claim.release();
        claimed(&guard, &one).unwrap().spend();
        assert!(claimed(&guard, &one).is_none());
    }

    #[test]
    fn an_undecided_claim_stays_used_up() {
        let guard = Arc::new(Guard::default());
        let one = authorization();
        drop(claimed(&guard, &one).unwrap());
        assert!(claimed(&guard, &one).is_none());
    }

    #[test]
    fn an_open_purchase_is_found_again() {
        let guard = Arc::new(Guard::default());
        let one = authorization();
        let open = Arc::new(OpenPurchase {
            url: "u".to_owned(),
            request: Value::Null,
            page: Page::empty(http::StatusCode::OK),
        });
        claimed(&guard, &one).unwrap().keep_open(open);
        let Taken::Open(_claim, found) = guard.take(&one, 500) else {
            panic!("the purchase is open");
        };
        assert_eq!(found.url, "u");
        assert!(matches!(guard.take(&one, 500), Taken::Refused(_)));
    }

    #[test]
    fn a_burning_guard_gives_nothing_back_and_an_absent_one_holds_nothing() {
        let one = authorization();
        let burning = Arc::new(Guard::new(false, true));
        claimed(&burning, &one).unwrap().release();
        assert!(claimed(&burning, &one).is_none());
        let off = Arc::new(Guard::new(true, false));
        claimed(&off, &one).unwrap().spend();
        assert!(claimed(&off, &one).is_some());
    }
}
