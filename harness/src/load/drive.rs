//! Driving a load, and watching it meanwhile.

use std::sync::Arc;
use std::time::Duration;

use x402_assay_reports::model::load::LoadKind;

use super::cpu::{self, Used};
use super::crowd::{self, Crowd};
use super::engine::{self, Ended};
use super::injecting::{Injected, Injecting};
use super::memory::Footprint;
use super::plan::{LoadPlan, Pace};
use super::run::{Field, LoadError};
use super::series::{Second, Series};
use super::shard::{Tick, Work};
use super::tally::Counts;
use super::users::Users;

/// What was watched while the load ran.
pub(super) struct Watched {
    pub(super) series: Series,
    pub(super) cpu: Used,
    pub(super) memory: Footprint,
    /// What only a load of virtual users knows.
    pub(super) crowd: Option<Crowd>,
    /// Faults of the plan.
    pub(super) injected: Vec<Injected>,
}

impl Watched {
    /// Not everything is known of it.
    pub(super) fn is_broken(&self) -> bool {
        let crowd = self.crowd.as_ref();
        crowd.is_some_and(|crowd| crowd.trouble.is_some())
    }
}

/// Runs the engine, and watches.
pub(super) async fn drive(
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
        injected: Vec::new(),
    };
    let mut injecting = Injecting::new(field, &plan.faults, plan.warm_up);
    let mut cpu_after = cpu_before.clone();
    let on_tick = |tick: Tick| {
        injecting.second(tick.second);
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
        Pace::Open(_) | Pace::Closed(_) => {
            let ended = engine::run(work, stop, on_tick).await;
            // Also when it broke off.
            watched.injected = injecting.finish().await;
            (ended?, None)
        }
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
    users: &Users,
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

fn live_line(second: &Second, all: &Counts, kind: LoadKind) -> String {
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
