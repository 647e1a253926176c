//! `chain` steps: what they say really happens, shows in the history, and is taken back.

use std::path::Path;

use serde_json::Value;

use crate::support::{Ran, assay, assay_in};

/// What happened, in the order of the history: objects whose only key is the kind.
fn history(ran: &Ran) -> Vec<Value> {
    let path = ran.dir.path().join("x402-assay-report/history.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let what = |line: &str| serde_json::from_str::<Value>(line).unwrap()["what"].take();
    text.lines().map(what).collect()
}

/// What happened of one kind, in order.
fn of_kind<'h>(history: &'h [Value], kind: &'h str) -> impl Iterator<Item = &'h Value> {
    history.iter().filter_map(move |what| what.get(kind))
}

/// `case label` and its verdict, of one scenario.
fn cases(ran: &Ran, name: &str) -> Vec<(String, String)> {
    let report = ran.report();
    let rows = report["scenarios"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == name);
    let cases = row.unwrap_or_else(|| panic!("{name}: {}", ran.said()))["cases"].as_array();
    let text = |case: &Value, key: &str| case[key].as_str().unwrap_or_default().to_owned();
    let told = |case: &Value| (text(case, "label"), text(case, "verdict"));
    cases.unwrap().iter().map(told).collect()
}

#[track_caller]
fn all_pass(ran: &Ran, names: &[&str]) {
    for name in names {
        let cases = cases(ran, name);
        assert!(!cases.is_empty());
        let passed = cases.iter().all(|(_, verdict)| verdict == "pass");
        assert!(passed, "{name}: {cases:?}\n{}", ran.said());
    }
}

/// Faults of a scenario's rounds: kind and how often it struck.
fn met(history: &[Value], name: &str) -> Vec<(String, u64)> {
    let rounds = of_kind(history, "case_ran").filter(|ran| ran["scenario"] == name);
    let faults = rounds.flat_map(|what| what["faults"].as_array().cloned().unwrap_or_default());
    faults
        .map(|fault| {
            let kind = fault["kind"].as_str().unwrap().to_owned();
            (kind, fault["fired"].as_u64().unwrap())
        })
        .collect()
}

fn write(dir: &Path, name: &str, rest: &str) {
    let text = format!("scenario: {name}\nabout: What {name} does.\nsources: [UNK-01]\n{rest}");
    std::fs::write(dir.join(format!("{name}.yaml")), text).unwrap();
}

const LIBRARY: [&str; 3] = [
    "cancel-or-drain-between",
    "preempted-by-third-party",
    "replayed-payment",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_librarys_chain_steps_happen_on_both_ledgers() {
    for chain in ["memory", "anvil"] {
        let words = [&["run"], &LIBRARY[..], &["--chain", chain, "--seed", "7"]].concat();
        let ran = assay(&words).await.exits(0);
        all_pass(&ran, &LIBRARY);
        let history = history(&ran);
        let ledger = |movement: &str| -> Vec<&Value> {
            of_kind(&history, "ledger")
                .filter(|record| record.to_string().contains(movement))
                .collect()
        };
        assert_eq!(ledger("authorization_canceled").len(), 1, "{chain}");
        // What was drained went to the account nobody uses.
        assert_eq!(ledger("d7a1ed").len(), 1, "{chain}");
        let faults: Vec<&Value> = of_kind(&history, "fault_injected").collect();
        let told = |word: &str| {
            let begins = format!("chain {word}");
            let found = faults
                .iter()
                .find(|what| what["fault"].as_str().unwrap().starts_with(&begins));
            found.unwrap_or_else(|| panic!("{chain}: no {word} in {faults:?}"))
        };
        for (word, record) in [
            ("cancel", ledger("authorization_canceled")[0]),
            ("drain", ledger("d7a1ed")[0]),
        ] {
            let fault = told(word);
            assert!(fault["authorization"].is_u64(), "{fault}");
            let hash = record["transaction"].as_str().unwrap();
            assert!(
                fault["fault"].as_str().unwrap().contains(hash),
                "{fault} {hash}"
            );
        }
        told("preempt");
        told("warp");
        for (name, kinds) in
            LIBRARY
                .iter()
                .zip([&["cancel", "drain"][..], &["preempt"][..], &["warp"][..]])
        {
            let met = met(&history, name);
            let wanted: Vec<_> = kinds.iter().map(|kind| ((*kind).to_owned(), 1)).collect();
            assert_eq!(met, wanted, "{chain}");
        }
    }
}

const WARPED: &str = "role: server
needs: [chain]
rounds: 2
steps:
  - quote: { as: offer }
  - sign: { offer: offer, valid_for: 1h, as: payment }
  - chain: { warp: 2h }
  - wait: { until: payment expired, within: 1s }
  - send: { payment: payment, as: late }
  - sign: { offer: offer, valid_for: 60s, as: fresh }
  - send: { payment: fresh, as: now }
  - sign: { offer: offer, expired_for: 10s, as: old }
  - send: { payment: old, as: never }
expect:
  - invariant: [I1, I3]
  - responses: { of: late, delivered: 0 }
  - responses: { of: now, delivered: 1 }
  - responses: { of: never, delivered: 0 }
";

const REVERTED: &str = "role: server
needs: [anvil]
steps:
  - quote: { as: offer }
  - sign: { offer: offer, as: payment }
  - chain: { revert: payment }
  - send: { payment: payment, as: first }
  - clear_faults
  - buy: { within: 10s, as: second }
expect:
  - invariant: [I1, I7, I9]
  - responses: { of: first, delivered: 0 }
  - responses: { of: second, delivered: 1 }
  - transfers: { of: payment, count: 0 }
";

const UNMET: &str = "role: server
needs: [anvil]
steps:
  - quote: { as: offer }
  - sign: { offer: offer, as: payment }
  - sign: { offer: offer, as: other }
  - chain: { revert: payment }
  - send: { payment: other, as: first }
expect:
  - responses: { of: first, delivered: 1 }
";

const REORGANISED: &str = "role: server
needs: [anvil]
rounds: 2
steps:
  - quote: { as: offer }
  - payer: { funds: price * 10, as: dora }
  - sign: { offer: offer, payer: dora, as: payment }
  - send: { payment: payment, as: first }
  - chain: { reorg: 12 }
  - buy: { payer: dora, within: 10s, as: second }
expect:
  - transfers: { of: payment, count: 0 }
  - responses: { of: first, delivered: 1 }
  - responses: { of: second, delivered: 1 }
";

const MINED: &str = "role: server
needs: [anvil, facilitator]
steps:
  - quote: { as: offer }
  - sign: { offer: offer, as: payment }
  - chain: { mine: stop }
  - send: { payment: payment, background: true, as: first }
  - wait: { until: 1 settle seen }
  - chain: { block_time: 50ms }
  - wait: { until: 2 blocks }
  - wait: { until: first done }
  - clear_faults
  - buy: { within: 10s }
expect:
  - invariant: [I1, I3, I9]
  - responses: { of: first, delivered: 1 }
";

const ACCOUNTS: &str = "role: server
needs: [anvil]
steps:
  - quote: { as: offer }
  - payer: { funds: price * 10, as: dora }
  - sign: { offer: offer, payer: dora, as: payment }
  - chain: { gas: empty }
  - send: { payment: payment, as: first }
  - clear_faults
  - chain: { block: dora }
  - send: { payment: payment, as: second }
  - clear_faults
  - chain: { token: paused }
  - send: { payment: payment, as: third }
  - clear_faults
  - chain: { token: no-code }
  - send: { payment: payment, as: fourth }
  - clear_faults
  - chain: { base_fee: 500 }
  - send: { payment: payment, as: fifth }
expect:
  - invariant: [I1]
  - responses: { of: first, delivered: 0 }
  - responses: { of: second, delivered: 0 }
  - responses: { of: third, delivered: 0 }
  - responses: { of: fourth, delivered: 0 }
  - responses: { of: fifth, delivered: 1 }
  - transfers: 1
";

const NODE: &str = "role: server
needs: [anvil]
steps:
  - quote: { as: offer }
  - sign: { offer: offer, as: payment }
  - chain: { rpc: { error: internal } }
  - send: { payment: payment, as: first }
  - clear_faults
  - chain: { rpc: { lie: no-pending-state } }
  - send: { payment: payment, as: second }
  - clear_faults
  - send: { payment: payment, as: third }
expect:
  - invariant: [I1, I3, I7]
  - responses: { of: first, delivered: 0 }
  - responses: { of: second, delivered: 0 }
  - responses: { of: third, delivered: 1 }
";

const UNASKED: &str = "role: server
needs: [anvil]
steps:
  - quote: { as: offer }
  - sign: { offer: offer, as: payment }
  - chain: { rpc: { error: internal, methods: [eth_protocolVersion] } }
  - send: { payment: payment, as: first }
expect:
  - responses: { of: first, delivered: 1 }
";

#[tokio::test(flavor = "multi_thread")]
async fn in_memory_the_clock_goes_ahead_and_back_and_the_rest_is_skipped_with_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "warped", WARPED);
    write(dir.path(), "reverted", REVERTED);
    let ran = assay_in(dir, &["run", ".", "--chain", "memory", "--seed", "7"])
        .await
        .exits(0);
    all_pass(&ran, &["warped"]);
    assert_eq!(cases(&ran, "reverted")[0].1, "skipped");
    let report = ran.report().to_string();
    assert!(
        report.contains("needs a node the bench controls, and the ledger of this run is `memory`"),
        "{report}"
    );
    assert_eq!(met(&history(&ran), "warped").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_node_everything_happens_and_is_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let files = [
        ("warped", WARPED),
        ("reverted", REVERTED),
        ("reorganised", REORGANISED),
        ("mined", MINED),
        ("accounts", ACCOUNTS),
        ("node", NODE),
    ];
    for (name, text) in files {
        write(dir.path(), name, text);
    }
    // The purchase after each case shows that everything was taken back: without it a case warns.
    let ran = assay_in(dir, &["run", ".", "--chain", "anvil", "--seed", "7"])
        .await
        .exits(0);
    all_pass(&ran, &files.map(|(name, _)| name));
    let history = history(&ran);
    for (name, _) in files {
        let met = met(&history, name);
        assert!(!met.is_empty(), "{name}");
        assert!(met.iter().all(|(_, fired)| *fired > 0), "{name}: {met:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_met_is_no_pass() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "unmet", UNMET);
    write(dir.path(), "unasked", UNASKED);
    let ran = assay_in(dir, &["run", ".", "--chain", "anvil", "--seed", "7"])
        .await
        .exits(5);
    assert_eq!(cases(&ran, "unmet")[0].1, "inconclusive", "{}", ran.said());
    assert_eq!(cases(&ran, "unasked")[0].1, "info", "{}", ran.said());
}
