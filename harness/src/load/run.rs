//! One load: the engine on a target, what the facilitator counted meanwhile, and the ledger at rest.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_primitives::Address;
use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use tokio_util::sync::CancellationToken;
use x402_assay_protocol::{PayerKey, Version};
use x402_assay_reports::model::load::{LoadKind, LoadReport};
use x402_mock_facilitator::CallTally;

use super::audit::{Audit, Held, Rules, ShardBooks, Totals};
use super::blocks::BlockWatch;
use super::connection::{Peer, Template, tls};
use super::cpu::{self, Used};
use super::crowd::{self, Crowd};
use super::desk::AtFacilitator;
use super::engine::{self, Ended, EngineError};
use super::figures;
use super::memory::Footprint;
use super::payment::LoadPayer;
use super::plan::{LoadPlan, Pace, Signing};
use super::result::{self, Measured};
use super::schedule::{Schedule, Spacing, Stretch};
use super::series::{Second, Series};
use super::shard::Work;
use crate::config::TargetProfile;
use crate::guard::GuardError;
use crate::history::LoadPayment;
use crate::http::tls::client_config;
use crate::runner::Progress;
use crate::service::{ControlClient, ControlError};

/// How often it is asked whether everything is at rest.
const REST_POLL: Duration = Duration::from_millis(100);
/// Blocks of the first page of the ledger; later ones are as long as fits.
const PAGE_BLOCKS: u64 = 256;
/// Most blocks on one page.
const PAGE_BLOCKS_MAX: u64 = 8_192;
/// Records of one page that are enough.
const PAGE_RECORDS: usize = 10_000;
/// Payments that the history keeps at most.
pub(crate) const PAYMENTS_MAX: usize = 100_000;

/// Where a load takes place.
pub(crate) struct Field<'a> {
    pub(crate) profile: &'a TargetProfile,
    pub(crate) port: u16,
    pub(crate) control: &'a ControlClient,
    pub(crate) version: Version,
    /// The chain that is paid on; none in an unpaid load.
    pub(crate) chain: Option<OnChain>,
    /// Whose payments are sent, in turn.
    pub(crate) payers: &'a [PayerKey],
    /// The server, where it counts its handler's runs.
    pub(crate) progress: &'a dyn Progress,
    /// Our own binary, which is guard and process of the virtual users.
    pub(crate) guard: &'a Path,
    pub(crate) cancel: &'a CancellationToken,
    /// Longest wait for the ledger to come to rest.
    pub(crate) patience: Duration,
    /// The facilitator that is asked, where there is no server.
    pub(crate) facilitator: Option<&'a AtFacilitator>,
}

impl Field<'_> {
    /// A facilitator that does not count its own calls, and the chain it settles on.
    pub(super) fn stranger(&self) -> Option<(&AtFacilitator, &OnChain)> {
        let at = self.facilitator.filter(|at| !at.is_ours && at.on_node)?;
        Some((at, self.chain.as_ref()?))
    }
}

/// The chain that is paid on.
#[derive(Debug, Clone)]
pub(crate) struct OnChain {
    pub(crate) id: u64,
    /// What it is, for people.
    pub(crate) told: String,
    /// It mines a block every so often, and not for each transaction.
    pub(crate) in_intervals: bool,
}

/// What a load came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) report: LoadReport,
    /// I1 to I5 over its payments; empty in an unpaid load.
    pub(crate) held: Vec<Held>,
    pub(crate) totals: Totals,
    /// Its payments for the history, capped.
    pub(crate) payments: Vec<LoadPayment>,
    /// Payments beyond the cap.
    pub(crate) payments_left_out: usize,
    /// The ledger was at rest when it was read.
    pub(crate) at_rest: bool,
    /// Answers with the paid content to requests without a payment.
    pub(crate) strays: u64,
    /// It was stopped by the user.
    pub(crate) interrupted: bool,
    /// Why not everything is known of it; what is counts all the same.
    pub(crate) trouble: Option<String>,
}

impl Ran {
    /// The books of this load and a later one together; the later one's figures if it `tells`.
    pub(super) fn with(mut self, later: Self, tells: bool) -> Self {
        for held in later.held {
            match self.held.iter_mut().find(|mine| mine.id == held.id) {
                Some(mine) => mine.add(held),
                None => self.held.push(held),
            }
        }
        self.totals.add(&later.totals);
        let room = PAYMENTS_MAX.saturating_sub(self.payments.len());
        self.payments_left_out +=
            later.payments_left_out + later.payments.len().saturating_sub(room);
        self.payments.extend(later.payments.into_iter().take(room));
        self.at_rest &= later.at_rest;
        self.strays += later.strays;
        self.interrupted |= later.interrupted;
        self.trouble = self.trouble.or(later.trouble);
        if tells {
            self.report = later.report;
        }
        self.report.books = super::result::books(&self.totals);
        self
    }
}

/// A load that did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    /// The user's choice.
    #[error("{0}")]
    Usage(String),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The service.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The process of the virtual users.
    #[error("the process of the virtual users: {0}")]
    Users(#[from] GuardError),
}

/// Runs a plan on a target that was shown to sell.
pub(crate) async fn run(field: &Field<'_>, plan: &LoadPlan) -> Result<Ran, LoadError> {
    let work = Arc::new(work(field, plan).await?);
    let head = match &field.chain {
        Some(chain) => {
            field
                .control
                .records_between(chain.id, (u64::MAX, 0))
                .await?
                .head
        }
        None => 0,
    };
    let executions = executions(field).await;
    field
        .control
        .record(x402_mock_facilitator::Recording::Light)
        .await?;
    let watch = field
        .stranger()
        .map(|(_, chain)| BlockWatch::start(field.control.clone(), chain.id));
    let ran = drive(field, plan, Arc::clone(&work)).await;
    let tally = field.control.call_tally().await;
    let ran = match ran {
        Ok(ran) => Ok((ran, at_rest(field, tally?).await?)),
        Err(error) => Err(error),
    };
    let blocks = match watch {
        Some(watch) => Some(watch.stop().await),
        None => None,
    };
    // Whoever comes next wants to see everything again, whatever became of this.
    let full = field
        .control
        .record(x402_mock_facilitator::Recording::Full)
        .await;
    let ((ended, watched), (calls, at_rest)) = ran?;
    full?;
    let runs = match executions {
        Some(before) => self::executions(field)
            .await
            .and_then(|now| now.checked_sub(before)),
        None => None,
    };
    let driven = Driven {
        ended,
        watched,
        calls,
        at_rest,
        runs,
        blocks,
    };
    conclude(field, plan, (&work, head), driven).await
}

struct Driven {
    ended: Ended,
    watched: Watched,
    calls: CallTally,
    at_rest: bool,
    /// Runs of the paid handler, where they are counted.
    runs: Option<u64>,
    /// When each block was first seen, where the facilitator does not tell.
    blocks: Option<Vec<(u64, Instant)>>,
}

/// What was watched while the load ran.
struct Watched {
    series: Series,
    cpu: Used,
    memory: Footprint,
    /// What only a load of virtual users knows.
    crowd: Option<Crowd>,
}

impl Watched {
    /// Not everything is known of it.
    fn is_broken(&self) -> bool {
        let crowd = self.crowd.as_ref();
        crowd.is_some_and(|crowd| crowd.trouble.is_some())
    }
}

async fn conclude(
    field: &Field<'_>,
    plan: &LoadPlan,
    (work, head): (&Work, u64),
    driven: Driven,
) -> Result<Ran, LoadError> {
    let Driven { ended, watched, .. } = driven;
    let origin = ended.origin;
    let (mut tally, mut books) = (super::tally::Tally::default(), Vec::new());
    let (mut last_end, mut last_begin) = (None, None);
    for shard in ended.shards {
        tally.add(&shard.tally);
        last_end = last_end.max(shard.last_end);
        last_begin = last_begin.max(shard.last_begin);
        books.push(ShardBooks {
            sales: shard.sales,
            asked: shard.asked,
        });
    }
    let addresses: Vec<Address> = field.payers.iter().map(PayerKey::address).collect();
    let mut audit = Audit::new(&books, &addresses);
    if let Some(chain) = &field.chain {
        field.progress.stage("reading the ledger");
        read_ledger(field.control, chain.id, head, &mut audit).await?;
    }
    let mut rules = rules(field, work, driven.at_rest, tally.counts.strays);
    let mut totals = audit.totals(&rules);
    if !rules.idempotent && driven.runs.is_some_and(|runs| runs <= totals.granted) {
        // The handler ran no more often than authorizations were served: what came again came from a cache.
        rules.idempotent = true;
        totals = audit.totals(&rules);
    }
    let (payments, payments_left_out) = payments(&audit, &addresses);
    let blocks = driven.blocks.as_deref();
    let mined = blocks.map(|seen| figures::mined(&audit, seen, origin, &rules));
    let since = |at: Option<Instant>| at.map(|at| at.saturating_duration_since(origin));
    let cut_short = field.cancel.is_cancelled() || watched.is_broken();
    let measured = Measured {
        plan,
        work,
        tally: &tally,
        totals: &totals,
        calls: &driven.calls,
        series: watched.series,
        cpu: watched.cpu,
        memory: watched.memory,
        last_end: since(last_end).unwrap_or_default(),
        last_begin: since(last_begin).unwrap_or_default(),
        length: length(plan, ended.lasted, cut_short),
        ledger: field.chain.as_ref().map_or("none", |chain| &chain.told),
        at_rest: driven.at_rest,
        patience: field.patience,
        facilitator: figures::read(field, head, totals.settled).await?,
        mined,
        crowd: watched.crowd.as_ref(),
    };
    let report = result::report(measured);
    Ok(Ran {
        report,
        held: match plan.kind {
            LoadKind::Paid => audit.judge(&rules),
            LoadKind::Verify | LoadKind::Settle => audit.judge_facilitator(plan.kind, &rules),
            LoadKind::Unpaid => Vec::new(),
        },
        totals,
        payments,
        payments_left_out,
        at_rest: driven.at_rest,
        strays: rules.strays,
        interrupted: field.cancel.is_cancelled(),
        trouble: watched.crowd.and_then(|crowd| crowd.trouble),
    })
}

/// What counts as what at this target.
fn rules(field: &Field<'_>, work: &Work, at_rest: bool, strays: u64) -> Rules {
    Rules {
        // A facilitator may answer the same success as often as it is asked.
        idempotent: field.profile.idempotent_replay || field.facilitator.is_some(),
        upfront: field.profile.flow == crate::config::profile::Flow::Upfront,
        at_rest,
        strays,
        measured_from_us: u64::try_from(work.warm_up.as_micros()).unwrap_or(u64::MAX),
    }
}

/// What was run of the schedule, warm-up left out.
fn length(plan: &LoadPlan, lasted: Duration, cut_short: bool) -> Duration {
    let planned = plan.pace.duration();
    match cut_short {
        true => planned.min(lasted.saturating_sub(plan.warm_up)),
        false => planned,
    }
}

/// What every shard is told.
async fn work(field: &Field<'_>, plan: &LoadPlan) -> Result<Work, LoadError> {
    let (url, template, desk) = match field.facilitator {
        None => {
            let route = field.profile.routes.first();
            let route =
                route.ok_or_else(|| LoadError::Usage("the profile names no route".to_owned()))?;
            let url = field.profile.url_of(route.request_path(), field.port);
            let url = url.ok_or_else(|| LoadError::Usage("the target has no URL".to_owned()))?;
            let template = template(field.profile, route, &url)?;
            (url, template, None)
        }
        Some(at) => {
            let url = at.call_url(plan.kind);
            let desk = at.desk(field.version).map_err(LoadError::Usage)?;
            let template = calls(field.profile, at, &url)?;
            (url, template, Some(desk))
        }
    };
    let shards = match plan.pace {
        // All of them are in one process, which is as good as one shard.
        Pace::Users(_) => 1,
        Pace::Open(_) | Pace::Closed(_) => engine::shards(),
    };
    let (schedule, length) = schedule(plan);
    Ok(Work {
        kind: plan.kind,
        peer: peer(field.profile, &url).await?,
        template,
        desk,
        version: field.version,
        chain_id: field.chain.as_ref().map(|chain| chain.id),
        schedule,
        length,
        warm_up: plan.warm_up,
        mix: plan.mix.clone(),
        seed: plan.seed,
        timeout: plan.timeout,
        grace: plan.timeout,
        queue: plan.queue.div_ceil(shards),
        at_once: plan.connections.at_once().div_ceil(shards),
        per_payment: matches!(plan.connections, super::Connections::PerPayment { .. }),
        payers: field.payers.iter().cloned().map(LoadPayer::new).collect(),
        ahead: plan.signing == Signing::Ahead,
        clock_ahead_s: clock_ahead(field).await?,
        marker: field.profile.origin.marker.clone(),
        shards,
    })
}

/// The schedule with its warm-up in front, and how long all of it is.
fn schedule(plan: &LoadPlan) -> (Option<Schedule>, Duration) {
    let length = plan.warm_up + plan.pace.duration();
    let Pace::Open(arrivals) = &plan.pace else {
        return (None, length);
    };
    let warm = Stretch {
        length: plan.warm_up,
        from: arrivals.first_rate(),
        to: arrivals.first_rate(),
    };
    let warm = (!plan.warm_up.is_zero()).then_some(warm);
    let stretches = arrivals.segments().into_iter().map(|segment| Stretch {
        length: segment.duration,
        from: segment.from,
        to: segment.to,
    });
    let stretches: Vec<Stretch> = warm.into_iter().chain(stretches).collect();
    let spacing = match arrivals.is_random() {
        true => Spacing::Poisson(plan.seed),
        false => Spacing::Even,
    };
    (Some(Schedule::new(&stretches, spacing)), length)
}

async fn peer(profile: &TargetProfile, url: &url::Url) -> Result<Peer, LoadError> {
    let usage = |why: String| LoadError::Usage(why);
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let port = url.port_or_known_default().unwrap_or(80);
    let mut found = tokio::net::lookup_host((bare, port))
        .await
        .map_err(|error| usage(format!("{host}: {error}")))?;
    let addr = found
        .next()
        .ok_or_else(|| usage(format!("{host} has no address")))?;
    let tls = match url.scheme() {
        "https" => {
            let config = client_config(profile.tls.ca.as_deref(), profile.tls.insecure)
                .map_err(|error| usage(error.to_string()))?;
            Some(tls(config, host).map_err(usage)?)
        }
        _ => None,
    };
    Ok(Peer { addr, tls })
}

fn template(
    profile: &TargetProfile,
    route: &crate::config::profile::Route,
    url: &url::Url,
) -> Result<Template, LoadError> {
    let headers = profile.headers.iter().chain(&route.headers);
    Ok(Template {
        method: route.method.clone(),
        body: route.body.clone().unwrap_or_default().into(),
        ..bare(url, headers)?
    })
}

/// What every call of a facilitator has in common.
fn calls(
    profile: &TargetProfile,
    at: &AtFacilitator,
    url: &url::Url,
) -> Result<Template, LoadError> {
    let mut template = bare(url, profile.headers.iter().chain(&at.headers))?;
    template.method = http::Method::POST;
    let json = HeaderValue::from_static("application/json");
    template.headers.insert(http::header::CONTENT_TYPE, json);
    Ok(template)
}

/// A request for nothing, at a URL.
fn bare<'h>(
    url: &url::Url,
    named: impl Iterator<Item = &'h crate::config::profile::Header>,
) -> Result<Template, LoadError> {
    let usage =
        |what: &str, why: &dyn std::fmt::Display| LoadError::Usage(format!("{what}: {why}"));
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let mut headers = HeaderMap::new();
    let authority = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
        None => url.host_str().unwrap_or_default().to_owned(),
    };
    let host = HeaderValue::try_from(authority).map_err(|error| usage("the URL's host", &error))?;
    headers.insert(HOST, host);
    for header in named {
        let name = HeaderName::try_from(header.name.to_string())
            .map_err(|error| usage("a header's name", &error))?;
        let value = HeaderValue::try_from(header.value.expose())
            .map_err(|error| usage("a header's value", &error))?;
        headers.append(name, value);
    }
    Ok(Template {
        method: http::Method::GET,
        uri: Uri::try_from(target).map_err(|error| usage("the URL's path", &error))?,
        headers,
        body: bytes::Bytes::new(),
    })
}

async fn clock_ahead(field: &Field<'_>) -> Result<i64, LoadError> {
    let Some(chain) = &field.chain else {
        return Ok(0);
    };
    let chain_s = field.control.chain_time(chain.id).await?;
    let now_s = crate::http::now_us() / 1_000_000;
    Ok(i64::try_from(chain_s)
        .unwrap_or(i64::MAX)
        .saturating_sub_unsigned(now_s))
}

/// Runs the engine, and watches.
async fn drive(
    field: &Field<'_>,
    plan: &LoadPlan,
    work: Arc<Work>,
) -> Result<(Ended, Watched), LoadError> {
    let cpu_before = cpu::used();
    let seconds = work.length.as_secs() + 1;
    let mut watched = Watched {
        series: Series::new(work.shards, seconds, plan.warm_up.as_secs_f64()),
        cpu: Used::new(),
        memory: Footprint::new(seconds),
        crowd: None,
    };
    let mut cpu_after = cpu_before.clone();
    let on_tick = |tick| {
        let Some(second) = watched.series.take(tick) else {
            return;
        };
        let line = live_line(&second, watched.series.all(), plan.kind);
        field.progress.load(second.second, &line);
        cpu_after = cpu::used();
        watched
            .memory
            .look(second.second, watched.series.all().sent);
    };
    let stop = field.cancel.clone();
    let (ended, crowd) = match &plan.pace {
        Pace::Users(users) => {
            let task = task(field, plan, users, work.clock_ahead_s)?;
            let (ended, crowd) = crowd::run(&task, field.guard, stop, on_tick).await?;
            (ended, Some(crowd))
        }
        Pace::Open(_) | Pace::Closed(_) => (engine::run(work, stop, on_tick).await?, None),
    };
    watched.crowd = crowd;
    // The engine's own threads are gone: what they used is in their own records.
    watched.cpu = spent(&cpu_before, &cpu_after, &ended);
    if field.stranger().is_some() {
        watched.cpu = cpu::under_test(watched.cpu);
    }
    Ok((ended, watched))
}

fn task(
    field: &Field<'_>,
    plan: &LoadPlan,
    users: &super::Users,
    clock_ahead_s: i64,
) -> Result<crowd::Task, LoadError> {
    let place = crowd::Place {
        profile: field.profile,
        port: field.port,
        version: field.version,
        chain_id: field.chain.as_ref().map(|chain| chain.id),
        keys: field.payers,
        clock_ahead_s,
    };
    crowd::task(&place, plan, users)
        .ok_or_else(|| LoadError::Usage("the target has no URL, or names no route".to_owned()))
}

/// CPU time of each part over the load.
fn spent(before: &Used, after: &Used, ended: &Ended) -> Used {
    let mut spent: Used = after
        .iter()
        .map(|(side, used)| {
            let before = before.get(side).copied().unwrap_or_default();
            (*side, used.saturating_sub(before))
        })
        .collect();
    if !spent.is_empty() {
        let own = ended.shards.iter().filter_map(|shard| shard.cpu).sum();
        spent.insert(cpu::Side::Generator, own);
    }
    spent
}

fn live_line(second: &Second, all: &super::tally::Counts, kind: LoadKind) -> String {
    let what = match kind {
        LoadKind::Paid => "sales",
        LoadKind::Settle => "settlements",
        LoadKind::Unpaid | LoadKind::Verify => "answers",
    };
    let ms = |us: u64| Duration::from_micros(us);
    format!(
        "{:>4} s  {}/s due  {} {what}/s  p50 {:?}  p99 {:?}  {} in flight  {} errors  {} dropped",
        second.second,
        second.counts.due,
        second.counts.good,
        ms(second.p50_us),
        ms(second.p99_us),
        second.in_flight,
        all.errors,
        all.dropped
    )
}

/// Waits until no call is open and every settlement is mined; what the facilitator counted, and whether that came true.
async fn at_rest(field: &Field<'_>, mut tally: CallTally) -> Result<(CallTally, bool), LoadError> {
    field
        .progress
        .stage("waiting for everything to come to rest");
    let deadline = Instant::now() + field.patience;
    if let Some((at, chain)) = field.stranger() {
        let rested = figures::at_rest(field.control, at, chain, deadline).await?;
        return Ok((tally, rested));
    }
    loop {
        let decided = tally.mined + tally.reverted;
        if tally.open == 0 && decided >= tally.broadcast {
            return Ok((tally, true));
        }
        if Instant::now() >= deadline {
            return Ok((tally, false));
        }
        tokio::time::sleep(REST_POLL).await;
        tally = field.control.call_tally().await?;
    }
}

/// Reads all of the ledger after a block, page by page.
async fn read_ledger(
    control: &ControlClient,
    chain_id: u64,
    after: u64,
    audit: &mut Audit<'_>,
) -> Result<(), LoadError> {
    let (mut from, mut blocks) = (after + 1, PAGE_BLOCKS);
    loop {
        let to = from.saturating_add(blocks - 1);
        let page = control.records_between(chain_id, (from, to)).await?;
        audit.read(&page.records);
        if to >= page.head {
            return Ok(());
        }
        from = to + 1;
        blocks = match page.records.len() {
            few if few < PAGE_RECORDS / 2 => (blocks * 2).min(PAGE_BLOCKS_MAX),
            many if many > PAGE_RECORDS * 2 => (blocks / 2).max(1),
            _ => blocks,
        };
    }
}

/// The origin's counter of its paid handler's runs, if it has one and answers.
async fn executions(field: &Field<'_>) -> Option<u64> {
    let path = field.profile.origin.executions.as_ref()?;
    let url = field.profile.url_of(path, field.port)?;
    let options = crate::http::ProbeClientOptions {
        extra_ca: field.profile.tls.ca.clone(),
        insecure: field.profile.tls.insecure,
        ..crate::http::ProbeClientOptions::default()
    };
    let client = crate::http::ProbeClient::new(options).ok()?;
    let exchange = client.send(crate::http::Request::get(url)).await;
    let answer: BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(&exchange.response()?.body).ok()?;
    answer.get("count")?.as_u64()
}

/// Payments for the history: those with something wrong before others, as many as are kept.
fn payments(audit: &Audit<'_>, addresses: &[Address]) -> (Vec<LoadPayment>, usize) {
    let odd = |grants: u8, transfers: u8, honest: bool| (grants, transfers) != (1, 1) && honest;
    let total = audit.rows().count();
    let kept = |wanted: bool| {
        audit.rows().filter(move |(sale, transfers, _)| {
            odd(sale.grants, *transfers, sale.is_honest()) == wanted
        })
    };
    let payments: Vec<LoadPayment> = kept(true)
        .chain(kept(false))
        .take(PAYMENTS_MAX)
        .map(|(sale, transfers, transaction)| LoadPayment {
            payer: addresses
                .get(usize::from(sale.payer))
                .copied()
                .unwrap_or_default(),
            nonce: sale.nonce,
            part: sale.part.word().to_owned(),
            due_us: sale.due_us,
            sent_us: sale.sent_us,
            done_us: (sale.done_us > 0).then_some(sale.done_us),
            status: (sale.status > 0).then_some(sale.status),
            sent: sale.sent,
            grants: sale.grants,
            transfers,
            transaction: (!transaction.is_zero()).then_some(transaction),
        })
        .collect();
    let left_out = total - payments.len();
    (payments, left_out)
}
