//! Scenarios about facilitators: the built-in one holds, each planted defect turns its scenario red, and a foreign
//! facilitator is told apart from ours.

use futures_util::StreamExt as _;

use crate::support::{Ran, assay};

/// Runs under way at once.
const WIDTH: usize = 2;

/// A defect of the facilitator on the memory ledger, the scenario that shows it, and the verdict of that.
const RED: &[(&str, &str, &str)] = &[
    ("colliding-nonces", "many-distinct-settles", "warn"),
    ("failure-blocks-account", "poison-pill", "fail"),
    ("duplicate-settle-success", "settle-duplicates", "warn"),
    ("success-without-settling", "settle-encodings", "fail"),
    ("amount-at-least", "settle-other-amount", "fail"),
    ("amount-not-compared", "settle-other-amount", "fail"),
    ("recipient-not-compared", "settle-other-terms", "fail"),
    ("settle-without-verify", "settle-other-terms", "fail"),
    ("replay-is-500", "settle-preempted", "warn"),
    ("window-ignored", "time-window", "fail"),
    ("signature-not-checked", "wrong-payments-settle", "fail"),
    ("verify-settles", "time-window", "fail"),
    ("receipt-invented-transaction", "settle-duplicates", "fail"),
    ("v1-refused", "supported-honesty", "fail"),
    ("upto-ceiling-ignored", "settle-upto-ceiling", "fail"),
    ("upto-settles-ceiling", "settle-upto-ceiling", "fail"),
    ("upto-settles-ceiling", "upto-ceiling", "fail"),
    ("upto-permits-reused", "settle-upto-twice", "fail"),
];

/// The same on a node: contract wallets and gas are only there.
const RED_ON_A_NODE: &[(&str, &str, &str)] = &[
    ("signature-not-checked", "smart-wallet", "fail"),
    ("undeployed-is-valid", "smart-wallet-undeployed", "fail"),
    ("settles-without-simulation", "sponsor-drain", "warn"),
];

/// What only shows where blocks, reverts and strange tokens are real.
const RED_ON_A_REAL_CHAIN: &[(&str, &str, &str)] = &[
    ("success-on-broadcast", "reverts-after-simulation", "fail"),
    ("success-on-revert", "reverts-after-simulation", "fail"),
    ("success-on-revert", "token-zoo", "fail"),
    ("codeless-asset-succeeds", "token-zoo", "fail"),
    ("pending-is-failure", "mining-paused-past-wait", "fail"),
    ("settle-without-verify", "wrong-payments-settle", "fail"),
    ("verify-without-simulation", "blocked-payer", "warn"),
    ("trouble-is-bad-signature", "rpc-errors", "warn"),
    ("colliding-nonces", "many-distinct-settles", "warn"),
];

async fn run(words: &[&str]) -> Ran {
    assay(&[&["run", "--chain", "memory", "--seed", "7"], words].concat()).await
}

fn verdict(ran: &Ran, scenario: &str) -> String {
    let report = ran.report();
    let rows = report["scenarios"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == scenario).unwrap();
    row["verdict"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_defect_turns_its_scenario_red() {
    let runs = RED.iter().map(|(defect, scenario, expected)| async move {
        let ran = run(&[scenario, "--defect", defect]).await;
        let found = verdict(&ran, scenario);
        assert_eq!(&found, expected, "{defect}: {}", ran.said());
    });
    futures_util::stream::iter(runs)
        .buffer_unordered(WIDTH)
        .collect::<Vec<()>>()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_node_wallets_and_gas_are_judged() {
    let names: Vec<&str> = RED_ON_A_NODE.iter().map(|(_, name, _)| *name).collect();
    let node = ["run", "--chain", "anvil", "--seed", "7"];
    let honest = assay(&[&node[..], &names].concat()).await.exits(0);
    for (name, expected) in names.iter().zip(["pass", "info", "pass"]) {
        assert_eq!(verdict(&honest, name), expected, "{}", honest.said());
    }
    for (defect, scenario, expected) in RED_ON_A_NODE {
        let ran = assay(&[&node[..], &[scenario, "--defect", defect]].concat()).await;
        let found = verdict(&ran, scenario);
        assert_eq!(&found, expected, "{defect}: {}", ran.said());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_real_chain_each_defect_turns_its_scenario_red_and_the_honest_one_none() {
    let node = ["run", "--chain", "anvil", "--seed", "7"];
    let names: std::collections::BTreeSet<&str> =
        RED_ON_A_REAL_CHAIN.iter().map(|row| row.1).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let honest = assay(&[&node[..], &names].concat()).await.exits(0);
    for name in &names {
        let found = verdict(&honest, name);
        let clean = found == "pass" || found == "info";
        assert!(clean, "{name} {found}: {}", honest.said());
    }
    let runs = RED_ON_A_REAL_CHAIN
        .iter()
        .map(|(defect, scenario, expected)| async move {
            let ran = assay(&[&node[..], &[*scenario, "--defect", defect]].concat()).await;
            let found = verdict(&ran, scenario);
            assert_eq!(&found, expected, "{defect}: {}", ran.said());
        });
    futures_util::stream::iter(runs)
        .buffer_unordered(WIDTH)
        .collect::<Vec<()>>()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_not_tested_as_a_facilitator() {
    let facilitator = crate::support::up::Up::start().await;
    let shop = crate::support::shop::reference(&facilitator.facilitator).await;
    let url = format!("{}/paid", shop.url());
    let attach = ["--server", &url, "--attach", &facilitator.control];
    let ran = assay(&[&["run", "settle-duplicates"], &attach[..]].concat()).await;
    assert_eq!(
        verdict(&ran, "settle-duplicates"),
        "skipped",
        "{}",
        ran.said()
    );
    assert_eq!(ran.code, 5, "{}", ran.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_typescript_facilitator_is_tested_with_our_server_in_front() {
    let installed = crate::typescript::install("typescript-v2").await;
    let needed = "npm packages of interop/typescript-v2";
    let Some(folder) = crate::support::requirements::require(needed, installed) else {
        return;
    };
    let profile = folder.join("../profiles/facilitator-v2-nonce-manager.yaml");
    let target = ["run", "--facilitator", profile.to_str().unwrap()];
    let scenarios = [
        "settle-duplicates",
        "settle-other-terms",
        "concurrent-duplicates",
    ];
    let ran = assay(&[&target[..], &scenarios].concat()).await.exits(0);
    let report = ran.report();
    assert_eq!(report["target"]["kind"], "facilitator");
    assert_eq!(
        report["controls"]["positive"]["held"],
        true,
        "{}",
        ran.said()
    );
    assert_eq!(
        report["controls"]["mutation"]["held"],
        true,
        "{}",
        ran.said()
    );
    assert_eq!(
        report["checks"],
        serde_json::json!([]),
        "they are about servers"
    );
    assert_ne!(
        verdict(&ran, "settle-duplicates"),
        "skipped",
        "{}",
        ran.said()
    );
    assert_eq!(
        verdict(&ran, "settle-other-terms"),
        "pass",
        "{}",
        ran.said()
    );
    assert_eq!(verdict(&ran, "concurrent-duplicates"), "skipped");
}
