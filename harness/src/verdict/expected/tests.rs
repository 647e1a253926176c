//! What entries cover on hand-written histories.

use x402_assay_protocol::Version;
use x402_assay_reports::Report;
use x402_assay_reports::model::{RunVerdict, Verdict};

use super::{Changes, Survey, updated};
use crate::expectations::{Day, Expectations, parse, text};
use crate::history::script::Script;
use crate::verdict::{Judging, survey_history};

/// A replay that is delivered again, in these generations of a server that speaks both.
fn replays(broken: &[&str]) -> Script {
    let mut script = Script::honest(Version::V2).and_honest(Version::V1);
    for version in broken {
        script = script.edit(&format!("{version}/replay"), |probe| {
            probe.alone();
            probe.deliver();
        });
    }
    script
}

fn judge(script: &Script, file: &str) -> (Report, Survey) {
    let expectations = parse(file, "x.yaml", &[]).unwrap();
    with(script, expectations)
}

fn with(script: &Script, expectations: Expectations) -> (Report, Survey) {
    let judging = Judging {
        expectations: Some(expectations),
        ..Judging::default()
    };
    survey_history(&script.events(), None, &judging)
}

/// An entry for all that a delivered replay turns red.
fn all(report: &Report, more: &str) -> String {
    red(report)
        .iter()
        .map(|id| format!("- {{ check: {id}, reason: known{more} }}\n"))
        .collect()
}

fn red(report: &Report) -> Vec<&str> {
    let is_red = |verdict| matches!(verdict, Verdict::Fail | Verdict::Warn);
    let checks = report.checks.iter().filter(|row| is_red(row.verdict));
    let invariants = report.invariants.iter().filter(|row| is_red(row.verdict));
    let checks = checks.map(|row| row.id.as_str());
    checks
        .chain(invariants.map(|row| row.id.as_str()))
        .collect()
}

#[test]
fn what_is_expected_keeps_its_verdict_and_does_not_decide() {
    let script = replays(&["v2"]);
    let (open, _) = judge(&script, "[]");
    assert_eq!(open.verdict, RunVerdict::Nonconformant);
    assert!(red(&open).contains(&"SRV-REPL-001") && red(&open).contains(&"I1"));
    let (report, _) = judge(&script, &all(&open, ""));
    assert_eq!(report.verdict, RunVerdict::Conformant, "{}", report.summary);
    assert_eq!(red(&report), red(&open));
    let found = report
        .checks
        .iter()
        .find(|row| row.id == "SRV-REPL-001")
        .unwrap();
    assert_eq!(found.expected.as_ref().unwrap().reason, "known");
    assert_eq!(report.counts.fail, open.counts.fail);
    assert!(report.counts.expected > 0 && report.summary.contains("expected"));
}

#[test]
fn one_finding_that_is_not_expected_decides() {
    let script = replays(&["v2"]);
    let (open, _) = judge(&script, "[]");
    for left_out in red(&open) {
        let file = all(&open, "");
        let file = file.replace(&format!("- {{ check: {left_out}, reason: known }}\n"), "");
        let (report, _) = judge(&script, &file);
        let fails = |id: &str| {
            let row = report.checks.iter().find(|row| row.id == id);
            row.is_none_or(|row| row.verdict == Verdict::Fail)
        };
        if fails(left_out) {
            assert_eq!(report.verdict, RunVerdict::Nonconformant, "{left_out}");
            assert!(report.summary.contains(left_out), "{}", report.summary);
        }
    }
}

#[test]
fn an_entry_of_one_generation_covers_that_one_alone() {
    let (open, _) = judge(&replays(&["v1"]), "[]");
    let v1 = all(&open, ", version: v1");
    let (one, _) = judge(&replays(&["v1"]), &v1);
    assert_eq!(one.verdict, RunVerdict::Conformant, "{}", one.summary);
    for both in [&["v2"][..], &["v1", "v2"]] {
        let (report, _) = judge(&replays(both), &v1);
        assert_eq!(report.verdict, RunVerdict::Nonconformant, "{both:?}");
        let found = report.checks.iter().find(|row| row.id == "SRV-REPL-001");
        assert_eq!(found.unwrap().expected, None, "{both:?}");
    }
    let (report, _) = judge(&replays(&["v1", "v2"]), &v1);
    let remarks = report.expectations.unwrap();
    assert!(
        remarks
            .partial
            .iter()
            .any(|note| note.check == "SRV-REPL-001")
    );
    let two = format!("{v1}{}", all(&open, ", version: 2"));
    let (report, _) = judge(&replays(&["v1", "v2"]), &two);
    assert_eq!(report.verdict, RunVerdict::Conformant, "{}", report.summary);
}

#[test]
fn an_entry_of_one_route_covers_that_one_alone() {
    let script = replays(&["v2"]);
    let (open, _) = judge(&script, "[]");
    let events = script.events();
    let facts = crate::history::Facts::new(&events, None);
    let route = &facts.exchanges.first().unwrap().sent.route;
    let (report, _) = judge(&script, &all(&open, &format!(", route: \"{route}\"")));
    assert_eq!(report.verdict, RunVerdict::Conformant, "{}", report.summary);
    let (report, _) = judge(&script, &all(&open, ", route: /elsewhere"));
    assert_eq!(report.verdict, RunVerdict::Nonconformant);
    let remarks = report.expectations.unwrap();
    assert!(remarks.stale.is_empty());
    assert!(remarks.partial[0].text.contains("asked for no such route"));
}

#[test]
fn an_entry_whose_last_day_is_over_covers_nothing() {
    let script = replays(&["v2"]);
    let (open, _) = judge(&script, "[]");
    let started = Day::of_unix_us(script.events()[0].at_us);
    let (report, _) = judge(&script, &all(&open, &format!(", expires: {started}")));
    assert_eq!(
        report.verdict,
        RunVerdict::Conformant,
        "its last day counts"
    );
    let (report, survey) = judge(&script, &all(&open, ", expires: 1969-12-31"));
    assert_eq!(report.verdict, RunVerdict::Nonconformant);
    let remarks = report.expectations.as_ref().unwrap();
    assert_eq!(remarks.expired.len(), red(&open).len());
    // Accepted anew, they have no last day: the next run goes by the file that was written.
    let old = parse(&all(&open, ", expires: 1969-12-31"), "x.yaml", &[]).unwrap();
    let (new, changes) = updated(&old, &survey, started);
    assert_eq!(changes.renewed.len(), red(&open).len());
    assert!(
        new.entries
            .iter()
            .all(|entry| entry.reason == "known" && entry.expires.is_none())
    );
}

#[test]
fn what_held_is_stale_and_what_was_not_judged_is_not() {
    let file = "- { check: SRV-REPL-001, reason: r }\n- { check: I9, reason: r }";
    let (report, _) = judge(&replays(&[]), file);
    assert_eq!(report.verdict, RunVerdict::Conformant);
    let remarks = report.expectations.unwrap();
    let stale: Vec<&str> = remarks
        .stale
        .iter()
        .map(|note| note.check.as_str())
        .collect();
    assert_eq!(stale, ["SRV-REPL-001"], "I9 was not observed");
    let unselected = Judging {
        selected: Some(vec!["SRV-HDR-001".to_owned()]),
        expectations: Some(parse(file, "x.yaml", &[]).unwrap()),
        ..Judging::default()
    };
    let (report, _) = survey_history(&replays(&[]).events(), None, &unselected);
    assert_eq!(report.expectations.unwrap().stale, []);
    // A generation that the target does not speak was not judged either.
    let v1 = "- { check: SRV-REPL-001, version: v1, reason: r }";
    let (report, _) = judge(&Script::honest(Version::V2), v1);
    assert_eq!(report.expectations.unwrap().stale, []);
}

#[test]
fn nothing_that_is_expected_stands_in_for_a_control() {
    let mut script = replays(&["v2"]);
    script
        .probes
        .retain(|probe| !probe.name.ends_with("/mutation"));
    let (open, _) = judge(&script, "[]");
    let (report, _) = judge(&script, &all(&open, ""));
    assert_eq!(report.verdict, RunVerdict::Inconclusive);

    let refusing = Script::honest(Version::V2).edit_paid(|probe| {
        probe.alone();
        probe.status(402);
        probe.body("{}");
    });
    let (open, _) = judge(&refusing, "[]");
    assert_eq!(open.verdict, RunVerdict::Inconclusive);
    let (report, _) = judge(&refusing, &all(&open, ""));
    assert_eq!(report.verdict, RunVerdict::Inconclusive);
}

#[test]
fn an_update_makes_the_next_run_conformant_and_is_quiet_then() {
    let script = replays(&["v1"]);
    let today = Day::of_unix_us(0);
    let old = parse(
        "- { check: SRV-HDR-001, reason: gone }\n- { check: I1, version: v1, reason: mine }",
        "x.yaml",
        &[],
    )
    .unwrap();
    let (_, survey) = with(&script, old.clone());
    let (new, changes) = updated(&old, &survey, today);
    assert_eq!(changes.dropped, ["SRV-HDR-001"]);
    assert!(
        changes.added.iter().any(|name| name == "SRV-REPL-001 v1"),
        "{changes:?}"
    );
    let kept = new
        .entries
        .iter()
        .find(|entry| entry.check == "I1")
        .unwrap();
    assert_eq!(kept.reason, "mine");
    let written = parse(&text(&new), "x.yaml", &[]).unwrap();
    let (report, survey) = with(&script, written.clone());
    assert_eq!(report.verdict, RunVerdict::Conformant, "{}", report.summary);
    assert_eq!(report.expectations.unwrap().remarks().count(), 0);
    let (same, changes) = updated(&written, &survey, today);
    assert_eq!((same, changes), (written, Changes::default()));
}
