//! Scenarios against the reference server: what can be run holds, and planted defects turn them red.

use std::fmt::Write as _;

use crate::support::{Ran, assay};

const MEMORY: [&str; 4] = ["--chain", "memory", "--seed", "7"];

async fn run(scenarios: &[&str], more: &[&str]) -> Ran {
    let words = [&["run"], scenarios, &MEMORY, more].concat();
    assay(&words).await
}

/// Names with this verdict and the detail of the first such case.
fn with(ran: &Ran, verdict: &str) -> Vec<(String, String)> {
    let report = ran.report();
    let rows = report["scenarios"].as_array().unwrap().iter();
    rows.filter(|row| row["verdict"] == verdict)
        .map(|row| {
            let cases = row["cases"].as_array().unwrap();
            let worst = cases.iter().find(|case| case["verdict"] == verdict);
            let detail = worst.unwrap()["detail"].as_str().unwrap().to_owned();
            (row["name"].as_str().unwrap().to_owned(), detail)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn load_scenarios_run_by_name_or_tag_only() {
    let names = |ran: &Ran| -> Vec<String> {
        let first = |line: &str| {
            line.split_whitespace()
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        let mut names: Vec<String> = ran.stdout.lines().map(first).collect();
        names.retain(|name| name.starts_with("load-"));
        names
    };
    let planned = async |words: &[&str]| {
        let words = [&["run"], words, &["--dry-run"]].concat();
        names(&assay(&words).await.exits(0))
    };
    assert_eq!(planned(&["all"]).await, [""; 0]);
    assert_eq!(
        planned(&["load-ramp", "replayed-payment"]).await,
        ["load-ramp"]
    );
    let tagged = planned(&["all", "--tag", "load"]).await;
    assert_eq!(
        tagged,
        names(&assay(&["list", "--scenarios"]).await.exits(0))
    );
    assert_eq!(tagged.len(), 6);
    let ran = run(&["load-users"], &[]).await;
    let skipped = with(&ran, "skipped");
    assert_eq!(skipped[0].0, "load-users", "{}", ran.said());
    assert!(
        skipped[0]
            .1
            .contains("load scenario, 20 users: run it alone with `x402-assay load load-users`"),
        "{skipped:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scenario_that_can_be_run_holds_on_the_reference_server() {
    let ran = run(&["all"], &[]).await.exits(0);
    for verdict in ["fail", "warn", "inconclusive"] {
        assert_eq!(with(&ran, verdict), [], "{}", ran.said());
    }
    let mut skipped = String::new();
    for (name, why) in with(&ran, "skipped") {
        writeln!(skipped, "{name}: {why}").unwrap();
    }
    insta::assert_snapshot!("scenarios_skipped", skipped);
}

/// The scenarios that pay by use.
const BY_USE: [&str; 4] = [
    "upto-ceiling",
    "upto-drawn-twice",
    "settle-upto-ceiling",
    "settle-upto-twice",
];

#[tokio::test(flavor = "multi_thread")]
async fn payments_by_use_are_judged_by_what_moved() {
    let ran = run(&BY_USE, &[]).await.exits(0);
    let report = ran.report();
    let rows = report["scenarios"].as_array().unwrap();
    assert_eq!(rows.len(), BY_USE.len());
    for row in rows {
        assert_eq!(row["verdict"], "pass", "{row:#}");
    }
    let amounts = &report["money"]["amounts"];
    assert_ne!(amounts["settled"], amounts["signed"], "ceilings are signed");
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_by_use_are_skipped_by_name_where_nothing_settles_them() {
    let node = ["run", "--chain", "anvil", "--seed", "7"];
    let ran = assay(&[&node[..], &BY_USE].concat()).await;
    let skipped = with(&ran, "skipped");
    assert_eq!(skipped.len(), BY_USE.len(), "{}", ran.said());
    for (name, why) in skipped {
        let expected = "`upto` is settled on the memory ledger only";
        assert!(why.starts_with(expected), "{name}: {why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_by_use_are_skipped_on_targets_that_offer_none() {
    let facilitator = crate::support::up::Up::start().await;
    let shop = crate::support::shop::reference(&facilitator.facilitator).await;
    let url = format!("{}/paid", shop.url());
    let attach = ["--server", &url, "--attach", &facilitator.control];
    let ran = assay(&[&["run", "upto-ceiling"], &attach[..]].concat()).await;
    let why =
        "no route of the target offers `upto` with a `facilitatorAddress` on this run's chain";
    let expected = [("upto-ceiling".to_owned(), why.to_owned())];
    assert_eq!(with(&ran, "skipped"), expected, "{}", ran.said());
}
