//! Every facilitator check is shown to fail: each defect of the built-in facilitator turns red exactly the checks listed
//! for it.

use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use x402_assay::checks::{self, Role};
use x402_assay::cli::args::{ChainChoice, Setup};
use x402_assay::selftest::{self, FACILITATOR_HEAD, NONE, Row};
use x402_assay_reports::Report;
use x402_assay_reports::model::{RunVerdict, Verdict};

use crate::support;
use crate::support::matrix::Matrix;

/// Runs under way at once: each is a whole bench.
const WIDTH: usize = 10;

/// Defects that nothing on the memory ledger shows: a node does, or scenarios do.
const UNJUDGED: &[&str] = &[
    "expiry-margin-missing",
    "pending-is-failure",
    "success-on-broadcast",
    "success-on-pending",
    "success-on-revert",
    "trouble-is-bad-signature",
    "upto-ceiling-ignored",
    "upto-permits-reused",
    "upto-settles-ceiling",
    "versions-mixed",
];

/// Checks that need a node, the defect that turns each red there, and its verdict.
const ON_A_NODE: &[(&str, &str, Verdict)] = &[
    ("FAC-SETTLE-003", "success-on-broadcast", Verdict::Fail),
    ("FAC-SETTLE-003", "success-without-settling", Verdict::Fail),
    ("FAC-SETTLE-010", "duplicate-new-success", Verdict::Warn),
    ("FAC-SETTLE-015", "success-without-settling", Verdict::Warn),
];

async fn report_of(setup: &Setup) -> Report {
    let guard = Path::new(env!("CARGO_BIN_EXE_x402-assay"));
    let cancel = CancellationToken::new();
    let report = selftest::report_of(setup, guard, selftest::PATIENCE, cancel).await;
    report.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_defect_turns_red_exactly_its_checks() {
    let guard = Path::new(env!("CARGO_BIN_EXE_x402-assay"));
    let cancel = CancellationToken::new();
    let measured = selftest::measure_facilitator(guard, WIDTH, &cancel, |_, _| {}).await;
    let on_a_node = ON_A_NODE.iter().map(|(id, defect, _)| (*id, *defect));
    let matrix = Matrix {
        rows: measured.unwrap(),
        unjudged: UNJUDGED,
        recorded: selftest::recorded_facilitator(),
        file: "facilitator.txt",
        head: FACILITATOR_HEAD,
        elsewhere: on_a_node.collect(),
    };
    let facilitators = checks::CHECKS.iter();
    matrix.is_as_recorded(facilitators.filter(|check| check.role == Role::Facilitator));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_defect_nothing_is_red() {
    let report = report_of(&selftest::built_in_facilitator(&[])).await;
    let row = Row::of(NONE, &report);
    assert_eq!(row.red, Vec::<String>::new(), "{report:#?}");
    assert_eq!(report.verdict, RunVerdict::Conformant);
    assert!(report.controls.positive.held && report.controls.mutation.held);
    assert_eq!(report.target.kind, "builtin-facilitator");
}

fn on_anvil(defects: &[&str]) -> Setup {
    let mut setup = selftest::built_in_facilitator(defects);
    setup.chain.choice = ChainChoice::Anvil;
    setup.chain.install = true;
    setup.timeout = Duration::from_secs(60);
    setup
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_node_the_rest_is_judged() {
    let honest = report_of(&on_anvil(&[])).await;
    let found = match honest.fidelity.chain.as_str() {
        "anvil" => Ok(()),
        _ => Err(honest.fidelity.reason.clone().unwrap_or_default()),
    };
    if support::requirements::require("Anvil", found).is_none() {
        return;
    }
    let row = Row::of(NONE, &honest);
    assert_eq!(row.red, Vec::<String>::new(), "{honest:#?}");
    assert_eq!(honest.verdict, RunVerdict::Conformant);
    let verdict = |report: &Report, id: &str| {
        let found = report.checks.iter().find(|row| row.id == id);
        found.map(|row| row.verdict)
    };
    for id in ["FAC-SETTLE-003", "FAC-SETTLE-010", "FAC-SETTLE-015"] {
        assert_eq!(verdict(&honest, id), Some(Verdict::Pass), "{id}");
    }
    for (id, defect, wanted) in ON_A_NODE {
        let report = report_of(&on_anvil(&[defect])).await;
        assert_eq!(verdict(&report, id), Some(*wanted), "{id}: {defect}");
    }
}
