use insta::assert_snapshot;
use x402_assay_reports::compare::*;
use x402_assay_reports::model::load::*;
use x402_assay_reports::model::*;

use crate::{load, samples};

const RULE: Rule = Rule {
    max_regression: 0.1,
    warnings_count: false,
};

fn with(base: &Report, verdicts: &[(&str, Verdict)]) -> Report {
    let mut report = base.clone();
    for (id, verdict) in verdicts {
        let row = report.checks.iter_mut().find(|row| row.id == *id);
        row.expect("the sample has it").verdict = *verdict;
    }
    report
}

fn ids(comparison: &Comparison, change: Change) -> Vec<&str> {
    comparison.with(change).map(|row| row.id.as_str()).collect()
}

/// A sample with five checks, one of each verdict that matters.
fn checks() -> Report {
    let mut report = samples::conformant_builtin();
    report.checks = [
        ("A", Verdict::Pass),
        ("B", Verdict::Fail),
        ("C", Verdict::Warn),
        ("D", Verdict::Skipped),
        ("E", Verdict::Pass),
    ]
    .map(|(id, verdict)| samples::check(id, "a property", verdict, "as seen"))
    .to_vec();
    report
}

#[test]
fn every_change_of_a_row_is_told_apart() {
    let base = checks();
    let mut new = with(
        &base,
        &[
            ("A", Verdict::Fail),
            ("B", Verdict::Pass),
            ("C", Verdict::Inconclusive),
            ("D", Verdict::Pass),
            ("E", Verdict::Warn),
        ],
    );
    new.checks.push(samples::check(
        "F",
        "later",
        Verdict::Fail,
        "red from the start",
    ));
    let mut old = base.clone();
    old.checks
        .push(samples::check("G", "earlier", Verdict::Pass, "was there"));
    let found = compare(&old, &new, RULE);
    assert_eq!(found.outcome, Outcome::Broken);
    assert_eq!(found.summary, "newly broken: A");
    for (change, id) in [
        (Change::Broken, "A"),
        (Change::Fixed, "B"),
        (Change::Unjudged, "C"),
        (Change::Judged, "D"),
        (Change::Warned, "E"),
        (Change::New, "F"),
        (Change::Gone, "G"),
    ] {
        assert_eq!(ids(&found, change), [id], "{change:?}");
    }
    assert_eq!(found.unchanged, new.invariants.len());
    let mut quiet = base.clone();
    quiet.checks[1].verdict = Verdict::Skipped;
    let told = compare(&base, &quiet, RULE);
    assert_eq!(
        told.outcome,
        Outcome::Good,
        "told, and neither broken nor fixed"
    );
    assert!(
        told.summary.contains("0 fixed, 1 not judged any more"),
        "{}",
        told.summary
    );
    let strict = Rule {
        warnings_count: true,
        ..RULE
    };
    assert_eq!(
        ids(&compare(&old, &new, strict), Change::Broken),
        ["A", "E"]
    );
}

#[test]
fn a_red_row_that_was_not_judged_before_is_broken_and_a_new_one_is_not() {
    let base = checks();
    let judged = with(&base, &[("D", Verdict::Fail)]);
    assert_eq!(ids(&compare(&base, &judged, RULE), Change::Broken), ["D"]);
    let mut added = base.clone();
    added
        .checks
        .push(samples::check("F", "later", Verdict::Fail, "red"));
    assert_eq!(compare(&base, &added, RULE).outcome, Outcome::Good);
}

#[test]
fn what_is_accepted_neither_breaks_nor_is_fixed() {
    let base = checks();
    let mut new = with(&base, &[("A", Verdict::Fail)]);
    new.checks[0].expected = Some(Expected {
        reason: "known".to_owned(),
        issue: None,
        expires: None,
    });
    assert_eq!(compare(&base, &new, RULE).outcome, Outcome::Good);
    let open = with(&base, &[("A", Verdict::Fail)]);
    assert_eq!(ids(&compare(&new, &open, RULE), Change::Broken), ["A"]);
}

#[test]
fn an_inconclusive_run_compares_with_nothing() {
    let base = checks();
    let mut unclear = base.clone();
    unclear.verdict = RunVerdict::Inconclusive;
    for (old, new) in [(&base, &unclear), (&unclear, &base)] {
        assert_eq!(compare(old, new, RULE).outcome, Outcome::Incomparable);
    }
    let broken = with(&unclear, &[("A", Verdict::Fail)]);
    assert_eq!(
        compare(&base, &broken, RULE).outcome,
        Outcome::Broken,
        "3 goes before 5"
    );
    let mut nonconformant = base.clone();
    nonconformant.verdict = RunVerdict::Nonconformant;
    assert_eq!(
        compare(&base, &nonconformant, RULE).outcome,
        Outcome::Broken
    );
    let mut nothing = base.clone();
    (nothing.checks, nothing.invariants) = (Vec::new(), Vec::new());
    let found = compare(&base, &nothing, RULE);
    assert_eq!(found.outcome, Outcome::Incomparable);
    assert!(found.summary.contains("in common"), "{}", found.summary);
}

/// Noise between -1 and 1 that wanders, as machines do.
fn noise(seed: u64, second: u64) -> f64 {
    let mut mixed =
        seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (second / 3).wrapping_mul(0xd1b5_4a32_d192_ed03);
    mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    f64::from(u32::try_from(mixed >> 40).expect("24 bits")) / f64::from(1 << 23) - 1.0
}

/// A run of so many seconds whose goodput and latency are `speed` and `slow` times the usual, ± 20 %.
fn run(seed: u64, seconds: u64, speed: f64, slow: f64) -> Report {
    let mut report = load::report();
    let part = report.load.as_mut().expect("a load section");
    part.steps.clear();
    let whole = |value: f64| value.round() as u64;
    part.series = (0..seconds)
        .map(|second| LoadInterval {
            at_s: f64::from(u32::try_from(second).expect("a short run")),
            width_s: 1.0,
            offered: 500,
            sent: 500,
            goodput: whole(400.0 * speed * (1.0 + 0.2 * noise(seed, second))),
            p50_us: Some(whole(
                5_000.0 * slow * (1.0 + 0.2 * noise(seed + 1_000, second)),
            )),
            p99_us: Some(whole(
                40_000.0 * slow * (1.0 + 0.2 * noise(seed + 2_000, second)),
            )),
            ..LoadInterval::default()
        })
        .collect();
    let mean = |values: Vec<u64>| {
        let sum: u64 = values.iter().sum();
        sum as f64 / values.len() as f64
    };
    part.goodput_per_s = mean(part.series.iter().map(|one| one.goodput).collect());
    let time = part
        .latency
        .iter_mut()
        .find(|row| row.phase == LoadPhase::WholeFromDue);
    let time = &mut time.expect("a headline").time;
    time.p50_us = whole(mean(
        part.series.iter().filter_map(|one| one.p50_us).collect(),
    ));
    time.p99_us = whole(mean(
        part.series.iter().filter_map(|one| one.p99_us).collect(),
    ));
    report
}

fn movements(base: &Report, new: &Report) -> Vec<Movement> {
    let load = compare(base, new, RULE).load.expect("both have load");
    assert_eq!(load.not_compared, None);
    load.metrics.iter().map(|metric| metric.movement).collect()
}

#[test]
fn noise_is_no_regression() {
    for seed in 0..40 {
        let (base, new) = (run(seed, 60, 1.0, 1.0), run(seed + 500, 60, 1.0, 1.0));
        let moved = movements(&base, &new);
        let quiet = |movement: &Movement| matches!(movement, Movement::Same | Movement::Maybe);
        assert!(moved.iter().all(quiet), "seed {seed}: {moved:?}");
        assert_eq!(compare(&base, &new, RULE).outcome, Outcome::Good);
    }
}

#[test]
fn what_is_worse_by_more_than_noise_and_bound_is_a_regression() {
    for seed in 0..12 {
        let base = run(seed, 60, 1.0, 1.0);
        let slower = run(seed + 500, 60, 0.75, 1.4);
        assert_eq!(
            movements(&base, &slower),
            [Movement::Worse; 3],
            "seed {seed}"
        );
        assert_eq!(compare(&base, &slower, RULE).outcome, Outcome::Regressed);
        assert_eq!(
            movements(&slower, &base),
            [Movement::Better; 3],
            "seed {seed}"
        );
    }
    let (base, slower) = (run(1, 60, 1.0, 1.0), run(2, 60, 0.75, 1.4));
    let wide = Rule {
        max_regression: 0.6,
        ..RULE
    };
    assert_eq!(
        compare(&base, &slower, wide).outcome,
        Outcome::Good,
        "the bound is the user's"
    );
}

#[test]
fn one_stall_in_an_hour_is_not_called_a_trend() {
    let base = run(1, 60, 1.0, 1.0);
    let mut new = run(1, 60, 1.0, 1.0);
    let part = new.load.as_mut().unwrap();
    part.series[30].p99_us = Some(900_000);
    let time = part
        .latency
        .iter_mut()
        .find(|row| row.phase == LoadPhase::WholeFromDue);
    time.unwrap().time.p99_us *= 3;
    assert_eq!(movements(&base, &new)[2], Movement::Maybe);
    assert_eq!(compare(&base, &new, RULE).outcome, Outcome::Good);
}

#[test]
fn different_runs_are_not_compared_and_the_reason_is_told() {
    type Edit = fn(&mut Report);
    fn part(report: &mut Report) -> &mut LoadReport {
        report.load.as_mut().unwrap()
    }
    let base = run(1, 30, 1.0, 1.0);
    let edits: [(Edit, &str); 12] = [
        (
            |report| report.load = None,
            "the new report has no load section",
        ),
        (
            |report| report.target.name = "other".into(),
            "the target differs",
        ),
        (
            |report| report.fidelity.chain = "memory".into(),
            "the chain differs",
        ),
        (
            |report| part(report).model = LoadModel::Closed,
            "the model differs: open before, closed now",
        ),
        (
            |report| part(report).plan.kind = LoadKind::Unpaid,
            "the kind of load differs",
        ),
        (
            |report| part(report).ledger = "anvil".into(),
            "the ledger differs",
        ),
        (
            |report| part(report).plan.arrivals = None,
            "the schedule differs",
        ),
        (
            |report| part(report).plan.duration_s = 60.0,
            "the length differs: 11 s before, 60 s now",
        ),
        (|report| part(report).plan.mix.clear(), "the mix differs"),
        (
            |report| part(report).limited_by.by = LimitedBy::Generator,
            "the bench itself was the limit",
        ),
        (
            |report| report.interrupted = true,
            "was stopped before its end",
        ),
        (
            |report| part(report).series.truncate(9),
            "9 whole seconds in common",
        ),
    ];
    for (edit, reason) in edits {
        let mut new = base.clone();
        edit(&mut new);
        let found = compare(&base, &new, RULE);
        let told = found
            .load
            .as_ref()
            .and_then(|load| load.not_compared.clone());
        let told = told.unwrap_or_else(|| panic!("compared: {reason}"));
        assert!(told.contains(reason), "{told}");
        assert_eq!(found.outcome, Outcome::Incomparable, "{reason}");
        assert!(found.summary.contains(reason), "{}", found.summary);
    }
}

#[test]
fn warm_up_and_the_last_piece_of_a_second_are_left_out() {
    let mut base = run(1, 30, 1.0, 1.0);
    for second in &mut base.load.as_mut().unwrap().series[..5] {
        second.warm_up = true;
    }
    let mut new = base.clone();
    new.load.as_mut().unwrap().series[29].width_s = 0.4;
    let load = compare(&base, &new, RULE).load.unwrap();
    assert_eq!(load.intervals, 24);
}

/// A comparison with something of everything.
pub(crate) fn sample() -> Comparison {
    let mut base = run(1, 60, 1.0, 1.0);
    base.checks = checks().checks;
    let mut new = run(7, 60, 0.75, 1.4);
    let changed = [
        ("B", Verdict::Pass),
        ("C", Verdict::Skipped),
        ("E", Verdict::Fail),
    ];
    new.checks = with(&base, &changed).checks;
    new.checks.push(samples::check(
        "F",
        "later",
        Verdict::Fail,
        "red from the start",
    ));
    let part = new.load.as_mut().expect("a load section");
    part.thresholds[0].verdict = ThresholdVerdict::Missed;
    new.bench_version = "0.2.0".to_owned();
    compare(&base, &new, RULE)
}

#[test]
fn every_rendering() {
    let found = sample();
    assert_snapshot!("compare_terminal", render_terminal(&found));
    assert_snapshot!("compare_markdown", render_markdown(&found));
    let page = render_html(&found);
    let main = page
        .split_once("<main>")
        .unwrap()
        .1
        .split_once("</main>")
        .unwrap()
        .0;
    assert_snapshot!("compare_html", main.replace("><", ">\n<"));
    let text = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<Comparison>(&text).unwrap(), found);
}

#[test]
fn hostile_reports_stay_text() {
    let found = compare(&load::hostile(), &crate::hostile::report(), RULE);
    let page = render_html(&found);
    assert_eq!(page.matches("<script").count(), 1, "only the page's own");
    for text in [render_terminal(&found), render_markdown(&found), page] {
        let bad = |c: char| {
            c.is_control() && c != '\n'
                || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}')
        };
        assert_eq!(text.chars().find(|c| bad(*c)), None);
        assert!(!text.contains(&"ab".repeat(65)), "a whole signature");
    }
    let markdown = render_markdown(&found);
    assert!(!markdown.contains("@maintainer") || markdown.contains("`@`maintainer"));
}
