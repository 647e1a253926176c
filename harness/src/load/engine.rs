//! The engine: one thread a core, each a shard of the schedule.

use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio::task::LocalSet;
use tokio_util::sync::CancellationToken;
use x402_assay_reports::model::load::LoadKind;

use super::journey;
use super::pacer;
use super::shard::{Arrival, Done, Shard, Tick, Work, of};

/// Most threads.
pub(super) const SHARDS_MAX: usize = 16;
/// Ticks that may wait to be read; the reader merges them at once.
const TICKS_MAX: usize = 4_096;
/// From the moment every shard is ready to the first arrival.
const HEAD_START: Duration = Duration::from_millis(20);
/// Wait for what is under way when the run was stopped by the user.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// The load could not be run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    /// The system gives no thread or runtime.
    #[error("a thread of the load could not start: {0}")]
    Thread(String),
    /// A shard could not get ready.
    #[error("{0}")]
    NotReady(String),
    /// A shard ended in a panic: a defect of the bench.
    #[error("a thread of the load broke off")]
    Broken,
}

/// What all shards left behind.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) origin: Instant,
    /// From there to the end of it all.
    pub(super) lasted: Duration,
    pub(super) shards: Vec<Done>,
}

/// Threads for a run: one a core.
pub(super) fn shards() -> usize {
    std::thread::available_parallelism()
        .map_or(1, std::num::NonZero::get)
        .min(SHARDS_MAX)
}

struct Thread {
    handle: JoinHandle<Result<Done, String>>,
    ready: oneshot::Receiver<Result<(), String>>,
    start: oneshot::Sender<Instant>,
}

/// Runs the work to its end, or until `stop`; `on_tick` is told of every second of every shard.
pub(super) async fn run(
    work: Arc<Work>,
    stop: CancellationToken,
    mut on_tick: impl FnMut(Tick),
) -> Result<Ended, EngineError> {
    let (ticks, mut ticked) = mpsc::channel(TICKS_MAX);
    let mut threads = Vec::with_capacity(work.shards);
    for number in 0..work.shards {
        threads.push(spawn(
            Arc::clone(&work),
            number,
            stop.clone(),
            ticks.clone(),
        )?);
    }
    drop(ticks);
    let mut starts = Vec::with_capacity(threads.len());
    let mut handles = Vec::with_capacity(threads.len());
    for thread in threads {
        match thread.ready.await {
            Ok(Ok(())) => {}
            Ok(Err(why)) => return Err(EngineError::NotReady(why)),
            Err(_) => return Err(EngineError::Broken),
        }
        starts.push(thread.start);
        handles.push(thread.handle);
    }
    let origin = Instant::now() + HEAD_START;
    for start in starts {
        // A thread that is gone shows when it is joined.
        let _ = start.send(origin);
    }
    while let Some(tick) = ticked.recv().await {
        on_tick(tick);
    }
    let lasted = origin.elapsed();
    let joined = tokio::task::spawn_blocking(move || {
        let joined = handles.into_iter().map(JoinHandle::join);
        joined.collect::<Vec<_>>()
    });
    let mut shards = Vec::new();
    for joined in joined.await.map_err(|_| EngineError::Broken)? {
        shards.push(
            joined
                .map_err(|_| EngineError::Broken)?
                .map_err(EngineError::NotReady)?,
        );
    }
    Ok(Ended {
        origin,
        lasted,
        shards,
    })
}

fn spawn(
    work: Arc<Work>,
    number: usize,
    stop: CancellationToken,
    ticks: mpsc::Sender<Tick>,
) -> Result<Thread, EngineError> {
    let (told_ready, ready) = oneshot::channel();
    let (start, started) = oneshot::channel();
    let body = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let shard = Rc::new(Shard::new(work, number, stop));
        let local = LocalSet::new();
        let ran = local.block_on(&runtime, course(&shard, told_ready, started, ticks));
        // What is still under way ends here.
        drop(local);
        ran.map(|()| shard.done())
    };
    let handle = std::thread::Builder::new()
        .name(format!("load-{number}"))
        .spawn(body)
        .map_err(|error| EngineError::Thread(error.to_string()))?;
    Ok(Thread {
        handle,
        ready,
        start,
    })
}

/// The life of a shard.
async fn course(
    shard: &Rc<Shard>,
    ready: oneshot::Sender<Result<(), String>>,
    started: oneshot::Receiver<Instant>,
    ticks: mpsc::Sender<Tick>,
) -> Result<(), String> {
    let prepared = prepare(shard).await;
    let failed = prepared.clone().err();
    let _ = ready.send(prepared);
    if let Some(why) = failed {
        return Err(why);
    }
    let Ok(origin) = started.await else {
        // Another shard could not get ready.
        return Ok(());
    };
    shard.origin.set(origin);
    let ticking = tokio::task::spawn_local(tick(Rc::clone(shard), ticks.clone()));
    tokio::time::sleep_until(origin.into()).await;
    match &shard.work.schedule {
        Some(schedule) => pacer::pace(shard, schedule).await,
        None => closed_loop(shard).await,
    }
    settle(shard).await;
    ticking.abort();
    let second = origin.elapsed().as_secs();
    let _ = ticks.send(shard.tick(second)).await;
    Ok(())
}

async fn prepare(shard: &Shard) -> Result<(), String> {
    let work = &shard.work;
    if !work.ahead || work.kind == LoadKind::Unpaid {
        return Ok(());
    }
    let expected = work.schedule.as_ref().map_or(0.0, |s| s.expected());
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a plan has at most a billion arrivals"
    )]
    let count = (expected.max(0.0) as usize).div_ceil(work.shards.max(1)) + 1;
    if count > AHEAD_MAX {
        return Err(format!(
            "{} payments would have to be signed ahead, and at most {} are kept: make the run shorter, or sign inline",
            count * work.shards,
            AHEAD_MAX * work.shards
        ));
    }
    journey::sign_ahead(shard, count).await
}

/// Payments one shard signs ahead at most: 60 MB of them.
const AHEAD_MAX: usize = 500_000;

async fn tick(shard: Rc<Shard>, ticks: mpsc::Sender<Tick>) {
    for second in 0.. {
        let end = shard.origin.get() + Duration::from_secs(second + 1);
        tokio::time::sleep_until(end.into()).await;
        if ticks.send(shard.tick(second)).await.is_err() {
            return;
        }
    }
}

/// Every connection sends its next request when the last one has ended.
async fn closed_loop(shard: &Rc<Shard>) {
    let end = shard.origin.get() + shard.work.length;
    let measured = shard.origin.get() + shard.work.warm_up;
    let mut users = Vec::with_capacity(shard.work.at_once);
    for number in 0..shard.work.at_once {
        let shard = Rc::clone(shard);
        users.push(tokio::task::spawn_local(async move {
            let mut turn = number as u64 * shard.work.shards as u64 + shard.number as u64;
            loop {
                let now = Instant::now();
                if now >= end || shard.stop.is_cancelled() {
                    return;
                }
                if let Some(pause) = shard.paused_until().filter(|until| *until > now) {
                    let until = pause.min(end);
                    tokio::select! {
                        () = tokio::time::sleep_until(until.into()) => {}
                        () = shard.stop.cancelled() => {}
                    }
                    continue;
                }
                let arrival = Arrival {
                    due: now,
                    part: pacer::part(&shard.work, turn),
                    warm: now < measured,
                };
                turn += (shard.work.at_once * shard.work.shards) as u64;
                shard.count(arrival.warm, |counts| counts.due += 1);
                shard.enter(of(shard.work.kind, arrival.part));
                journey::once(&shard, &arrival).await;
            }
        }));
    }
    for user in users {
        // One that broke off shows as an arrival that never ended.
        let _ = user.await;
    }
}

/// Waits for what is under way, within the run's grace.
async fn settle(shard: &Shard) {
    let idle = async {
        loop {
            let notified = shard.idle.notified();
            if shard.is_idle() {
                return;
            }
            notified.await;
        }
    };
    let stopped = async {
        shard.stop.cancelled().await;
        shard.drop_waiting();
        tokio::time::sleep(STOP_GRACE).await;
    };
    tokio::select! {
        () = idle => {}
        () = tokio::time::sleep(shard.work.grace) => {}
        () = stopped => {}
    }
}
