//! The command at the head of a report, typed in a shell as it is, makes the same run again.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Ran, assay, assay_in};

/// Types the report's command in a shell in the folder of its run; the report before, its exit code, and its report.
async fn typed(ran: Ran) -> (Value, i32, Value) {
    let first = ran.report();
    let command = first["command"].as_str().expect("a command");
    let bench = Path::new(env!("CARGO_BIN_EXE_x402-assay")).parent();
    let bench = bench.map(Path::to_path_buf).into_iter();
    let others = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(bench.chain(std::env::split_paths(&others))).unwrap();
    let file = ran.dir.path().join("x402-assay-report/report.json");
    std::fs::remove_file(&file).unwrap();
    let shell = tokio::process::Command::new("sh")
        .args(["-c", command])
        .env("PATH", path)
        .env_remove("CI")
        .current_dir(ran.dir.path())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_secs(240), shell)
        .await
        .expect("it ends")
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{error}: {said}"));
    let again = serde_json::from_str(&text).unwrap();
    (first, output.status.code().unwrap_or(-1), again)
}

/// Members that the same run has the same of.
fn same(one: &Value, other: &Value, pointers: &[&str]) {
    for pointer in pointers {
        let (one, other) = (one.pointer(pointer), other.pointer(pointer));
        assert!(one.is_some(), "{pointer}");
        assert_eq!(one, other, "{pointer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_with_defects_mix_and_thresholds() {
    let mix = "duplicate=90,buy=10";
    let args = [
        "load",
        "--chain",
        "memory",
        "--timeout",
        "60s",
        "--rate",
        "poisson:60/s",
        "--for",
        "1500ms",
        "--mix",
        mix,
        "--threshold",
        "goodput >= 1/s",
        "--defect",
        "guard-inserts-after-settle",
    ];
    let (first, code, again) = typed(assay(&args).await.exits(3)).await;
    assert_eq!(code, 3, "{again:#}");
    let pointers = [
        "/command",
        "/seed",
        "/verdict",
        "/load/plan",
        "/load/thresholds/0/threshold",
        "/load/arrivals/offered",
    ];
    same(&first, &again, &pointers);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_scenario_and_a_load_on_the_built_in_facilitator() {
    const SHEET: &str = "scenario: two-a-day\nabout: A few sales.\nrole: server\ntags: [load]\nneeds: [chain]\n\
        kind: paid\narrivals: { constant: 20/s, for: 1s }\nthresholds:\n  - unpaid_grants == 0\n";
    let calls = ["load", "--calls", "verify", "--rate", "30/s", "--for", "1s"];
    for args in [&["load", "./a few.yaml"][..], &calls] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a few.yaml"), SHEET).unwrap();
        let args = [args, &["--chain", "memory"]].concat();
        let (mut first, code, mut again) = typed(assay_in(dir, &args).await.exits(0)).await;
        assert_eq!(code, 0, "{again:#}");
        // Services of the bench have other ports each time.
        for report in [&mut first, &mut again] {
            report["target"]["url"] = Value::Null;
        }
        let pointers = ["/command", "/seed", "/target", "/load/plan", "/load/model"];
        same(&first, &again, &pointers);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scenario_with_a_defect() {
    let args = [
        "run",
        "settle-says-no",
        "--cases",
        "1",
        "--chain",
        "memory",
        "--defect",
        "settle-ignored",
    ];
    let (first, code, again) = typed(assay(&args).await.exits(3)).await;
    assert_eq!(code, 3, "{again:#}");
    let pointers = [
        "/command",
        "/seed",
        "/verdict",
        "/scenarios/0/name",
        "/scenarios/0/verdict",
        "/scenarios/0/replay",
    ];
    same(&first, &again, &pointers);
}
