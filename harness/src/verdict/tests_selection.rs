//! A target that refuses all, and one that gives to all, are conformant under no selection of checks.

use x402_assay_protocol::Version;
use x402_assay_reports::model::RunVerdict;

use crate::checks::CHECKS;
use crate::history::script::Script;
use crate::verdict::{Judging, judge_history};

fn both() -> Script {
    Script::honest(Version::V2).and_honest(Version::V1)
}

/// Every check alone, and all of them.
fn selections() -> Vec<Option<Vec<String>>> {
    let alone = CHECKS.iter().map(|check| Some(vec![check.id.to_owned()]));
    alone.chain([None, Some(Vec::new())]).collect()
}

fn never_conformant(name: &str, script: &Script) {
    let events = script.events();
    for selected in selections() {
        let judging = Judging {
            selected,
            ..Judging::default()
        };
        let report = judge_history(&events, None, &judging);
        let selected = &judging.selected;
        assert_ne!(
            report.verdict,
            RunVerdict::Conformant,
            "{name}, {selected:?}"
        );
    }
}

#[test]
fn who_refuses_everything_is_never_conformant() {
    let refuses = both().edit_paid(|probe| {
        probe.alone();
        probe.status(402);
        probe.body("{}");
    });
    never_conformant("refuses every payment", &refuses);
    let down = both()
        .edit_paid(|probe| {
            probe.status(500);
            probe.body("{}");
        })
        .edit_unpaid(|probe| probe.status(500));
    never_conformant("answers 500", &down);
}

#[test]
fn who_gives_to_everyone_is_never_conformant() {
    let gives = both().edit_paid(|probe| {
        probe.alone();
        probe.deliver();
    });
    never_conformant("gives for any payment and asks nobody", &gives);
    let free = both()
        .edit_paid(|probe| {
            probe.alone();
            probe.deliver();
        })
        .edit_unpaid(|probe| probe.deliver());
    never_conformant("gives to all", &free);
    // It settles what it can and gives to the others too: its one wrong is the mutation control.
    let mutated = both()
        .edit("v2/mutation", |probe| probe.deliver())
        .edit("v1/mutation", |probe| probe.deliver());
    never_conformant("gives for a broken signature", &mutated);
}

/// The selections themselves are not what keeps them from it.
#[test]
fn an_honest_target_is_conformant_under_every_selection() {
    let events = both().events();
    for selected in selections() {
        let judging = Judging {
            selected,
            ..Judging::default()
        };
        let report = judge_history(&events, None, &judging);
        let selected = &judging.selected;
        assert_eq!(
            report.verdict,
            RunVerdict::Conformant,
            "{selected:?}: {}",
            report.summary
        );
    }
}
