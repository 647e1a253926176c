//! The course of one run.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::Address;
use tokio_util::sync::CancellationToken;
use x402_assay_protocol::PayerKey;
use x402_mock_facilitator::DefectSet as FacilitatorDefects;

use super::error::BenchError;
use super::front::{self, FrontOptions};
use super::links;
use super::lone;
use super::services::{Services, obtain, service_options};
use super::target::{Target, TargetError, Wanted};
use crate::cli::args::{ChainChoice, Setup};
use crate::client::Payer;
use crate::config::TargetProfile;
use crate::config::profile::{Flow, TargetKind};
use crate::history::event::{BUILT_IN_FACILITATOR, RunStarted};
use crate::history::{Event, Limits, Recorder, What};
use crate::http::now_us;
use crate::http::{ProbeClient, ProbeClientOptions};
use crate::link::LinkProxy;
use crate::reference_server::Deviations;
use crate::runner::{
    self, Bystander, Links, Plays, Progress, Repeats, RunTrouble, Scope, Secrets, Session,
    SessionOptions, Sheet, check_host,
};
use crate::scenario::Need;

/// File of the history, inside the report folder.
pub const HISTORY_FILE: &str = "history.jsonl";

/// Longest wait for the answer to a direct call; a round's own time-out is shorter as a rule. Facilitators wait up to
/// three minutes for a receipt.
const DIRECT_CALL_MAX: Duration = Duration::from_secs(200);

/// What a run is made of.
#[derive(Clone)]
pub struct Bench<'a> {
    /// Target, chain and addresses.
    pub setup: &'a Setup,
    /// How much of the battery is wanted.
    pub scope: Scope,
    /// Scenarios to run after the controls; none for the battery alone.
    pub scenarios: &'a [Sheet],
    /// How often, and which of their cases.
    pub repeats: Repeats<'a>,
    /// Seed of the run; payers derive from it.
    pub seed: u64,
    /// Folder for the history; memory only when absent.
    pub out: Option<&'a Path>,
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

impl std::fmt::Debug for Bench<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bench")
            .field("setup", &self.setup)
            .finish_non_exhaustive()
    }
}

impl Bench<'_> {
    /// True when a facilitator is asked directly, with no server in front.
    const fn is_lone(&self) -> bool {
        matches!(self.scope, Scope::Facilitator)
    }
}

/// What a run left behind.
#[derive(Debug)]
pub struct Outcome {
    /// Everything that happened.
    pub history: Vec<Event>,
    /// Why the history file is not whole, if it is not; the history above is.
    pub file_trouble: Option<String>,
    /// The end of a launched target's log.
    pub target_log: Vec<String>,
    /// Hides the target's secrets.
    pub secrets: Secrets,
}

/// Runs the bench; the history is written as it happens.
///
/// # Errors
/// When the run cannot begin because of the user's choice of flags, ports, files or tools.
pub async fn run(bench: &Bench<'_>) -> Result<Outcome, BenchError> {
    let target = bench.setup.target.as_ref();
    if let Some(url) = target.and_then(TargetProfile::url) {
        check_host(&url.host(), &bench.setup.owned_hosts)?;
    }
    if !bench.is_lone()
        && let Some(problem) = target.and_then(front::unsuited)
    {
        return Err(BenchError::Usage(problem));
    }
    if target.is_some_and(is_facilitator) && bench.setup.chain.choice == ChainChoice::Memory {
        return Err(BenchError::Usage(
            "--chain memory: a facilitator under test needs a node to settle on; use --chain anvil or the URL of a dev node".to_owned(),
        ));
    }
    let (deviations, facilitator_defects) = defects(&bench.setup.defects, bench.is_lone())?;
    let secrets = target.map(Secrets::of).unwrap_or_default();
    let http = ProbeClient::new(probe_options(bench.setup))?;
    let recorder = match bench.out {
        Some(folder) => Recorder::create(
            &folder.join(HISTORY_FILE),
            secrets.hook(),
            Limits::default(),
        )?,
        None => Recorder::in_memory(secrets.hook()),
    };
    // The battery's two, and alice, bob and carol for scenarios.
    let payers = if bench.scenarios.is_empty() { 2 } else { 5 };
    let payers: Vec<Payer> = (0..payers)
        .map(|index| Payer::new(PayerKey::derived("payer", bench.seed, index)))
        .collect();
    let mut course = Course {
        bench,
        deviations,
        facilitator_defects,
        recorder: recorder.clone(),
        secrets: secrets.clone(),
        target_log: Vec::new(),
    };
    let ended = course.attempt(http, payers).await?;
    let (interrupted, trouble) = match ended {
        Ok(()) => (false, None),
        Err(RunTrouble::Interrupted) => (true, None),
        Err(RunTrouble::Stopped(why)) => (false, Some(secrets.text(&why))),
    };
    recorder.append(
        now_us(),
        What::RunEnded {
            interrupted,
            trouble,
        },
    );
    let file_trouble = recorder.finish().err().map(|error| error.to_string());
    let target_log = course.target_log;
    Ok(Outcome {
        history: recorder.snapshot(),
        file_trouble,
        target_log,
        secrets,
    })
}

/// Begins the name of a facilitator's defect that the server has too.
const FACILITATORS: &str = "facilitator:";

/// Defects of the built-in server, and those of the built-in facilitator.
pub(super) fn defects(
    named: &[String],
    about_facilitator: bool,
) -> Result<(Deviations, FacilitatorDefects), BenchError> {
    // Some names both know: the server's then, unless `facilitator:` says otherwise or the facilitator is under test.
    let named: Vec<&str> = named
        .iter()
        .flat_map(|names| names.split(','))
        .map(str::trim)
        .collect();
    let is_facilitators = |name: &&str| {
        name.starts_with(FACILITATORS)
            || about_facilitator
            || (name.parse::<Deviations>().is_err() && name.parse::<FacilitatorDefects>().is_ok())
    };
    let (theirs, ours): (Vec<&str>, Vec<&str>) = named.into_iter().partition(is_facilitators);
    let bare = |name: &str| name.trim_start_matches(FACILITATORS).to_owned();
    let usage = |error: &dyn std::fmt::Display| BenchError::Usage(format!("--defect: {error}"));
    let theirs: Vec<String> = theirs.into_iter().map(bare).collect();
    let server = ours.join(",").parse().map_err(|error| usage(&error))?;
    let facilitator = theirs.join(",").parse().map_err(|error| usage(&error))?;
    Ok((server, facilitator))
}

/// True for a profile of a facilitator.
const fn is_facilitator(profile: &TargetProfile) -> bool {
    matches!(profile.kind, TargetKind::Facilitator { .. })
}

/// What the stages of one run share.
struct Course<'a> {
    bench: &'a Bench<'a>,
    deviations: Deviations,
    facilitator_defects: FacilitatorDefects,
    recorder: Recorder,
    secrets: Secrets,
    target_log: Vec<String>,
}

impl Course<'_> {
    /// Everything between the first and the last event.
    async fn attempt(
        &mut self,
        http: ProbeClient,
        payers: Vec<Payer>,
    ) -> Result<Result<(), RunTrouble>, BenchError> {
        let bench = self.bench;
        let setup = bench.setup;
        let mut options = service_options(
            &setup.chain,
            &setup.listen,
            bench.strict,
            bench.guard.clone(),
        );
        let with_links = !bench.scenarios.is_empty();
        if with_links {
            links::make_room(setup, &mut options);
        }
        let services = tokio::select! {
            services = obtain(&setup.attach, options, &setup.listen, bench.progress) => services?,
            () = bench.cancel.cancelled() => return Ok(Err(RunTrouble::Interrupted)),
        };
        let mut services = match services {
            Ok(services) => services,
            Err(error) => {
                self.started(setup.target.as_ref(), None, &payers);
                return Ok(Err(RunTrouble::Stopped(error.to_string())));
            }
        };
        let link = match with_links {
            true => links::before_facilitator(setup, &mut services)?,
            false => Err("links are for scenarios".to_owned()),
        };
        let ended = self.with_services(http, payers, &services, link).await;
        services.stop().await;
        Ok(ended)
    }

    async fn with_services(
        &mut self,
        http: ProbeClient,
        payers: Vec<Payer>,
        services: &Services,
        link: Result<LinkProxy, String>,
    ) -> Result<(), RunTrouble> {
        let setup = self.bench.setup;
        self.bench.progress.stage("starting the target");
        let starting = self.start_target(&http, services);
        let target = tokio::select! {
            target = starting => {
                target.map_err(|error| RunTrouble::Stopped(error.to_string()))
            }
            () = self.bench.cancel.cancelled() => Err(RunTrouble::Interrupted),
        };
        let mut target = match target {
            Ok(target) => target,
            Err(trouble) => {
                self.started(setup.target.as_ref(), Some(services), &payers);
                return Err(trouble);
            }
        };
        self.started(Some(&target.profile), Some(services), &payers);
        let personality = setup.personality.as_ref().map(|chosen| &chosen.personality);
        let on = self.facilitator_defects;
        if let Some(chosen) = personality {
            let text = format!(
                "our facilitator behaved like {}: {}",
                chosen.name, chosen.about
            );
            let note = What::Note { probe: None, text };
            self.recorder.append(now_us(), note);
        }
        services
            .change_facilitator(personality, on)
            .await
            .map_err(|error| RunTrouble::Stopped(error.to_string()))?;
        let links = match self.bench.scenarios.is_empty() {
            true => Links::none("links are for scenarios"),
            false => links::around(&mut target, link),
        };
        let ended = self
            .exchanges(http, payers, services, (&target, &links))
            .await;
        self.target_log = target
            .log_tail()
            .await
            .iter()
            .map(|line| self.secrets.text(line))
            .collect();
        target.stop().await;
        if let Err(error) = services.mend_facilitator(personality, on).await {
            tracing::warn!(%error, "the facilitator stays as it was changed");
        }
        ended
    }

    async fn start_target(
        &self,
        http: &ProbeClient,
        services: &Services,
    ) -> Result<Target, TargetError> {
        let setup = self.bench.setup;
        let (control, state) = (&services.control, &services.state);
        if self.bench.is_lone() && setup.target.is_none() {
            return lone::built_in((control, state), setup.chain.chain_id).await;
        }
        let tested = setup
            .target
            .as_ref()
            .filter(|target| is_facilitator(target));
        if let Some(profile) = tested {
            let options = FrontOptions {
                profile: profile.clone(),
                chain_id: setup.chain.chain_id,
                control,
                state,
                guard: &self.bench.guard,
                http,
                bystander: Arc::new(Bystander::new(self.recorder.clone())),
                secrets: self.secrets.clone(),
            };
            return match self.bench.is_lone() {
                true => lone::start(options).await,
                false => front::start(options).await,
            };
        }
        let sheets = self.bench.scenarios;
        let wanted = Wanted {
            any: !sheets.is_empty(),
            by_use: sheets
                .iter()
                .any(|sheet| sheet.scenario.needs.contains(&Need::Upto)),
        };
        let surroundings = (self.bench.guard.as_path(), wanted);
        Target::start(
            setup.target.clone(),
            &self.deviations,
            setup.chain.chain_id,
            (control, state),
            surroundings,
        )
        .await
    }

    async fn exchanges(
        &self,
        http: ProbeClient,
        payers: Vec<Payer>,
        services: &Services,
        (target, links): (&Target, &Links),
    ) -> Result<(), RunTrouble> {
        let setup = self.bench.setup;
        let direct = ProbeClientOptions {
            timeout: match self.bench.is_lone() {
                true => setup.timeout,
                false => setup.timeout.max(DIRECT_CALL_MAX),
            },
            ..http.options().clone()
        };
        let direct =
            ProbeClient::new(direct).map_err(|error| RunTrouble::Stopped(error.to_string()))?;
        let options = SessionOptions {
            direct,
            profile: target.profile.clone(),
            port: target.port,
            http,
            control: services.control.clone(),
            recorder: self.recorder.clone(),
            secrets: self.secrets.clone(),
            payers,
            cancel: self.bench.cancel.clone(),
            patience: self.bench.patience,
            facilitator: target.access.clone(),
            shared: !services.are_own(),
        };
        let session = Session::open(options, self.bench.progress).await?;
        let versions = setup.versions.as_deref();
        let facilitator = target.facilitator_control(&services.control);
        let plays = Plays {
            sheets: self.bench.scenarios,
            seed: self.bench.seed,
            chain: &services.state.chain.kind,
            links,
            target: target.control(),
            facilitator: facilitator.as_ref(),
            repeats: self.bench.repeats,
        };
        let chain_id = target.chain_id;
        runner::run(&session, self.bench.scope, versions, chain_id, plays).await
    }

    /// Records the first event.
    fn started(
        &self,
        profile: Option<&TargetProfile>,
        services: Option<&Services>,
        payers: &[Payer],
    ) {
        let event = started(
            (self.bench.setup, self.bench.seed, self.bench.is_lone()),
            (profile, services),
            payers.iter().map(Payer::address).collect(),
            &self.secrets,
        );
        self.recorder
            .append(now_us(), What::RunStarted(Box::new(event)));
    }
}

/// What judges must know of the set-up.
pub(super) fn started(
    (setup, seed, is_lone): (&Setup, u64, bool),
    (profile, services): (Option<&TargetProfile>, Option<&Services>),
    payers: Vec<Address>,
    secrets: &Secrets,
) -> RunStarted {
    let built_in = setup.target.is_none();
    // In front of a facilitator stands a server that is not the target.
    let tested = setup
        .target
        .as_ref()
        .filter(|target| is_facilitator(target))
        .or(profile);
    let chain = services.map(|services| &services.state.chain);
    let origin = profile
        .map(|profile| profile.origin.clone())
        .unwrap_or_default();
    let flow = match profile.map(|profile| profile.flow) {
        Some(Flow::Upfront) => "upfront",
        Some(Flow::Authorization) | None => "authorization",
    };
    RunStarted {
        bench_version: env!("CARGO_PKG_VERSION").to_owned(),
        seed,
        target_kind: if built_in && is_lone {
            BUILT_IN_FACILITATOR.to_owned()
        } else if built_in {
            "builtin".to_owned()
        } else {
            tested.map_or("server", TargetProfile::kind_name).to_owned()
        },
        target_name: tested.map_or_else(
            || match is_lone {
                true => lone::NAME.to_owned(),
                false => "built-in reference server".to_owned(),
            },
            |profile| profile.name.clone(),
        ),
        target_url: tested.map(shown_url).unwrap_or_default(),
        chain_requested: chain
            .map(|chain| chain.requested.clone())
            .unwrap_or_default(),
        chain_used: chain.map_or_else(|| "none".to_owned(), |chain| chain.kind.clone()),
        chain_reason: chain.and_then(|chain| chain.reason.clone()),
        node: chain.and_then(|chain| chain.node.clone()),
        facilitator_url: services
            .map(|services| services.state.facilitator_url.clone())
            .unwrap_or_default(),
        rpc_url: services.map(|services| services.state.rpc_url.clone()),
        marker: origin.marker,
        counts_executions: origin.executions.is_some(),
        idempotent_replay: profile.is_some_and(|profile| profile.idempotent_replay),
        flow: flow.to_owned(),
        dynamic_price: profile.is_some_and(|profile| profile.dynamic_price),
        payers,
        command: setup
            .again
            .as_ref()
            .and_then(|again| again.on_target(|word| secrets.text(word))),
        again: setup.again.as_ref().map(|again| {
            let chain = chain.map_or("none", |chain| chain.kind.as_str());
            again.whole(seed, chain, |word| secrets.text(word))
        }),
    }
}

/// The URL of the first route, without credentials, `{port}` still open.
fn shown_url(profile: &TargetProfile) -> String {
    let base = profile
        .url()
        .map(crate::config::profile::UrlTemplate::as_text)
        .unwrap_or_default();
    let path = profile
        .routes
        .first()
        .map(crate::config::profile::Route::request_path);
    format!("{}{}", base.trim_end_matches('/'), path.unwrap_or_default())
}

pub(super) fn probe_options(setup: &Setup) -> ProbeClientOptions {
    let tls = setup
        .target
        .as_ref()
        .map(|profile| profile.tls.clone())
        .unwrap_or_default();
    ProbeClientOptions {
        timeout: setup.timeout,
        extra_ca: tls.ca,
        insecure: tls.insecure,
        ..ProbeClientOptions::default()
    }
}
