//! `load`: whole runs of a second or two. Counts are asserted, never times.

use serde_json::Value;

use crate::support::load::{all_as_meant, invariant, number};
use crate::support::{FREE_SERVICES, Ran, assay};

/// A load on the built-in server with the memory ledger.
async fn load(args: &[&str]) -> Ran {
    let common = ["load", "--chain", "memory", "--timeout", "60s"];
    assay(&[&common, args].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sale_of_a_correct_server_is_settled_once_and_granted_once() {
    let ran = load(&["--rate", "100/s", "--for", "1500ms", "--seed", "3"])
        .await
        .exits(0);
    let report = ran.report();
    assert_eq!(report["verdict"], "conformant", "{}", ran.said());
    assert_eq!(report["seed"], 3);
    let load = &report["load"];
    let arrivals = &load["arrivals"];
    assert_eq!(
        (number(&arrivals["offered"]), number(&arrivals["dropped"])),
        (150, 0)
    );
    assert_eq!(number(&load["goodput"]), 150, "{load}");
    let books = &load["books"];
    assert_eq!(
        (number(&books["settled"]), number(&books["granted"])),
        (150, 150)
    );
    assert_eq!(number(&report["money"]["unpaid_grants"]), 0);
    for id in ["I1", "I2", "I3", "I4", "I5"] {
        assert_eq!(invariant(&report, id)["verdict"], "pass", "{id}");
    }
    let phases: Vec<&str> = load["latency"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["phase"].as_str().unwrap())
        .collect();
    for phase in [
        "due_to_released",
        "sign",
        "paid_to_headers",
        "whole_from_due",
        "verify",
        "settle",
    ] {
        assert!(phases.contains(&phase), "{phase}: {phases:?}");
    }
    let history = ran.dir.path().join("x402-assay-report/history.jsonl");
    let history = std::fs::read_to_string(history).unwrap();
    let payments = history
        .lines()
        .filter(|line| line.contains("\"payment\":{\"payer\""));
    assert_eq!(payments.count(), 150);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_a_mix_holds_ends_as_it_is_meant_to_on_a_correct_server() {
    let mix = "buy=40,duplicate=10,retry-same=10,retry-fresh=10,abandon=10,malformed=10,expired=10";
    let ran = load(&["--rate", "100/s", "--for", "2s", "--mix", mix])
        .await
        .exits(0);
    let report = ran.report();
    let load = &report["load"];
    all_as_meant(load);
    let outcomes = load["outcomes"].as_array().unwrap();
    let kinds: std::collections::BTreeSet<&str> = outcomes
        .iter()
        .map(|row| row["of"].as_str().unwrap())
        .collect();
    assert_eq!(kinds.len(), 7, "{kinds:?}");
    let books = &load["books"];
    assert_eq!(number(&books["settled"]), number(&books["granted"]));
    assert!(
        number(&books["authorizations"]) > number(&books["settled"]),
        "{books}"
    );
    assert_eq!(number(&load["goodput"]), number(&books["settled"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_a_race_gives_unpaid_under_load() {
    let ran = load(&[
        "--rate",
        "100/s",
        "--for",
        "2s",
        "--mix",
        "duplicate=100",
        "--defect",
        "guard-inserts-after-settle",
    ])
    .await
    .exits(3);
    let report = ran.report();
    assert!(
        number(&report["money"]["unpaid_grants"]) > 0,
        "{}",
        ran.said()
    );
    assert_eq!(invariant(&report, "I1")["verdict"], "fail");
    // What was given twice is no goodput, in the chart over time as little as in the sum.
    let series = report["load"]["series"].as_array().unwrap();
    let over_time: u64 = series.iter().map(|row| number(&row["goodput"])).sum();
    assert_eq!(over_time, number(&report["load"]["goodput"]));
    let rows = report["invariants"].as_array().unwrap();
    let broken = rows.iter().find(|row| row["id"] == "I1").unwrap();
    let first = &broken["violations"][0];
    assert!(
        first["authorization"].as_str().unwrap().contains('/'),
        "{first}"
    );
    let kinds: Vec<&Value> = first["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["kind"])
        .collect();
    assert_eq!(kinds, ["timeline", "transaction"], "{first}");
    assert!(
        ran.first_line().contains("unpaid grant(s)"),
        "{}",
        ran.first_line()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unpaid_load_counts_challenges_and_its_thresholds_decide() {
    let unpaid = ["--unpaid", "--rate", "200/s", "--for", "1s"];
    let ran = load(&unpaid).await.exits(0);
    let report = ran.report();
    assert_eq!(report["verdict"], "inconclusive");
    assert_eq!(report["controls"]["positive"]["cause"], "unpaid-load");
    assert_eq!(number(&report["load"]["goodput"]), 200);
    let missed = [unpaid.as_slice(), &["--threshold", "goodput >= 900/s"]].concat();
    let ran = load(&missed).await.exits(6);
    assert_eq!(ran.report()["load"]["thresholds"][0]["verdict"], "missed");
    let unclear = [unpaid.as_slice(), &["--threshold", "p99(paid) < 1s"]].concat();
    load(&unclear).await.exits(5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_tells_the_rate_that_holds() {
    let ran = load(&[
        "--unpaid",
        "--search",
        "--rate",
        "40/s",
        "--for",
        "500ms",
        "--threshold",
        "offered <= 100/s",
    ])
    .await
    .exits(0);
    let report = ran.report();
    let held = report["load"]["highest_held_per_s"].as_f64().unwrap();
    assert!((80.0..=106.0).contains(&held), "{held}");
    let steps = report["load"]["steps"].as_array().unwrap();
    assert!(steps.len() >= 5, "{steps:?}");
    assert!(steps.iter().any(|step| step["verdict"] == "missed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_sells_nothing_is_diagnosed_before_the_load() {
    let ran = load(&[
        "--rate",
        "50/s",
        "--for",
        "1s",
        "--defect",
        "refuse-everything",
    ])
    .await
    .exits(5);
    let report = ran.report();
    assert_eq!(report["controls"]["positive"]["held"], false);
    assert_eq!(report["load"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unpaid_load_says_what_is_wrong_with_its_target() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = format!("http://{}/paid", listener.local_addr().unwrap());
    drop(listener);
    let services = &FREE_SERVICES[2..];
    let server = ["--unpaid", "--server", &gone];
    let ran = load(&[&server[..], services].concat()).await.exits(5);
    assert!(ran.stdout.contains("does not answer"), "{}", ran.said());
    assert_eq!(ran.report()["load"], Value::Null);
    let free = load(&["--unpaid", "--defect", "serve-unpaid"])
        .await
        .exits(5);
    assert!(free.stdout.contains("HTTP 200, not 402"), "{}", free.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_run_is_refused_with_its_flag() {
    for (args, said) in [
        (&["--rate", "0/s"][..], "--rate"),
        (&["--rate", "500"], "--rate"),
        (&["--for", "30"], "--for"),
        (&["--mix", "buy=50"], "--mix"),
        (&["--connections", "0"], "--connections"),
        (&["--closed", "--rate", "5/s"], "--closed"),
        (&["--unpaid", "--sign-ahead"], "--sign-ahead"),
        (&["--threshold", "goodputt > 1/s"], "--threshold"),
        (&["--search"], "--search"),
        (&["--server", "http://203.0.113.7/paid"], "--i-own"),
    ] {
        let ran = load(args).await.exits(2);
        assert!(ran.stderr.contains(said), "{args:?}: {}", ran.said());
    }
}
