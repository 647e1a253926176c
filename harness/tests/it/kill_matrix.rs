//! Every check is shown to fail: each defect of the reference server turns red exactly the checks listed for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use tokio_util::sync::CancellationToken;
use x402_assay::checks;
use x402_assay::selftest::{self, Difference, NONE, Row};
use x402_assay_reports::Report;
use x402_assay_reports::model::RunVerdict;

use crate::support;

/// Runs under way at once: each is a whole bench.
const WIDTH: usize = 4;

/// Defects that no check of this version is about; their checks come with the conformance battery, and most of them turn
/// scenarios red.
const UNJUDGED: &[&str] = &[
    "abandoned-purchase-jams",
    "absolute-form-unpaid",
    "already-settled-is-success",
    "backslash-unpaid",
    "bad-escape-unpaid",
    "batch-unpaid",
    "body-error-unpaid",
    "cache-public",
    "challenge-on-unknown",
    "challenge-on-used",
    "dot-segments-unpaid",
    "double-slash-unpaid",
    "encoded-newline-unpaid",
    "encoded-path-unpaid",
    "encoded-slash-unpaid",
    "free-until-supported",
    "free-without-kinds",
    "guard-burns-nonce",
    "guard-forgets-early",
    "guard-inserts-after-settle",
    "guard-inserts-after-verify",
    "guard-keyed-by-header",
    "guard-keyed-by-nonce-text",
    "guard-released-on-unknown",
    "head-unpaid",
    "id-for-any-body",
    "id-for-any-payer",
    "id-for-any-route",
    "impatient-with-facilitator",
    "leak-in-header",
    "leak-on-settle-failure",
    "one-purchase-at-a-time",
    "other-method-unpaid",
    "paid-public",
    "path-parameter-unpaid",
    "pending-is-success",
    "receipt-claims-success",
    "repeated-header-unsettled",
    "serve-on-facilitator-error",
    "serve-on-settle-trouble",
    "settle-any-200-is-success",
    "settle-before-handler",
    "settle-ignored",
    "settle-on-handler-error",
    "settle-twice",
    "settle-with-client-terms",
    "stream-before-settlement",
    "trailing-slash-unpaid",
    "upper-case-path-unpaid",
    "used-nonce-is-paid",
    "verdicts-coerced",
];

async fn run_with(defects: &[&str]) -> Report {
    let setup = selftest::built_in(defects);
    let guard = Path::new(env!("CARGO_BIN_EXE_x402-assay"));
    let report = selftest::report_of(&setup, guard, CancellationToken::new()).await;
    report.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_defect_turns_red_exactly_its_checks() {
    let guard = Path::new(env!("CARGO_BIN_EXE_x402-assay"));
    let cancel = CancellationToken::new();
    let rows = selftest::measure(guard, WIDTH, &cancel, |_, _| {})
        .await
        .unwrap();

    for row in rows.iter().filter(|row| row.defect != NONE) {
        let is_listed = UNJUDGED.contains(&row.defect.as_str());
        assert_eq!(row.is_unnoticed(), is_listed, "{row:?}");
    }
    let mut killed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in &rows {
        for id in row.killed() {
            killed.entry(id).or_default().insert(&row.defect);
        }
    }
    if support::rewrites() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/selftest/matrix.txt");
        std::fs::write(file, selftest::text(&rows)).unwrap();
    } else {
        let differences = selftest::differences(&rows, &selftest::recorded());
        let told: Vec<String> = differences.iter().map(Difference::told).collect();
        assert!(told.is_empty(), "{}", told.join("\n"));
    }

    let mut wrong = String::new();
    for check in checks::CHECKS {
        let by = killed.get(check.id).cloned().unwrap_or_default();
        let untrue: Vec<_> = check
            .killed_by
            .iter()
            .filter(|name| !by.contains(*name))
            .collect();
        if by.is_empty() || !untrue.is_empty() {
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
    let report = run_with(&[]).await;
    let row = Row::of(NONE, &report);
    assert_eq!(row.red, Vec::<String>::new(), "{report:#?}");
    assert_eq!(report.verdict, RunVerdict::Conformant);
    let unobserved: Vec<&str> = report
        .invariants
        .iter()
        .filter(|invariant| invariant.observed == 0)
        .map(|invariant| invariant.id.as_str())
        .collect();
    // No client is under test, and nothing was made to fail.
    assert_eq!(unobserved, ["I8", "I9"]);
}
