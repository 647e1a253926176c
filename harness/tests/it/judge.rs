//! `judge`: a saved history judged again.

use std::path::Path;

use crate::support::{assay, assay_in};

const HISTORY: &str = "x402-assay-report/history.jsonl";

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_history_gives_the_same_report_and_exit_code() {
    for (defect, code) in [
        (None, 0),
        (Some("verify-ignored"), 3),
        (Some("refuse-everything"), 5),
    ] {
        let mut args = vec!["--chain", "memory", "--json"];
        args.extend(defect.iter().flat_map(|name| ["--defect", name]));
        let ran = assay(&args).await.exits(code);
        let again = assay_in(ran.dir, &["judge", HISTORY, "--json"])
            .await
            .exits(code);
        assert_eq!(again.stdout, ran.stdout, "{defect:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scenarios_of_a_saved_history_are_judged_again() {
    let ran = assay(&["run", "error-burns-payment", "--chain", "memory", "--json"]).await;
    assert_ne!(ran.report()["scenarios"], serde_json::json!([]));
    let again = assay_in(ran.dir, &["judge", HISTORY, "--json"])
        .await
        .exits(0);
    assert_eq!(again.stdout, ran.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn selection_and_folder_are_those_of_the_call() {
    let ran = assay(&["--chain", "memory"]).await.exits(0);
    let args = [
        "judge",
        HISTORY,
        "--check",
        "SRV-REPL-001",
        "--out",
        "again",
        "--json",
    ];
    let again = assay_in(ran.dir, &args).await.exits(0);
    let printed: serde_json::Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(printed["checks"].as_array().unwrap().len(), 1);
    let written = std::fs::read_to_string(again.dir.path().join("again/report.json")).unwrap();
    assert_eq!(written, again.stdout);
    assert!(again.dir.path().join("again/report.md").exists());
    assay_in(again.dir, &["judge", HISTORY, "--check", "SRV-NOPE-*"])
        .await
        .exits(4);
}

/// Cuts a file to its first bytes.
fn cut(path: &Path, share: f64) {
    let whole = std::fs::read(path).unwrap();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a test file"
    )]
    let end = (whole.len() as f64 * share) as usize;
    std::fs::write(path, &whole[..end]).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_history_is_judged_up_to_the_damage() {
    let ran = assay(&["--chain", "memory", "--defect", "serve-unpaid"])
        .await
        .exits(3);
    cut(&ran.dir.path().join(HISTORY), 0.7);
    let again = assay_in(ran.dir, &["judge", HISTORY]).await.exits(130);
    assert!(again.stderr.contains("damaged at line"), "{}", again.said());
    assert!(
        again.stdout.starts_with("nonconformant (interrupted)"),
        "{}",
        again.said()
    );
    assert!(
        again.stdout.contains("it was judged up to there"),
        "{}",
        again.said()
    );
}

/// Events of a later version are no riddle: which version wrote them is told, and what comes before them is judged.
#[tokio::test(flavor = "multi_thread")]
async fn a_history_of_another_version_says_so() {
    let ran = assay(&["--chain", "memory"]).await.exits(0);
    let path = ran.dir.path().join(HISTORY);
    let text = std::fs::read_to_string(&path).unwrap();
    let ours = concat!("\"bench_version\":\"", env!("CARGO_PKG_VERSION"), "\"");
    assert_eq!(text.matches(ours).count(), 1);
    let newer = text.replacen(ours, "\"bench_version\":\"77.0.0\"", 1);
    let events = newer.lines().count();
    let unknown = format!("{{\"seq\":{events},\"at_us\":9999999999,\"brand_new\":{{}}}}\n");
    std::fs::write(&path, newer + &unknown).unwrap();
    let again = assay_in(ran.dir, &["judge", HISTORY]).await.exits(130);
    for words in [
        "damaged at line",
        "x402-assay 77.0.0",
        "read it with that version",
    ] {
        assert!(
            again.stderr.contains(words),
            "{words:?} in {}",
            again.said()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_history_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("empty"), "").unwrap();
    std::fs::write(dir.path().join("other"), "{\"a\":1}\n").unwrap();
    let empty = assay_in(dir, &["judge", "empty"]).await.exits(2);
    assert!(empty.stderr.contains("it is empty"), "{}", empty.said());
    let other = assay_in(empty.dir, &["judge", "other"]).await.exits(2);
    assert!(other.stderr.contains("line 1"), "{}", other.said());
    let missing = assay_in(other.dir, &["judge", "missing"]).await.exits(2);
    assert!(
        missing.stderr.contains("cannot read the history"),
        "{}",
        missing.said()
    );
}
