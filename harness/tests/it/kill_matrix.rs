//! Every check is shown to fail: each defect of the reference server turns red exactly the checks listed for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use x402_assay::checks;
use x402_assay::selftest::{self, Difference, NONE, Row};
use x402_assay_reports::Report;
use x402_assay_reports::model::{RunVerdict, Verdict};

use crate::support;

/// Runs under way at once: each is a whole bench.
const WIDTH: usize = 10;

/// Defects that no check of this version is about; their checks come with the conformance battery, and most of them turn
/// scenarios red.
const UNJUDGED: &[&str] = &[
    "any-route-price",
    "challenge-on-used",
    "free-until-supported",
    "free-without-kinds",
    "guard-released-on-unknown",
    "upto-above-ceiling",
    "upto-draws-again",
    "upto-takes-ceiling",
];

/// Checks whose probes take longer than the matrix waits, with a run of their own below.
const TAKE_TIME: &[&str] = &["SRV-FLOW-018"];

async fn run_with(defects: &[&str], patience: Duration) -> Report {
    let setup = selftest::built_in(defects);
    let guard = Path::new(env!("CARGO_BIN_EXE_x402-assay"));
    let report = selftest::report_of(&setup, guard, patience, CancellationToken::new()).await;
    report.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_defect_turns_red_exactly_its_checks() {
    let guard = Path::new(env!("CARGO_BIN_EXE_x402-assay"));
    let cancel = CancellationToken::new();
    let rows = selftest::measure(guard, WIDTH, &cancel, |_, _| {})
        .await
        .unwrap();

    let mut wrong = String::new();
    for row in rows.iter().filter(|row| row.defect != NONE) {
        let is_listed = UNJUDGED.contains(&row.defect.as_str());
        if row.is_unnoticed() != is_listed {
            writeln!(wrong, "listed as unjudged: {is_listed}, but {row:?}").unwrap();
        }
    }
    let mut killed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in &rows {
        for id in row.killed() {
            killed.entry(id).or_default().insert(&row.defect);
        }
    }
    if support::rewrites() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/selftest/matrix.txt");
        let rows = selftest::over(&rows, &selftest::recorded());
        std::fs::write(file, selftest::text(&rows)).unwrap();
    } else {
        let differences = selftest::differences(&rows, &selftest::recorded());
        let told: Vec<String> = differences.iter().map(Difference::told).collect();
        assert!(told.is_empty(), "{}", told.join("\n"));
    }

    let servers = checks::CHECKS.iter();
    for check in servers.filter(|check| check.role == checks::Role::ResourceServer) {
        if TAKE_TIME.contains(&check.id) {
            continue;
        }
        let by = killed.get(check.id).cloned().unwrap_or_default();
        let untrue: Vec<_> = check
            .killed_by
            .iter()
            .filter(|name| !by.contains(*name))
            .collect();
        let shown = !by.is_empty() || checks::is_shown_by_histories(check);
        if !shown || !untrue.is_empty() {
            writeln!(
                wrong,
                "{}: killed by {by:?}, and not by {untrue:?}",
                check.id
            )
            .unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_defect_nothing_is_red() {
    let report = run_with(&[], selftest::PATIENCE).await;
    let row = Row::of(NONE, &report);
    assert_eq!(row.red, Vec::<String>::new(), "{report:#?}");
    assert_eq!(report.verdict, RunVerdict::Conformant);
    let unobserved: Vec<&str> = report
        .invariants
        .iter()
        .filter(|invariant| invariant.observed == 0)
        .map(|invariant| invariant.id.as_str())
        .collect();
    // No client is under test.
    assert_eq!(unobserved, ["I8"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_patience_the_slow_handler_is_judged() {
    let patience = Duration::from_secs(2);
    for id in TAKE_TIME {
        let check = checks::find(id).unwrap();
        let verdict = |report: &Report| {
            let found = report.checks.iter().find(|row| row.id == *id);
            found.map(|row| row.verdict)
        };
        let honest = run_with(&[], patience).await;
        assert_eq!(verdict(&honest), Some(Verdict::Pass), "{id}");
        for defect in check.killed_by {
            let report = run_with(&[defect], patience).await;
            assert_eq!(verdict(&report), Some(Verdict::Warn), "{id}: {defect}");
        }
    }
}
