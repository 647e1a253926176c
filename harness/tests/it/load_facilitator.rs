//! `load` on a facilitator alone: whole runs of a second or two. Counts are asserted, never times.

use serde_json::{Value, json};
use x402_assay::service::ControlClient;

use crate::support::load::{all_as_meant, invariant, number};
use crate::support::up::Up;
use crate::support::{Ran, assay};

/// A load on the built-in facilitator with the memory ledger.
async fn load(args: &[&str]) -> Ran {
    let common = [
        "load",
        "--facilitator",
        "builtin",
        "--chain",
        "memory",
        "--timeout",
        "60s",
    ];
    assay(&[&common, args].concat()).await
}

fn count_of(report: &Value, of: &str) -> u64 {
    let rows = report["load"]["outcomes"].as_array().unwrap();
    let same = rows.iter().filter(|row| row["of"] == of);
    same.map(|row| number(&row["count"])).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_payment_is_settled_once_and_the_ledger_counts_the_same() {
    for version in ["v1", "v2"] {
        let args = ["--x402", version, "--rate", "100/s", "--for", "1s"];
        let ran = load(&args).await.exits(0);
        let report = ran.report();
        assert_eq!(report["verdict"], "conformant", "{}", ran.said());
        assert_eq!(report["target"]["kind"], "builtin-facilitator");
        let load = &report["load"];
        assert_eq!(load["plan"]["kind"], "settle");
        assert_eq!(number(&load["goodput"]), 100, "{load}");
        let books = &load["books"];
        assert_eq!(
            (number(&books["settled"]), number(&books["granted"])),
            (100, 100)
        );
        // One more was settled before the load.
        assert_eq!(number(&report["money"]["settled"]), 101);
        for id in ["I2", "I4", "I5"] {
            assert_eq!(invariant(&report, id)["verdict"], "pass", "{id}");
        }
        let phases: Vec<&Value> = load["latency"].as_array().unwrap().iter().collect();
        let settle = phases.iter().find(|row| row["phase"] == "settle").unwrap();
        assert_eq!(number(&settle["count"]), 100);
        assert!(phases.iter().all(|row| row["phase"] != "paid_to_headers"));
        assert_eq!(load["facilitator"], Value::Null);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_a_mix_holds_ends_as_it_is_meant_to() {
    let mix = "buy=40,duplicate=20,retry-same=20,malformed=10,expired=10";
    let ran = load(&["--rate", "100/s", "--for", "2s", "--mix", mix])
        .await
        .exits(0);
    let report = ran.report();
    let load = &report["load"];
    all_as_meant(load);
    let settled: u64 = ["settle", "duplicate", "retry-same"]
        .map(|of| count_of(&report, of))
        .iter()
        .sum();
    let expired = count_of(&report, "expired");
    assert!(expired > 0 && count_of(&report, "malformed") > 0);
    let books = &load["books"];
    assert_eq!(number(&books["settled"]), settled);
    assert_eq!(number(&books["authorizations"]), settled + expired);
    assert_eq!(number(&load["goodput"]), settled);
    assert!(number(&invariant(&report, "I3")["observed"]) > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_is_counted_and_moves_nothing() {
    let ran = load(&["--calls", "verify", "--rate", "100/s", "--for", "1s"])
        .await
        .exits(0);
    let report = ran.report();
    let load = &report["load"];
    assert_eq!(number(&load["goodput"]), 100);
    assert_eq!(count_of(&report, "verify"), 100);
    let books = &load["books"];
    assert_eq!(
        (number(&books["authorizations"]), number(&books["settled"])),
        (100, 0)
    );
    assert_eq!(invariant(&report, "I6")["verdict"], "pass");
    assert!(number(&invariant(&report, "I6")["observed"]) >= 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_target_calls_are_for_the_built_in_facilitator() {
    let args = ["load", "--calls", "settle", "--chain", "memory"];
    let ran = assay(&[&args[..], &["--rate", "20/s", "--for", "500ms"]].concat())
        .await
        .exits(0);
    assert_eq!(ran.report()["target"]["kind"], "builtin-facilitator");
    assert_eq!(number(&ran.report()["load"]["goodput"]), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn success_without_a_transfer_is_found_under_load() {
    let up = Up::start().await;
    // The payment before the load and its mutation are the first two calls of settle.
    let lie = json!({
        "name": "hollow",
        "match": { "endpoint": "settle", "nth": "3-12" },
        "fault": { "lie": { "claim": true, "transaction": "random", "work": false } },
    });
    let control = ControlClient::new(&up.control).unwrap();
    control.add_fault(&lie).await.unwrap();
    let args = ["load", "--facilitator", "builtin", "--attach", &up.control];
    let plan = ["--rate", "50/s", "--for", "1s"];
    let ran = assay(&[&args[..], &plan].concat()).await.exits(3);
    let report = ran.report();
    let books = &report["load"]["books"];
    assert_eq!(number(&books["unpaid_grants"]), 10, "{}", ran.said());
    assert_eq!(number(&report["load"]["goodput"]), 40);
    let broken = invariant(&report, "I5");
    assert_eq!(broken["verdict"], "fail");
    let violations = broken["violations"].as_array().unwrap();
    assert_eq!(violations.len(), 10);
    for violation in violations {
        assert!(violation["authorization"].as_str().unwrap().contains('/'));
        let kinds: Vec<&Value> = violation["evidence"]
            .as_array()
            .unwrap()
            .iter()
            .map(|evidence| &evidence["kind"])
            .collect();
        assert_eq!(kinds, ["timeline", "transaction"], "{violation}");
    }
    assert!(
        ran.first_line()
            .contains("10 success(es) without a transfer"),
        "{}",
        ran.first_line()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn defects_of_the_facilitator_are_found_under_load() {
    let plan = ["--rate", "50/s", "--for", "1s", "--defect"];
    let invented = [&plan[..], &["receipt-invented-transaction"]].concat();
    let ran = load(&invented).await.exits(3);
    assert_eq!(invariant(&ran.report(), "I5")["verdict"], "fail");
    let settles = [&["--calls", "verify"], &plan[..], &["verify-settles"]].concat();
    let ran = load(&settles).await.exits(3);
    let report = ran.report();
    assert_eq!(invariant(&report, "I6")["verdict"], "fail");
    assert_eq!(number(&report["load"]["books"]["settled"]), 50);
    // Verify calls valid what is over: an answer that nobody meant.
    let over = ["--calls", "verify", "--mix", "expired=100"];
    let ignored = [&over[..], &plan[..], &["window-ignored"]].concat();
    let report = load(&ignored).await.report();
    let outcomes = report["load"]["outcomes"].as_array().unwrap();
    assert!(outcomes.iter().all(|row| row["meant"] == false));
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_that_are_all_called_settled_are_to_look_at() {
    let ran = load(&[
        "--rate",
        "50/s",
        "--for",
        "1s",
        "--mix",
        "duplicate=100",
        "--defect",
        "duplicate-settle-success",
    ])
    .await
    .exits(0);
    let report = ran.report();
    let rows = invariant(&report, "I3");
    assert_eq!(rows["verdict"], "warn", "{rows}");
    assert_eq!(number(&report["load"]["goodput"]), 50);
    assert_eq!(number(&report["load"]["books"]["double_charged"]), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_facilitator_that_settles_nothing_is_diagnosed_before_the_load() {
    let plan = ["--rate", "50/s", "--for", "1s", "--defect"];
    let hollow = [&plan[..], &["success-without-settling"]].concat();
    let ran = load(&hollow).await.exits(5);
    let report = ran.report();
    assert_eq!(report["controls"]["positive"]["held"], false);
    assert_eq!(report["controls"]["positive"]["cause"], "nothing-moved");
    assert_eq!(report["load"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_of_a_facilitator_is_refused_with_its_flag() {
    for (args, said) in [
        (&["--calls", "pay"][..], "--calls"),
        (&["--unpaid"], "--unpaid"),
        (&["--mix", "buy=90,abandon=10"], "abandon"),
        (&["--mix", "retry-fresh=100"], "retry-fresh"),
        (&["--block-time", "2s"], "--block-time"),
        (&["--signers", "2"], "--signers"),
        (&["--signers", "11"], "--signers"),
    ] {
        let ran = load(args).await.exits(2);
        assert!(ran.stderr.contains(said), "{args:?}: {}", ran.said());
    }
    for (args, said) in [
        (
            &["--server", "http://127.0.0.1:1/paid", "--calls", "settle"][..],
            "--calls",
        ),
        (
            &["--facilitator", "http://127.0.0.1:1", "--chain", "memory"],
            "--chain memory",
        ),
        (
            &["--facilitator", "http://127.0.0.1:1", "--signers", "2"],
            "--signers",
        ),
        (&["--facilitator", "http://203.0.113.7"], "--i-own"),
    ] {
        let ran = assay(&[&["load"], args].concat()).await.exits(2);
        assert!(ran.stderr.contains(said), "{args:?}: {}", ran.said());
    }
}
