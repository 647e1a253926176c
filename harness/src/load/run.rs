//! One load: the engine on a target, what the facilitator counted meanwhile, and the ledger at rest.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_primitives::Address;
use tokio_util::sync::CancellationToken;
use x402_assay_protocol::{PayerKey, Version};
use x402_assay_reports::model::load::{LoadKind, LoadReport};
use x402_mock_facilitator::{CallTally, Recording};

use super::aim::work;
use super::audit::{Audit, Held, Rules, ShardBooks, Totals};
use super::blocks::BlockWatch;
use super::desk::AtFacilitator;
use super::drive::{Watched, drive};
use super::engine::{Ended, EngineError};
use super::figures;
use super::kept::{PAYMENTS_MAX, payments};
use super::plan::LoadPlan;
use super::recovery;
use super::rest::{at_rest, executions, read_ledger};
use super::result::{self, Measured};
use super::shard::Work;
use super::tally::Tally;
use crate::config::TargetProfile;
use crate::config::profile::Flow;
use crate::guard::GuardError;
use crate::history::LoadPayment;
use crate::runner::Progress;
use crate::service::{ControlClient, ControlError};

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
    /// It mines a block every so many milliseconds; one for each transaction when that is zero.
    pub(crate) block_ms: u64,
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
        self.report.books = result::books(&self.totals);
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
    let executed = executions(field).await;
    field.control.record(Recording::Light).await?;
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
    let full = field.control.record(Recording::Full).await;
    let ((ended, watched), (calls, at_rest)) = ran?;
    full?;
    let runs = match executed {
        Some(before) => executions(field)
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

async fn conclude(
    field: &Field<'_>,
    plan: &LoadPlan,
    (work, head): (&Work, u64),
    driven: Driven,
) -> Result<Ran, LoadError> {
    let Driven { ended, watched, .. } = driven;
    let origin = ended.origin;
    let (mut tally, mut books) = (Tally::default(), Vec::new());
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
        block_ms: field.chain.as_ref().map_or(0, |chain| chain.block_ms),
        at_rest: driven.at_rest,
        patience: field.patience,
        facilitator: figures::read(field, head, totals.settled).await?,
        mined,
        crowd: watched.crowd.as_ref(),
    };
    let mut report = result::report(measured);
    report.recovery = recovery::of(&watched.injected, origin, plan.warm_up, &report.series);
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
        upfront: field.profile.flow == Flow::Upfront,
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
