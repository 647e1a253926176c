//! What the steps of a round have named so far.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use alloy_primitives::{Address, B256};
use serde_json::Value;
use x402_assay_protocol::{TokenDomain, Version};

use super::chain_faults::Injected;
use super::links::Armed;
use crate::chain::chaos::SignedTransfer;
use crate::client::{Choice, Payer};
use crate::config::profile::Route;
use crate::scenario::Scheme;

/// An offer that was quoted.
#[derive(Debug, Clone)]
pub(super) struct Quoted {
    pub(super) choice: Choice,
    /// Who settles it, for an offer by use.
    pub(super) settler: Option<Address>,
    pub(super) resource: Option<Value>,
    /// What the challenge declares besides the offers (v2).
    pub(super) extensions: Option<Value>,
    pub(super) route: Route,
    pub(super) version: Version,
}

/// A payment as the token sees it.
#[derive(Debug)]
pub(super) struct OnChain {
    /// Of the offer.
    pub(super) domain: TokenDomain,
    /// None for a permit.
    pub(super) transfer: Option<SignedTransfer>,
}

/// One signed payment.
#[derive(Debug, Clone)]
pub(super) struct Paying {
    pub(super) number: u32,
    pub(super) header_name: &'static str,
    pub(super) header_value: String,
    pub(super) nonce: B256,
    pub(super) on_chain: Arc<OnChain>,
    pub(super) valid_before_s: u64,
    pub(super) payer: Arc<Payer>,
    pub(super) route: Route,
    pub(super) version: Version,
    pub(super) scheme: Scheme,
    /// The offer it answers, as it came.
    pub(super) offer: Value,
}

/// Names of a round.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) offers: HashMap<String, Quoted>,
    pub(super) payments: Vec<(String, Vec<Paying>)>,
    pub(super) payers: Vec<(String, Arc<Payer>)>,
    pub(super) routes: HashMap<String, Route>,
    done: HashMap<String, Arc<AtomicBool>>,
    /// Faults that were injected, with their step.
    pub(super) faults: Vec<(String, usize)>,
    /// Holds, with their step and whether a `release` ends them.
    pub(super) holds: Vec<(String, usize, bool)>,
    /// Names of the holds that end when so many calls are in them, and whether these go one after the other.
    pub(super) counting: Vec<(String, bool)>,
    /// What was done to chains and their RPC.
    pub(super) chain: Injected,
    /// Rules of links.
    pub(super) links: Vec<Armed>,
    /// Addresses of the target's copies beyond the first.
    pub(super) copies: Vec<SocketAddr>,
}

impl State {
    pub(super) fn payment(&self, name: &str) -> &[Paying] {
        let found = self.payments.iter().find(|(known, _)| known == name);
        found.map_or(&[], |(_, payments)| payments)
    }

    pub(super) fn payer(&self, name: &str) -> Option<&Arc<Payer>> {
        let found = self.payers.iter().find(|(known, _)| known == name);
        found.map(|(_, payer)| payer)
    }

    /// A flag for a step that may go on in the background.
    pub(super) fn begin(&mut self, name: Option<&str>) -> Arc<AtomicBool> {
        let flag = Arc::new(AtomicBool::new(false));
        if let Some(name) = name {
            self.done.insert(name.to_owned(), Arc::clone(&flag));
        }
        flag
    }

    pub(super) fn is_done(&self, name: &str) -> bool {
        let flag = self.done.get(name);
        flag.is_none_or(|flag| flag.load(Ordering::SeqCst))
    }
}
