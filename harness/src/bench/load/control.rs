//! One ordinary purchase before the load: whatever is measured afterwards was shown to work.

use alloy_primitives::{Address, U256};
use x402_assay_protocol::Version;
use x402_assay_reports::model::load::LoadKind;

use super::{Course, facilitator};
use crate::bench::services::Services;
use crate::bench::target::Target;
use crate::client::{self, Payer};
use crate::history::Facts;
use crate::http::{Exchange, ProbeClient};
use crate::load::AtFacilitator;
use crate::runner::{self, Links, Plays, Repeats, RunTrouble, Scope, Session, SessionOptions};
use crate::verdict::{self, Judging};

/// What the purchase before the load showed.
pub(super) struct Shown {
    pub(super) version: Version,
    pub(super) chain: Option<(u64, Address, U256)>,
    /// What is asked, where there is no server.
    pub(super) facilitator: Option<AtFacilitator>,
}

impl Course<'_> {
    /// One ordinary purchase, or for an unpaid load one ordinary 402; nothing where it fails.
    pub(super) async fn control(
        &self,
        http: ProbeClient,
        services: &Services,
        target: &Target,
    ) -> Result<Option<Shown>, RunTrouble> {
        let bench = self.bench;
        let payers = self
            .control_payers
            .iter()
            .cloned()
            .map(Payer::new)
            .collect();
        let options = SessionOptions {
            direct: http.clone(),
            profile: target.profile.clone(),
            port: target.port,
            http,
            control: services.control.clone(),
            recorder: self.recorder.clone(),
            secrets: self.secrets.clone(),
            payers,
            cancel: bench.cancel.clone(),
            patience: bench.patience,
            facilitator: target.access.clone(),
            shared: !services.are_own(),
        };
        let session = Session::open(options, bench.progress).await?;
        match bench.plan.kind {
            LoadKind::Paid => {
                bench.progress.stage("one ordinary purchase first");
                self.purchase(&session, services, target).await
            }
            LoadKind::Verify | LoadKind::Settle => {
                bench
                    .progress
                    .stage("one payment first: verified and settled");
                let shown = self.purchase(&session, services, target).await?;
                Ok(shown.and_then(|shown| {
                    let events = self.recorder.snapshot();
                    facilitator::complete(shown, &events, services, target)
                }))
            }
            LoadKind::Unpaid => {
                bench.progress.stage("asking for the terms once");
                let route = target.profile.routes.first();
                let Some(route) = route else { return Ok(None) };
                let exchange = session.send("load/terms", route, None).await?;
                let version = asked(&exchange).map_err(RunTrouble::Stopped)?;
                Ok(Some(Shown {
                    version: preferred(bench.setup.versions.as_deref(), version),
                    chain: None,
                    facilitator: None,
                }))
            }
        }
    }

    async fn purchase(
        &self,
        session: &Session<'_>,
        services: &Services,
        target: &Target,
    ) -> Result<Option<Shown>, RunTrouble> {
        let setup = self.bench.setup;
        let facilitator = target.facilitator_control(&services.control);
        let plays = Plays {
            sheets: &[],
            seed: self.bench.plan.seed,
            chain: &services.state.chain.kind,
            links: &Links::none("links are for scenarios"),
            target: target.control(),
            facilitator: facilitator.as_ref(),
            repeats: Repeats::default(),
        };
        let versions = setup.versions.as_deref();
        let chain_id = target.chain_id;
        let scope = match self.bench.plan.kind {
            LoadKind::Verify | LoadKind::Settle => Scope::FacilitatorControls,
            LoadKind::Paid | LoadKind::Unpaid => Scope::Controls,
        };
        runner::run(session, scope, versions, chain_id, plays).await?;
        let events = self.recorder.snapshot();
        let report = verdict::judge_history(&events, None, &Judging::default());
        if !report.controls.positive.held {
            return Ok(None);
        }
        let facts = Facts::new(&events, None);
        let newest = facts
            .signed
            .iter()
            .filter(|signed| signed.wrong.is_none())
            .max_by_key(|signed| signed.version.number());
        Ok(newest.map(|signed| Shown {
            version: signed.version,
            chain: Some((
                signed.offered.chain_id,
                signed.offered.asset,
                signed.offered.amount,
            )),
            facilitator: None,
        }))
    }
}

/// The generation in which an answer asks for payment, or why it does not.
fn asked(exchange: &Exchange) -> Result<Version, String> {
    const NEEDS: &str = "an unpaid load needs a route that asks for payment";
    let url = &exchange.request.url;
    let answer = match &exchange.outcome {
        Ok(answer) => answer,
        Err(failure) => return Err(format!("{url} does not answer: {}", failure.message)),
    };
    if answer.status != 402 {
        return Err(format!(
            "{url} answers HTTP {}, not 402: {NEEDS}",
            answer.status
        ));
    }
    let spoken = client::detect(answer).first().copied();
    spoken.ok_or_else(|| format!("{url} answers 402 without a challenge that can be read: {NEEDS}"))
}

/// The generation that was asked for, else the one that was seen.
fn preferred(asked: Option<&[Version]>, seen: Version) -> Version {
    asked
        .and_then(|asked| asked.first().copied())
        .unwrap_or(seen)
}
