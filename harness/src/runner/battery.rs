//! The exchanges of the server battery, per route and version.

use serde_json::Value;
use x402_assay_protocol::Version;

use super::session::{PaymentHeader, SendError, Session};
use crate::client::{self, Choice, MALFORMED, Payer, VARIATIONS, Variation};
use crate::config::profile::Route;

/// Malformed headers that hold JSON of the wrong shape; the others hold no JSON object at all.
const SHAPES: &[&str] = &[
    "missing-accepted",
    "missing-scheme",
    "missing-payload",
    "missing-authorization",
    "missing-signature",
    "number-for-string",
];

/// One route in one version.
#[derive(Debug)]
pub(crate) struct Battery<'a> {
    pub(crate) session: &'a Session<'a>,
    pub(crate) route: &'a Route,
    pub(crate) version: Version,
    /// The only chain to pay on, if one was named.
    pub(crate) chain_id: Option<u64>,
}

/// A challenge that can be answered.
struct Quote {
    choice: Choice,
    resource: Option<Value>,
}

impl Quote {
    const fn chain_id(&self) -> u64 {
        self.choice.terms.domain.chain_id
    }
}

impl Battery<'_> {
    /// Requests of the whole battery, roughly: for the progress line.
    pub(crate) fn requests_full(version: Version) -> usize {
        let applies = |rows: &[Variation]| {
            rows.iter()
                .filter(|row| row.versions.contains(&version))
                .count()
        };
        let (wrong, malformed) = (applies(VARIATIONS), applies(MALFORMED));
        Self::REQUESTS_CORE + 3 + 2 * wrong + 1 + malformed
    }

    /// Requests of [`Self::controls`].
    pub(crate) const REQUESTS_CONTROLS: usize = 7;

    /// Requests of [`Self::core`].
    pub(crate) const REQUESTS_CORE: usize = 3;

    /// An unpaid request, and one good purchase.
    pub(crate) async fn core(&self) -> Result<Option<PaymentHeader>, SendError> {
        self.session
            .send(&self.probe("unpaid"), self.route, None)
            .await?;
        self.buy("good").await
    }

    /// What scenarios stand on: two good purchases, and one with a flipped signature. Tells whether it sells.
    pub(crate) async fn controls(&self) -> Result<bool, SendError> {
        self.session
            .send(&self.probe("unpaid"), self.route, None)
            .await?;
        let sold = self.buy_seen("good").await?;
        self.buy("good-2").await?;
        for variation in VARIATIONS {
            if variation.name == "signature-flipped" {
                let probe = self.probe("mutation");
                if let Some(quote) = self.quote(&probe).await? {
                    self.cheat(&probe, variation, &quote).await?;
                }
            }
        }
        Ok(sold)
    }

    /// Everything: the core, then what must be refused.
    pub(crate) async fn full(&self) -> Result<(), SendError> {
        self.session
            .send(&self.probe("unpaid-again"), self.route, None)
            .await?;
        let good = self.core().await?;
        if let Some(good) = &good {
            self.session
                .send(&self.probe("replay"), self.route, Some(good))
                .await?;
        }
        self.buy("good-2").await?;
        self.wrong().await?;
        self.malformed().await
    }

    async fn buy(&self, name: &str) -> Result<Option<PaymentHeader>, SendError> {
        Ok(self.purchase(name).await?.map(|(header, _)| header))
    }

    /// One good purchase; tells whether it was answered with a 2xx status.
    async fn buy_seen(&self, name: &str) -> Result<bool, SendError> {
        Ok(self.purchase(name).await?.is_some_and(|(_, sold)| sold))
    }

    async fn purchase(&self, name: &str) -> Result<Option<(PaymentHeader, bool)>, SendError> {
        let probe = self.probe(name);
        let Some(quote) = self.quote(&probe).await? else {
            return Ok(None);
        };
        let (now, honest) = self.session.clocks.honest(quote.chain_id());
        let payment = client::sign(
            self.payer(0),
            &quote.choice,
            quote.resource.as_ref(),
            now,
            &honest,
        );
        let number = self.session.record_signed(&payment, None);
        let header = PaymentHeader::of(&payment, number);
        let answer = self.session.send(&probe, self.route, Some(&header)).await?;
        let sold = answer.response().is_some_and(|answer| answer.is_success());
        Ok(Some((header, sold)))
    }

    async fn wrong(&self) -> Result<(), SendError> {
        for variation in VARIATIONS {
            if !variation.versions.contains(&self.version) {
                continue;
            }
            let name = match variation.name {
                "signature-flipped" => "mutation".to_owned(),
                name => format!("wrong/{name}"),
            };
            let probe = self.probe(&name);
            if let Some(quote) = self.quote(&probe).await? {
                self.cheat(&probe, variation, &quote).await?;
            }
        }
        Ok(())
    }

    async fn malformed(&self) -> Result<(), SendError> {
        let Some(quote) = self.quote(&self.probe("malformed")).await? else {
            return Ok(());
        };
        for variation in MALFORMED {
            if variation.versions.contains(&self.version) {
                let group = if SHAPES.contains(&variation.name) {
                    "shape"
                } else {
                    "malformed"
                };
                let probe = self.probe(&format!("{group}/{}", variation.name));
                self.cheat(&probe, variation, &quote).await?;
            }
        }
        Ok(())
    }

    async fn cheat(
        &self,
        probe: &str,
        variation: &Variation,
        quote: &Quote,
    ) -> Result<(), SendError> {
        let resource = quote.resource.as_ref();
        let now = self.session.clocks.now_s(quote.chain_id());
        match client::vary(variation, self.payer(1), &quote.choice, resource, now) {
            Ok(payment) => {
                let number = self.session.record_signed(&payment, Some(variation.name));
                let header = PaymentHeader::of(&payment, number);
                self.session.send(probe, self.route, Some(&header)).await?;
            }
            Err(why) => self.session.note(Some(probe), why.to_string()),
        }
        Ok(())
    }

    /// A fresh challenge for a probe; `None`, with a note, when there is nothing to pay.
    async fn quote(&self, probe: &str) -> Result<Option<Quote>, SendError> {
        let exchange = self
            .session
            .send(&self.probe("quote"), self.route, None)
            .await?;
        let Some(response) = exchange.response() else {
            self.session
                .note(Some(probe), "no challenge: the target did not answer");
            return Ok(None);
        };
        let read = match client::read(self.version, response) {
            Ok(read) => read.challenge,
            Err(why) => {
                self.session
                    .note(Some(probe), format!("no {} challenge: {why}", self.version));
                return Ok(None);
            }
        };
        match client::choose(&read, self.chain_id) {
            Ok(choice) => Ok(Some(Quote {
                choice,
                resource: read.resource().cloned(),
            })),
            Err(why) => {
                self.session.note(Some(probe), why.to_string());
                Ok(None)
            }
        }
    }

    fn payer(&self, index: usize) -> &Payer {
        &self.session.payers[index % self.session.payers.len()]
    }

    fn probe(&self, name: &str) -> String {
        format!("{}/{name}", self.version)
    }
}
