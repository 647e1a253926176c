use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use proptest::prelude::*;
use x402_assay_reports::model::load::*;

use super::*;

fn times(values: impl IntoIterator<Item = u64>) -> Distribution {
    let mut histogram = Histogram::new_with_bounds(1, HDR_HIGH_US, HDR_SIGNIFICANT).unwrap();
    values
        .into_iter()
        .for_each(|us| histogram.saturating_record(us));
    Distribution::from_histogram(&histogram).unwrap()
}

/// 1,000 arrivals over 5 s, 10 of them dropped, 5 of the rest timed out; 1 to 1,000 ms.
fn load() -> LoadReport {
    let phase = |phase, values: std::ops::RangeInclusive<u64>| PhaseRow {
        phase,
        time: times(values.map(|ms| ms * 1_000)),
    };
    let outcome = |class: &str, meant, count| LoadOutcome {
        of: "buy".to_owned(),
        class: class.to_owned(),
        meant,
        count,
        time: None,
    };
    let arrivals = super::super::Arrivals::parse("200/s", Some(std::time::Duration::from_secs(5)));
    let pace = super::super::Pace::Open(arrivals.unwrap());
    LoadReport {
        goodput_per_s: 197.0,
        goodput: 985,
        model: LoadModel::Open,
        caveats: Vec::new(),
        ledger: "memory".to_owned(),
        plan: super::super::LoadPlan::new(LoadKind::Paid, pace, 1).echo(),
        measured_s: 5.0,
        arrivals: Arrivals {
            offered: 1_000,
            sent: 990,
            dropped: 10,
            completed: 990,
            offered_per_s: 200.0,
            achieved_per_s: 198.0,
            queue_high_water: 12,
            in_flight_high_water: 64,
        },
        outcomes: vec![outcome("200", true, 985), outcome("timeout", false, 5)],
        books: LoadBooks {
            authorizations: 990,
            settled: 985,
            granted: 985,
            unpaid_grants: 1,
            ..LoadBooks::default()
        },
        latency: vec![
            phase(LoadPhase::WholeFromDue, 1..=1_000),
            phase(LoadPhase::Settle, 1..=10),
        ],
        series: vec![LoadInterval {
            classes: BTreeMap::new(),
            ..LoadInterval::default()
        }],
        limited_by: Limits {
            by: LimitedBy::None,
            proof: String::new(),
            cpu: Vec::new(),
            cores: None,
        },
        thresholds: Vec::new(),
        steps: Vec::new(),
        highest_held_per_s: None,
        recovery: Vec::new(),
        facilitator: None,
        memory: None,
    }
}

fn verdict(text: &str, load: &LoadReport) -> ThresholdResult {
    judge(&[Threshold::parse(text).unwrap()], load).remove(0)
}

#[test]
fn each_metric_is_held_against_what_was_measured() {
    use ThresholdVerdict::{Held, Missed};
    let load = load();
    for (text, expected, measured) in [
        ("goodput >= 190/s", Held, "197.0/s"),
        ("goodput >= 200/s", Missed, "197.0/s"),
        ("goodput > 11820/min", Missed, "197.0/s"),
        ("offered > 199/s", Held, "200.0/s"),
        ("achieved < 198.5/s", Held, "198.0/s"),
        ("dropped < 0.1%", Missed, "1.000%"),
        ("dropped <= 1%", Held, "1.000%"),
        ("dropped == 10", Held, "10"),
        ("dropped == 0", Missed, "10"),
        ("errors < 1%", Held, "0.505%"),
        ("errors == 4", Missed, "5"),
        ("double_charged == 0", Held, "0"),
        ("unpaid_grants == 0", Missed, "1"),
        ("charged_without_service <= 0", Held, "0"),
        ("p95(settle) < 2s", Held, "10.007ms"),
        ("max(settle) < 10ms", Missed, "10.007ms"),
        ("mean(settle) < 5.6ms", Held, "5.502ms"),
    ] {
        let row = verdict(text, &load);
        assert_eq!(row.verdict, expected, "{text}: {row:?}");
        assert_eq!(row.measured.as_deref(), Some(measured), "{text}");
        assert!(row.samples > 0, "{text}");
    }
}

#[test]
fn percentiles_come_from_the_whole_run_or_its_histogram() {
    let load = load();
    let value = |text| verdict(text, &load).value.unwrap();
    let near = |value: f64, us: f64| (value - us).abs() <= us / 1_000.0 + 1.0;
    assert!(near(value("p50(paid) < 1s"), 500_000.0));
    assert!(
        near(value("p75(paid) < 1s"), 750_000.0),
        "not among the kept ones"
    );
    assert!(near(value("p99.9(whole_from_due) < 1s"), 999_000.0));
    assert_eq!(verdict("p75(paid) < 1s", &load).samples, 1_000);
}

#[test]
fn without_samples_nothing_is_held() {
    let mut empty = load();
    empty.arrivals = Arrivals::default();
    empty.outcomes.clear();
    empty.books = LoadBooks::default();
    empty.latency.clear();
    for text in [
        "goodput >= 1/s",
        "offered < 1/s",
        "achieved < 1/s",
        "dropped < 1%",
        "dropped == 0",
        "errors == 0",
        "double_charged == 0",
        "unpaid_grants == 0",
        "charged_without_service == 0",
        "p99(paid) < 1s",
        "p99(unpaid) < 1s",
        "max(lateness) < 1s",
        "mean(mined) < 1s",
    ] {
        let row = verdict(text, &empty);
        assert_eq!(row.verdict, ThresholdVerdict::Inconclusive, "{text}");
        assert!(!row.detail.is_empty() && row.value.is_none(), "{text}");
    }
    let mut unpaid = load();
    unpaid.plan.kind = LoadKind::Unpaid;
    let row = verdict("p99(paid) < 1s", &unpaid);
    assert_eq!(row.detail, "this load is `unpaid`: nothing was paid");
    assert_eq!(
        verdict("p99(unpaid) < 2s", &unpaid).verdict,
        ThresholdVerdict::Held
    );
}

#[test]
fn a_damaged_histogram_is_inconclusive() {
    let mut load = load();
    load.latency[0].time.hdr = "!".to_owned();
    let row = verdict("p75(paid) < 1s", &load);
    assert_eq!(row.verdict, ThresholdVerdict::Inconclusive);
    assert!(row.detail.contains("not base64"), "{}", row.detail);
}

#[test]
fn one_verdict_over_all() {
    let load = load();
    let of = |texts: &[&str]| overall(&judge(&parse_all(texts).unwrap(), &load));
    assert_eq!(of(&[]), ThresholdVerdict::Held);
    assert_eq!(of(&["goodput > 1/s"]), ThresholdVerdict::Held);
    let unclear = "p99(mined) < 1s";
    assert_eq!(
        of(&["goodput > 1/s", unclear]),
        ThresholdVerdict::Inconclusive
    );
    assert_eq!(of(&[unclear, "goodput > 900/s"]), ThresholdVerdict::Missed);
}

#[test]
fn every_problem_is_told_before_the_first_request() {
    let said = parse_all(&[
        "godput >= 190/s",
        "p99(pid) < 1s",
        "p99 < 1s",
        "p100(paid) < 1s",
        "q99(paid) < 1s",
        "goodput >= 190",
        "p99(paid) < 250",
        "p99(paid) < 250/s",
        "dropped < 5ms",
        "double_charged < 1%",
        "goodput = 5/s",
        "goodput != 5/s",
        "goodput == 5/s",
        "goodput",
        "p99(paid) < 250msec",
        "p99(paid) < 0.5us",
        "goodput > 0/s",
        "dropped < 200%",
        "",
    ]);
    let lines: Vec<String> = said.unwrap_err().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"));
    assert_eq!(parse_all(&["goodput > 1/s"; 65]).unwrap_err().len(), 1);
}

#[test]
fn the_table_names_every_metric_once() {
    let mut names: Vec<&str> = METRICS.iter().map(|row| row.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), METRICS.len());
    for row in METRICS {
        let text = row.name.replace("PHASE", "paid");
        assert_eq!(Metric::parse(&text).unwrap().unit(), row.unit, "{text}");
        assert!(!row.meaning.is_empty());
    }
}

fn a_threshold() -> impl Strategy<Value = Threshold> {
    let count = any::<u64>().prop_map(Bound::Count);
    let percent = (0.0..=100.0).prop_map(Bound::Percent);
    let rate = (0.001..1_000_000.0).prop_map(Bound::PerSecond);
    let micros = (0..86_400_000_000_u64).prop_map(Bound::Micros);
    let words: Vec<&str> = Phase::words().collect();
    let statistic = prop_oneof![
        Just("mean".to_owned()),
        Just("max".to_owned()),
        (0.001..99.999).prop_map(|percent: f64| format!("p{percent}")),
    ];
    let latency = (statistic, prop::sample::select(words))
        .prop_map(|(statistic, phase)| Metric::parse(&format!("{statistic}({phase})")).unwrap());
    let rates = prop::sample::select(vec![Metric::Goodput, Metric::Offered, Metric::Achieved]);
    let parts = prop::sample::select(vec![Metric::Dropped, Metric::Errors]);
    let counts = prop::sample::select(vec![
        Metric::DoubleCharged,
        Metric::UnpaidGrants,
        Metric::ChargedWithoutService,
    ]);
    let pairs = prop_oneof![
        (latency, micros.boxed()),
        (rates, rate.boxed()),
        (parts, prop_oneof![percent, count.clone()].boxed()),
        (counts, count.boxed()),
    ];
    let comparisons = prop::sample::select(vec![
        Comparison::Less,
        Comparison::AtMost,
        Comparison::More,
        Comparison::AtLeast,
        Comparison::Equal,
    ]);
    (pairs, comparisons).prop_map(|((metric, bound), comparison)| Threshold {
        metric,
        comparison: match (comparison, bound) {
            (Comparison::Equal, Bound::Count(_)) => comparison,
            (Comparison::Equal, _) => Comparison::AtMost,
            _ => comparison,
        },
        bound,
    })
}

proptest! {
    #[test]
    fn every_threshold_is_read_back(threshold in a_threshold()) {
        prop_assert_eq!(Threshold::parse(&threshold.to_string()), Ok(threshold));
    }

    #[test]
    fn no_text_is_too_odd(text in any::<String>()) {
        if let Err(wrong) = Threshold::parse(&text) {
            prop_assert!(wrong.to_string().len() < 2_000);
        }
    }
}
