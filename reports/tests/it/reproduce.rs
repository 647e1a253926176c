//! The command at the head of a report: as it was given, else put together from what the report says.

use x402_assay_reports::model::Report;
use x402_assay_reports::model::load::{LoadKind, LoadModel, Share};
use x402_assay_reports::{html, markdown, reproduce};

use crate::{load, samples, scenarios};

fn told(report: &Report) -> String {
    reproduce::command(report, None)
}

#[test]
fn a_command_that_was_given_is_told_as_it_is() {
    let given = "x402-assay load --rate 5/s --defect guard-inserts-after-verify --seed 7";
    let mut report = load::report();
    report.command = Some(given.to_owned());
    assert_eq!(told(&report), given);
    for page in [html::render(&report), markdown::render(&report)] {
        assert!(page.contains(given), "{page}");
    }
    let one = reproduce::command(&report, Some("SRV-REPL-001"));
    assert!(
        one.starts_with("x402-assay run ") && one.ends_with(" --check SRV-REPL-001"),
        "{one}"
    );
}

#[test]
fn a_hostile_command_does_no_harm() {
    let mut report = load::report();
    report.command = Some(crate::hostile::poison());
    // Markdown has it in a fence that nothing inside can close.
    assert!(!html::render(&report).contains("<script>alert"));
    for page in [html::render(&report), markdown::render(&report)] {
        assert_eq!(page.matches('\u{202e}').count(), 0);
        assert_eq!(page.matches('\u{1b}').count(), 0);
    }
}

#[test]
fn a_run_is_put_together_from_its_report() {
    let mut report = samples::conformant_builtin();
    report.seed = 7;
    report.fidelity.chain = "anvil".to_owned();
    assert_eq!(told(&report), "x402-assay run --seed 7");
    report.target.kind = "server".to_owned();
    report.target.url = Some("http://127.0.0.1:3000/a b".to_owned());
    report.fidelity.chain = "memory".to_owned();
    assert_eq!(
        told(&report),
        "x402-assay run --server 'http://127.0.0.1:3000/a b' --chain memory --seed 7"
    );
    let mut report = scenarios::failing();
    report.seed = 7;
    let command = told(&report);
    assert!(command.starts_with("x402-assay run "), "{command}");
    assert!(command.contains(&report.scenarios[0].name), "{command}");
}

/// The load sample with another plan, without target and chain of its own.
fn planned(change: impl FnOnce(&mut x402_assay_reports::model::load::LoadReport)) -> String {
    let mut report = load::report();
    report.command = None;
    report.seed = 7;
    report.target.kind = "builtin".to_owned();
    report.fidelity.chain = "anvil".to_owned();
    let section = report.load.as_mut().expect("a load");
    section.thresholds.truncate(1);
    section.highest_held_per_s = None;
    section.plan.warm_up_s = 0.0;
    section.plan.arrivals = Some("100/s".to_owned());
    section.plan.duration_s = 10.0;
    section.plan.mix = vec![Share {
        part: "buy".to_owned(),
        percent: 100.0,
    }];
    change(section);
    told(&report)
}

#[test]
fn a_load_is_put_together_from_its_plan() {
    let demanded = "--threshold 'goodput >= 190/s'";
    assert_eq!(
        planned(|_| {}),
        format!("x402-assay load --rate 100/s --for 10000ms --connections 64 {demanded} --seed 7")
    );
    let steps = planned(|load| {
        load.plan.arrivals = Some("steps:100/s+4s,200/s+4s".to_owned());
        load.plan.warm_up_s = 1.0;
        load.plan.mix[0].percent = 90.0;
        load.plan.mix.push(Share {
            part: "duplicate".to_owned(),
            percent: 10.0,
        });
        load.thresholds.clear();
        load.plan.signing = "ahead".to_owned();
    });
    assert_eq!(
        steps,
        "x402-assay load --rate steps:100/s+4s,200/s+4s --warm-up 1000ms --connections 64 --mix buy=90,duplicate=10 --sign-ahead --seed 7"
    );
    let unpaid = planned(|load| {
        load.plan.kind = LoadKind::Unpaid;
        load.plan.mix.clear();
        load.thresholds.clear();
        load.highest_held_per_s = Some(50.0);
    });
    assert_eq!(
        unpaid,
        "x402-assay load --rate 100/s --for 10000ms --connections 64 --unpaid --search --seed 7"
    );
}

#[test]
fn a_closed_load_says_what_sets_its_pace() {
    let closed = planned(|load| {
        load.model = LoadModel::Closed;
        load.plan.arrivals = None;
        load.thresholds.clear();
    });
    assert_eq!(
        closed,
        "x402-assay load --for 10000ms --connections 64 --closed --seed 7"
    );
    let users = planned(|load| {
        load.model = LoadModel::Closed;
        load.plan.arrivals = None;
        load.plan.queue = 0;
        load.plan.connections = "50".to_owned();
        load.plan.mix[0].part = "pay".to_owned();
        load.thresholds.clear();
    });
    assert_eq!(
        users,
        "x402-assay load --for 10000ms --users 50 --journey pay=100 --seed 7"
    );
}

#[test]
fn a_load_scenario_and_a_facilitator_are_named() {
    let named = planned(|load| load.plan.scenario = Some("load-constant".to_owned()));
    assert_eq!(named, "x402-assay load load-constant --seed 7");
    let mut report = load::report();
    report.command = None;
    report.seed = 7;
    report.target.kind = "builtin-facilitator".to_owned();
    let section = report.load.as_mut().expect("a load");
    section.plan.kind = LoadKind::Settle;
    section.plan.arrivals = Some("50/s".to_owned());
    section.plan.warm_up_s = 0.0;
    section.plan.mix.clear();
    section.thresholds.clear();
    section.highest_held_per_s = None;
    let chain = match report.fidelity.chain.as_str() {
        "memory" => " --chain memory",
        _ => "",
    };
    assert_eq!(
        told(&report),
        format!(
            "x402-assay load --rate 50/s --for 11000ms --calls settle --connections 64 --facilitator builtin{chain} --seed 7"
        )
    );
}
