//! Faults that answer: through HTTP, with the ledger looked at afterwards.

use std::time::{Duration, Instant};

use alloy_primitives::U256;
use serde_json::{Value, json};
use x402_assay_protocol::Version;
use x402_mock_facilitator::faults::{
    Body, Hash, Latency, Lie, Pending, Redirect, Status, Supported, When,
};
use x402_mock_facilitator::{CallStep, Endpoint, Match, Nth, ODD_BODIES, Options};

use crate::bench::{Bench, PAYEE, PRICE};

fn on(endpoint: Endpoint) -> Match {
    Match {
        endpoint: Some(endpoint),
        ..Match::default()
    }
}

/// Names of the faults that took effect, and whether each answer lied.
fn told(bench: &Bench) -> (Vec<String>, Vec<bool>) {
    let mut faults = Vec::new();
    let mut lies = Vec::new();
    for event in bench.events() {
        match event.what {
            CallStep::Fault { fault, .. } => faults.push(fault),
            CallStep::Answered { lied, .. } => lies.push(lied),
            _ => {}
        }
    }
    (faults, lies)
}

#[tokio::test]
async fn latency_delays_the_answer_before_or_after_the_work() {
    for when in [When::Before, When::After] {
        let bench = Bench::start().await;
        let fault = Latency {
            delay_ms: 40,
            jitter_ms: 0,
            when,
        };
        bench.fault("slow", fault, on(Endpoint::Settle));
        let start = Instant::now();
        assert_eq!(
            bench.settle(&bench.honest(Version::V2)).await["success"],
            true
        );
        assert!(start.elapsed() >= Duration::from_millis(40));
        let steps: Vec<_> = bench.events().into_iter().map(|event| event.what).collect();
        let fault = steps
            .iter()
            .position(|s| matches!(s, CallStep::Fault { .. }));
        let mined = steps
            .iter()
            .position(|s| matches!(s, CallStep::Mined { .. }));
        assert_eq!(fault < mined, when == When::Before, "{steps:?}");
    }
}

#[tokio::test]
async fn a_status_without_work_moves_nothing_and_the_same_payment_settles_later() {
    let bench = Bench::start().await;
    let first = Match {
        nth: Some(Nth::only(1)),
        ..on(Endpoint::Settle)
    };
    bench.fault("busy", Status::without_work(503), first);
    let body = bench.honest(Version::V2);
    let (status, answer) = bench.send("/settle", body.to_string()).await;
    assert_eq!((status, &answer["success"]), (503, &json!(false)));
    assert_eq!(bench.transfers().await, vec![]);
    assert_eq!(bench.settle(&body).await["success"], true);
    assert_eq!(told(&bench).0, ["busy"]);
}

#[tokio::test]
async fn faults_combine_in_listed_order() {
    let bench = Bench::start().await;
    let (lie, status) = (Lie::claiming(false), Status::new(500));
    bench.fault("lie", lie.clone(), Match::default());
    bench.fault("status", status.clone(), Match::default());
    let body = bench.honest(Version::V2);
    let (code, answer) = bench.send("/verify", body.to_string()).await;
    assert_eq!((code, &answer["isValid"]), (500, &json!(false)));

    let bench = Bench::start().await;
    bench.fault("status", status, Match::default());
    bench.fault("lie", lie, Match::default());
    let (code, answer) = bench.send("/verify", body.to_string()).await;
    assert_eq!(
        (code, &answer["isValid"]),
        (200, &json!(false)),
        "a lie is a good answer"
    );
    assert_eq!(told(&bench).0, ["status", "lie"]);
}

#[tokio::test]
async fn only_the_payer_that_is_meant_is_hit() {
    let bench = Bench::start().await;
    let (theirs, other) = bench.honest_other();
    let meant = Match {
        payer: Some(other.into()),
        ..Match::default()
    };
    bench.fault("other", Status::new(500), meant);
    assert_eq!(
        bench.verify(&bench.honest(Version::V2)).await["isValid"],
        true
    );
    assert_eq!(bench.send("/verify", theirs.to_string()).await.0, 500);
    assert_eq!(bench.facilitator.faults().get("other").unwrap().seen, 1);
}

#[tokio::test]
async fn lies_are_marked_and_the_ledger_knows_better() {
    let bench = Bench::start().await;
    bench.fault("denied", Lie::claiming(false), on(Endpoint::Settle));
    let answer = bench.settle(&bench.honest(Version::V2)).await;
    assert_eq!(answer["success"], false);
    assert_eq!(bench.transfers().await.len(), 1, "and yet it moved");
    assert_eq!(told(&bench).1, [true]);

    let bench = Bench::start().await;
    bench.fault("made-up", Lie::without_work(true), on(Endpoint::Settle));
    let answer = bench.settle(&bench.honest(Version::V2)).await;
    assert_eq!(answer["success"], true);
    assert_eq!(answer["transaction"].as_str().unwrap().len(), 66);
    assert_eq!(bench.transfers().await, vec![]);
    assert_eq!(told(&bench).1, [true]);

    let bench = Bench::start().await;
    let hash = Lie {
        claim: None,
        transaction: Some(Hash::Random),
        ..Lie::claiming(true)
    };
    bench.fault("hash", hash, on(Endpoint::Settle));
    let answer = bench.settle(&bench.honest(Version::V2)).await;
    let moved = bench.transfers().await[0].transaction.to_string();
    assert_ne!(answer["transaction"], moved);
}

#[tokio::test]
async fn a_settlement_is_pending_so_often_then_done_and_moves_once() {
    let bench = Bench::start().await;
    let fault = Pending {
        times: 2,
        no_hash: false,
    };
    bench.fault("pending", fault, on(Endpoint::Settle));
    let body = bench.honest(Version::V2);
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(bench.settle(&body).await);
    }
    let moved = bench.transfers().await;
    assert_eq!(moved.len(), 1);
    let hash = moved[0].transaction.to_string();
    for answer in &answers[..2] {
        assert_eq!(answer["errorReason"], "settlement_pending");
        assert_eq!(answer["transaction"], hash);
    }
    assert_eq!(
        (&answers[2]["success"], &answers[2]["transaction"]),
        (&json!(true), &json!(hash))
    );
    assert_eq!(
        answers[3]["errorReason"],
        "invalid_exact_evm_nonce_already_used"
    );
    assert_eq!(bench.balance(PAYEE).await, U256::from(PRICE));
}

#[tokio::test]
async fn a_redirect_leads_to_another_facilitator() {
    let (bench, elsewhere) = (Bench::start().await, Bench::start().await);
    let fault = Redirect {
        status: 308,
        location: format!("{}/{{endpoint}}", elsewhere.url),
    };
    bench.fault("moved", fault, Match::default());
    assert_eq!(
        bench.settle(&bench.honest(Version::V2)).await["success"],
        true
    );
    assert_eq!(bench.transfers().await, vec![]);
    assert_eq!(elsewhere.transfers().await.len(), 1);
    let (_, supported) = bench.get(&format!("{}/supported", bench.url)).await;
    assert!(supported["kinds"].is_array());
    assert_eq!(elsewhere.facilitator.calls(Endpoint::Supported), 1);
}

#[tokio::test]
async fn supported_can_be_broken_or_bare() {
    let bench = Bench::start().await;
    let url = format!("{}/supported", bench.url);
    let first = Match {
        nth: Some(Nth::only(1)),
        ..on(Endpoint::Supported)
    };
    let html = Body {
        case: "html".parse().unwrap(),
        work: true,
    };
    bench.fault("html", html, first);
    let drop = Supported {
        drop: vec!["*".to_owned()],
        ..Supported::default()
    };
    bench.fault("bare", drop, on(Endpoint::Supported));
    let broken = bench.client.get(&url).send().await.unwrap();
    assert_eq!(broken.headers()["content-type"], "text/html");
    assert!(broken.text().await.unwrap().contains("<p>"));
    let (status, bare) = bench.get(&url).await;
    assert_eq!((status, &bare["kinds"]), (200, &json!([])));
    assert!(bare["signers"].is_object());
    bench.facilitator.faults().remove_all("");
    let (_, whole) = bench.get(&url).await;
    assert!(whole["kinds"].as_array().unwrap().len() > 10);
}

#[tokio::test]
async fn every_odd_body_arrives_and_the_work_is_done_or_not_as_asked() {
    let bench = Bench::start().await;
    let mut moved = 0;
    for row in ODD_BODIES {
        for work in [true, false] {
            let case = row.name.parse().unwrap();
            bench.fault("odd", Body { case, work }, Match::default());
            let body = bench.honest(Version::V2);
            for path in ["/verify", "/settle"] {
                let response = bench.raw(path, &body).await.unwrap();
                let status = response.status().as_u16();
                assert!(matches!(status, 200 | 204), "{}: {status}", row.name);
                let bytes = response.bytes().await.unwrap();
                assert_eq!(row.name == "huge", bytes.len() > 1_000_000, "{}", row.name);
            }
            moved += usize::from(work);
            assert_eq!(bench.transfers().await.len(), moved, "{} {work}", row.name);
            let state = bench.facilitator.faults().remove("odd").unwrap();
            assert_eq!((state.seen, state.fired), (2, 2), "{}", row.name);
        }
    }
}

#[tokio::test]
async fn equal_seeds_give_equal_answers_and_other_seeds_others() {
    async fn run(seed: u64) -> Vec<u16> {
        let options = Options {
            seed,
            ..Options::default()
        };
        let bench = Bench::start_with(options, |ledger| ledger).await;
        let half = Match {
            probability: Some(0.5),
            ..Match::default()
        };
        bench.fault("sometimes", Status::new(503), half);
        let body: Value = bench.honest(Version::V2);
        let mut statuses = Vec::new();
        for _ in 0..40 {
            statuses.push(bench.send("/verify", body.to_string()).await.0);
        }
        statuses
    }
    let first = run(11).await;
    assert_eq!(run(11).await, first);
    assert_ne!(run(12).await, first);
    assert!(first.contains(&200) && first.contains(&503));
}

#[tokio::test]
async fn what_is_no_payment_call_is_left_alone() {
    let bench = Bench::start().await;
    bench.fault("all", Status::new(500), Match::default());
    for path in ["/health", "/verify", "/nonsense"] {
        let status = bench.get(&format!("{}{path}", bench.url)).await.0;
        assert_ne!(status, 500, "{path}");
    }
    assert_eq!(bench.facilitator.faults().get("all").unwrap().seen, 0);
}
