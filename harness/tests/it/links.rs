//! Scenarios with link faults, restarts and replicas: they hold on correct servers, and a planted defect reddens each.

use std::path::PathBuf;

use serde_json::Value;

use crate::support::requirements::require;
use crate::support::{Ran, assay, assay_in, shop, up};
use crate::typescript::install;

const MEMORY: [&str; 4] = ["--chain", "memory", "--seed", "7"];

/// The scenarios that need links, restarts or replicas; the scenario kill matrix shows each of them red.
const SCENARIOS: &[&str] = &[
    "crash-after-settle",
    "facilitator-away-at-start",
    "response-lost-after-settle",
    "restart-forgets",
    "retrying-proxy",
    "shared-cache",
    "slow-supported-first-requests",
    "supported-without-kinds",
    "two-replicas",
];

fn row(ran: &Ran, scenario: &str) -> Value {
    let report = ran.report();
    let rows = report["scenarios"].as_array().unwrap();
    let found = rows.iter().find(|row| row["name"] == scenario);
    found.unwrap_or_else(|| panic!("{}", ran.said())).clone()
}

fn history(ran: &Ran) -> String {
    let path = ran.dir.path().join("x402-assay-report/history.jsonl");
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn they_hold_on_the_built_in_server_and_every_fault_was_met() {
    let names = SCENARIOS;
    let ran = assay(&[&["run"][..], names, &MEMORY[..]].concat())
        .await
        .exits(0);
    for name in names.iter().copied() {
        let row = row(&ran, name);
        for case in row["cases"].as_array().unwrap() {
            let verdict = case["verdict"].as_str().unwrap();
            assert!(["pass", "info"].contains(&verdict), "{name}: {case}");
        }
    }
    // Faults stand in the history, so that timelines show them and the report can be judged again.
    let history = history(&ran);
    for fault in [
        "link reset at after-settle",
        "link duplicate at before-verify",
        "link cache at before-quote",
        "restart at after-settle",
    ] {
        assert!(history.contains(fault), "{fault}");
    }
}

const NEVER: &str = "scenario: never\nabout: A fault that nobody meets.\nrole: server\nneeds: [facilitator, chain]\nsteps:\n  - quote: { as: offer }\n  - sign: { offer: offer, as: payment }\n  - link: { between: server-facilitator, on: before-settle, payer: bob, fault: reset }\n  - send: { payment: payment }\n  - settle_down\nexpect:\n  - invariant: [I1]\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_link_fault_that_strikes_nothing_shows_nothing() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("never.yaml"), NEVER).unwrap();
    let ran = assay_in(dir, &[&["run", "never.yaml"], &MEMORY[..]].concat()).await;
    let row = row(&ran, "never");
    assert_eq!(row["verdict"], "inconclusive", "{}", ran.said());
    let detail = row["cases"][0]["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.contains("never met: link reset of step 3"),
        "{detail}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_launched_server_is_restarted_and_copied() {
    let folder = install("typescript-v2").await;
    if require("npm packages of interop/typescript-v2", folder).is_none() {
        return;
    }
    let file =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../interop/profiles/express-v2.yaml");
    let names = [
        "restart-forgets",
        "crash-after-settle",
        "two-replicas",
        "retrying-proxy",
    ];
    let server = ["--server", file.to_str().unwrap()];
    let ran = assay(&[&["run"][..], &names, &server[..], &MEMORY[..]].concat())
        .await
        .exits(0);
    for name in names.iter().copied() {
        let row = row(&ran, name);
        let verdict = row["verdict"].as_str().unwrap();
        // An SDK answers a used payment with a fresh challenge, which `crash-after-settle` warns of; where copies of a
        // payment overlap it may run the handler for each, which is recorded.
        let expected: &[&str] = match name {
            "crash-after-settle" => &["warn"],
            _ => &["pass", "info"],
        };
        assert!(expected.contains(&verdict), "{name}: {}", ran.said());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_started_by_hand_finds_the_link_at_the_facilitators_port() {
    let port = x402_assay::launch::free_port().unwrap();
    let server = shop::reference(&format!("http://127.0.0.1:{port}")).await;
    let (url, port) = (format!("{}/paid", server.url()), port.to_string());
    let ran = assay(
        &[
            &["run", "response-lost-after-settle", "restart-forgets"],
            &["--server", &url, "--facilitator-port", &port][..],
            &["--control-port", "0", "--rpc-port", "0"][..],
            &MEMORY[..],
        ]
        .concat(),
    )
    .await
    .exits(0);
    let lost = row(&ran, "response-lost-after-settle");
    assert_eq!(lost["cases"].as_array().unwrap().len(), 4);
    assert_eq!(lost["verdict"], "info", "{}", ran.said());
    let restart = row(&ran, "restart-forgets");
    assert_eq!(restart["verdict"], "skipped");
    let why = restart["cases"][0]["detail"].as_str().unwrap().to_owned();
    assert!(why.contains("did not start the target"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_running_up_there_is_no_link_to_the_facilitator() {
    let up = up::Up::start().await;
    let server = shop::reference(&up.facilitator).await;
    let url = format!("{}/paid", server.url());
    let ran = assay(&[
        "run",
        "response-lost-after-settle",
        "--server",
        &url,
        "--attach",
        &up.control,
    ])
    .await;
    let row = row(&ran, "response-lost-after-settle");
    assert_eq!(row["verdict"], "skipped", "{}", ran.said());
    let why = row["cases"][0]["detail"].as_str().unwrap().to_owned();
    assert!(why.contains("a running `up`"), "{why}");
}
