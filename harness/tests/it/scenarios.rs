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
