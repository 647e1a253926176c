//! One hold, without HTTP.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::hold::{Hold, Turn};
use super::spec::{HoldSpec, Release, WAIT_MAX_MS};
use crate::event::{CallStep, Endpoint, ReleaseCause};
use crate::log::EventLog;
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
