//! What defects remember from call to call; a correct facilitator asks its ledger instead.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use alloy_primitives::B256;
use serde_json::Value;
use tokio::sync::watch;

use crate::event::AuthorizationKey;

/// Most authorizations remembered.
const REMEMBERED_MAX: usize = 100_000;
/// Most resources listed.
const LISTED_MAX: usize = 100;

/// The memory of one set of defects.
#[derive(Debug)]
pub(crate) struct DefectMemory {
    state: Mutex<State>,
    /// Counts the transactions noted, to wake those who wait for one.
    noted: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    transactions: HashMap<AuthorizationKey, B256>,
    verified: HashSet<AuthorizationKey>,
    /// Transactions of the one account that the careless facilitator believes to be mined.
    mined: u64,
    /// Account nonces in use right now.
    in_use: BTreeSet<u64>,
    blocked: bool,
    /// Reason of the last request, if that could not be read.
    left: Option<String>,
    listed: Vec<Value>,
}

impl Default for DefectMemory {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            noted: watch::Sender::new(0),
        }
    }
}

impl DefectMemory {
    /// Notes the transaction of an authorization.
    pub(crate) fn note_transaction(&self, key: AuthorizationKey, transaction: B256) {
        let mut state = self.lock();
        if state.transactions.len() < REMEMBERED_MAX {
            state.transactions.insert(key, transaction);
        }
        drop(state);
        self.noted.send_modify(|count| *count += 1);
    }

    /// The transaction of an authorization, once there is one.
    pub(crate) fn transaction(&self, key: &AuthorizationKey) -> Option<B256> {
        self.lock().transactions.get(key).copied()
    }

    /// As [`Self::transaction`], waiting for it.
    pub(crate) async fn wait_transaction(
        &self,
        key: &AuthorizationKey,
        wait: Duration,
    ) -> Option<B256> {
        let mut noted = self.noted.subscribe();
        // A closed channel cannot be: `self` holds the sender.
        let _ =
            tokio::time::timeout(wait, noted.wait_for(|_| self.transaction(key).is_some())).await;
        self.transaction(key)
    }

    /// Notes that an authorization was found valid; true when it was before.
    pub(crate) fn note_verified(&self, key: AuthorizationKey) -> bool {
        let mut state = self.lock();
        if state.verified.len() >= REMEMBERED_MAX {
            return state.verified.contains(&key);
        }
        !state.verified.insert(key)
    }

    /// True when the authorization was found valid before.
    pub(crate) fn was_verified(&self, key: &AuthorizationKey) -> bool {
        self.lock().verified.contains(key)
    }

    /// The account nonce as the last block has it.
    pub(crate) fn account_nonce(&self) -> u64 {
        self.lock().mined
    }

    /// Takes an account nonce; false when another transaction has it.
    pub(crate) fn use_account_nonce(&self, nonce: u64) -> bool {
        let mut state = self.lock();
        nonce >= state.mined && state.in_use.insert(nonce)
    }

    /// Gives the nonce back, mined or not.
    pub(crate) fn end_account_nonce(&self, nonce: u64, mined: bool) {
        let mut state = self.lock();
        state.in_use.remove(&nonce);
        if mined {
            state.mined = state.mined.max(nonce + 1);
        }
    }

    /// Leaves a gap in the account's nonces.
    pub(crate) fn block_account(&self) {
        self.lock().blocked = true;
    }

    /// True once there is a gap.
    pub(crate) fn account_blocked(&self) -> bool {
        self.lock().blocked
    }

    /// Leaves a reason behind for the next request; gives what the last one left.
    pub(crate) fn leave(&self, reason: Option<String>) -> Option<String> {
        std::mem::replace(&mut self.lock().left, reason)
    }

    /// Lists a resource, while there is room.
    pub(crate) fn list(&self, item: Value) {
        let listed = &mut self.lock().listed;
        if listed.len() < LISTED_MAX {
            listed.push(item);
        }
    }

    /// The resources listed, in order.
    pub(crate) fn listed(&self) -> Vec<Value> {
        self.lock().listed.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::Address;
    use std::sync::Arc;

    const KEY: AuthorizationKey = AuthorizationKey {
        payer: Address::ZERO,
        nonce: B256::ZERO,
        asset: Address::ZERO,
        chain_id: 1,
    };

    #[tokio::test]
    async fn whoever_waits_for_a_transaction_gets_it() {
        let memory = Arc::new(DefectMemory::default());
        let waiting = tokio::spawn({
            let memory = Arc::clone(&memory);
            async move { memory.wait_transaction(&KEY, Duration::from_secs(60)).await }
        });
        tokio::task::yield_now().await;
        memory.note_transaction(KEY, B256::repeat_byte(1));
        assert_eq!(waiting.await.unwrap(), Some(B256::repeat_byte(1)));
        let other = AuthorizationKey { chain_id: 2, ..KEY };
        assert_eq!(memory.wait_transaction(&other, Duration::ZERO).await, None);
    }

    #[test]
    fn two_transactions_at_a_time_collide() {
        let memory = DefectMemory::default();
        let (first, second) = (memory.account_nonce(), memory.account_nonce());
        assert!(memory.use_account_nonce(first));
        assert!(!memory.use_account_nonce(second));
        memory.end_account_nonce(first, true);
        assert!(!memory.use_account_nonce(second), "too low by now");
        assert!(memory.use_account_nonce(memory.account_nonce()));
    }
}
