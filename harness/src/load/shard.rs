//! One shard: a thread with its own runtime, connections, payers, counters and records. Nothing is shared on its way.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use x402_assay_protocol::Version;
use x402_assay_reports::model::load::{LoadKind, LoadPhase, class};

use super::connection::{Connection, Peer, Template};
use super::desk::Desk;
use super::payment::{LoadPayer, SignedNonce};
use super::quote::{Asked, Quote, Quotes};
use super::sale::{Sale, Sales};
use super::schedule::Schedule;
use super::tally::{Counts, Outcome, Tally};
use super::times::{Times, record, times};
use super::{Mix, Part};

/// Name of what an unpaid run sends.
pub(super) const UNPAID: &str = "unpaid";
/// Classes that one interval tells apart.
const INTERVAL_CLASSES_MAX: usize = 64;

/// What every shard is told.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) kind: LoadKind,
    pub(super) peer: Peer,
    pub(super) template: Template,
    /// Generation that is paid in.
    pub(super) version: Version,
    /// The only chain to pay on, if one was named.
    pub(super) chain_id: Option<u64>,
    /// What is sent when, warm-up first; none in a closed loop.
    pub(super) schedule: Option<Schedule>,
    /// How long it lasts, warm-up included.
    pub(super) length: Duration,
    /// Its beginning that is not measured.
    pub(super) warm_up: Duration,
    pub(super) mix: Mix,
    pub(super) seed: u64,
    /// Longest wait for one exchange.
    pub(super) timeout: Duration,
    /// Longest wait for what is under way when the schedule is over.
    pub(super) grace: Duration,
    /// Arrivals of one shard that may wait.
    pub(super) queue: usize,
    /// Journeys of one shard at one time.
    pub(super) at_once: usize,
    /// Every payment has a connection of its own.
    pub(super) per_payment: bool,
    /// The target may answer a payment that comes again with what it sold.
    pub(super) idempotent: bool,
    pub(super) payers: Vec<LoadPayer>,
    /// Payments are signed before the first request.
    pub(super) ahead: bool,
    /// How far the chain's clock is ahead of ours, in seconds.
    pub(super) clock_ahead_s: i64,
    /// Text that only a paid body holds.
    pub(super) marker: Option<String>,
    pub(super) shards: usize,
    /// What a facilitator is asked about; none on a server.
    pub(super) desk: Option<Desk>,
}

/// One arrival on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    pub(super) due: Instant,
    pub(super) part: Part,
    /// It is not measured.
    pub(super) warm: bool,
}

/// What a shard says of one second.
#[derive(Debug)]
pub(super) struct Tick {
    /// Which, from 0.
    pub(super) second: u64,
    pub(super) counts: Counts,
    pub(super) times: Times,
    pub(super) classes: BTreeMap<String, u64>,
    pub(super) in_flight: u64,
}

/// What a shard leaves behind.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) tally: Tally,
    pub(super) sales: Sales,
    pub(super) asked: Vec<Asked>,
    /// CPU time of the thread.
    pub(super) cpu: Option<Duration>,
    /// When the last measured journey ended.
    pub(super) last_end: Option<Instant>,
    /// When the last measured journey began.
    pub(super) last_begin: Option<Instant>,
}

/// The state of a shard.
#[derive(Debug)]
pub(super) struct Shard {
    pub(super) work: Arc<Work>,
    pub(super) number: usize,
    pub(super) origin: Cell<Instant>,
    pub(super) quotes: RefCell<Quotes>,
    pub(super) sales: RefCell<Sales>,
    pub(super) signed_ahead: RefCell<Vec<(u16, SignedNonce)>>,
    pub(super) quote_ahead: RefCell<Option<Rc<Quote>>>,
    pub(super) stop: CancellationToken,
    tally: RefCell<Tally>,
    interval: RefCell<Interval>,
    pool: RefCell<Vec<Connection>>,
    queue: RefCell<VecDeque<Arrival>>,
    /// Journeys under way, by what they send.
    active: RefCell<BTreeMap<&'static str, u64>>,
    active_count: Cell<u64>,
    next_payer: Cell<usize>,
    paused_until: Cell<Option<Instant>>,
    last_end: Cell<Option<Instant>>,
    pub(super) last_begin: Cell<Option<Instant>>,
    pub(super) idle: tokio::sync::Notify,
}

#[derive(Debug)]
struct Interval {
    /// Counters of everything, warm-up included.
    all: Counts,
    told: Counts,
    times: Times,
    classes: BTreeMap<String, u64>,
}

impl Shard {
    pub(super) fn new(work: Arc<Work>, number: usize, stop: CancellationToken) -> Self {
        let mut quotes = Quotes::new(work.version, work.chain_id);
        let desk = work.desk.as_ref();
        let made = desk.and_then(|desk| quotes.made(&desk.choice, &desk.resource));
        Self {
            quotes: RefCell::new(quotes),
            next_payer: Cell::new(number),
            work,
            number,
            origin: Cell::new(Instant::now()),
            sales: RefCell::default(),
            signed_ahead: RefCell::default(),
            quote_ahead: RefCell::new(made),
            stop,
            tally: RefCell::default(),
            interval: RefCell::new(Interval {
                all: Counts::default(),
                told: Counts::default(),
                times: times(),
                classes: BTreeMap::new(),
            }),
            pool: RefCell::default(),
            queue: RefCell::default(),
            active: RefCell::default(),
            active_count: Cell::new(0),
            paused_until: Cell::new(None),
            last_end: Cell::new(None),
            last_begin: Cell::new(None),
            idle: tokio::sync::Notify::new(),
        }
    }

    /// Counts something; warm-up stays out of what is measured.
    pub(super) fn count(&self, warm: bool, add: impl Fn(&mut Counts)) {
        add(&mut self.interval.borrow_mut().all);
        if !warm {
            add(&mut self.tally.borrow_mut().counts);
        }
    }

    /// Records a phase; warm-up stays out.
    pub(super) fn phase(&self, warm: bool, phase: LoadPhase, elapsed: Duration) {
        if !warm {
            self.tally.borrow_mut().phase(phase, elapsed);
        }
    }

    /// Takes an arrival that is due: begins it if `begin` does, lets it wait, or drops it. True where it is to begin.
    pub(super) fn admit(&self, arrival: Arrival, now: Instant) -> bool {
        self.count(arrival.warm, |counts| counts.due += 1);
        self.phase(
            arrival.warm,
            LoadPhase::DueToReleased,
            now.saturating_duration_since(arrival.due),
        );
        if self.is_paused(now) {
            self.count(arrival.warm, |counts| {
                counts.dropped += 1;
                counts.throttled += 1;
            });
            return false;
        }
        if self.active_count.get() < self.work.at_once as u64 {
            self.enter(of(self.work.kind, arrival.part));
            return true;
        }
        let mut queue = self.queue.borrow_mut();
        if queue.len() < self.work.queue {
            queue.push_back(arrival);
            let waiting = queue.len() as u64;
            let mut tally = self.tally.borrow_mut();
            tally.queue_high_water = tally.queue_high_water.max(waiting);
        } else {
            drop(queue);
            self.count(arrival.warm, |counts| counts.dropped += 1);
        }
        false
    }

    /// The next arrival that waits, in place of a journey that ended.
    pub(super) fn next_waiting(&self) -> Option<Arrival> {
        let next = self.queue.borrow_mut().pop_front()?;
        self.enter(of(self.work.kind, next.part));
        Some(next)
    }

    /// Arrivals that still wait will not be sent.
    pub(super) fn drop_waiting(&self) {
        let waiting: Vec<Arrival> = self.queue.borrow_mut().drain(..).collect();
        for arrival in waiting {
            self.count(arrival.warm, |counts| counts.dropped += 1);
        }
    }

    /// A journey begins.
    pub(super) fn enter(&self, of: &'static str) {
        *self.active.borrow_mut().entry(of).or_default() += 1;
        let active = self.active_count.get() + 1;
        self.active_count.set(active);
        let mut tally = self.tally.borrow_mut();
        tally.in_flight_high_water = tally.in_flight_high_water.max(active);
    }

    /// A journey ended.
    pub(super) fn leave(&self, arrival: &Arrival, outcome: &Outcome, begun: Instant) {
        let now = Instant::now();
        let response = now.saturating_duration_since(arrival.due);
        let warm = arrival.warm;
        self.phase(warm, LoadPhase::WholeFromDue, response);
        self.phase(warm, LoadPhase::WholeFromSend, now - begun);
        self.count(warm, |counts| counts.completed += 1);
        if !warm {
            self.tally.borrow_mut().outcome(outcome, response);
            self.last_end.set(Some(now));
        }
        {
            let mut interval = self.interval.borrow_mut();
            outcome.enter(&mut interval.all);
            record(&mut interval.times, response);
            if let Some(count) = interval.classes.get_mut(outcome.class.as_ref()) {
                *count += 1;
            } else if interval.classes.len() < INTERVAL_CLASSES_MAX {
                interval.classes.insert(outcome.class.to_string(), 1);
            }
        }
        if let Some(count) = self.active.borrow_mut().get_mut(outcome.of) {
            *count -= 1;
        }
        let active = self.active_count.get() - 1;
        self.active_count.set(active);
        if active == 0 {
            self.idle.notify_waiters();
        }
    }

    /// Journeys under way, and arrivals that wait.
    pub(super) fn is_idle(&self) -> bool {
        self.active_count.get() == 0 && self.queue.borrow().is_empty()
    }

    /// Connections that wait for a request, the one used last first.
    pub(super) fn take_pooled(&self) -> Option<Connection> {
        let mut pool = self.pool.borrow_mut();
        while let Some(mut connection) = pool.pop() {
            if connection.is_open() {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps a connection for the next request.
    pub(super) fn give_back(&self, mut connection: Connection) {
        let mut pool = self.pool.borrow_mut();
        // Duplicates need a second one each.
        if connection.is_open() && pool.len() < self.work.at_once * 2 {
            pool.push(connection);
        }
    }

    /// The payer whose turn it is: its number in the run.
    pub(super) fn next_payer(&self) -> usize {
        let payer = self.next_payer.get() % self.work.payers.len().max(1);
        self.next_payer.set(payer + self.work.shards);
        payer
    }

    /// The target asked for a pause.
    pub(super) fn pause(&self, how_long: Duration) {
        let until = Instant::now() + how_long;
        let later = self.paused_until.get().is_none_or(|old| old < until);
        if later {
            self.paused_until.set(Some(until));
        }
    }

    /// When a pause is over that the target asked for.
    pub(super) fn paused_until(&self) -> Option<Instant> {
        self.paused_until.get()
    }

    fn is_paused(&self, now: Instant) -> bool {
        self.paused_until.get().is_some_and(|until| now < until)
    }

    /// Adds a record of an authorization and gives its place.
    pub(super) fn sold(&self, sale: Sale) -> usize {
        self.sales.borrow_mut().push(sale)
    }

    /// Changes the record at a place.
    pub(super) fn with_sale(&self, place: usize, change: impl FnOnce(&mut Sale)) {
        if let Some(sale) = self.sales.borrow_mut().get_mut(place) {
            change(sale);
        }
    }

    /// Microseconds from the origin.
    pub(super) fn since_origin(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.origin.get());
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    }

    /// What happened since the last tick.
    pub(super) fn tick(&self, second: u64) -> Tick {
        let mut interval = self.interval.borrow_mut();
        let counts = interval.all.since(&interval.told);
        interval.told = interval.all;
        Tick {
            second,
            counts,
            times: std::mem::replace(&mut interval.times, times()),
            classes: std::mem::take(&mut interval.classes),
            in_flight: self.active_count.get(),
        }
    }

    /// What it leaves behind; journeys still under way are counted as unfinished.
    pub(super) fn done(&self) -> Done {
        self.drop_waiting();
        let mut tally = self.tally.take();
        let left: Vec<(&'static str, u64)> = self.active.borrow_mut().clone().into_iter().collect();
        for (of, count) in left {
            let outcome = Outcome {
                of,
                class: class::UNFINISHED.into(),
                meant: false,
                good: false,
            };
            for _ in 0..count {
                tally.outcome(&outcome, self.work.grace);
            }
        }
        let quotes = self.quotes.replace(Quotes::new(self.work.version, None));
        Done {
            tally,
            sales: self.sales.take(),
            asked: quotes.into_asked(),
            cpu: crate::os::thread_cpu(),
            last_end: self.last_end.get(),
            last_begin: self.last_begin.get(),
        }
    }
}

/// What an arrival sends, as outcomes name it.
pub(super) const fn of(kind: LoadKind, part: Part) -> &'static str {
    match kind {
        LoadKind::Paid => part.word(),
        LoadKind::Unpaid => UNPAID,
        LoadKind::Verify | LoadKind::Settle => match part {
            Part::Buy => kind.word(),
            part => part.word(),
        },
    }
}
