//! What all virtual users of the process share: the task, the clock, the counters, and the way to the bench.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use x402_assay_reports::model::load::LoadPhase;

use super::order::Order;
use super::wire::{Done, Ends, Event, Hdr, Signed, Sold, Terms, Tick};
use crate::load::quote::Asked;
use crate::load::tally::{Counts, Outcome, Tally};
use crate::load::times::{Times, record, times};
use crate::load::users::Journey;
use crate::os;

/// Classes that one interval tells apart.
const INTERVAL_CLASSES_MAX: usize = 64;

pub(super) struct Shop {
    pub(super) order: Order,
    /// Nothing new begins any more.
    pub(super) over: CancellationToken,
    /// What is under way ends now.
    pub(super) hard: CancellationToken,
    /// The bench wants the end.
    pub(super) stop: CancellationToken,
    origin: OnceLock<Instant>,
    arrived: AtomicUsize,
    state: Mutex<State>,
}

struct State {
    out: File,
    all: Counts,
    times: Times,
    classes: BTreeMap<String, u64>,
    tally: Tally,
    in_flight: u64,
    in_flight_high_water: u64,
    active: BTreeMap<&'static str, u64>,
    last_begin_us: Option<u64>,
    last_end_us: Option<u64>,
    asked: Vec<Asked>,
    signed: u32,
    repeated: u64,
}

/// One journey on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visit {
    pub(super) of: &'static str,
    pub(super) begun: Instant,
    /// It is not measured.
    pub(super) warm: bool,
    /// It is to buy.
    pub(super) pays: bool,
}

impl Shop {
    pub(super) fn new(order: Order, out: File) -> Self {
        Self {
            order,
            over: CancellationToken::new(),
            hard: CancellationToken::new(),
            stop: CancellationToken::new(),
            origin: OnceLock::new(),
            arrived: AtomicUsize::new(0),
            state: Mutex::new(State {
                out,
                all: Counts::default(),
                times: times(),
                classes: BTreeMap::new(),
                tally: Tally::default(),
                in_flight: 0,
                in_flight_high_water: 0,
                active: BTreeMap::new(),
                last_begin_us: None,
                last_end_us: None,
                asked: Vec::new(),
                signed: 0,
                repeated: 0,
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of a user that has come.
    pub(super) fn enter(&self) -> usize {
        self.arrived.fetch_add(1, Ordering::SeqCst)
    }

    /// Every user is there: the clock starts.
    pub(super) fn begin(&self) {
        self.origin.get_or_init(|| {
            let now = Instant::now();
            let users = self.order.keys.len();
            self.tell(&mut self.lock(), &Event::Begun { users });
            now
        });
    }

    /// When the clock was started.
    pub(super) fn origin(&self) -> Option<Instant> {
        self.origin.get().copied()
    }

    fn since_origin(&self, at: Instant) -> u64 {
        let since = self
            .origin()
            .map(|origin| at.saturating_duration_since(origin));
        u64::try_from(since.unwrap_or_default().as_micros()).unwrap_or(u64::MAX)
    }

    /// Writes a line at once. A bench that no longer reads is gone: then everything ends.
    fn tell(&self, state: &mut State, event: &Event) {
        let written = serde_json::to_vec(event)
            .map_err(std::io::Error::other)
            .and_then(|mut line| {
                line.push(b'\n');
                state.out.write_all(&line)
            });
        if written.is_err() {
            self.stop.cancel();
            self.hard.cancel();
        }
    }

    /// Tells the bench why it goes no further.
    pub(super) fn fail(&self, why: &str) {
        let why = why.to_owned();
        self.tell(&mut self.lock(), &Event::Failed { why });
        self.stop.cancel();
    }

    /// A journey begins.
    pub(super) fn depart(&self, journey: Journey) -> Visit {
        let of = journey.word();
        let begun = Instant::now();
        let at = self.since_origin(begun);
        let warm = Duration::from_micros(at) < self.order.warm_up;
        let mut state = self.lock();
        state.count(warm, |counts| {
            counts.due += 1;
            counts.sent += 1;
        });
        state.in_flight += 1;
        state.in_flight_high_water = state.in_flight_high_water.max(state.in_flight);
        *state.active.entry(of).or_default() += 1;
        if !warm {
            state.last_begin_us = Some(at);
        }
        Visit {
            of,
            begun,
            warm,
            pays: matches!(journey, Journey::Pay | Journey::Retry),
        }
    }

    /// A journey ended.
    pub(super) fn arrive(&self, visit: &Visit, outcome: &Outcome) {
        let now = Instant::now();
        let whole = now - visit.begun;
        let at = self.since_origin(now);
        let mut state = self.lock();
        state.in_flight = state.in_flight.saturating_sub(1);
        if let Some(active) = state.active.get_mut(visit.of) {
            *active = active.saturating_sub(1);
        }
        state.count(visit.warm, |counts| counts.completed += 1);
        outcome.enter(&mut state.all);
        record(&mut state.times, whole);
        if let Some(count) = state.classes.get_mut(outcome.class.as_ref()) {
            *count += 1;
        } else if state.classes.len() < INTERVAL_CLASSES_MAX {
            state.classes.insert(outcome.class.to_string(), 1);
        }
        if !visit.warm {
            // Times of payments: who only looks is faster, and would make them look better.
            if visit.pays {
                state.tally.phase(LoadPhase::WholeFromDue, whole);
                state.tally.phase(LoadPhase::WholeFromSend, whole);
            }
            state.tally.outcome(outcome, whole);
            state.last_end_us = Some(at);
        }
    }

    pub(super) fn count(&self, visit: &Visit, add: impl Fn(&mut Counts)) {
        self.lock().count(visit.warm, add);
    }

    pub(super) fn phase(&self, visit: &Visit, phase: LoadPhase, elapsed: Duration) {
        if !visit.warm {
            self.lock().tally.phase(phase, elapsed);
        }
    }

    /// A payment was sent again.
    pub(super) fn repeat(&self) {
        self.lock().repeated += 1;
    }

    /// Tells the bench of an authorization, before anybody else can see it; gives its number. `None` where more terms
    /// were offered than are told apart.
    pub(super) fn signed(
        &self,
        visit: &Visit,
        asked: Asked,
        nonce: alloy_primitives::B256,
        (payer, sent): (u16, u8),
    ) -> Option<u32> {
        let (due_us, sent_us) = (
            self.since_origin(visit.begun),
            self.since_origin(Instant::now()),
        );
        let mut state = self.lock();
        let known = state.asked.iter().rposition(|known| *known == asked);
        let terms = match known {
            Some(place) => u16::try_from(place).ok()?,
            None => {
                let number = u16::try_from(state.asked.len()).ok()?;
                let terms = Event::Terms(Terms {
                    number,
                    chain_id: asked.chain_id,
                    asset: asked.asset,
                    pay_to: asked.pay_to,
                    amount: asked.amount,
                });
                self.tell(&mut state, &terms);
                state.asked.push(asked);
                number
            }
        };
        let number = state.signed;
        state.signed += 1;
        let signed = Event::Signed(Signed {
            number,
            nonce,
            payer,
            terms,
            journey: visit.of.to_owned(),
            due_us,
            sent_us,
            sent,
        });
        self.tell(&mut state, &signed);
        Some(number)
    }

    /// Tells what came of an authorization by now.
    pub(super) fn sold(&self, mut sold: Sold, done_at: Option<Instant>) {
        sold.done_us = done_at.map_or(0, |at| self.since_origin(at).max(1));
        self.tell(&mut self.lock(), &Event::Sold(sold));
    }

    /// Tells what came since the tick before.
    pub(super) fn tick(&self, second: u64) {
        let mut state = self.lock();
        let tally = std::mem::take(&mut state.tally);
        let hdr = |phase: &LoadPhase| Some((*phase, Hdr::of(tally.times_of(*phase)?)));
        let outcomes = tally.outcomes.iter().flat_map(|(of, classes)| {
            classes.iter().map(|(class, ends)| Ends {
                of: (*of).to_owned(),
                class: class.clone(),
                meant: ends.meant,
                times: Hdr::of(&ends.times),
            })
        });
        let tick = Tick {
            second,
            all: std::mem::take(&mut state.all),
            times: Hdr::of(&state.times),
            classes: std::mem::take(&mut state.classes),
            in_flight: state.in_flight,
            measured: tally.counts,
            phases: LoadPhase::ALL.iter().filter_map(hdr).collect(),
            outcomes: outcomes.collect(),
            in_flight_high_water: state.in_flight_high_water,
            cpu_us: cpu_us(),
        };
        state.times.reset();
        self.tell(&mut state, &Event::Tick(Box::new(tick)));
    }

    /// Tells the end. Journeys that never ended are counted as such first.
    pub(super) fn done(&self, second: u64) {
        let left: Vec<(&'static str, u64)> = {
            let state = self.lock();
            state.active.iter().map(|(of, left)| (*of, *left)).collect()
        };
        for (of, count) in left {
            for _ in 0..count {
                self.lock()
                    .tally
                    .outcome(&unfinished(of), self.order.timeout);
            }
        }
        self.tick(second);
        let mut state = self.lock();
        let done = Event::Done(Done {
            last_begin_us: state.last_begin_us,
            last_end_us: state.last_end_us,
            repeated: state.repeated,
        });
        self.tell(&mut state, &done);
    }
}

/// A journey that the end of the run cut off.
pub(super) fn unfinished(of: &'static str) -> Outcome {
    Outcome {
        of,
        class: x402_assay_reports::model::load::class::UNFINISHED.into(),
        meant: false,
        good: false,
    }
}

impl State {
    fn count(&mut self, warm: bool, add: impl Fn(&mut Counts)) {
        add(&mut self.all);
        if !warm {
            add(&mut self.tally.counts);
        }
    }
}

/// CPU time of this process so far, in microseconds; 0 where the system does not tell.
fn cpu_us() -> u64 {
    let used = os::process_cpu().unwrap_or_default();
    u64::try_from(used.as_micros()).unwrap_or(u64::MAX)
}
