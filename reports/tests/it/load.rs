//! A load run made by hand: 60 s of a ramp in steps, with duplicates, a missed threshold and a server at its end.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use proptest::prelude::*;
use x402_assay_reports::model::load::*;
use x402_assay_reports::model::*;

use crate::samples;

/// A histogram of `count` times around `base` microseconds, with a tail.
pub(crate) fn histogram(base: u64, count: u64) -> Histogram<u64> {
    let mut histogram =
        Histogram::new_with_bounds(1, HDR_HIGH_US, HDR_SIGNIFICANT).expect("valid bounds");
    for number in 0..count {
        let tail = if number % 50 == 49 { base * 6 } else { 0 };
        histogram.saturating_record(base + number * 7919 % base.max(1) / 2 + tail);
    }
    histogram
}

pub(crate) fn times(base: u64, count: u64) -> Distribution {
    Distribution::from_histogram(&histogram(base, count)).expect("it has samples")
}

pub(crate) fn outcome(of: &str, class: &str, meant: bool, count: u64) -> LoadOutcome {
    LoadOutcome {
        of: of.to_owned(),
        class: class.to_owned(),
        meant,
        count,
        time: (count > 100).then(|| times(4_000, 200)),
    }
}

/// Accounts of a facilitator with a gap.
pub(crate) fn figures() -> FacilitatorFigures {
    FacilitatorFigures {
        signers: 1,
        transactions: 480,
        reverted: 12,
        reverted_share: Some(0.025),
        gas_per_settlement: Some(52_100.4),
        account_gaps: vec![AccountGap {
            account: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8".to_owned(),
            latest: 481,
            pending: 482,
            stuck: 3,
        }],
    }
}

fn interval(second: u32) -> LoadInterval {
    let offered = match second {
        0..4 => 100,
        4..8 => 200,
        _ => 400,
    };
    let goodput = offered.min(310) - u64::from(second % 3);
    LoadInterval {
        at_s: f64::from(second),
        width_s: 1.0,
        warm_up: second == 0,
        offered,
        sent: offered - u64::from(second > 9) * 20,
        dropped: u64::from(second > 9) * 20,
        goodput,
        errors: u64::from(second > 8) * 9,
        in_flight: 3 + u64::from(second),
        p50_us: Some(4_000 + u64::from(second) * 600),
        p99_us: (second != 5).then(|| 20_000 + u64::from(second) * 9_000),
        ends: Some(LoadEnds {
            good: goodput,
            deserved: 5 + u64::from(second % 2),
            timed_out: u64::from(second > 8) * 9,
            ..LoadEnds::default()
        }),
        classes: BTreeMap::from([
            ("200".to_owned(), goodput),
            ("timeout".to_owned(), u64::from(second > 8) * 9),
        ]),
    }
}

fn step(offered: f64, goodput: f64, verdict: ThresholdVerdict, detail: &str) -> LoadStep {
    LoadStep {
        round: 1,
        duration_s: 4.0,
        offered_per_s: offered,
        achieved_per_s: offered.min(380.0),
        goodput_per_s: goodput,
        p99_us: Some(if offered > 300.0 { 312_000 } else { 31_000 }),
        dropped: if offered > 300.0 { 40 } else { 0 },
        errors: if offered > 300.0 { 27 } else { 0 },
        verdict,
        detail: detail.to_owned(),
    }
}

fn thresholds() -> Vec<ThresholdResult> {
    let row = |threshold: &str, verdict, measured: Option<(&str, f64)>, samples| ThresholdResult {
        threshold: threshold.to_owned(),
        verdict,
        measured: measured.map(|(text, _)| text.to_owned()),
        value: measured.map(|(_, value)| value),
        samples,
        detail: String::new(),
    };
    let mut none = row("p95(mined) < 2s", ThresholdVerdict::Inconclusive, None, 0);
    none.detail = "nothing was mined while the run was measured".to_owned();
    vec![
        row(
            "goodput >= 190/s",
            ThresholdVerdict::Held,
            Some(("236.2/s", 236.2)),
            2_598,
        ),
        row(
            "p99(paid) < 250ms",
            ThresholdVerdict::Missed,
            Some(("312ms", 312_000.0)),
            2_598,
        ),
        row(
            "unpaid_grants == 0",
            ThresholdVerdict::Held,
            Some(("0", 0.0)),
            2_640,
        ),
        none,
    ]
}

fn plan() -> PlanEcho {
    let share = |(part, percent): (&str, f64)| Share {
        part: part.to_owned(),
        percent,
    };
    PlanEcho {
        kind: LoadKind::Paid,
        arrivals: Some("steps:100/s+4s,200/s+4s,400/s+4s".to_owned()),
        duration_s: 11.0,
        warm_up_s: 1.0,
        connections: "64".to_owned(),
        mix: [("buy", 90.0), ("duplicate", 10.0)].map(share).to_vec(),
        signing: "inline".to_owned(),
        queue: 10_000,
        payers: 32,
        scenario: None,
    }
}

fn latency() -> Vec<PhaseRow> {
    let phase = |(phase, base)| PhaseRow {
        phase,
        time: times(base, 2_600),
    };
    let phases = [
        (LoadPhase::DueToReleased, 40),
        (LoadPhase::UnpaidToHeaders, 900),
        (LoadPhase::Sign, 32),
        (LoadPhase::PaidToHeaders, 8_000),
        (LoadPhase::WholeFromDue, 9_500),
        (LoadPhase::WholeFromSend, 9_200),
        (LoadPhase::Verify, 300),
        (LoadPhase::Settle, 2_100),
    ];
    phases.map(phase).to_vec()
}

fn limits() -> Limits {
    let share = |(process, cores): (&str, f64)| ProcessShare {
        process: process.to_owned(),
        cores,
    };
    Limits {
        by: LimitedBy::Server,
        proof: "the server kept 1.0 of 2 cores busy while the bench was 40 us late at p50"
            .to_owned(),
        cpu: [("bench+facilitator", 0.41), ("server", 1.0)]
            .map(share)
            .to_vec(),
        cores: Some(2),
    }
}

fn steps() -> Vec<LoadStep> {
    let missed = "p99(paid) < 250ms: 312ms";
    vec![
        step(100.0, 99.0, ThresholdVerdict::Held, ""),
        step(200.0, 199.1, ThresholdVerdict::Held, ""),
        step(400.0, 309.0, ThresholdVerdict::Missed, missed),
    ]
}

/// The load section by itself.
pub(crate) fn section() -> LoadReport {
    LoadReport {
        goodput_per_s: 236.2,
        goodput: 2_598,
        model: LoadModel::Open,
        caveats: vec!["bench and server shared 2 cores".to_owned()],
        ledger: "memory".to_owned(),
        plan: plan(),
        measured_s: 11.0,
        arrivals: Arrivals {
            offered: 2_700,
            sent: 2_660,
            dropped: 40,
            completed: 2_660,
            offered_per_s: 245.4,
            achieved_per_s: 241.8,
            queue_high_water: 212,
            in_flight_high_water: 64,
        },
        outcomes: vec![
            outcome("buy", "200", true, 2_370),
            outcome("duplicate", "200", true, 228),
            outcome("duplicate", "duplicate_settlement", true, 228),
            outcome("buy", class::TIMEOUT, false, 27),
        ],
        books: LoadBooks {
            authorizations: 2_640,
            settled: 2_602,
            granted: 2_598,
            double_charged: 0,
            unpaid_grants: 0,
            charged_without_service: 4,
        },
        latency: latency(),
        series: (0..12).map(interval).collect(),
        limited_by: limits(),
        thresholds: thresholds(),
        steps: steps(),
        highest_held_per_s: Some(200.0),
        recovery: recovery(),
        facilitator: None,
        memory: Some(LoadMemory {
            before_bytes: 31_000_000,
            peak_bytes: 32_000_000,
            bytes_per_authorization: 241.5,
        }),
    }
}

fn recovery() -> Vec<LoadRecovery> {
    let stopped = LoadRecovery {
        fault: "mining stopped".to_owned(),
        began_s: 4.0,
        ended_s: 6.5,
        state: RecoveryState::Recovered,
        before_per_s: Some(198.0),
        lowest_per_s: Some(0.0),
        recovered_within_s: Some(1.25),
        detail: String::new(),
    };
    let late = LoadRecovery {
        fault: "facilitator: settle answered 2s late".to_owned(),
        began_s: 9.0,
        ended_s: 10.0,
        state: RecoveryState::NotRecovered,
        recovered_within_s: None,
        ..stopped.clone()
    };
    let never = LoadRecovery {
        state: RecoveryState::Unknown,
        before_per_s: None,
        lowest_per_s: None,
        detail: "the load ended before it".to_owned(),
        ..late.clone()
    };
    vec![stopped, late, never]
}

pub(crate) fn report() -> Report {
    let mut report = samples::conformant_builtin();
    report.target.name = "shop-api".to_owned();
    report.target.kind = "server".to_owned();
    report.summary =
        "conformant, and a threshold was missed: p99(paid) < 250ms was 312ms".to_owned();
    report.command = Some(
        "x402-assay load --server http://127.0.0.1:3000/paid --rate steps:100/s+4s,200/s+4s,400/s+4s --mix buy=90,duplicate=10 --seed 7316294"
            .to_owned(),
    );
    report.load = Some(section());
    report
}

/// The same with every text of it from somebody who wants out of the page.
pub(crate) fn hostile() -> Report {
    let poison = crate::hostile::poison();
    let mut report = crate::hostile::report();
    let mut load = section();
    for text in [
        &mut load.ledger,
        &mut load.plan.connections,
        &mut load.plan.signing,
        &mut load.plan.mix[0].part,
        &mut load.limited_by.proof,
        &mut load.limited_by.cpu[0].process,
        &mut load.outcomes[0].of,
        &mut load.steps[2].detail,
        &mut load.latency[0].time.hdr,
        &mut load.caveats[0],
        &mut load.recovery[0].fault,
    ] {
        text.clone_from(&poison);
    }
    load.outcomes[1].class.clone_from(&poison);
    load.recovery[2].detail.clone_from(&poison);
    load.thresholds[0].threshold.clone_from(&poison);
    load.thresholds[3].detail.clone_from(&poison);
    load.thresholds[0].measured = Some(poison.clone());
    load.plan.arrivals = Some(poison.clone());
    load.plan.scenario = Some(poison.clone());
    load.series[0].classes.insert(poison, 3);
    report.load = Some(load);
    report
}

prop_compose! {
    /// A load section with any texts and numbers.
    pub(crate) fn a_load()(
        texts in any::<(String, String, String, String)>(),
        numbers in any::<(u64, u64, u64, u64)>(),
        rates in (0.0..1e9, 0.0..1e9, 0.0..1e9),
        classes in any::<BTreeMap<String, u64>>(),
        options in any::<(Option<u64>, Option<u64>, Option<String>)>(),
        samples in 1..200_u64,
    ) -> LoadReport {
        let mut load = section();
        (load.ledger, load.limited_by.proof, load.outcomes[0].class, load.thresholds[0].detail) = texts;
        (load.goodput, load.arrivals.dropped, load.books.settled, load.outcomes[0].count) = numbers;
        (load.goodput_per_s, load.measured_s, load.steps[0].offered_per_s) = rates;
        load.series[0].classes = classes;
        (load.series[1].p50_us, load.steps[1].p99_us, load.plan.arrivals) = options;
        load.latency[0].time = times(samples, samples);
        load
    }
}

#[test]
fn a_histogram_comes_back_and_adds_up() {
    let one = histogram(900, 1_000);
    let told = Distribution::from_histogram(&one).unwrap();
    assert!(told.hdr.starts_with("HISTFAAA"), "{}", told.hdr);
    let mut sum = told.histogram().unwrap();
    assert_eq!(sum, one);
    sum.add(histogram(5_000, 500)).unwrap();
    assert_eq!(sum.len(), 1_500);
    assert!(told.p50_us <= told.p90_us && told.p999_us <= told.max_us);
    assert_eq!(
        told.named("p99.9"),
        Some(f64::from(u32::try_from(told.p999_us).unwrap()))
    );
    assert_eq!(told.named("p98"), None);
    assert_eq!(
        Distribution::from_histogram(&Histogram::new(3).unwrap()),
        None
    );
}

#[test]
fn a_damaged_histogram_is_told() {
    let error = |hdr: &str| {
        let mut time = times(10, 10);
        time.hdr = hdr.to_owned();
        time.histogram().unwrap_err().to_string()
    };
    assert!(error("%%").contains("not base64"));
    assert!(error("").contains("not in the HDR V2 form"));
    assert!(error("aGVsbG8gd29ybGQ=").contains("not in the HDR V2 form"));
    assert!(error(&"A".repeat(2 << 20)).contains("has 2097152 characters"));
}

#[test]
fn what_was_not_meant_is_an_error() {
    let load = section();
    assert_eq!(load.errors(), 27);
    assert!(load.misses() && load.unclear());
    assert_eq!(load.headline().unwrap().0, LoadPhase::WholeFromDue);
    for phase in LoadPhase::ALL {
        let word = serde_json::to_value(phase).unwrap();
        assert_eq!(word, phase.name());
    }
}

#[test]
fn the_accounts_of_a_facilitator_are_told_everywhere() {
    let mut report = report();
    let load = report.load.as_mut().expect("a load");
    load.facilitator = Some(figures());
    for text in [
        x402_assay_reports::terminal::render(
            &report,
            x402_assay_reports::TerminalOptions::default(),
        ),
        x402_assay_reports::markdown::render(&report),
        x402_assay_reports::html::render(&report),
    ] {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("12 reverted (2.5 %)"), "{text}");
        assert!(text.contains("3 stuck behind a missing account"), "{text}");
    }
}
