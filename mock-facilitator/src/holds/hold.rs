//! One hold at work.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::spec::{HoldSpec, HoldView, Point, Release, RoundView, WAIT_MAX_MS};
use crate::event::{AuthorizationKey, CallStep, Endpoint, ReleaseCause};
use crate::faults::draw::Draw;
use crate::log::EventLog;

/// Most rounds remembered.
const ROUNDS_KEPT: usize = 64;

/// A hold that is on.
#[derive(Debug)]
pub(crate) struct Hold {
    spec: HoldSpec,
    seed: u64,
    seen: AtomicU64,
    group: Mutex<Group>,
}

#[derive(Debug, Default)]
struct Group {
    parked: Vec<Parked>,
    /// When the first and the last of them came.
    times: Option<(Instant, Instant)>,
    /// Rounds that are over.
    rounds: u32,
    kept: VecDeque<RoundView>,
    /// True when calls pass.
    over: bool,
}

#[derive(Debug)]
struct Parked {
    call: u64,
    go: oneshot::Sender<Ticket>,
}

/// What a released call is told.
#[derive(Debug)]
struct Ticket {
    position: u32,
    of: u32,
    cause: ReleaseCause,
    turn: Option<oneshot::Sender<()>>,
}

/// A call's turn in an order: the next one goes when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    /// Dropping the sender is the signal.
    _next: Option<oneshot::Sender<()>>,
}

impl Group {
    fn keep(&mut self, round: RoundView) {
        if self.kept.len() >= ROUNDS_KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(round);
    }
}

impl Hold {
    pub(crate) fn new(spec: HoldSpec, seed: u64) -> Self {
        Self {
            seed: spec.seed.unwrap_or(seed),
            spec,
            seen: AtomicU64::new(0),
            group: Mutex::default(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.spec.name
    }

    pub(crate) const fn point(&self) -> Point {
        self.spec.at
    }

    pub(crate) fn view(&self) -> HoldView {
        let group = self.lock();
        HoldView {
            hold: self.spec.clone(),
            seed: self.seed,
            parked: group.parked.iter().map(|parked| parked.call).collect(),
            rounds: group.kept.iter().cloned().collect(),
            over: group.over,
        }
    }

    /// True when the call belongs here; counts it.
    pub(crate) fn chooses(&self, endpoint: Endpoint, key: Option<&AuthorizationKey>) -> bool {
        let rule = &self.spec.matching;
        if endpoint != self.spec.endpoint || !rule.meets(endpoint, key) {
            return false;
        }
        let position = self.seen.fetch_add(1, Ordering::Relaxed) + 1;
        rule.nth.as_ref().is_none_or(|nth| nth.contains(position))
            && rule
                .probability
                .is_none_or(|p| Draw::new(self.seed, "hold", position).chance(p))
    }

    /// Waits for the release; `None` when the hold lets calls pass.
    pub(crate) async fn park(self: &Arc<Self>, call: u64, log: &EventLog) -> Option<Turn> {
        let ticket = self.enter(call, log)?;
        // A lost sender can only mean that the hold is gone: the call goes on.
        let ticket = ticket.await.unwrap_or(Ticket {
            position: 1,
            of: 1,
            cause: ReleaseCause::Removed,
            turn: None,
        });
        log.append(
            call,
            CallStep::Released {
                hold: self.spec.name.clone(),
                position: ticket.position,
                of: ticket.of,
                cause: ticket.cause,
            },
        );
        Some(Turn { _next: ticket.turn })
    }

    /// Takes a place; the call that fills the group releases it.
    fn enter(self: &Arc<Self>, call: u64, log: &EventLog) -> Option<oneshot::Receiver<Ticket>> {
        let mut group = self.lock();
        if group.over {
            return None;
        }
        let now = Instant::now();
        let first = group.times.map_or(now, |(first, _)| first);
        group.times = Some((first, now));
        // Logged under the lock, so that the log shows the order in which they came.
        log.append(
            call,
            CallStep::Held {
                hold: self.spec.name.clone(),
            },
        );
        let (go, ticket) = oneshot::channel();
        group.parked.push(Parked { call, go });
        if group.parked.len() >= self.spec.count {
            self.release(&mut group, ReleaseCause::Count);
        } else if group.parked.len() == 1 {
            tokio::spawn(Arc::clone(self).watch(group.rounds));
        }
        Some(ticket)
    }

    /// Releases a round that does not fill in time.
    async fn watch(self: Arc<Self>, round: u32) {
        loop {
            let deadline = {
                let mut group = self.lock();
                let Some((first, last)) = group.times.filter(|_| group.rounds == round) else {
                    return;
                };
                let quiet = last + Duration::from_millis(self.spec.or_quiet_ms);
                let longest = first + Duration::from_millis(self.spec.max_wait_ms);
                let now = Instant::now();
                if now >= quiet {
                    self.release(&mut group, ReleaseCause::Quiet);
                    return;
                }
                if now >= longest {
                    self.release(&mut group, ReleaseCause::Deadline);
                    return;
                }
                quiet.min(longest)
            };
            tokio::time::sleep_until(deadline).await;
        }
    }

    /// Ends the hold: whoever is in it goes, and nobody else is held.
    pub(crate) fn end(&self) -> HoldView {
        {
            let mut group = self.lock();
            if !group.parked.is_empty() {
                self.release(&mut group, ReleaseCause::Removed);
            }
            group.over = true;
        }
        self.view()
    }

    /// Takes out the calls that broke off while they waited; they count as met.
    pub(crate) fn forget_gone(&self) {
        let mut group = self.lock();
        let gone = group.parked.extract_if(.., |parked| parked.go.is_closed());
        let calls: Vec<u64> = gone.map(|parked| parked.call).collect();
        if calls.is_empty() {
            return;
        }
        let round = RoundView {
            round: group.rounds,
            cause: ReleaseCause::Removed,
            calls,
        };
        group.keep(round);
        if group.parked.is_empty() {
            group.times = None;
            // Whoever watches this round has nobody to let go.
            group.rounds = group.rounds.saturating_add(1);
        }
    }

    fn release(&self, group: &mut Group, cause: ReleaseCause) {
        let mut parked = std::mem::take(&mut group.parked);
        group.times = None;
        group.rounds = group.rounds.saturating_add(1);
        group.over = self.spec.rounds != 0 && group.rounds >= self.spec.rounds;
        let orderly = self.spec.release != Release::Together && cause != ReleaseCause::Removed;
        if self.spec.release == Release::Seeded && orderly {
            Draw::new(self.seed, "order", u64::from(group.rounds)).shuffle(&mut parked);
        }
        let round = RoundView {
            round: group.rounds,
            cause,
            calls: parked.iter().map(|parked| parked.call).collect(),
        };
        group.keep(round);
        if orderly {
            tokio::spawn(in_turn(parked, cause));
        } else {
            for (parked, ticket) in tickets(parked, cause) {
                // Nobody waits any more only when the server is going down.
                let _ = parked.go.send(ticket);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Group> {
        self.group.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tickets(parked: Vec<Parked>, cause: ReleaseCause) -> impl Iterator<Item = (Parked, Ticket)> {
    let of = u32::try_from(parked.len()).unwrap_or(u32::MAX);
    (1..).zip(parked).map(move |(position, parked)| {
        (
            parked,
            Ticket {
                position,
                of,
                cause,
                turn: None,
            },
        )
    })
}

/// Lets one call go after the other. One that takes too long does not stop those behind it for ever.
async fn in_turn(parked: Vec<Parked>, cause: ReleaseCause) {
    for (parked, mut ticket) in tickets(parked, cause) {
        let (turn, over) = oneshot::channel();
        ticket.turn = Some(turn);
        if parked.go.send(ticket).is_ok() {
            // The end of the turn shows as a closed channel.
            let _ = tokio::time::timeout(Duration::from_millis(WAIT_MAX_MS), over).await;
        }
    }
}
