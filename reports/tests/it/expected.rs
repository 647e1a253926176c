//! A report with findings that are accepted for now.

use serde_json::Value;
use x402_assay_reports::finding::findings;
use x402_assay_reports::junit::JunitOptions;
use x402_assay_reports::model::*;
use x402_assay_reports::{TerminalOptions, html, json, junit, markdown, sarif, terminal};

use crate::samples;

const REASON: &str = "known, waits for the next <release>";

fn expected() -> Expected {
    Expected {
        reason: REASON.to_owned(),
        issue: Some("https://tracker.example/7".to_owned()),
        expires: Some("2026-12-31".to_owned()),
    }
}

fn note(check: &str, version: Option<&str>, route: Option<&str>, text: &str) -> ExpectationNote {
    ExpectationNote {
        check: check.to_owned(),
        version: version.map(str::to_owned),
        route: route.map(str::to_owned),
        text: text.to_owned(),
    }
}

/// The nonconformant sample, all of it accepted, with entries of each kind to look at; a scenario too.
pub(crate) fn report() -> Report {
    let mut report = samples::nonconformant();
    let is_red = |verdict| matches!(verdict, Verdict::Fail | Verdict::Warn);
    for check in &mut report.checks {
        check.expected = is_red(check.verdict).then(expected);
    }
    for invariant in &mut report.invariants {
        invariant.expected = is_red(invariant.verdict).then(expected);
    }
    report.scenarios = crate::scenarios::failing().scenarios;
    for scenario in &mut report.scenarios {
        scenario.expected = is_red(scenario.verdict).then(expected);
    }
    report.command = Some("x402-assay run --chain anvil --seed 7316294".to_owned());
    report.verdict = RunVerdict::Conformant;
    report.expectations = Some(Expectations {
        file: "x402-assay.expectations.yaml".to_owned(),
        entries: 9,
        stale: vec![note(
            "SRV-HDR-001",
            None,
            Some("/paid"),
            "held in this run: remove the entry",
        )],
        expired: vec![note(
            "SRV-REPL-001",
            Some("v1"),
            None,
            "its last day was 2026-01-31",
        )],
        partial: vec![note("I1", Some("v2"), None, "also seen in v1")],
    });
    samples::recount(report)
}

#[test]
fn what_is_expected_is_no_finding_to_act_on() {
    let report = report();
    assert!(report.counts.expected > 1 && report.counts.fail > 0);
    assert!(!report.warns());
    let found = findings(&report);
    let is_open = |verdict| verdict != Verdict::Inconclusive;
    assert!(
        found
            .iter()
            .filter(|one| is_open(one.verdict))
            .all(|one| one.expected().is_some())
    );
    let text = terminal::render(&report, TerminalOptions::default());
    assert!(!text.contains("fix first") && text.contains(&format!("expected ({})", found.len())));
    let page = html::render(&report);
    assert!(page.contains("Nothing to fix."));
    let told = markdown::render(&report);
    assert!(!told.contains("### Findings") && told.contains("### Expected ("));
}

#[test]
fn one_finding_that_is_not_expected_stays_the_first() {
    let mut report = report();
    let place = report
        .checks
        .iter()
        .rposition(|row| row.expected.is_some())
        .unwrap();
    report.checks[place].expected = None;
    let found = findings(&report);
    assert_eq!(found[0].id(), report.checks[place].id);
    let text = terminal::render(&report, TerminalOptions::default());
    assert!(
        text.contains("fix first") && text.contains("findings (1)"),
        "{text}"
    );
}

/// An invariant that is broken and not expected is told, though a finding that is expected shares its evidence.
#[test]
fn what_is_expected_accounts_for_nothing_else() {
    let mut report = report();
    let mut broken = report
        .invariants
        .iter_mut()
        .filter(|row| row.expected.is_some());
    let broken = broken.next().unwrap();
    broken.expected = None;
    let id = broken.id.clone();
    let found = findings(&report);
    assert_eq!((found[0].id(), found[0].expected()), (id.as_str(), None));
}

#[test]
fn ci_systems_and_dashboards_pass_over_what_is_expected() {
    let report = report();
    for fail_on_warn in [false, true] {
        let xml = junit::render(&report, JunitOptions { fail_on_warn });
        assert!(!xml.contains("<failure"), "{xml}");
        assert!(
            xml.contains("expected: known, waits for the next &lt;release&gt;"),
            "{xml}"
        );
    }
    let log: Value = serde_json::from_str(&sarif::render(&report)).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert!(!results.is_empty());
    for result in results {
        assert_eq!(result["suppressions"][0]["kind"], "external", "{result:#}");
    }
}

#[test]
fn a_report_of_an_earlier_version_is_read() {
    let mut value: Value = serde_json::from_str(&json::render(&samples::nonconformant())).unwrap();
    value["counts"].as_object_mut().unwrap().remove("expected");
    let read = json::read(&value.to_string()).unwrap();
    assert_eq!(read, samples::nonconformant());
    assert_eq!(json::read(&json::render(&report())).unwrap(), report());
}
