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

    fn release(&self, group: &mut Group, cause: ReleaseCause) {
        let mut parked = std::mem::take(&mut group.parked);
        group.times = None;
        group.rounds = group.rounds.saturating_add(1);
        group.over = self.spec.rounds != 0 && group.rounds >= self.spec.rounds;
        let orderly = self.spec.release != Release::Together && cause != ReleaseCause::Removed;
        if self.spec.release == Release::Seeded && orderly {
            Draw::new(self.seed, "order", u64::from(group.rounds)).shuffle(&mut parked);
        }
        if group.kept.len() >= ROUNDS_KEPT {
            group.kept.pop_front();
        }
        group.kept.push_back(RoundView {
            round: group.rounds,
            cause,
            calls: parked.iter().map(|parked| parked.call).collect(),
        });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::LogLimits;
    use tokio::task::JoinHandle;

    struct Rig {
        hold: Arc<Hold>,
        log: Arc<EventLog>,
    }

    fn rig(spec: HoldSpec) -> Rig {
        let log = Arc::new(EventLog::new(LogLimits::default()));
        Rig {
            hold: Arc::new(Hold::new(spec, 7)),
            log,
        }
    }

    fn spec(count: usize, release: Release) -> HoldSpec {
        HoldSpec {
            release,
            ..HoldSpec::new("race", Endpoint::Verify, count)
        }
    }

    impl Rig {
        /// A call that parks; its turn lasts until the caller drops it.
        fn call(&self, number: u64) -> JoinHandle<Option<Turn>> {
            let (hold, log) = (Arc::clone(&self.hold), Arc::clone(&self.log));
            tokio::spawn(async move { hold.park(number, &log).await })
        }

        /// Calls that keep their turn for a moment only; all of them to their end.
        async fn run(&self, calls: std::ops::Range<u64>) {
            let mut waiting = Vec::new();
            for number in calls {
                let call = self.call(number);
                waiting.push(tokio::spawn(async move {
                    let turn = call.await.unwrap();
                    tokio::task::yield_now().await;
                    drop(turn);
                }));
            }
            for call in waiting {
                call.await.unwrap();
            }
        }

        fn released(&self) -> Vec<(u64, u32, u32, ReleaseCause)> {
            let events = self.log.page(0, usize::MAX).events;
            events
                .into_iter()
                .filter_map(|event| match event.what {
                    CallStep::Released {
                        position,
                        of,
                        cause,
                        ..
                    } => Some((event.call, position, of, cause)),
                    _ => None,
                })
                .collect()
        }

        fn order(&self) -> Vec<u64> {
            self.released().into_iter().map(|(call, ..)| call).collect()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_to_come_releases_all_at_once() {
        let rig = rig(spec(3, Release::Together));
        let start = Instant::now();
        rig.run(0..3).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        let released = rig.released();
        assert_eq!(released.len(), 3);
        assert!(
            released
                .iter()
                .all(|(_, _, of, cause)| (*of, *cause) == (3, ReleaseCause::Count))
        );
        let view = rig.hold.view();
        assert_eq!((view.parked, view.over), (vec![], true));
        assert_eq!(view.rounds[0].calls, [0, 1, 2]);
        assert!(
            rig.hold.park(9, &rig.log).await.is_none(),
            "its one round is over"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn fewer_are_released_once_it_is_quiet() {
        let rig = rig(HoldSpec {
            or_quiet_ms: 300,
            ..spec(5, Release::Together)
        });
        let start = Instant::now();
        let first = rig.call(0);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(rig.hold.view().parked, [0]);
        let second = rig.call(1);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(
            rig.hold.view().parked,
            [0, 1],
            "the second call began the quiet anew"
        );
        first.await.unwrap();
        second.await.unwrap();
        assert_eq!(start.elapsed().as_millis(), 500);
        assert!(
            rig.released()
                .iter()
                .all(|(.., cause)| *cause == ReleaseCause::Quiet)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_beyond_the_longest_wait() {
        let patient = HoldSpec {
            or_quiet_ms: 1_000,
            max_wait_ms: 2_500,
            ..spec(100, Release::Together)
        };
        let rig = rig(patient);
        let start = Instant::now();
        let mut calls = Vec::new();
        for number in 0..3 {
            calls.push(rig.call(number));
            tokio::time::sleep(Duration::from_millis(900)).await;
        }
        for call in calls {
            call.await.unwrap();
        }
        assert_eq!(
            start.elapsed().as_millis(),
            2_700,
            "the last pause of this test runs out"
        );
        assert!(
            rig.released()
                .iter()
                .all(|(.., cause)| *cause == ReleaseCause::Deadline)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn in_order_they_go_as_they_came_each_after_the_other() {
        let rig = rig(spec(20, Release::InOrder));
        rig.run(0..20).await;
        assert_eq!(rig.order(), (0..20).collect::<Vec<_>>());
        let positions: Vec<u32> = rig
            .released()
            .iter()
            .map(|(_, position, ..)| *position)
            .collect();
        assert_eq!(positions, (1..=20).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_goes_only_when_the_turn_before_it_is_over() {
        let rig = rig(spec(2, Release::InOrder));
        let (first, second) = (rig.call(0), rig.call(1));
        let turn = first.await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(rig.order(), [0], "the first has its turn still");
        drop(turn);
        second.await.unwrap();
        assert_eq!(rig.order(), [0, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_never_ends_is_passed_over() {
        let rig = rig(spec(2, Release::InOrder));
        let (first, second) = (rig.call(0), rig.call(1));
        let start = Instant::now();
        let _turn = first.await.unwrap();
        second.await.unwrap();
        assert_eq!(start.elapsed().as_millis(), u128::from(WAIT_MAX_MS));
    }

    #[tokio::test(start_paused = true)]
    async fn the_seed_decides_the_seeded_order() {
        let mut orders = Vec::new();
        for seed in [1, 1, 2] {
            let rig = rig(HoldSpec {
                seed: Some(seed),
                ..spec(12, Release::Seeded)
            });
            rig.run(0..12).await;
            let mut sorted = rig.order();
            assert_eq!(rig.order(), rig.hold.view().rounds[0].calls);
            sorted.sort_unstable();
            assert_eq!(sorted, (0..12).collect::<Vec<_>>());
            orders.push(rig.order());
        }
        assert_eq!(orders[0], orders[1]);
        assert_ne!(orders[0], orders[2]);
    }

    #[tokio::test(start_paused = true)]
    async fn rounds_follow_each_other_until_they_are_used_up() {
        let rig = rig(HoldSpec {
            rounds: 2,
            ..spec(2, Release::Together)
        });
        rig.run(0..2).await;
        assert!(!rig.hold.view().over);
        rig.run(2..4).await;
        let view = rig.hold.view();
        assert_eq!(
            view.rounds
                .iter()
                .map(|r| r.calls.clone())
                .collect::<Vec<_>>(),
            [[0, 1], [2, 3]]
        );
        assert!(view.over);
    }

    #[tokio::test(start_paused = true)]
    async fn ending_a_hold_releases_whoever_is_in_it() {
        let rig = rig(spec(5, Release::Seeded));
        let call = rig.call(4);
        tokio::task::yield_now().await;
        assert_eq!(rig.hold.view().parked, [4]);
        assert_eq!(rig.hold.end().rounds[0].calls, [4]);
        call.await.unwrap();
        assert_eq!(rig.released(), [(4, 1, 1, ReleaseCause::Removed)]);
        assert!(rig.hold.park(5, &rig.log).await.is_none());
    }
}
