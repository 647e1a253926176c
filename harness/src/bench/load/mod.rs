//! The course of a load run: services, target, one ordinary purchase, the load, the report.

mod chain;
mod check;
mod control;
mod facilitator;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use x402_assay_protocol::PayerKey;
use x402_assay_reports::Report;

use self::chain::is_memory;
use self::check::check;
use super::error::BenchError;
use super::services::{Services, obtain, service_options};
use super::start::{HISTORY_FILE, defects, probe_options, started};
use super::target::{Target, TargetError, Wanted};
use crate::chain::chaos::ChaosAction;
use crate::cli::args::Setup;
use crate::config::TargetProfile;
use crate::history::{Limits, Recorder, What};
use crate::http::{ProbeClient, now_us};
use crate::load::{self, Field, LoadPlan, Ran, Threshold, thresholds};
use crate::reference_server::Deviations;
use crate::runner::{Bystander, Progress, RunTrouble, Secrets};
use crate::verdict::{self, Judging};

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

struct Course<'a> {
    bench: &'a LoadBench<'a>,
    recorder: Recorder,
    secrets: Secrets,
    control_payers: Vec<PayerKey>,
    target_log: Vec<String>,
    ran: Option<Ran>,
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
            return facilitator::start(setup, services, way, (witness, &self.secrets)).await;
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
}
