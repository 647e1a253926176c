//! Networks, tokens and funds for what the target offers.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, U256};
use x402_assay_protocol::{Challenge, TokenDomain, UptoTerms, network};

use super::session::Session;
use crate::service::{ControlError, FundRequest, GasRequest, NetworkRequest, TokenRequest};

/// Purchases a payer's balance covers at least.
const PURCHASES: u64 = 1_000;

/// What was placed: chains with the block before this run, tokens that payers hold.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    /// Chain id to the head up to which the ledger was read; at first that from before this run.
    pub(crate) heads: BTreeMap<u64, u64>,
    funded: BTreeSet<(u64, Address)>,
    /// How often everything is done: payers need funds for all of it.
    repeats: u32,
}

impl Prepared {
    /// Nothing placed yet, for a run that does everything so often.
    pub(crate) fn for_repeats(repeats: u32) -> Self {
        Self {
            repeats,
            ..Self::default()
        }
    }

    /// Places and funds every token the challenge offers and the bench can pay.
    ///
    /// With `chain_id` only that chain counts.
    pub(crate) async fn offer(
        &mut self,
        session: &Session<'_>,
        challenge: &Challenge,
        chain_id: Option<u64>,
    ) -> Result<(), ControlError> {
        let exact = challenge
            .accepts
            .iter()
            .filter_map(|offer| offer.terms().ok());
        let by_use = challenge.accepts.iter().filter_map(|offer| {
            let read = UptoTerms::of(offer).ok()?;
            Some(read.terms)
        });
        let payable = exact
            .chain(by_use)
            .filter(|terms| chain_id.is_none_or(|wanted| wanted == terms.domain.chain_id));
        for terms in payable {
            self.token(session, &terms.domain, terms.amount).await?;
        }
        Ok(())
    }

    /// Places one token, and gives every payer some of it.
    pub(super) async fn token(
        &mut self,
        session: &Session<'_>,
        offered: &TokenDomain,
        amount: U256,
    ) -> Result<(), ControlError> {
        let (chain_id, asset) = (offered.chain_id, offered.verifying_contract);
        if self.funded.contains(&(chain_id, asset)) {
            return Ok(());
        }
        session.progress.stage(&format!(
            "placing the token {asset} on {}",
            network::caip2(chain_id)
        ));
        let wanted = NetworkRequest {
            chain_id,
            tokens: vec![real_domain(offered)],
        };
        let answer = session.control.ensure_network(&wanted).await?;
        self.heads.entry(chain_id).or_insert(answer.head);
        let amount = amount
            .max(U256::from(1))
            .saturating_mul(U256::from(PURCHASES))
            .saturating_mul(U256::from(self.repeats.max(1)));
        for account in &session.profile.fund {
            session
                .control
                .give_gas(&GasRequest {
                    chain_id,
                    to: *account,
                })
                .await?;
        }
        for payer in &session.payers {
            let to = payer.address();
            session
                .control
                .fund(&FundRequest {
                    chain_id,
                    asset,
                    to,
                    amount,
                })
                .await?;
        }
        self.funded.insert((chain_id, asset));
        // After the last block of the set-up: an attached chain may have been warped, a fast one runs ahead.
        session.read_clock(chain_id).await
    }
}

/// The domain the token really has: the table's for canonical USDC, whatever the offer says; else the offer's.
fn real_domain(offered: &TokenDomain) -> TokenRequest {
    let asset = offered.verifying_contract;
    let canonical = network::by_chain_id(offered.chain_id).filter(|network| network.usdc == asset);
    match canonical {
        Some(network) => TokenRequest {
            asset,
            name: network.usdc_name.to_owned(),
            version: network.usdc_version.to_owned(),
        },
        None => TokenRequest {
            asset,
            name: offered.name.clone(),
            version: offered.version.clone(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_usdc_keeps_its_real_domain_and_an_unknown_token_gets_the_offered_one() {
        let base = network::by_chain_id(8453).unwrap();
        let wrong = TokenDomain {
            name: "USDC".to_owned(),
            ..base.usdc_domain()
        };
        assert_eq!(real_domain(&wrong).name, "USD Coin");
        let unknown = TokenDomain {
            verifying_contract: Address::repeat_byte(7),
            ..wrong
        };
        assert_eq!(real_domain(&unknown).name, "USDC");
    }
}
