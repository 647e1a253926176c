//! What the honest clients of a round do: ask for terms, buy, have funds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use x402_assay_protocol::PayerKey;

use super::round::{Broken, Round};
use super::state::Paying;
use super::{chain_faults, sign, wait};
use crate::chain::chaos::ChaosAction;
use crate::client::Payer;
use crate::history::case_ran::CaseRan;
use crate::runner::session::PaymentHeader;
use crate::scenario::Scheme;
use crate::scenario::steps::{self, Buy, Quote, Wallet};

/// Pause between two purchases that are tried until one is served.
const BUY_AGAIN: Duration = Duration::from_millis(200);

impl Round<'_> {
    pub(super) async fn quote(
        &mut self,
        quote: &Quote,
        probe: &str,
        ran: &mut CaseRan,
    ) -> Result<(), Broken> {
        let route = self.route(&quote.route)?;
        let session = self.stage.session;
        let exchange = session
            .send(&format!("{probe}/quote"), &route, None)
            .await?;
        let response = exchange.response();
        let response = response
            .ok_or_else(|| Broken::Trouble("no challenge: the target did not answer".to_owned()))?;
        let kind = (quote.version, quote.scheme);
        let quoted = sign::offer_of(self.stage, response, &route, kind).map_err(Broken::Trouble)?;
        ran.price.get_or_insert(quoted.choice.terms.amount);
        self.state.offers.insert(quote.name.clone(), quoted);
        Ok(())
    }

    pub(super) async fn buy(
        &mut self,
        buy: &Buy,
        probe: &str,
        ran: &mut CaseRan,
    ) -> Result<(), Broken> {
        let route = self.route(&buy.route)?;
        let session = self.stage.session;
        let payer = self.state.payer(&buy.payer).cloned();
        let payer =
            payer.ok_or_else(|| Broken::Trouble(format!("there is no payer `{}`", buy.payer)))?;
        let until = buy.within.map(|within| Instant::now() + within);
        loop {
            let quoted = session
                .send(&format!("{probe}/quote"), &route, None)
                .await?;
            let offer = quoted
                .response()
                .map(|answer| sign::offer_of(self.stage, answer, &route, (None, Scheme::Exact)));
            if let Some(Ok(offer)) = offer {
                ran.price.get_or_insert(offer.choice.terms.amount);
                let paying: Paying = sign::sign_anew(self.stage, &offer, &payer);
                let header = PaymentHeader {
                    authorization: Some(paying.number),
                    name: paying.header_name,
                    value: paying.header_value.clone(),
                };
                let answer = session.send(probe, &route, Some(&header)).await?;
                if answer.response().is_some_and(|answer| answer.is_success()) {
                    return Ok(());
                }
            }
            if until.is_none_or(|until| Instant::now() >= until) {
                return Ok(());
            }
            wait::pause(self.stage, BUY_AGAIN).await?;
        }
    }

    pub(super) async fn name_payer(
        &mut self,
        step: &steps::Payer,
        ran: &CaseRan,
    ) -> Result<(), Broken> {
        let (place, name) = (self.place, &step.name);
        let label = format!("{}/{name}", place.probe());
        let key = PayerKey::derived(&label, place.seed, 0);
        let payer = Arc::new(match step.wallet {
            None => Payer::new(key),
            Some(wallet) => Payer::with_wallet(key, wallet == Wallet::Deployed),
        });
        let session = self.stage.session;
        session.adopt(payer.address()).await;
        let terms = self
            .state
            .offers
            .values()
            .next()
            .map(|quoted| &quoted.choice.terms);
        let price = ran.price.unwrap_or_default();
        let amount = step.funds.of(price.saturating_to()).unwrap_or_default();
        if amount > 0 {
            let terms = terms.ok_or_else(|| {
                Broken::Trouble("quote an offer before naming a payer with funds".to_owned())
            })?;
            let wanted = crate::service::FundRequest {
                chain_id: terms.domain.chain_id,
                asset: terms.domain.verifying_contract,
                to: payer.address(),
                amount: alloy_primitives::U256::from(amount),
            };
            session.control.fund(&wanted).await?;
            chain_faults::deepen(self.stage, self.case).await?;
        }
        if let Some(contract) = payer
            .contract()
            .filter(|_| step.wallet == Some(Wallet::Deployed))
        {
            let code = contract.deployment();
            let chain_id = chain_faults::chain_of(self.stage, &self.state)?;
            let deploy = ChaosAction::Deploy { code };
            session.control.chaos(chain_id, &deploy).await?;
        }
        self.state.payers.push((name.clone(), payer));
        Ok(())
    }
}
