//! From evidence to the generation and the route it was seen on.

use std::collections::{BTreeSet, HashMap};

use x402_assay_protocol::Version;
use x402_assay_reports::model::Evidence;

use super::Spot;
use crate::audit::Books;
use crate::history::{Exchange, Facts};

/// Looks evidence up in a whole history.
#[derive(Debug)]
pub(in crate::verdict) struct Places<'f, 'h> {
    facts: &'f Facts<'h>,
    /// Exchanges that carried a payment, by its name and by the transactions that moved it.
    carrying: HashMap<String, Vec<u32>>,
}

impl<'f, 'h> Places<'f, 'h> {
    pub(in crate::verdict) fn new(facts: &'f Facts<'h>) -> Self {
        let mut carrying: HashMap<String, Vec<u32>> = HashMap::new();
        for book in &Books::keep(facts).books {
            let hashes = book.transfers.iter().map(|moved| moved.evidence().id);
            for name in std::iter::once(book.name()).chain(hashes) {
                carrying.entry(name).or_default().extend(&book.exchanges);
            }
        }
        Self { facts, carrying }
    }

    /// Routes that were asked for.
    pub(in crate::verdict) fn routes(&self) -> BTreeSet<&'f str> {
        let exchanges = self.facts.exchanges.iter();
        let exchanges = exchanges.filter(|exchange| !exchange.is_direct());
        exchanges
            .map(|exchange| exchange.sent.route.as_str())
            .collect()
    }

    /// Generations that were probed.
    pub(super) fn versions(&self) -> Vec<Version> {
        self.facts.versions()
    }

    /// Generations of the payments that a scenario's rounds sent.
    pub(super) fn versions_of(&self, scenario: &str) -> BTreeSet<Version> {
        let sent = self.facts.exchanges.iter().filter(|exchange| {
            let rest = exchange.sent.probe.strip_prefix("scenario/");
            let rest = rest.and_then(|rest| rest.strip_prefix(scenario));
            rest.is_some_and(|rest| rest.starts_with('/'))
        });
        sent.filter_map(|exchange| self.version(exchange)).collect()
    }

    /// Where this evidence, and the payment of this name, were seen. One spot that is not known when nothing tells.
    pub(in crate::verdict) fn spots(
        &self,
        version: Option<Version>,
        payment: Option<&str>,
        evidence: &[Evidence],
    ) -> BTreeSet<Spot> {
        let mut exchanges: Vec<u32> = evidence.iter().flat_map(|one| self.of(one)).collect();
        if let Some(name) = payment {
            exchanges.extend(self.carrying.get(name).into_iter().flatten());
        }
        let known = exchanges
            .iter()
            .filter_map(|number| self.facts.exchange(*number));
        let mut spots: BTreeSet<Spot> = known
            .map(|exchange| Spot {
                version: version.or_else(|| self.version(exchange)),
                route: (!exchange.is_direct()).then(|| exchange.sent.route.clone()),
            })
            .collect();
        if spots.is_empty() {
            spots.insert(Spot {
                version,
                route: None,
            });
        }
        spots
    }

    fn of(&self, evidence: &Evidence) -> Vec<u32> {
        match evidence.kind.as_str() {
            "exchange" => evidence.id.parse().into_iter().collect(),
            "facilitator_call" => {
                let call = evidence.id.parse().ok().and_then(|id| self.facts.call(id));
                let key = call.and_then(|call| call.authorization);
                let name = key.map(|key| format!("{}/{}", key.payer, key.nonce));
                name.map(|name| self.carried(&name)).unwrap_or_default()
            }
            "transaction" => self.carried(&evidence.id),
            // A timeline tells again what other evidence names.
            _ => Vec::new(),
        }
    }

    fn carried(&self, name: &str) -> Vec<u32> {
        self.carrying.get(name).cloned().unwrap_or_default()
    }

    /// The probe's generation; a scenario's probe names none, its payment does.
    fn version(&self, exchange: &Exchange<'h>) -> Option<Version> {
        exchange.version().or_else(|| {
            let signed = self.facts.authorization(exchange.sent.authorization?)?;
            Some(signed.version)
        })
    }
}
