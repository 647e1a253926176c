//! A history, indexed for judges: exchanges, facilitator calls, signed payments and ledger records of this run.

mod adverts;
mod faults;
mod index;
mod probes;

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use alloy_primitives::{Address, B256};
use x402_assay_protocol::Version;
use x402_mock_facilitator::event::{AuthorizationKey, Endpoint, LedgerRecord, TransactionRecord};

pub use self::adverts::Advert;
use self::adverts::Adverts;
use super::bodies::Bodies;
use super::case_ran::CaseRan;
use super::event::{Event, RunStarted, Signed};
use super::exchange::Exchange;
use super::facilitator_call::FacilitatorCall;
use super::observation::{Ending, Fault, HandlerReading, Rest, StepBegan};
use super::reader::Damage;
use super::readings::Readings;

/// An indexed view of one history. Calls about other payers than this run's are left out.
#[derive(Debug, Default)]
pub struct Facts<'h> {
    /// How the run was set up; absent in a history without its beginning.
    pub run: Option<&'h RunStarted>,
    /// Exchanges in the order they were sent.
    pub exchanges: Vec<Exchange<'h>>,
    /// Calls to our facilitator in the order they arrived.
    pub calls: Vec<FacilitatorCall<'h>>,
    /// Payments the bench signed, in order.
    pub signed: Vec<&'h Signed>,
    /// Token logs, in the order of the ledger.
    pub ledger: Vec<&'h LedgerRecord>,
    /// Transactions that were looked up, by lower-case hash.
    pub transactions: HashMap<String, Option<&'h TransactionRecord>>,
    /// Readings of the origin's counter, in order.
    pub handler_readings: Vec<HandlerReading>,
    /// Moments of rest.
    pub rests: Vec<Rest>,
    /// Injected faults, in the order in which they took effect.
    pub faults: Vec<Fault<'h>>,
    /// Remarks of the runner: probe, text.
    pub notes: Vec<(Option<&'h str>, &'h str)>,
    /// Scenarios that were run: name and text.
    pub scenarios: Vec<(&'h str, &'h str)>,
    /// Rounds of their cases, in order.
    pub cases: Vec<&'h CaseRan>,
    /// Steps of scenarios, in the order in which they began.
    pub steps: Vec<StepBegan<'h>>,
    /// How it ended; absent when the history breaks off.
    pub ending: Option<Ending<'h>>,
    /// Where the saved history is broken.
    pub damage: Option<&'h Damage>,
    /// Unix microseconds of the first event.
    pub started_us: u64,
    /// Unix microseconds of the last event.
    pub last_us: u64,
    places: Places<'h>,
    adverts: OnceCell<Adverts>,
}

impl<'h> Facts<'h> {
    /// Indexes a history.
    pub fn new(events: &'h [Event], damage: Option<&'h Damage>) -> Self {
        let readings = Rc::new(Readings::new(Bodies::index(events)));
        let mut facts = Self {
            damage,
            started_us: events.first().map_or(0, |event| event.at_us),
            last_us: events.iter().map(|event| event.at_us).max().unwrap_or(0),
            ..Self::default()
        };
        for event in events {
            facts.take(event, &readings);
        }
        facts.keep_our_calls();
        facts
            .ledger
            .sort_by_key(|record| (record.chain_id, record.block, record.log_index));
        facts
    }

    /// The payers of this run.
    pub fn payers(&self) -> HashSet<Address> {
        let named = self
            .run
            .into_iter()
            .flat_map(|run| run.payers.iter().copied());
        named
            .chain(self.signed.iter().map(|signed| signed.key.payer))
            .collect()
    }

    /// Generations that were probed, in order.
    pub fn versions(&self) -> Vec<Version> {
        self.places.versions.clone()
    }

    /// Exchanges of one probe of one generation; requests that were repeated after a 429 are left out.
    pub fn probe<'f>(
        &'f self,
        version: Version,
        name: &'f str,
    ) -> impl Iterator<Item = &'f Exchange<'h>> {
        let places = self.places.probes.get(&(version, name));
        places
            .into_iter()
            .flatten()
            .map(|place| &self.exchanges[*place])
    }

    /// Exchanges of one probe that carry a payment.
    pub fn paid<'f>(
        &'f self,
        version: Version,
        name: &'f str,
    ) -> impl Iterator<Item = &'f Exchange<'h>> {
        self.probe(version, name)
            .filter(|exchange| exchange.is_paid())
    }

    /// Requests without payment to the paid routes: `unpaid` and `unpaid-again`.
    ///
    /// On a route whose generation could not be told, the last preflight request stands in.
    pub fn unpaid<'f>(&'f self, version: Version) -> Vec<&'f Exchange<'h>> {
        let mut found: Vec<&'f Exchange<'h>> = self.probe(version, "unpaid").collect();
        found.extend(self.probe(version, "unpaid-again"));
        if version == self.default_version() {
            found.extend(self.lone_preflights());
        }
        found.retain(|exchange| !exchange.is_paid());
        found
    }

    /// The last preflight request of every route that no other request went to.
    pub fn lone_preflights(&self) -> Vec<&Exchange<'h>> {
        let lone = self.places.lone_preflights.iter();
        lone.map(|place| &self.exchanges[*place]).collect()
    }

    /// The generation that routes of unknown generation are judged as.
    fn default_version(&self) -> Version {
        match self.versions().as_slice() {
            [Version::V1] => Version::V1,
            _ => Version::V2,
        }
    }

    /// The exchange with this number.
    pub fn exchange(&self, number: u32) -> Option<&Exchange<'h>> {
        let place = self.places.exchanges.get(&number)?;
        self.exchanges.get(*place)
    }

    /// The signed payment with this number.
    pub fn authorization(&self, number: u32) -> Option<&'h Signed> {
        let place = self.places.signed.get(&number)?;
        self.signed.get(*place).copied()
    }

    /// Exchanges that carry the payment with this number, in order.
    pub fn carrying(&self, number: u32) -> impl Iterator<Item = &Exchange<'h>> {
        let places = self.places.carrying.get(&number);
        places
            .into_iter()
            .flatten()
            .map(|place| &self.exchanges[*place])
    }

    /// Verify and settle calls about one authorization: payer and nonce make it unique.
    pub fn calls_about(&self, key: AuthorizationKey) -> impl Iterator<Item = &FacilitatorCall<'h>> {
        let places = self.places.about.get(&(key.payer, key.nonce));
        places
            .into_iter()
            .flatten()
            .map(|place| &self.calls[*place])
            .filter(|call| matches!(call.endpoint, Endpoint::Verify | Endpoint::Settle))
    }

    /// Verify and settle calls that name no authorization, by the time at which they arrived.
    pub fn anonymous_calls_in(
        &self,
        exchange: &Exchange<'h>,
    ) -> impl Iterator<Item = &FacilitatorCall<'h>> {
        let places = &self.places.anonymous;
        let arrived = |place: &usize| self.calls[*place].received_at_us;
        let from = places.partition_point(|place| arrived(place) < exchange.sent_at_us);
        let to = places.partition_point(|place| arrived(place) <= exchange.ended_at_us);
        let spanned = places.get(from..to).unwrap_or_default();
        spanned.iter().map(|place| &self.calls[*place])
    }

    /// The call of our facilitator with this number.
    pub fn call(&self, number: u64) -> Option<&FacilitatorCall<'h>> {
        let place = self.places.calls.get(&number)?;
        self.calls.get(*place)
    }

    /// True when the target asked our facilitator about a payment of this run.
    pub fn facilitator_called(&self) -> bool {
        self.calls.iter().any(|call| {
            matches!(call.endpoint, Endpoint::Verify | Endpoint::Settle)
                && call.authorization.is_some()
        })
    }

    /// The exchange that was under way when a call arrived, if it carries that call's authorization and no other did.
    pub fn exchange_of_call(&self, call: &FacilitatorCall<'h>) -> Option<&Exchange<'h>> {
        let key = call.authorization?;
        let place = self.places.by_key.get(&(key.payer, key.nonce))?;
        let mut spanning = self
            .carrying(self.signed[*place].authorization)
            .filter(|exchange| exchange.spans(call.received_at_us));
        let only = spanning.next()?;
        spanning.next().is_none().then_some(only)
    }

    /// True when the ledger of this chain was read after the event at `seq`.
    pub fn at_rest_after(&self, seq: u64, chain_id: u64) -> bool {
        let last = self.places.last_rest.get(&chain_id);
        last.is_some_and(|rest| *rest > seq)
    }

    /// True when the run, or its history, stopped before the end.
    pub fn is_interrupted(&self) -> bool {
        self.damage.is_some() || self.ending.is_none_or(|ending| ending.interrupted)
    }
}

/// Where to find what, so that judging stays linear in the length of the history.
#[derive(Debug, Default)]
struct Places<'h> {
    /// Generations that were probed, in order.
    versions: Vec<Version>,
    /// Exchanges of each probe of a generation, without those that were repeated.
    probes: HashMap<(Version, &'h str), Vec<usize>>,
    /// The last preflight request of every route that no other request went to.
    lone_preflights: Vec<usize>,
    exchanges: HashMap<u32, usize>,
    calls: HashMap<u64, usize>,
    signed: HashMap<u32, usize>,
    by_key: HashMap<(Address, B256), usize>,
    about: HashMap<(Address, B256), Vec<usize>>,
    /// Verify and settle calls that name no authorization.
    anonymous: Vec<usize>,
    carrying: HashMap<u32, Vec<usize>>,
    faults: HashMap<(Address, B256), Vec<usize>>,
    /// Faults that touched no authorization in particular.
    wide_faults: Vec<usize>,
    /// Position of the last rest of each chain.
    last_rest: HashMap<u64, u64>,
}
