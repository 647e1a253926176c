//! The exchanges of the facilitator battery: direct calls of `/verify`, `/settle` and what stands beside them, about
//! payments for requirements that the bench makes up.
//!
//! A call is made once and judged by as many checks as look at it. To add calls, write a section and name it in
//! [`SECTIONS`].

mod asking;
mod canary;
mod cases;
mod chain;
mod controls;
mod discovery;
mod http;
mod kinds;
mod trouble;
mod volley;

use std::sync::atomic::AtomicU32;
use std::time::Duration;

use alloy_primitives::{Address, U256};
use futures_util::future::BoxFuture;
use x402_assay_protocol::{Network, PayerKey, TokenDomain, Version, network};
use x402_mock_facilitator::event::Endpoint;

use self::kinds::Kinds;
use crate::client::Payer;
use crate::client::facilitator::{AMOUNT, Desk, How, OTHER_ASSET};
use crate::http::Exchange;
use crate::runner::facilitator_control::FacilitatorControl;
use crate::runner::prepare::Prepared;
use crate::runner::rest;
use crate::runner::session::{SendError, Session};
use crate::runner::stage::RunTrouble;
use crate::service::{FundRequest, GasRequest};

/// Accounts of `/supported` that get gas at most.
const SIGNERS_MAX: usize = 32;
/// Longest wait for what must not happen while mining stands still.
const HELD_MAX: Duration = Duration::from_secs(2);

/// A part of the battery.
struct Section {
    /// Calls it makes, roughly.
    calls: usize,
    run: for<'b> fn(&'b Battery<'_>) -> BoxFuture<'b, Result<(), SendError>>,
}

/// Every section, in the order of a run: what may make a target refuse the rest comes last.
const SECTIONS: &[Section] = &[
    controls::SECTION,
    cases::SECTION,
    http::SECTION,
    chain::SECTION,
    discovery::SECTION,
    volley::SECTION,
    trouble::SECTION,
];

/// Calls of the whole battery, roughly.
pub fn planned_calls() -> usize {
    SECTIONS.iter().map(|section| section.calls).sum::<usize>() + 2
}

/// A facilitator under test, with no server in front.
pub(crate) struct FacilitatorBench<'a> {
    pub(crate) session: &'a Session<'a>,
    /// The only chain to pay on, if one was named.
    pub(crate) chain_id: Option<u64>,
    /// The ledger is no EVM.
    pub(crate) in_memory: bool,
    pub(crate) facilitator: &'a dyn FacilitatorControl,
    /// Generations to test; those it advertises when absent.
    pub(crate) versions: Option<&'a [Version]>,
    /// The controls of the newest generation alone.
    pub(crate) is_brief: bool,
}

/// One generation on one network.
struct Battery<'a> {
    bench: &'a FacilitatorBench<'a>,
    session: &'a Session<'a>,
    network: &'static Network,
    version: Version,
    /// Accounts that settle, as far as they are known.
    signers: Vec<Address>,
    extensions: Vec<String>,
    poor: &'a Payer,
    undeployed: &'a Payer,
    pay_to: Address,
    /// True for the newest generation: what asks for nothing of one is sent there alone.
    leads: bool,
    /// Calls in a row that got no answer in time.
    silent: AtomicU32,
}

impl FacilitatorBench<'_> {
    /// Asks everything, and reads the ledger whatever became of it.
    pub(crate) async fn run(&self, prepared: &mut Prepared) -> Result<(), RunTrouble> {
        let played = self.play(prepared).await;
        let ledger = rest::read_ledger(self.session, prepared).await;
        played?;
        ledger.map_err(RunTrouble::from)
    }

    async fn play(&self, prepared: &mut Prepared) -> Result<(), RunTrouble> {
        let session = self.session;
        let newest = match self.versions {
            Some([Version::V1]) => Version::V1,
            _ => Version::V2,
        };
        session.progress.stage("asking /supported");
        let probe = format!("{newest}/supported");
        let first = session
            .call_facilitator(&probe, Endpoint::Supported, None, None)
            .await?;
        if first.response().is_none() {
            return Ok(());
        }
        let wanted = self.chain_id.and_then(network::by_chain_id);
        let kinds = Kinds::read(&first, wanted, self.versions);
        for foreign in &kinds.foreign {
            session.note(Some("kinds"), format!("no payer for {foreign}"));
        }
        let network = kinds.network.or(wanted).or_else(usual);
        let Some(network) = network else {
            return Ok(());
        };
        self.prepare(prepared, network, &kinds.signers).await?;
        // Nobody else's: other runs may use the same chain.
        let own = session.payers[0].address();
        let seed = u64::from_be_bytes(std::array::from_fn(|place| own[place]));
        let key = |label: &str| PayerKey::derived(label, seed, 0);
        let (poor, undeployed) = (
            Payer::new(key("facilitator-poor")),
            Payer::with_wallet(key("facilitator-wallet"), false),
        );
        for payer in [&poor, &undeployed] {
            session.adopt(payer.address()).await;
        }
        self.fund(network, undeployed.address()).await?;
        let battery = |version, leads| Battery {
            bench: self,
            session,
            network,
            version,
            signers: kinds.signers.clone(),
            extensions: kinds.extensions.clone(),
            poor: &poor,
            undeployed: &undeployed,
            pay_to: PayerKey::derived("payee", 0, 0).address(),
            leads,
            silent: AtomicU32::new(0),
        };
        if kinds.versions.is_empty() {
            return Ok(self.without_kinds(&battery(newest, true), &kinds).await?);
        }
        let versions = match self.is_brief {
            true => &kinds.versions[..1],
            false => &kinds.versions[..],
        };
        for version in versions {
            let leads = kinds.versions.iter().all(|other| other <= version);
            let battery = battery(*version, leads);
            match self.is_brief {
                true => session.plan(controls::BRIEF_CALLS, &format!("{version} controls")),
                false => session.plan(planned_calls(), &format!("{version} battery")),
            }
            battery.full().await?;
        }
        Ok(())
    }

    /// Nothing that could be paid is advertised: where that is for want of a readable list, one payment is tried, so that the
    /// reason can be told.
    async fn without_kinds(&self, battery: &Battery<'_>, kinds: &Kinds) -> Result<(), SendError> {
        if kinds.is_readable {
            return discovery::look(battery).await;
        }
        let valid = battery.verify_good("good").await?;
        match valid {
            true => battery.full().await,
            false => Ok(()),
        }
    }

    /// The token and a second one, funds for the payers, gas for whoever settles.
    async fn prepare(
        &self,
        prepared: &mut Prepared,
        network: &Network,
        signers: &[Address],
    ) -> Result<(), SendError> {
        let session = self.session;
        let usdc = network.usdc_domain();
        prepared.token(session, &usdc, U256::from(AMOUNT)).await?;
        let other = TokenDomain {
            verifying_contract: OTHER_ASSET,
            ..usdc
        };
        prepared.token(session, &other, U256::from(AMOUNT)).await?;
        for signer in signers.iter().take(SIGNERS_MAX) {
            let gas = GasRequest {
                chain_id: network.chain_id,
                to: *signer,
            };
            session.control.give_gas(&gas).await?;
        }
        Ok(session.read_clocks().await?)
    }

    async fn fund(&self, network: &Network, to: Address) -> Result<(), SendError> {
        let wanted = FundRequest {
            chain_id: network.chain_id,
            asset: network.usdc,
            to,
            amount: U256::from(AMOUNT * 10),
        };
        self.session.control.fund(&wanted).await?;
        Ok(())
    }
}

fn usual() -> Option<&'static Network> {
    network::by_chain_id(network::DEFAULT_CHAIN_ID)
}

impl Battery<'_> {
    /// Every section, or what stands for them where the controls are enough.
    async fn full(&self) -> Result<(), SendError> {
        if self.bench.is_brief {
            return controls::brief(self).await;
        }
        for section in SECTIONS {
            (section.run)(self).await?;
        }
        Ok(())
    }

    /// What a payment of this generation is made of; payer 0 is the one of good payments.
    fn desk(&self) -> Desk<'_> {
        Desk {
            network: self.network,
            version: self.version,
            pay_to: self.pay_to,
            payer: &self.session.payers[0],
            poor: self.poor,
            undeployed: self.undeployed,
            now: self.session.clocks.now_s(self.network.chain_id),
        }
    }

    fn probe(&self, name: &str) -> String {
        format!("{}/{name}", self.version)
    }

    /// A fresh honest payment.
    fn good(&self) -> asking::Signed {
        self.sign(How::Honest, None)
    }

    /// Asks to verify a fresh honest payment; tells whether it was called valid.
    async fn verify_good(&self, name: &str) -> Result<bool, SendError> {
        let signed = self.good();
        let exchange = self.verify(name, &signed).await?;
        Ok(says(&exchange, "isValid") == Some(true))
    }
}

/// A flag of an answer.
fn says(exchange: &Exchange, flag: &str) -> Option<bool> {
    let body = &exchange.response()?.body;
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    body.get(flag)?.as_bool()
}
