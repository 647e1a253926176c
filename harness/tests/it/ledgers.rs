//! Memory and Anvil give the same verdicts.

use std::collections::BTreeMap;

use crate::support::assay::command;
use crate::support::{Ran, assay};

fn verdicts(ran: &Ran) -> BTreeMap<String, String> {
    let report = ran.report();
    let checks = report["checks"].as_array().unwrap().iter();
    let invariants = report["invariants"].as_array().unwrap().iter();
    checks
        .chain(invariants)
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            (text("id"), text("verdict"))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ledgers_give_the_same_verdict_for_what_both_can_observe() {
    for defect in [
        None,
        Some("replay-cache"),
        Some("receipt-wrong-transaction"),
    ] {
        let with = |chain: &'static str| {
            let mut args = vec!["--chain", chain];
            args.extend(defect.iter().flat_map(|name| ["--defect", name]));
            args
        };
        let (on_memory, on_anvil) = (with("memory"), with("anvil"));
        let (memory, anvil) = tokio::join!(assay(&on_memory), assay(&on_anvil));
        assert_eq!(
            memory.code,
            anvil.code,
            "{}\n{}",
            memory.said(),
            anvil.said()
        );
        let (memory, anvil) = (verdicts(&memory), verdicts(&anvil));
        let differ: Vec<_> = memory
            .iter()
            .filter(|(id, verdict)| anvil.get(*id) != Some(verdict))
            .collect();
        // What the memory ledger cannot observe is skipped there, by name.
        assert!(
            differ.iter().all(|(_, verdict)| *verdict == "skipped"),
            "{differ:?}"
        );
        assert_eq!(memory.len(), anvil.len());
        if defect.is_none() {
            let only_anvil: Vec<_> = differ.iter().map(|(id, _)| id).collect();
            insta::assert_debug_snapshot!("needs_evm", only_anvil);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_anvil_auto_falls_back_with_its_reason_and_ci_does_not() {
    let dir = tempfile::tempdir().unwrap();
    // No Anvil on the path, none in the cache, and none may be installed.
    let run = async |ci: &str, more: &[&str]| {
        let mut command = command(dir.path(), &["run", "--no-install"]);
        let command = command
            .args(more)
            .env("CI", ci)
            .env("PATH", "/nowhere")
            .env_remove("ANVIL");
        let command = command
            .env("HOME", dir.path())
            .env("XDG_CACHE_HOME", dir.path());
        command.output().await.unwrap()
    };
    let output = run("", &[]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report = std::fs::read_to_string(dir.path().join("x402-assay-report/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["fidelity"]["chain"], "memory");
    assert_eq!(report["fidelity"]["requested"], "auto");
    let reason = report["fidelity"]["reason"].as_str().unwrap();
    assert!(reason.contains("--no-install"), "{reason}");
    for (ci, more) in [
        ("true", &[][..]),
        ("", &["--strict"]),
        ("", &["--chain", "anvil"]),
    ] {
        let output = run(ci, more).await;
        assert_eq!(
            output.status.code(),
            Some(2),
            "CI={ci} {more:?}: {output:?}"
        );
        assert!(String::from_utf8_lossy(&output.stderr).contains("anvil was not found"));
    }
}
