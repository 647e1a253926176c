//! What the target asked for each route, read off its own challenges.

use std::collections::HashMap;

use alloy_primitives::{Address, U256};
use x402_assay_protocol::Version;

use super::Facts;
use crate::history::Exchange;

/// One offer of a route that an EIP-3009 payment can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advert {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Token contract.
    pub asset: Address,
    /// The least that was asked for, base units.
    pub amount: U256,
    /// Exchange whose answer asked for it.
    pub quoted_in: u32,
}

/// Generation; method and path as the profile names it.
type Place = (Version, String);

/// The offers of every route; each chain and token once, at its least amount.
#[derive(Debug, Default)]
pub(super) struct Adverts(HashMap<Place, Vec<Advert>>);

impl Adverts {
    fn read(facts: &Facts<'_>) -> Self {
        let mut adverts = Self::default();
        for exchange in &facts.exchanges {
            if exchange.status() == Some(402) && !exchange.is_direct() {
                for version in [Version::V1, Version::V2] {
                    adverts.take(exchange, version);
                }
            }
        }
        adverts
    }

    fn take(&mut self, exchange: &Exchange<'_>, version: Version) {
        let accepts = exchange.challenge(version).map(|read| &read.accepts);
        // Offers of another scheme have prices of another meaning, and are not answered with an authorization.
        let payable = accepts.into_iter().flatten().filter_map(|o| o.terms().ok());
        for terms in payable {
            let asked = Advert {
                chain_id: terms.domain.chain_id,
                asset: terms.domain.verifying_contract,
                amount: terms.amount,
                quoted_in: exchange.number(),
            };
            let known = self.0.entry(place(exchange, version)).or_default();
            let same = known
                .iter_mut()
                .find(|other| (other.chain_id, other.asset) == (asked.chain_id, asked.asset));
            match same {
                Some(other) if other.amount > asked.amount => *other = asked,
                Some(_) => {}
                None => known.push(asked),
            }
        }
    }
}

fn place(exchange: &Exchange<'_>, version: Version) -> Place {
    let sent = exchange.sent;
    (version, format!("{} {}", sent.method, sent.route))
}

impl Facts<'_> {
    /// What the route of an exchange was offered for in a generation, over the whole history; empty where no challenge
    /// of it could be read.
    pub fn adverts(&self, exchange: &Exchange<'_>, version: Version) -> &[Advert] {
        let adverts = self.adverts.get_or_init(|| Adverts::read(self));
        let found = adverts.0.get(&place(exchange, version));
        found.map_or(&[], Vec::as_slice)
    }
}
