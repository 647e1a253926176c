//! Every check is shown to fail: each defect of the reference server turns red exactly the checks listed for it.

use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use x402_assay::checks;
use x402_assay::selftest::{self, NONE, Row};
use x402_assay_reports::Report;
use x402_assay_reports::model::{RunVerdict, Verdict};

use crate::support::matrix::Matrix;

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

    let matrix = Matrix {
        rows,
        unjudged: UNJUDGED,
        recorded: selftest::recorded(),
        file: "matrix.txt",
        head: selftest::HEAD,
        elsewhere: Vec::new(),
    };
    let servers = checks::CHECKS.iter().filter(|check| {
        check.role == checks::Role::ResourceServer && !TAKE_TIME.contains(&check.id)
    });
    matrix.is_as_recorded(servers);
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
