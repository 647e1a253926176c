//! Payments that are validly signed and say something unusual: about their version, about the agreed terms, or by where
//! and when they are sent. Many are open questions, so most of these payments may be honoured.

use futures_util::FutureExt as _;
use http::Method;
use x402_assay_protocol::Version;

use super::purchase::Quote;
use super::{Battery, Section};
use crate::client::{self, SignOptions, TERM_CLAIMS, VERSION_CLAIMS, Variation};
use crate::config::profile::{Route, RouteKind};
use crate::runner::session::{PaymentHeader, SendError};

/// How often a price that changes is asked for until it has.
const LOOKS_FOR_ANOTHER_PRICE: usize = 6;

pub(super) const SECTION: Section = Section {
    // Beside the claims: payments on first sight, on a free route, and for the second offer.
    requests: |version| 2 * rows(version).count() + 6,
    run: |battery| terms(battery).boxed(),
};

fn rows(version: Version) -> impl Iterator<Item = (&'static str, &'static Variation)> {
    let versions = VERSION_CLAIMS.iter().map(|row| ("version", row));
    let terms = TERM_CLAIMS.iter().map(|row| ("terms", row));
    versions
        .chain(terms)
        .filter(move |(_, row)| row.versions.contains(&version))
}

async fn terms(battery: &Battery<'_>) -> Result<(), SendError> {
    let Some(early) = battery.quote(&battery.probe("terms")).await? else {
        return Ok(());
    };
    for (group, variation) in rows(battery.version) {
        let probe = battery.probe(&format!("{group}/{}", variation.name));
        let Some(quote) = battery.quote(&probe).await? else {
            continue;
        };
        // Who says no more than what is open has paid honestly, and may be served.
        let is_open = group == "terms" && variation.name != "amount-high";
        match is_open {
            true => battery.claim(&probe, variation, &quote).await?,
            false => battery.cheat(&probe, variation, &quote).await?,
        }
    }
    battery.unannounced(&early).await?;
    battery.on_free_route().await?;
    if battery.version == Version::V2 {
        battery.second_offer().await?;
        battery.outdated_price().await?;
    }
    Ok(())
}

impl Battery<'_> {
    /// An honest payment beside which the message says something unusual.
    async fn claim(
        &self,
        probe: &str,
        variation: &Variation,
        quote: &Quote,
    ) -> Result<(), SendError> {
        let (now, resource) = (
            self.session.clocks.now_s(quote.chain_id()),
            quote.resource.as_ref(),
        );
        match client::vary(variation, self.payer(0), &quote.choice, resource, now) {
            Ok(payment) => {
                let number = self.session.record_signed(&payment, None);
                let header = quote.header(&payment, number);
                self.session.send(probe, self.route, Some(&header)).await?;
            }
            Err(why) => self.session.note(Some(probe), why.to_string()),
        }
        Ok(())
    }

    /// An honest payment for a challenge, not sent yet.
    pub(super) fn pay_for(&self, quote: &Quote) -> PaymentHeader {
        let (now, options) = self.session.clocks.honest(quote.chain_id());
        self.pay_with(quote, now, &options)
    }

    fn pay_with(&self, quote: &Quote, now: u64, options: &SignOptions) -> PaymentHeader {
        let resource = quote.resource.as_ref();
        let payment = client::sign(self.payer(0), &quote.choice, resource, now, options);
        let number = self.session.record_signed(&payment, None);
        quote.header(&payment, number)
    }

    /// A payment for terms that are known from before, without asking for them again.
    async fn unannounced(&self, known: &Quote) -> Result<(), SendError> {
        let probe = self.probe("terms/unannounced");
        let header = self.pay_for(known);
        self.session.send(&probe, self.route, Some(&header)).await?;
        Ok(())
    }

    /// A payment along with a request for a free route.
    async fn on_free_route(&self) -> Result<(), SendError> {
        let probe = self.probe("free/with-payment");
        let Some(path) = self.session.profile.free.first() else {
            return Ok(());
        };
        let Some(quote) = self.quote(&probe).await? else {
            return Ok(());
        };
        let free = Route {
            path: path.clone(),
            example: None,
            kind: RouteKind::Static,
            method: Method::GET,
            headers: Vec::new(),
            body: None,
            price: None,
        };
        let header = self.pay_for(&quote);
        self.session.send(&probe, &free, Some(&header)).await?;
        Ok(())
    }

    /// A payment for another offer than the first that can be paid.
    async fn second_offer(&self) -> Result<(), SendError> {
        let probe = self.probe("terms/second-offer");
        let Some(mut quote) = self.quote(&probe).await? else {
            return Ok(());
        };
        match client::choose_after(&quote.challenge, &quote.choice, self.chain_id) {
            Some(other) => {
                quote.choice = other;
                let header = self.pay_for(&quote);
                self.session.send(&probe, self.route, Some(&header)).await?;
            }
            None => self
                .session
                .note(Some(&probe), "there is one offer that can be paid"),
        }
        Ok(())
    }

    /// A payment for a price that has changed since.
    async fn outdated_price(&self) -> Result<(), SendError> {
        if !self.session.profile.dynamic_price {
            return Ok(());
        }
        let probe = self.probe("terms/outdated-price");
        let Some(old) = self.quote(&probe).await? else {
            return Ok(());
        };
        for _ in 0..LOOKS_FOR_ANOTHER_PRICE {
            let Some(new) = self.quote(&probe).await? else {
                return Ok(());
            };
            if new.choice.terms.amount != old.choice.terms.amount {
                let header = self.pay_for(&old);
                self.session.send(&probe, self.route, Some(&header)).await?;
                return Ok(());
            }
        }
        let why = "dynamic_price is declared, and the price did not change between challenges";
        self.session.note(Some(&probe), why);
        Ok(())
    }
}
