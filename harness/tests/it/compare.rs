//! `compare`: two saved reports, files or folders, and the exit codes scripts depend on.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{assay, assay_in};

const FOLDER: &str = "x402-assay-report";

/// A run on the memory ledger whose report lies in `name` of the folder.
async fn report_in(dir: TempDir, name: &str, more: &[&str], code: i32) -> TempDir {
    let mut args = vec!["--chain", "memory", "--out", name, "--check", "SRV-REPL-*"];
    args.extend(more);
    assay_in(dir, &args).await.exits(code).dir
}

#[tokio::test(flavor = "multi_thread")]
async fn what_broke_and_what_was_fixed_decides_the_exit_code() {
    let dir = report_in(tempfile::tempdir().unwrap(), "good", &[], 0).await;
    let dir = report_in(dir, "bad", &["--defect", "replay-cache"], 3).await;
    let broken = assay_in(
        dir,
        &["compare", "good", "bad/report.json", "--out", "diff"],
    )
    .await;
    let broken = broken.exits(3);
    assert!(
        broken
            .first_line()
            .starts_with("broken: newly broken: SRV-REPL-001"),
        "{}",
        broken.said()
    );
    for file in ["compare.html", "compare.md", "compare.json"] {
        assert!(broken.dir.path().join("diff").join(file).exists(), "{file}");
    }
    let fixed = assay_in(broken.dir, &["compare", "bad", "good", "--json"])
        .await
        .exits(0);
    let told: Value = serde_json::from_str(&fixed.stdout).unwrap();
    assert_eq!(
        (&told["outcome"], &told["load"]),
        (&json!("good"), &Value::Null)
    );
    let rows = told["rows"].as_array().unwrap();
    assert!(
        rows.iter()
            .any(|row| row["change"] == "fixed" && row["id"] == "SRV-REPL-001")
    );
    let dir = report_in(fixed.dir, "unclear", &["--defect", "refuse-everything"], 5).await;
    assay_in(dir, &["compare", "good", "unclear"])
        .await
        .exits(5);
}

/// The load section of half a minute at a steady pace.
pub(crate) fn load(goodput: u64, p99_us: u64) -> Value {
    let time = json!({
        "count": 3000, "mean_us": 5000.0, "p50_us": 5000, "p90_us": 6000, "p95_us": 7000, "p99_us": p99_us,
        "p999_us": p99_us, "max_us": p99_us, "hdr": "",
    });
    let mut row = json!({ "phase": "whole_from_due" });
    row.as_object_mut()
        .unwrap()
        .extend(time.as_object().unwrap().clone());
    let second = |at: u64| {
        json!({
            "at_s": at, "width_s": 1.0, "offered": 100, "sent": 100, "dropped": 0, "errors": 0, "in_flight": 4,
            "goodput": goodput + at % 3, "p50_us": 5000 + at % 7 * 10, "p99_us": p99_us + at % 5 * 10,
            "ends": { "good": goodput + at % 3, "deserved": 0, "refused": at % 4, "timed_out": at % 2, "failed": 0 },
        })
    };
    let books = json!({
        "authorizations": 3000, "settled": 3000, "granted": 3000, "double_charged": 0, "unpaid_grants": 0,
        "charged_without_service": 0,
    });
    json!({
        "goodput_per_s": goodput, "goodput": goodput * 30, "model": "open", "ledger": "memory", "measured_s": 30.0,
        "plan": {
            "kind": "paid", "arrivals": "100/s", "duration_s": 30.0, "warm_up_s": 0.0, "connections": "64",
            "signing": "inline", "queue": 100, "payers": 4,
        },
        "arrivals": {
            "offered": 3000, "sent": 3000, "dropped": 0, "completed": 3000, "offered_per_s": 100.0,
            "achieved_per_s": 100.0, "queue_high_water": 0, "in_flight_high_water": 4,
        },
        "outcomes": [{ "of": "buy", "class": "200", "meant": true, "count": 3000 }],
        "books": books, "latency": [row], "series": (0..30).map(second).collect::<Vec<_>>(),
        "limited_by": { "by": "none", "proof": "what was offered was served" },
    })
}

/// Writes a report with another load section.
fn put(dir: &TempDir, report: &Value, name: &str, load: Value) {
    let mut report = report.clone();
    report["load"] = load;
    std::fs::write(dir.path().join(name), report.to_string()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn load_that_got_worse_by_more_than_the_bound_exits_6() {
    let dir = report_in(tempfile::tempdir().unwrap(), FOLDER, &[], 0).await;
    let text = std::fs::read_to_string(dir.path().join(FOLDER).join("report.json")).unwrap();
    let report: Value = serde_json::from_str(&text).unwrap();
    put(&dir, &report, "base.json", load(98, 20_000));
    put(&dir, &report, "slow.json", load(80, 30_000));
    put(&dir, &report, "alike.json", load(96, 20_500));
    let mut closed = load(98, 20_000);
    closed["model"] = json!("closed");
    put(&dir, &report, "closed.json", closed);
    let worse = assay_in(dir, &["compare", "base.json", "slow.json"])
        .await
        .exits(6);
    assert!(
        worse.stdout.contains("goodput 98.0/s → 80.0/s (-18.4 %"),
        "{}",
        worse.said()
    );
    assert!(
        worse.stdout.contains("p99 20.00 ms → 30.00 ms (+50.0 %"),
        "{}",
        worse.said()
    );
    let wide = [
        "compare",
        "base.json",
        "slow.json",
        "--max-regression",
        "60%",
    ];
    let wide = assay_in(worse.dir, &wide).await.exits(0);
    let alike = assay_in(wide.dir, &["compare", "base.json", "alike.json"])
        .await
        .exits(0);
    let better = assay_in(alike.dir, &["compare", "slow.json", "base.json"])
        .await
        .exits(0);
    let unlike = assay_in(better.dir, &["compare", "base.json", "closed.json"])
        .await
        .exits(5);
    assert!(
        unlike.first_line().contains("the model differs"),
        "{}",
        unlike.said()
    );
    let gone = ["compare", "base.json", FOLDER];
    let gone = assay_in(unlike.dir, &gone).await.exits(5);
    assert!(
        gone.first_line().contains("no load section"),
        "{}",
        gone.said()
    );
    // The section stays what it was in every format.
    for format in ["terminal", "md", "html", "junit", "json"] {
        let dir = tempfile::tempdir().unwrap();
        put(&dir, &report, "base.json", load(98, 20_000));
        let shown = assay_in(dir, &["report", "base.json", "--format", format])
            .await
            .exits(0);
        assert!(
            format == "junit" || shown.stdout.contains("98"),
            "{}",
            shown.said()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_said() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("newer.json"), "{\"schema\": 99}").unwrap();
    std::fs::write(dir.path().join("none.json"), "{}").unwrap();
    let ran = assay_in(dir, &["compare", "newer.json", "gone.json"])
        .await
        .exits(2);
    assert!(
        ran.stderr
            .contains("schema 99 and this version reads up to 1"),
        "{}",
        ran.said()
    );
    assert!(
        ran.stderr.contains("gone.json"),
        "both are named: {}",
        ran.said()
    );
    let ran = assay_in(ran.dir, &["compare", "none.json", "."])
        .await
        .exits(2);
    assert!(
        ran.stderr.contains("no x402-assay report"),
        "{}",
        ran.said()
    );
    assert!(ran.stderr.contains("report.json"), "{}", ran.said());
    for share in ["10", "-5%", "1001%", "x%"] {
        let ran = assay(&["compare", "a", "b", &format!("--max-regression={share}")])
            .await
            .exits(2);
        assert!(ran.stderr.contains("--max-regression"), "{}", ran.said());
    }
}
