//! Holds: races that happen whenever they are asked for.

use std::sync::Arc;

use serde_json::Value;
use x402_assay_protocol::Version;
use x402_mock_facilitator::holds::Point;
use x402_mock_facilitator::{CallStep, Endpoint, HoldSpec, Match, Options, Release, ReleaseCause};

use crate::bench::Bench;

fn hold(endpoint: Endpoint, count: usize, release: Release) -> HoldSpec {
    HoldSpec {
        release,
        or_quiet_ms: 30_000,
        ..HoldSpec::new("race", endpoint, count)
    }
}

/// Sends the same payment so many times at once.
async fn copies(bench: &Arc<Bench>, path: &'static str, count: usize) -> Vec<Value> {
    let body = bench.honest(Version::V2);
    let calls: Vec<_> = (0..count)
        .map(|_| {
            let (bench, body) = (Arc::clone(bench), body.to_string());
            tokio::spawn(async move { bench.send(path, body).await.1 })
        })
        .collect();
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap());
    }
    answers
}

/// Calls in the order in which a step happened to them.
fn order(bench: &Bench, step: impl Fn(&CallStep) -> bool) -> Vec<u64> {
    let events = bench.events().into_iter();
    events
        .filter(|event| step(&event.what))
        .map(|event| event.call)
        .collect()
}

fn held(bench: &Bench) -> Vec<u64> {
    order(bench, |step| matches!(step, CallStep::Held { .. }))
}

fn released(bench: &Bench) -> Vec<u64> {
    order(bench, |step| matches!(step, CallStep::Released { .. }))
}

fn answered(bench: &Bench) -> Vec<u64> {
    order(bench, |step| matches!(step, CallStep::Answered { .. }))
}

async fn seeded(seed: u64) -> Arc<Bench> {
    let options = Options {
        seed,
        ..Options::default()
    };
    Arc::new(Bench::start_with(options, |ledger| ledger).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn all_copies_are_in_flight_before_any_is_verified() {
    let bench = seeded(1).await;
    let spec = hold(Endpoint::Verify, 20, Release::Together);
    bench.facilitator.faults().add_hold(spec).unwrap();
    let answers = copies(&bench, "/verify", 20).await;
    assert!(answers.iter().all(|answer| answer["isValid"] == true));
    let kinds: Vec<bool> = bench
        .events()
        .iter()
        .filter_map(|event| match &event.what {
            CallStep::Held { .. } => Some(false),
            CallStep::Released { cause, of, .. } => {
                assert_eq!((*cause, *of), (ReleaseCause::Count, 20));
                Some(true)
            }
            _ => None,
        })
        .collect();
    assert_eq!(kinds, [[false; 20], [true; 20]].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn settlements_released_together_move_the_money_once() {
    let bench = seeded(1).await;
    let spec = hold(Endpoint::Settle, 10, Release::Together);
    bench.facilitator.faults().add_hold(spec).unwrap();
    let answers = copies(&bench, "/settle", 10).await;
    let good = answers.iter().filter(|answer| answer["success"] == true);
    assert_eq!(good.count(), 1, "{answers:?}");
    assert_eq!(bench.transfers().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_order_each_call_is_answered_before_the_next_goes() {
    let bench = seeded(1).await;
    let spec = hold(Endpoint::Settle, 8, Release::InOrder);
    bench.facilitator.faults().add_hold(spec).unwrap();
    let answers = copies(&bench, "/settle", 8).await;
    assert_eq!(held(&bench), released(&bench));
    assert_eq!(held(&bench), answered(&bench));
    let refused = answers
        .iter()
        .filter(|a| a["errorReason"] == "invalid_exact_evm_nonce_already_used");
    assert_eq!(
        refused.count(),
        7,
        "one after the other: nobody meets another"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_seed_decides_the_order_of_release() {
    let mut orders = Vec::new();
    for seed in [5, 5, 6] {
        let bench = seeded(seed).await;
        let spec = hold(Endpoint::Verify, 10, Release::Seeded);
        bench.facilitator.faults().add_hold(spec).unwrap();
        copies(&bench, "/verify", 10).await;
        let came = held(&bench);
        let went = released(&bench);
        assert_eq!(went, answered(&bench), "answers leave in that order");
        assert_eq!(
            bench.facilitator.faults().hold("race").unwrap().rounds[0].calls,
            went
        );
        let places: Vec<_> = went
            .iter()
            .map(|call| came.iter().position(|c| c == call).unwrap())
            .collect();
        orders.push(places);
    }
    assert_eq!(orders[0], orders[1]);
    assert_ne!(orders[0], orders[2]);
}

#[tokio::test]
async fn answers_can_be_held_when_the_work_is_done() {
    let bench = seeded(1).await;
    let spec = HoldSpec {
        at: Point::Answer,
        ..hold(Endpoint::Settle, 2, Release::Together)
    };
    bench.facilitator.faults().add_hold(spec).unwrap();
    let (one, two) = (bench.honest(Version::V2), bench.honest(Version::V2));
    let (a, b) = tokio::join!(bench.settle(&one), bench.settle(&two));
    assert!(a["success"] == true && b["success"] == true);
    let last_mined = order(&bench, |step| matches!(step, CallStep::Mined { .. }));
    assert_eq!(last_mined.len(), 2);
    let position = |wanted: fn(&CallStep) -> bool| {
        let events = bench.events();
        let mut found = events.iter().filter(|event| wanted(&event.what));
        (found.next().unwrap().seq, found.next_back().unwrap().seq)
    };
    let mined = position(|step| matches!(step, CallStep::Mined { .. }));
    let answered = position(|step| matches!(step, CallStep::Answered { .. }));
    assert!(mined.1 < answered.0, "both are mined before either is told");
}

#[tokio::test]
async fn a_lone_call_goes_on_once_it_is_quiet() {
    let bench = seeded(1).await;
    let spec = HoldSpec {
        or_quiet_ms: 20,
        ..HoldSpec::new("race", Endpoint::Verify, 50)
    };
    bench.facilitator.faults().add_hold(spec).unwrap();
    let body = bench.honest(Version::V2);
    assert_eq!(bench.verify(&body).await["isValid"], true);
    let view = bench.facilitator.faults().hold("race").unwrap();
    assert_eq!(view.rounds[0].cause, ReleaseCause::Quiet);
    assert!(view.over, "its one round is over");
    assert_eq!(bench.verify(&body).await["isValid"], true);
    assert_eq!(released(&bench).len(), 1, "later calls are not held");
}

#[tokio::test]
async fn the_calls_of_other_payers_pass() {
    let bench = seeded(1).await;
    let (_, other) = bench.honest_other();
    let spec = HoldSpec {
        matching: Match {
            payer: Some(other.into()),
            ..Match::default()
        },
        ..hold(Endpoint::Verify, 2, Release::Together)
    };
    bench.facilitator.faults().add_hold(spec).unwrap();
    assert_eq!(
        bench.verify(&bench.honest(Version::V2)).await["isValid"],
        true
    );
    assert_eq!(held(&bench), Vec::<u64>::new());
}

#[tokio::test]
async fn a_hold_that_is_removed_lets_go() {
    let bench = seeded(1).await;
    let spec = hold(Endpoint::Verify, 2, Release::Together);
    bench.facilitator.faults().add_hold(spec).unwrap();
    let body = bench.honest(Version::V2);
    let (answer, ()) = tokio::join!(bench.verify(&body), async {
        bench
            .wait_for(|step| matches!(step, CallStep::Held { .. }))
            .await;
        let (_, state) = bench.get(&format!("{}/holds/race", bench.control)).await;
        assert_eq!(state["parked"].as_array().unwrap().len(), 1, "{state}");
        let url = format!("{}/holds/race", bench.control);
        let gone = bench.client.delete(url).send().await.unwrap();
        assert_eq!(gone.status(), 200);
    });
    assert_eq!(answer["isValid"], true);
    assert!(!bench.facilitator.faults().is_armed());
}
