//! Real, unmodified facilitators under every facilitator scenario: each verdict is as recorded, and each that is red was
//! looked at (interop/README.md says what they found).

use std::path::PathBuf;

use serde_json::Value;

use crate::python;
use crate::support::requirements::require;
use crate::support::{Ran, assay};
use crate::typescript;

/// Scenarios whose verdict depends on which of many calls a fault or the scheduler met: recorded as "not red" only. Where
/// copies race, some facilitators number a transaction that is then refused, and hang until they are restarted.
const WAVERING: [&str; 7] = [
    "many-distinct-settles",
    "poison-pill",
    "rpc-errors",
    "rpc-lies",
    "settle-duplicates",
    "settle-encodings",
    // A payment of six seconds is valid for whoever wants six, and no more when a second has ended before it is settled.
    "time-window",
];

/// Takes minutes against every real facilitator: it sees the facilitator's whole wait for a receipt.
const SLOW: [&str; 1] = ["mining-paused-past-wait"];

/// The same where a facilitator's own nonce count outlives what it counted: it then waits for a receipt that never comes.
const SLOW_WITH_A_COUNT: [&str; 3] = ["reorg-after-success", "rpc-errors", "rpc-lies"];

fn profile(name: &str) -> PathBuf {
    let profiles = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../interop/profiles");
    profiles.join(format!("facilitator-{name}.yaml"))
}

async fn run(name: &str, scenarios: &[&str], more: &[&str]) -> Ran {
    let file = profile(name);
    let target = ["--facilitator", file.to_str().unwrap(), "--seed", "7"];
    // A facilitator that blocks shows soon enough that it does.
    let quick = ["--chain", "anvil", "--timeout", "8s"];
    assay(&[&["run"], scenarios, &target, &quick, more].concat()).await
}

/// Names of the built-in facilitator scenarios without these.
fn all_but(left_out: &[&[&str]]) -> Vec<String> {
    let all = x402_assay::scenario::builtin().unwrap();
    let role = x402_assay::scenario::Role::Facilitator;
    let wanted = all.into_iter().filter(|scenario| scenario.role == role);
    wanted
        .map(|scenario| scenario.name)
        .filter(|name| !left_out.iter().any(|list| list.contains(&name.as_str())))
        .collect()
}

fn rows(report: &Value) -> String {
    let scenarios = report["scenarios"].as_array().unwrap().iter();
    let mut rows: Vec<String> = scenarios
        .map(|row| {
            let name = row["name"].as_str().unwrap();
            let verdict = match row["verdict"].as_str().unwrap() {
                "pass" | "info" | "warn" | "inconclusive" if WAVERING.contains(&name) => "not red",
                verdict => verdict,
            };
            format!("{name:38} {verdict}")
        })
        .collect();
    rows.sort();
    rows.join("\n")
}

/// Both controls hold, every red scenario comes with evidence and a replay file, and the verdicts are as recorded.
async fn is_as_recorded(name: &str, left_out: &[&[&str]]) {
    let scenarios = all_but(left_out);
    let scenarios: Vec<&str> = scenarios.iter().map(String::as_str).collect();
    let ran = run(name, &scenarios, &[]).await;
    let report = ran.report();
    for control in ["positive", "mutation"] {
        let held = &report["controls"][control]["held"];
        assert_eq!(held, true, "{name}: {control}: {}", ran.said());
    }
    for row in report["scenarios"].as_array().unwrap() {
        let red = row["verdict"] == "fail";
        let scenario = row["name"].as_str().unwrap();
        let cases = row["cases"].as_array().unwrap().iter();
        let mut findings = cases
            .flat_map(|case| case["findings"].as_array().into_iter().flatten())
            .filter(|finding| finding["verdict"] == "fail")
            .peekable();
        assert_eq!(red, findings.peek().is_some(), "{scenario}");
        for finding in findings {
            let evidence = finding["evidence"].as_array().unwrap();
            assert!(!evidence.is_empty(), "{scenario} without evidence");
        }
        let replay = std::fs::read_dir(ran.dir.path().join("x402-assay-report/replay"));
        let mut files = replay.into_iter().flatten().filter_map(Result::ok);
        let written = files.any(|file| {
            let file = file.file_name().to_string_lossy().into_owned();
            let case = file.strip_prefix(scenario).unwrap_or_default();
            case.starts_with('-') && case[1..].starts_with(|c: char| c.is_ascii_digit())
        });
        assert_eq!(red, written, "{scenario}: replay file");
    }
    insta::assert_snapshot!(format!("facilitator-{name}"), rows(&report));
}

async fn typescript_is_there() -> bool {
    let installed = typescript::install("typescript-v2").await;
    require("npm packages of interop/typescript-v2", installed).is_some()
}

fn python_is_there() -> bool {
    let environment = python::environment();
    require("the Python environment of interop/python", environment).is_some()
}

/// Built by hand: ten minutes are too long for a test (interop/README.md).
#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
fn rust_is_there() -> bool {
    let built = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../interop/rust-facilitator/target/debug/rust-facilitator");
    let there = built.exists() || std::env::var_os("RUST_FACILITATOR").is_some();
    if !there {
        eprintln!("SKIPPED: interop/rust-facilitator is not built; see interop/README.md");
    }
    there
}

#[tokio::test(flavor = "multi_thread")]
async fn typescript_with_a_plain_account() {
    if typescript_is_there().await {
        is_as_recorded("v2", &[&SLOW]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn typescript_with_the_nonce_manager() {
    if typescript_is_there().await {
        is_as_recorded("v2-nonce-manager", &[&SLOW, &SLOW_WITH_A_COUNT]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn python() {
    if python_is_there() {
        is_as_recorded("python", &[&SLOW, &SLOW_WITH_A_COUNT]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rust() {
    if rust_is_there() {
        is_as_recorded("rust", &[&SLOW]).await;
    }
}

/// Payments of `many-distinct-settles` that moved, of ten settled at once.
async fn settled_of_ten(name: &str) -> usize {
    let ran = run(name, &["many-distinct-settles"], &["--cases", "1"]).await;
    let report = ran.report();
    let books = report["books"].as_array().unwrap().iter();
    let probe = "scenario/many-distinct-settles/1/3";
    let ours: Vec<&Value> = books.filter(|book| book["probe"] == probe).collect();
    assert_eq!(ours.len(), 10, "{name}: {}", ran.said());
    let moved = ours.iter().filter(|book| book["transfers"] == 1).count();
    let expected = if moved == 10 { "pass" } else { "warn" };
    assert_eq!(
        report["scenarios"][0]["verdict"],
        expected,
        "{}",
        ran.said()
    );
    moved
}

/// `cargo test -p x402-assay --test it the_known_ranking -- --nocapture` prints it.
#[tokio::test(flavor = "multi_thread")]
async fn the_known_ranking_comes_out() {
    let mut ranking = Vec::new();
    if typescript_is_there().await {
        for name in ["v2", "v2-nonce-manager"] {
            ranking.push((name, settled_of_ten(name).await));
        }
    }
    if python_is_there() {
        ranking.push(("python", settled_of_ten("python").await));
    }
    if rust_is_there() {
        ranking.push(("rust", settled_of_ten("rust").await));
    }
    ranking.sort_by_key(|(_, settled)| std::cmp::Reverse(*settled));
    for (name, settled) in &ranking {
        println!("{settled:2} of 10  facilitator-{name}");
    }
    for (name, settled) in ranking {
        match name {
            "v2" => assert!(settled < 10, "a plain account loses payments"),
            other => assert_eq!(settled, 10, "{other} loses none"),
        }
    }
}
