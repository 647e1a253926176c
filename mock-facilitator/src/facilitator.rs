//! The facilitator: its ledgers, its event log, and what is being settled right now.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use hashbrown::HashSet;
use x402_assay_protocol::network;

use crate::event::{AuthorizationKey, Endpoint};
use crate::faults::Faults;
use crate::ledger::Ledger;
use crate::log::{EventLog, LogLimits};
use crate::personality::Personality;
use crate::refusal::{Refusal, reason};
use crate::restart::Lives;

/// How a facilitator behaves where that is a matter of size, not of correctness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How much the event log keeps.
    pub log: LogLimits,
    /// Largest request body, in bytes.
    pub body_max_bytes: usize,
    /// Seed of every fault and hold that brings none of its own.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            log: LogLimits::default(),
            body_max_bytes: 1024 * 1024,
            seed: 0,
        }
    }
}

/// A facilitator. Share it in an [`Arc`] between its two ports.
#[derive(Debug)]
pub struct Facilitator {
    options: Options,
    ledgers: RwLock<BTreeMap<u64, Arc<dyn Ledger>>>,
    log: EventLog,
    next_call: AtomicU64,
    counts: [AtomicU64; 3],
    settling: Mutex<HashSet<AuthorizationKey>>,
    faults: Faults,
    lives: Lives,
    personality: RwLock<Option<Personality>>,
}

/// The right to settle one authorization; ends when dropped.
#[derive(Debug)]
pub(crate) struct Settling<'f> {
    settling: &'f Mutex<HashSet<AuthorizationKey>>,
    key: AuthorizationKey,
}

impl Facilitator {
    /// A facilitator without ledgers.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            ledgers: RwLock::default(),
            log: EventLog::new(options.log),
            next_call: AtomicU64::new(0),
            counts: Default::default(),
            settling: Mutex::default(),
            faults: Faults::new(options.seed),
            lives: Lives::default(),
            personality: RwLock::default(),
        }
    }

    /// Adds a ledger; one with the same chain id is replaced.
    pub fn add_ledger(&self, ledger: Arc<dyn Ledger>) {
        ledger.use_accounts(self.personality().and_then(|chosen| chosen.accounts));
        self.ledgers
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(ledger.chain_id(), ledger);
    }

    /// The ledger of a chain.
    pub fn ledger(&self, chain_id: u64) -> Option<Arc<dyn Ledger>> {
        self.ledgers
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&chain_id)
            .cloned()
    }

    /// Every ledger, by chain id.
    pub fn ledgers(&self) -> Vec<Arc<dyn Ledger>> {
        self.ledgers
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }

    /// Everything that happened.
    pub const fn log(&self) -> &EventLog {
        &self.log
    }

    /// What goes wrong on purpose: faults, holds and defects.
    pub const fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The personality it has taken on.
    pub fn personality(&self) -> Option<Personality> {
        let chosen = self.personality.read();
        chosen.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn remember_personality(&self, personality: Option<Personality>) {
        let mut chosen = self
            .personality
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *chosen = personality;
    }

    /// Settles with so many accounts on every ledger; with all of them when absent.
    pub(crate) fn use_accounts(&self, count: Option<u32>) {
        for ledger in self.ledgers() {
            ledger.use_accounts(count);
        }
    }

    /// The calls under way.
    pub(crate) const fn lives(&self) -> &Lives {
        &self.lives
    }

    /// How it was set up.
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// Number of calls an endpoint has had.
    pub fn calls(&self, endpoint: Endpoint) -> u64 {
        counter(endpoint).map_or(0, |index| self.counts[index].load(Ordering::Relaxed))
    }

    /// Counts a call and gives it a number.
    pub(crate) fn begin_call(&self, endpoint: Endpoint) -> u64 {
        if let Some(index) = counter(endpoint) {
            self.counts[index].fetch_add(1, Ordering::Relaxed);
        }
        self.next_call.fetch_add(1, Ordering::Relaxed)
    }

    /// The ledger that can settle on this chain, else a refusal that says what this run can do.
    pub(crate) fn ledger_or_refusal(&self, chain_id: u64) -> Result<Arc<dyn Ledger>, Refusal> {
        self.ledger(chain_id).ok_or_else(|| {
            let asked = network::caip2(chain_id);
            let ours: Vec<String> = self
                .ledgers()
                .iter()
                .map(|ledger| network::caip2(ledger.chain_id()))
                .collect();
            let message = match ours.as_slice() {
                [] => format!("this bench has no chain; it cannot settle on {asked}"),
                [one] => format!("this bench's chain is {one}; it cannot settle on {asked}"),
                many => format!(
                    "this bench's chains are {}; it cannot settle on {asked}",
                    many.join(", ")
                ),
            };
            Refusal::new(reason::NETWORK, message)
        })
    }

    /// Claims an authorization for settling; `None` while somebody else has it.
    pub(crate) fn claim(&self, key: AuthorizationKey) -> Option<Settling<'_>> {
        let mut settling = self.settling.lock().unwrap_or_else(PoisonError::into_inner);
        let ours = settling.insert(key);
        drop(settling);
        // Built only when the claim is ours: dropping one gives the claim back.
        ours.then(|| Settling {
            settling: &self.settling,
            key,
        })
    }
}

impl Drop for Settling<'_> {
    fn drop(&mut self) {
        self.settling
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
    }
}

const fn counter(endpoint: Endpoint) -> Option<usize> {
    match endpoint {
        Endpoint::Verify => Some(0),
        Endpoint::Settle => Some(1),
        Endpoint::Supported => Some(2),
        Endpoint::Other => None,
    }
}
