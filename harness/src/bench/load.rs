//! The course of a load run: services, target, one ordinary purchase, the load, the report.

use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy_primitives::{Address, U256};
use tokio_util::sync::CancellationToken;
use x402_assay_protocol::{PayerKey, Version};
use x402_assay_reports::Report;
use x402_assay_reports::model::load::LoadKind;

use super::error::BenchError;
use super::load_facilitator;
use super::services::{Services, obtain, service_options};
use super::start::{HISTORY_FILE, defects, probe_options, started};
use super::target::{Target, TargetError, Wanted};
use crate::chain::chaos::ChaosAction;
use crate::cli::args::{ChainChoice, Setup};
use crate::client::{self, Payer};
use crate::config::TargetProfile;
use crate::config::profile::TargetKind;
use crate::history::{Facts, Limits, Recorder, What};
use crate::http::now_us;
use crate::http::{Exchange, ProbeClient};
use crate::load::{self, AtFacilitator, Field, LoadPlan, OnChain, Ran, Threshold, thresholds};
use crate::reference_server::Deviations;
use crate::runner::{
    self, Bystander, Links, Plays, Progress, Repeats, RunTrouble, Scope, Secrets, Session,
    SessionOptions, check_host,
};
use crate::service::{ControlError, FundRequest};
use crate::verdict::{self, Judging};

/// What a payer is given, in purchases.
const PURCHASES: u64 = 1_000_000_000;
/// A load plays none.
const NO_SCENARIOS: Wanted = Wanted {
    any: false,
    by_use: false,
};
/// Payers of the purchase before the load.
const CONTROL_PAYERS: u32 = 2;

/// What a load run is made of.
pub struct LoadBench<'a> {
    /// Target, chain and addresses.
    pub setup: &'a Setup,
    /// What is sent.
    pub plan: &'a LoadPlan,
    /// What is demanded of it.
    pub thresholds: &'a [Threshold],
    /// Whether to look for the highest rate that holds them.
    pub search: bool,
    /// Folder for the history.
    pub out: &'a Path,
    /// Time between two blocks of a node under load; zero for a block each transaction.
    pub block_time: Duration,
    /// Accounts of the bench's own facilitator, if not the usual number.
    pub signers: Option<u32>,
    /// No fallback to the memory ledger.
    pub strict: bool,
    /// Longest wait for something that may never happen.
    pub patience: Duration,
    /// Our own binary, which runs children in guard mode.
    pub guard: PathBuf,
    /// Cancelled by Ctrl-C.
    pub cancel: CancellationToken,
    /// Told what goes on.
    pub progress: &'a dyn Progress,
}

impl std::fmt::Debug for LoadBench<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoadBench")
            .field("setup", &self.setup)
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

/// What a load run came to.
#[derive(Debug)]
pub struct LoadOutcome {
    /// The report; its `load` is there if the load was begun.
    pub report: Report,
    /// Why the history file is not whole, if it is not.
    pub file_trouble: Option<String>,
    /// The end of a launched target's log.
    pub target_log: Vec<String>,
}

/// Runs a load.
///
/// # Errors
/// When the run cannot begin because of the user's choice of flags, ports, files or tools.
pub async fn run(bench: &LoadBench<'_>) -> Result<LoadOutcome, BenchError> {
    check(bench)?;
    let target = bench.setup.target.as_ref();
    let secrets = target.map(Secrets::of).unwrap_or_default();
    let http = ProbeClient::new(probe_options(bench.setup))?;
    let path = bench.out.join(HISTORY_FILE);
    let recorder = Recorder::create(&path, secrets.hook(), Limits::default())?;
    let mut course = Course {
        bench,
        recorder: recorder.clone(),
        secrets: secrets.clone(),
        control_payers: (0..CONTROL_PAYERS)
            .map(|index| PayerKey::derived("payer", bench.plan.seed, index))
            .collect(),
        target_log: Vec::new(),
        ran: None,
    };
    let ended = course.attempt(http).await?;
    let (interrupted, trouble) = match ended {
        Ok(()) => (bench.cancel.is_cancelled(), None),
        Err(RunTrouble::Interrupted) => (true, None),
        Err(RunTrouble::Stopped(why)) => (false, Some(secrets.text(&why))),
    };
    let Course {
        ran, target_log, ..
    } = course;
    for payment in ran.iter().flat_map(|ran| &ran.payments) {
        recorder.append(now_us(), What::Payment(Box::new(payment.clone())));
    }
    recorder.append(
        now_us(),
        What::RunEnded {
            interrupted,
            trouble,
        },
    );
    let file_trouble = recorder.finish().err().map(|error| error.to_string());
    let judging = Judging {
        selected: Some(Vec::new()),
        ..Judging::default()
    };
    let mut report = verdict::judge_history(&recorder.snapshot(), None, &judging);
    verdict::load::add(&mut report, bench.plan.kind, ran);
    Ok(LoadOutcome {
        report,
        file_trouble,
        target_log,
    })
}

/// What must hold before anything is started.
fn check(bench: &LoadBench<'_>) -> Result<(), BenchError> {
    let usage = |why: String| Err(BenchError::Usage(why));
    let target = bench.setup.target.as_ref();
    if let Some(url) = target.and_then(TargetProfile::url) {
        check_host(&url.host(), &bench.setup.owned_hosts)?;
    }
    if target.is_some_and(|profile| matches!(profile.kind, TargetKind::Client { .. })) {
        return usage(
            "load: the target is a resource server (--server) or a facilitator (--facilitator)"
                .to_owned(),
        );
    }
    let asks_facilitator = matches!(bench.plan.kind, LoadKind::Verify | LoadKind::Settle);
    if asks_facilitator != bench.setup.is_about_facilitator() {
        return usage(
            "load: verify and settle are for a facilitator, other loads for a server".to_owned(),
        );
    }
    if target.is_some() && asks_facilitator && bench.setup.chain.choice == ChainChoice::Memory {
        return usage(
            "--chain memory: a facilitator of yours needs a node to settle on, and on the memory ledger only --facilitator builtin can be loaded; use --chain anvil or the URL of a dev node".to_owned(),
        );
    }
    if target.is_some_and(|profile| profile.auth.is_some()) {
        return usage(
            "load: `auth` of the profile asks a command for headers, which cannot be done thousands of times a second; give fixed `headers`".to_owned(),
        );
    }
    let mut faults = bench.plan.faults.iter();
    if target.is_some() && asks_facilitator && faults.any(|fault| fault.what.is_of_facilitator()) {
        return usage(
            "load: the scenario makes the bench's own facilitator late or broken, and yours is under load; use --facilitator builtin, or a scenario with `chain` faults alone".to_owned(),
        );
    }
    let limits = target.map(|profile| profile.limits).unwrap_or_default();
    if limits.rps.is_some() || limits.requests.is_some() {
        return usage(
            "load: the profile has `limits` (rps or requests), and a load goes beyond them by its nature: leave them out for this run".to_owned(),
        );
    }
    let own = target.is_none_or(|profile| profile.launch.is_some());
    load::descriptors::make_room(bench.plan.connections.at_once(), own).map_err(BenchError::Usage)
}

struct Course<'a> {
    bench: &'a LoadBench<'a>,
    recorder: Recorder,
    secrets: Secrets,
    control_payers: Vec<PayerKey>,
    target_log: Vec<String>,
    ran: Option<Ran>,
}

/// What the purchase before the load showed.
pub(super) struct Shown {
    pub(super) version: Version,
    pub(super) chain: Option<(u64, Address, U256)>,
    /// What is asked, where there is no server.
    pub(super) facilitator: Option<AtFacilitator>,
}

impl Course<'_> {
    async fn attempt(&mut self, http: ProbeClient) -> Result<Result<(), RunTrouble>, BenchError> {
        let (bench, setup) = (self.bench, self.bench.setup);
        let is_lone = setup.is_about_facilitator();
        let (deviations, facilitator) = defects(&setup.defects, is_lone)?;
        let mut options = service_options(
            &setup.chain,
            &setup.listen,
            bench.strict,
            bench.guard.clone(),
        );
        options.signers = bench.signers.unwrap_or(options.signers);
        let services = tokio::select! {
            services = obtain(&setup.attach, options, &setup.listen, bench.progress) => services?,
            () = bench.cancel.cancelled() => return Ok(Err(RunTrouble::Interrupted)),
        };
        let services = match services {
            Ok(services) => services,
            Err(error) => {
                self.started(setup.target.as_ref(), None);
                return Ok(Err(RunTrouble::Stopped(error.to_string())));
            }
        };
        let personality = setup.personality.as_ref().map(|chosen| &chosen.personality);
        let switch = services.change_facilitator(personality, facilitator).await;
        bench.progress.stage("starting the target");
        let starting = self.start_target(&http, &services, &deviations);
        let target = tokio::select! {
            target = starting => target.map_err(|error| RunTrouble::Stopped(error.to_string())),
            () = bench.cancel.cancelled() => Err(RunTrouble::Interrupted),
        };
        let ended = match (switch, target) {
            (Ok(()), Ok(target)) => {
                self.started(Some(&target.profile), Some(&services));
                let ended = self.on_target(http, &services, &target).await;
                let log = target.log_tail().await;
                self.target_log = log.iter().map(|line| self.secrets.text(line)).collect();
                target.stop().await;
                ended
            }
            (Err(error), _) => Err(error.into()),
            (_, Err(trouble)) => {
                self.started(setup.target.as_ref(), Some(&services));
                Err(trouble)
            }
        };
        if let Err(error) = services.mend_facilitator(personality, facilitator).await {
            tracing::warn!(%error, "the facilitator stays as it was changed");
        }
        services.stop().await;
        Ok(ended)
    }

    fn started(&self, profile: Option<&TargetProfile>, services: Option<&Services>) {
        let payers = self.control_payers.iter().map(PayerKey::address).collect();
        let event = started(
            (
                self.bench.setup,
                self.bench.plan.seed,
                self.bench.setup.is_about_facilitator(),
            ),
            (profile, services),
            payers,
            &self.secrets,
        );
        self.recorder
            .append(now_us(), What::RunStarted(Box::new(event)));
    }

    async fn start_target(
        &self,
        http: &ProbeClient,
        services: &Services,
        deviations: &Deviations,
    ) -> Result<Target, TargetError> {
        let (bench, setup) = (self.bench, self.bench.setup);
        if setup.is_about_facilitator() {
            let witness = Bystander::new(self.recorder.clone());
            let way = (http, bench.guard.as_path());
            return load_facilitator::start(setup, services, way, (witness, &self.secrets)).await;
        }
        Target::start(
            setup.target.clone(),
            deviations,
            setup.chain.chain_id,
            (&services.control, &services.state),
            (bench.guard.as_path(), NO_SCENARIOS),
        )
        .await
    }

    async fn on_target(
        &mut self,
        http: ProbeClient,
        services: &Services,
        target: &Target,
    ) -> Result<(), RunTrouble> {
        let shown = self.control(http, services, target).await?;
        let Some(shown) = shown else {
            // The report says why nothing could be bought.
            return Ok(());
        };
        let control = &services.control;
        let payers: Vec<PayerKey> = (0..self.bench.plan.payers)
            .filter_map(|index| u32::try_from(index).ok())
            .map(|index| PayerKey::derived("load", self.bench.plan.seed, index))
            .collect();
        let chain = match shown.chain {
            None => None,
            Some((chain_id, asset, amount)) => {
                let funded = self.fund(services, &payers, (chain_id, asset, amount));
                tokio::select! {
                    funded = funded => funded?,
                    () = self.bench.cancel.cancelled() => return Err(RunTrouble::Interrupted),
                }
                let facilitator = shown.facilitator.as_ref();
                Some(self.mine_in_blocks(services, chain_id, facilitator).await?)
            }
        };
        self.can_fault(services)?;
        let field = Field {
            profile: &target.profile,
            port: target.port,
            control,
            version: shown.version,
            chain,
            payers: &payers,
            progress: self.bench.progress,
            guard: &self.bench.guard,
            cancel: &self.bench.cancel,
            // Whatever is under way needs a block to come to rest.
            patience: self.bench.patience.max(self.bench.block_time * 3),
            facilitator: shown.facilitator.as_ref(),
        };
        let ran = match self.bench.search {
            true => load::search(&field, self.bench.plan, self.bench.thresholds).await,
            false => load::run(&field, self.bench.plan).await,
        };
        if let Some(chain) = field.chain.as_ref().filter(|_| !is_memory(services)) {
            control.chaos(chain.id, &ChaosAction::Calm).await?;
        }
        let mut ran = ran.map_err(|error| RunTrouble::Stopped(error.to_string()))?;
        ran.report.thresholds = thresholds::judge(self.bench.thresholds, &ran.report);
        let trouble = ran.trouble.clone();
        self.ran = Some(ran);
        // Interrupted is said elsewhere, and the reason why not everything is known then.
        match trouble.filter(|_| !self.bench.cancel.is_cancelled()) {
            None => Ok(()),
            Some(trouble) => Err(RunTrouble::Stopped(trouble)),
        }
    }

    /// What the ledger that was found cannot do.
    fn can_fault(&self, services: &Services) -> Result<(), RunTrouble> {
        let mut faults = self.bench.plan.faults.iter();
        match is_memory(services) && faults.any(|fault| !fault.what.is_of_facilitator()) {
            true => Err(RunTrouble::Stopped(
                "the scenario stops mining, and blocks of the memory ledger cannot be held back: use --chain anvil".to_owned(),
            )),
            false => Ok(()),
        }
    }

    /// One ordinary purchase, or for an unpaid load one ordinary 402; nothing where it fails.
    async fn control(
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
                    load_facilitator::complete(shown, &events, services, target)
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

    /// Gives every payer of the load what it may spend.
    async fn fund(
        &self,
        services: &Services,
        payers: &[PayerKey],
        (chain_id, asset, price): (u64, Address, U256),
    ) -> Result<(), ControlError> {
        let what = format!("giving {} payers their money", payers.len());
        self.bench.progress.stage(&what);
        let amount = price
            .max(U256::from(1))
            .saturating_mul(U256::from(PURCHASES))
            // All of them together must fit into the supply.
            .min(U256::from(u128::MAX));
        for payer in payers {
            let wanted = FundRequest {
                chain_id,
                asset,
                to: payer.address(),
                amount,
            };
            services.control.fund(&wanted).await?;
        }
        Ok(())
    }

    /// A node mines a block every so often from here on; says what the chain is.
    async fn mine_in_blocks(
        &self,
        services: &Services,
        chain_id: u64,
        facilitator: Option<&AtFacilitator>,
    ) -> Result<OnChain, ControlError> {
        let kind = &services.state.chain.kind;
        if is_memory(services) {
            return Ok(OnChain {
                id: chain_id,
                told: kind.clone(),
                block_ms: 0,
            });
        }
        let every = self.bench.block_time;
        let block_ms = match every.is_zero() {
            true => 0,
            false => u64::try_from(every.as_millis()).unwrap_or(u64::MAX).max(1),
        };
        let blocks = match block_ms {
            0 => "a block each transaction".to_owned(),
            ms => {
                let action = ChaosAction::BlockTime { ms };
                services.control.chaos(chain_id, &action).await?;
                format!("a block each {ms} ms")
            }
        };
        if let Some(at) = facilitator.filter(|at| !at.is_ours) {
            return Ok(OnChain {
                id: chain_id,
                told: format!("{kind}, {blocks}, {} account(s) settle", at.signers.len()),
                block_ms,
            });
        }
        let lanes = services
            .control
            .account_nonces(chain_id, &[])
            .await?
            .nonces
            .len();
        Ok(OnChain {
            id: chain_id,
            told: format!("{kind}, {blocks}, {lanes} lanes"),
            block_ms,
        })
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

fn is_memory(services: &Services) -> bool {
    services.state.chain.kind == "memory"
}

/// The generation that was asked for, else the one that was seen.
fn preferred(asked: Option<&[Version]>, seen: Version) -> Version {
    asked
        .and_then(|asked| asked.first().copied())
        .unwrap_or(seen)
}
