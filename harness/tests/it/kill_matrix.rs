//! Every check is shown to fail: each defect of the reference server turns red exactly the checks listed for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio_util::sync::CancellationToken;
use x402_assay::bench::{self, Bench};
use x402_assay::checks;
use x402_assay::cli::args::Setup;
use x402_assay::history::Facts;
use x402_assay::reference_server::Defect;
use x402_assay::runner::{Repeats, Scope, Silent};
use x402_assay::verdict::{self, Judging};
use x402_assay_protocol::Version;
use x402_assay_reports::Report;
use x402_assay_reports::model::{RunVerdict, Verdict};

/// Runs under way at once: each is a whole bench.
const WIDTH: usize = 4;

/// Defects that no check of this version is about; their checks come with the conformance battery, and most of them turn
/// scenarios red.
const UNJUDGED: &[&str] = &[
    "abandoned-purchase-jams",
    "absolute-form-unpaid",
    "already-settled-is-success",
    "any-route-price",
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
    "large-header-unpaid",
    "leak-in-header",
    "leak-on-settle-failure",
    "one-purchase-at-a-time",
    "other-method-unpaid",
    "page-reflects-url",
    "paid-public",
    "path-parameter-unpaid",
    "pending-is-success",
    "preflight-unpaid",
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

/// A server that speaks both versions is asked for both, but for a defect of v1 alone: it hides that v1 is spoken.
fn versions(defects: &[&str]) -> Option<Vec<Version>> {
    defects
        .iter()
        .any(|name| name.starts_with("v1-"))
        .then(|| vec![Version::V1])
}

async fn run_with(defects: &[&str]) -> Report {
    let names = defects.iter().map(|name| (*name).to_owned()).collect();
    let setup = Setup {
        versions: versions(defects),
        ..Setup::built_in(names, Duration::from_secs(20))
    };
    let bench = Bench {
        setup: &setup,
        scope: Scope::Battery,
        scenarios: &[],
        repeats: Repeats::default(),
        seed: 1,
        out: None,
        strict: false,
        patience: Duration::from_millis(300),
        guard: env!("CARGO_BIN_EXE_x402-assay").into(),
        cancel: CancellationToken::new(),
        progress: &Silent,
    };
    let outcome = bench::run(&bench).await.unwrap();
    let facts = Facts::new(&outcome.history, None);
    verdict::build_report(&facts, &Judging::default())
}

/// Checks and invariants that are red (`fail`, or `warn` marked with `~`).
fn red(report: &Report) -> Vec<String> {
    let checks = report.checks.iter().map(|check| (&check.id, check.verdict));
    let invariants = report.invariants.iter().map(|row| (&row.id, row.verdict));
    checks
        .chain(invariants)
        .filter_map(|(id, verdict)| match verdict {
            Verdict::Fail => Some(id.clone()),
            Verdict::Warn => Some(format!("~{id}")),
            Verdict::Inconclusive => Some(format!("?{id}")),
            _ => None,
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_defect_turns_red_exactly_its_checks() {
    let runs = Defect::ALL.iter().map(|defect| async move {
        let report = run_with(&[defect.name()]).await;
        (defect.name(), report)
    });
    let reports: BTreeMap<&str, Report> = futures_util::stream::iter(runs)
        .buffer_unordered(WIDTH)
        .collect()
        .await;

    let mut table = String::new();
    let mut killed: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (defect, report) in &reports {
        let red = red(report);
        writeln!(table, "{defect:32} {:?}: {}", report.verdict, red.join(" ")).unwrap();
        let unnoticed = report.verdict == RunVerdict::Conformant && red.is_empty();
        assert_eq!(unnoticed, UNJUDGED.contains(defect), "{defect}: {red:?}");
        for id in red {
            killed
                .entry(id.trim_start_matches('~').to_owned())
                .or_default()
                .insert(defect);
        }
    }
    insta::assert_snapshot!("kill_matrix", table);

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
    assert_eq!(red(&report), Vec::<String>::new(), "{report:#?}");
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
