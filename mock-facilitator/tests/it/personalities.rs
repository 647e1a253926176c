//! Each personality shows the behaviour it is named for, and leaves the rest of the facilitator working.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use alloy_primitives::{Address, U256};
use futures_util::future::join_all;
use serde_json::{Value, json};
use x402_assay_protocol::Version;
use x402_mock_facilitator::Personality;
use x402_mock_facilitator::personality::{PERSONALITIES, builtin};

use crate::bench::{Bench, FUNDS};
use crate::node;

/// Those whose behaviour is shown below: whoever adds a file adds a test.
const SHOWN: [&str; 6] = [
    "plain-account",
    "rate-limited",
    "several-accounts",
    "slow-settle",
    "verdicts-as-4xx",
    "verify-without-simulation",
];

fn named(name: &str) -> Personality {
    let mut all = builtin().unwrap().into_iter();
    all.find(|personality| personality.name == name).unwrap()
}

async fn bench_of(name: &str) -> Bench {
    let bench = Bench::start().await;
    let taken_on = bench.facilitator.set_personality(Some(named(name)));
    taken_on.unwrap();
    bench
}

async fn settle_at_once(bench: &Bench, count: usize) -> Vec<(Value, Duration)> {
    let settling = (0..count).map(|_| async {
        let body = bench.honest(Version::V2);
        let begun = Instant::now();
        let answer = bench.settle(&body).await;
        (answer, begun.elapsed())
    });
    join_all(settling).await
}

fn count(answers: &[(Value, Duration)], success: bool) -> usize {
    let wanted = |(answer, _): &&(Value, Duration)| answer["success"] == success;
    answers.iter().filter(wanted).count()
}

#[test]
fn each_file_has_a_test() {
    let files: Vec<&str> = PERSONALITIES.iter().map(|(name, _)| *name).collect();
    assert_eq!(files, SHOWN);
}

#[tokio::test]
async fn with_a_plain_account_settlements_at_once_collide() {
    let bench = bench_of("plain-account").await;
    let answers = settle_at_once(&bench, 10).await;
    let (won, lost) = (count(&answers, true), count(&answers, false));
    assert!(won >= 1 && lost >= 2 && won + lost == 10, "{won} won");
    assert_eq!(bench.transfers().await.len(), won, "who lost moved nothing");
    let alone = bench.settle(&bench.honest(Version::V2)).await;
    assert_eq!(alone["success"], true, "one at a time does not collide");
}

#[tokio::test]
async fn several_accounts_share_the_settlements_and_one_has_them_all() {
    for (name, accounts) in [("several-accounts", 4), ("plain-account", 1)] {
        let (bench, node, _stop) = node::start_with(4).await;
        bench
            .facilitator
            .set_personality(Some(named(name)))
            .unwrap();
        let (_, supported) = bench.get(&format!("{}/supported", bench.url)).await;
        let signers = supported["signers"]["eip155:*"].as_array().unwrap().len();
        assert_eq!(signers, accounts, "{name}");
        for _ in 0..4 {
            bench.settle(&bench.honest(Version::V2)).await;
        }
        let used: BTreeSet<String> = node.lock().unwrap().numbered.iter().cloned().collect();
        assert_eq!(used.len(), accounts, "{name}: {used:?}");
        bench.facilitator.set_personality(None).unwrap();
        let (_, supported) = bench.get(&format!("{}/supported", bench.url)).await;
        assert_eq!(
            supported["signers"]["eip155:*"].as_array().unwrap().len(),
            4
        );
    }
}

#[tokio::test]
async fn without_simulation_an_empty_account_shows_at_settle() {
    let too_much = U256::from(FUNDS) + U256::from(1);
    let dear = |bench: &Bench| {
        let mut draft = bench.draft(Version::V2);
        draft.authorization.value = too_much;
        draft.requirement["amount"] = json!(too_much.to_string());
        bench.sign(&draft)
    };
    let strict = Bench::start().await;
    assert_eq!(strict.verify(&dear(&strict)).await["isValid"], false);
    let bench = bench_of("verify-without-simulation").await;
    let body = dear(&bench);
    assert_eq!(bench.verify(&body).await["isValid"], true);
    assert_eq!(bench.settle(&body).await["success"], false);
    assert!(bench.transfers().await.is_empty());
    assert_eq!(
        bench.settle(&bench.honest(Version::V2)).await["success"],
        true
    );
}

#[tokio::test]
async fn verdicts_come_as_4xx_with_the_verdict_inside() {
    let bench = bench_of("verdicts-as-4xx").await;
    let mut draft = bench.draft(Version::V2);
    draft.authorization.to = Address::repeat_byte(9);
    let wrong = bench.sign(&draft).to_string();
    let (status, answer) = bench.send("/verify", wrong.clone()).await;
    assert_eq!((status, &answer["isValid"]), (400, &json!(false)));
    let (status, answer) = bench.send("/settle", wrong).await;
    assert_eq!((status, &answer["success"]), (400, &json!(false)));
    let good = bench.honest(Version::V2);
    assert_eq!(bench.verify(&good).await["isValid"], true);
    assert_eq!(bench.settle(&good).await["success"], true);
}

#[tokio::test]
async fn some_settlements_are_slow_and_most_are_not() {
    let bench = bench_of("slow-settle").await;
    let answers = settle_at_once(&bench, 60).await;
    assert_eq!(count(&answers, true), 60);
    let limit = Duration::from_secs(7);
    let slow = answers.iter().filter(|(_, took)| *took >= limit).count();
    assert!((1..30).contains(&slow), "{slow} of 60 were slow");
}

#[tokio::test]
async fn some_calls_are_turned_away_with_429() {
    let bench = bench_of("rate-limited").await;
    let calls = (0..100).map(|_| async {
        let answer = bench.raw("/settle", &bench.honest(Version::V2)).await;
        let answer = answer.unwrap();
        let retry = answer.headers().get("retry-after").cloned();
        (answer.status().as_u16(), retry)
    });
    let answers = join_all(calls).await;
    let turned_away = answers.iter().filter(|(status, _)| *status == 429);
    let away = turned_away.clone().count();
    assert!((1..50).contains(&away), "{away} of 100 were turned away");
    assert!(turned_away.clone().all(|(_, retry)| retry.is_some()));
    assert_eq!(bench.transfers().await.len(), 100 - away);
}

#[tokio::test]
async fn the_control_api_sets_shows_and_removes_a_personality() {
    let bench = Bench::start().await;
    let url = format!("{}/personality", bench.control);
    let put = |body: Value| bench.client.put(&url).body(body.to_string()).send();
    assert_eq!(bench.get(&url).await.1, json!({ "personality": null }));
    let wanted = json!(named("verdicts-as-4xx"));
    assert_eq!(put(wanted.clone()).await.unwrap().status(), 200);
    assert_eq!(bench.get(&url).await.1, json!({ "personality": wanted }));
    assert_eq!(bench.facilitator.faults().list().len(), 2);
    // Another one takes its place, and a wrong one changes nothing.
    assert_eq!(
        put(json!(named("plain-account"))).await.unwrap().status(),
        200
    );
    let mut wrong = json!(named("slow-settle"));
    wrong["accounts"] = json!(9);
    let refused = put(wrong).await.unwrap();
    assert_eq!(refused.status(), 400);
    assert!(refused.text().await.unwrap().contains("accounts must be"));
    let now = bench.facilitator.personality().unwrap();
    assert_eq!(now.name, "plain-account");
    assert_eq!(bench.facilitator.faults().defects(), now.defect_set());
    let removed = bench.client.delete(&url).send().await.unwrap();
    assert_eq!(removed.status(), 200);
    assert_eq!(bench.facilitator.personality(), None);
    assert!(bench.facilitator.faults().list().is_empty());
    assert!(bench.facilitator.faults().defects().is_empty());
}
