//! The verdict of a run, its controls and its first line.

use x402_assay_protocol::{Version, header};
use x402_assay_reports::Report;
use x402_assay_reports::model::{RunVerdict, Verdict};

use crate::history::event::Trouble;
use crate::history::script::{Reply, Script};
use crate::history::{Damage, Facts};
use crate::verdict::{Judging, build_report};

fn honest() -> Script {
    Script::honest(Version::V2)
}

#[test]
fn a_failure_with_a_control_is_nonconformant_and_leads_the_report() {
    let script = honest().edit("v2/good", |probe| {
        probe.header(header::PAYMENT_RESPONSE, None)
    });
    let report = script.report();
    assert_eq!(report.verdict, RunVerdict::Nonconformant);
    assert!(
        report.summary.contains("SRV-FLOW-009"),
        "{}",
        report.summary
    );
}

#[test]
fn what_was_given_leads_the_report() {
    let script = honest()
        .edit("v2/good", |probe| {
            probe.header(header::PAYMENT_RESPONSE, None)
        })
        .edit("v2/replay", |probe| {
            probe.alone();
            probe.deliver();
        });
    assert!(
        script.report().summary.contains("SRV-REPL-001"),
        "{}",
        script.report().summary
    );
}

#[test]
fn a_missing_mutation_control_is_inconclusive() {
    let mut script = honest();
    script.probes.retain(|probe| probe.name != "v2/mutation");
    let report = script.report();
    assert_eq!(report.controls.mutation.cause.as_deref(), Some("not-tried"));
    assert_eq!(report.verdict, RunVerdict::Inconclusive);
    let silent = honest().edit("v2/mutation", |probe| {
        probe.reply = Reply::Trouble(Trouble::TimedOut)
    });
    assert_eq!(
        silent.report().controls.mutation.cause.as_deref(),
        Some("unanswered")
    );
}

#[test]
fn one_generation_that_works_does_not_hide_the_other() {
    let script = Script::honest(Version::V1)
        .and_honest(Version::V2)
        .edit_paid(|probe| {
            if probe.name.starts_with("v1/") {
                probe.alone();
                probe.reply = Reply::answer(402, "{}");
            }
        });
    let report = script.report();
    assert!(!report.controls.positive.held);
    assert_eq!(
        report.verdict,
        RunVerdict::Nonconformant,
        "{}",
        report.summary
    );
    let refused = report
        .checks
        .iter()
        .find(|check| check.id == "SRV-HDR-002")
        .unwrap();
    assert_eq!(refused.verdict, Verdict::Fail);
}

#[test]
fn a_black_box_control_needs_no_call_of_ours() {
    let mut script = honest().edit_paid(|probe| probe.calls.clear());
    script.asks_supported = false;
    let report = script.report();
    assert!(
        report.controls.positive.held,
        "{}",
        report.controls.positive.detail
    );
    assert!(report.controls.positive.detail.contains("was not asked"));
    assert_eq!(report.verdict, RunVerdict::Conformant, "{}", report.summary);
}

#[test]
fn an_interrupted_run_is_judged_and_never_conformant() {
    let mut stopped = honest();
    stopped.ending = Some((true, None));
    let report = stopped.report();
    assert!(report.interrupted);
    assert_eq!(report.verdict, RunVerdict::Inconclusive);
    let mut broken_off = honest().edit("v2/replay", |probe| probe.deliver());
    broken_off.ending = None;
    let report = broken_off.report();
    assert!(report.interrupted);
    assert_eq!(report.verdict, RunVerdict::Nonconformant);
}

#[test]
fn a_run_that_died_after_its_control_is_inconclusive() {
    let mut script = honest();
    script.ending = Some((false, Some("chain: the node died".to_owned())));
    let report = script.report();
    assert_eq!(report.verdict, RunVerdict::Inconclusive);
    assert!(
        report.summary.contains("the node died"),
        "{}",
        report.summary
    );
}

#[test]
fn a_damaged_history_is_judged_up_to_the_damage_and_says_so() {
    let damage = Damage {
        line: 9,
        cause: "the line is cut off".to_owned(),
    };
    let report = honest().report_with(&Judging::default(), Some(&damage));
    assert!(report.interrupted);
    assert!(
        report.notes.iter().any(|note| note.contains("line 9")),
        "{:?}",
        report.notes
    );
    assert!(report.summary.contains("line 9"), "{}", report.summary);
}

/// Wherever a history is cut, judging it neither panics nor finds the server wrong.
#[test]
fn every_beginning_of_an_honest_history_can_be_judged() {
    let events = Script::honest(Version::V1).and_honest(Version::V2).events();
    for end in 0..=events.len() {
        let report = build_report(&Facts::new(&events[..end], None), &Judging::default());
        assert_ne!(
            report.verdict,
            RunVerdict::Nonconformant,
            "cut at {end}: {}",
            report.summary
        );
        assert_eq!(fails(&report), Vec::<&str>::new(), "cut at {end}");
        assert_eq!(report.interrupted, end < events.len());
    }
}

fn fails(report: &Report) -> Vec<&str> {
    let failed = report
        .checks
        .iter()
        .filter(|check| check.verdict == Verdict::Fail);
    failed.map(|check| check.id.as_str()).collect()
}

#[test]
fn findings_name_the_command_that_repeats_them() {
    let judging = Judging {
        replay_command: Some("x402-assay run --server http://x".to_owned()),
        ..Judging::default()
    };
    let script = honest().edit("v2/replay", |probe| probe.deliver());
    let report = script.report_with(&judging, None);
    let found = report
        .checks
        .iter()
        .find(|check| check.id == "SRV-REPL-001")
        .unwrap();
    assert_eq!(
        found.replay.as_deref(),
        Some("x402-assay run --server http://x --check SRV-REPL-001")
    );
    assert!(
        report
            .checks
            .iter()
            .all(|c| c.replay.is_none() || c.verdict >= Verdict::Warn)
    );
}
