//! An honest server comes out clean, in either generation and in both.

use x402_assay_protocol::Version;
use x402_assay_reports::Report;
use x402_assay_reports::model::{RunVerdict, Verdict};

use super::with_verdict;
use crate::history::script::Script;

/// What is skipped or recorded only, with its reason: read every line that comes or goes.
fn not_passed(report: &Report) -> String {
    let checks = report.checks.iter();
    let others = checks.filter(|check| check.verdict != Verdict::Pass);
    let lines = others.map(|check| {
        let verdict = format!("{:?}", check.verdict).to_lowercase();
        format!("{:18} {verdict:8} {}\n", check.id, check.detail)
    });
    lines.collect()
}

#[test]
fn an_honest_v2_server_is_conformant() {
    let script = Script::honest(Version::V2).and_troubled(Version::V2);
    let report = script.report();
    assert_eq!(report.verdict, RunVerdict::Conformant, "{}", report.summary);
    for verdict in [Verdict::Fail, Verdict::Warn, Verdict::Inconclusive] {
        assert_eq!(
            with_verdict(&report, verdict),
            Vec::<&str>::new(),
            "{verdict:?}"
        );
    }
    insta::assert_snapshot!("honest_v2", not_passed(&report));
    assert!(report.controls.positive.held && report.controls.mutation.held);
    assert_eq!(report.target.uses_our_facilitator, Some(true));
}

#[test]
fn an_honest_v1_server_is_conformant() {
    let report = Script::whole(Version::V1).report();
    assert_eq!(report.verdict, RunVerdict::Conformant, "{}", report.summary);
    assert_eq!(
        report.counts.fail + report.counts.warn + report.counts.inconclusive,
        0
    );
    assert!(with_verdict(&report, Verdict::Pass).contains(&"SRV-TERM-009"));
}

#[test]
fn a_server_of_both_generations_passes_every_check() {
    let script = Script::honest(Version::V1)
        .and_honest(Version::V2)
        .and_troubled(Version::V1)
        .and_troubled(Version::V2);
    let report = script.report();
    assert_eq!(report.verdict, RunVerdict::Conformant, "{}", report.summary);
    let nothing_red = report.counts.fail + report.counts.warn + report.counts.inconclusive;
    assert_eq!(nothing_red, 0);
    insta::assert_snapshot!("honest_both", not_passed(&report));
    assert_eq!(report.target.versions, ["v1", "v2"]);
    let held = |row: &&x402_assay_reports::model::InvariantResult| {
        row.verdict == Verdict::Pass && row.observed > 0
    };
    let held: Vec<&str> = report
        .invariants
        .iter()
        .filter(held)
        .map(|row| row.id.as_str())
        .collect();
    assert_eq!(held, ["I1", "I2", "I3", "I4", "I5", "I6", "I7", "I10"]);
}

#[test]
fn money_and_latency_are_counted() {
    let report = Script::honest(Version::V2).report();
    let money = &report.money;
    assert_eq!((money.signed, money.settled, money.granted), (2, 2, 2));
    assert_eq!(
        (
            money.double_charged,
            money.unpaid_grants,
            money.charged_without_service
        ),
        (0, 0, 0)
    );
    assert_eq!(money.amounts["settled"], "20000");
    assert_eq!(money.amounts["granted"], "20000");
    let phases: Vec<&str> = report.latency.iter().map(|p| p.phase.as_str()).collect();
    assert_eq!(phases, ["unpaid", "paid", "verify", "settle"]);
    assert!(
        report
            .latency
            .iter()
            .all(|p| p.count > 0 && p.p50_us <= p.max_us)
    );
}

#[test]
fn without_a_declared_marker_the_content_is_learned() {
    let report = Script::honest(Version::V2)
        .setup(|run| run.marker = None)
        .report();
    assert_eq!(report.verdict, RunVerdict::Conformant, "{}", report.summary);
}

#[test]
fn a_selection_of_checks_is_kept() {
    let judging = crate::verdict::Judging {
        selected: Some(vec!["SRV-HDR-001".to_owned()]),
        ..Default::default()
    };
    let report = Script::honest(Version::V2).report_with(&judging, None);
    assert_eq!(report.checks.len(), 1);
    assert_eq!(report.counts.pass, 1);
}
