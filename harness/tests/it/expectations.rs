//! The expectations file of a run.

use crate::support::{assay, assay_in};

const FILE: &str = "x402-assay.expectations.yaml";
const HISTORY: &str = "x402-assay-report/history.jsonl";
const BROKEN: [&str; 4] = ["--chain", "memory", "--defect", "replay-cache"];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_accepted_once_fails_no_run_until_it_is_fixed() {
    let ran = assay(&BROKEN).await.exits(3);
    let ran = assay_in(ran.dir, &[&BROKEN[..], &["--update-expectations"]].concat())
        .await
        .exits(0);
    assert!(ran.stderr.contains("give each a reason"), "{}", ran.said());
    let text = std::fs::read_to_string(ran.dir.path().join(FILE)).unwrap();
    assert!(
        text.contains("- check: SRV-REPL-001") && text.contains("accepted on "),
        "{text}"
    );
    assert!(!ran.dir.path().join(format!("{FILE}.partial")).exists());
    // Read without being named, by `run` and by `judge`.
    let ran = assay_in(ran.dir, &BROKEN).await.exits(0);
    assert!(ran.report()["counts"]["expected"].as_u64().unwrap() > 0);
    assert!(ran.stdout.contains("expected ("), "{}", ran.said());
    let ran = assay_in(ran.dir, &["judge", HISTORY]).await.exits(0);
    std::fs::write(ran.dir.path().join("none.yaml"), "[]\n").unwrap();
    let ran = assay_in(ran.dir, &["judge", HISTORY, "--expectations", "none.yaml"])
        .await
        .exits(3);
    // Fixed: the entries are stale, which is told, and fails where warnings do.
    let fixed = ["--chain", "memory"];
    let ran = assay_in(ran.dir, &fixed).await.exits(0);
    assert!(ran.stdout.contains("stale: SRV-REPL-001"), "{}", ran.said());
    let ran = assay_in(ran.dir, &[&fixed[..], &["--fail-on", "warn"]].concat())
        .await
        .exits(3);
    let ran = assay_in(ran.dir, &[&fixed[..], &["--update-expectations"]].concat())
        .await
        .exits(0);
    assert!(ran.stderr.contains("dropped"), "{}", ran.said());
    let text = std::fs::read_to_string(ran.dir.path().join(FILE)).unwrap();
    assert!(text.ends_with("[]\n"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_its_control_decides_nothing() {
    let args = [
        "--chain",
        "memory",
        "--defect",
        "refuse-everything",
        "--update-expectations",
    ];
    let ran = assay(&args).await.exits(5);
    assert!(
        ran.stderr.contains("--update-expectations: not written"),
        "{}",
        ran.said()
    );
    assert!(!ran.dir.path().join(FILE).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_file_stops_the_run_before_it_begins() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join(FILE),
        "- check: SRV-HDR-999\n  reason: r\n  wen: now\n",
    )
    .unwrap();
    let ran = assay_in(dir, &["--chain", "memory"]).await.exits(2);
    for words in [
        &format!("{FILE}:1:10"),
        "SRV-HDR-999",
        &format!("{FILE}:3:3"),
        "wen",
    ] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.said());
    }
    assert!(!ran.dir.path().join(HISTORY).exists());
    let ran = assay_in(
        ran.dir,
        &["--chain", "memory", "--expectations", "nowhere.yaml"],
    )
    .await
    .exits(2);
    assert!(ran.stderr.contains("nowhere.yaml"), "{}", ran.said());
}
