//! Two load runs: comparable or not, and which figures moved by more than noise and bound (decision 0021).

use serde::{Deserialize, Serialize};

use super::bootstrap;
use crate::load_text;
use crate::model::Report;
use crate::model::load::{LimitedBy, LoadInterval, LoadPhase, LoadReport, ThresholdVerdict};
use crate::text;

/// Fewest whole seconds that both runs must have measured.
pub const INTERVALS_MIN: usize = 10;

/// The load sections of two reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadComparison {
    /// Why the figures were not compared; absent when they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_compared: Option<String>,
    /// The bound, as a share.
    pub max_regression: f64,
    /// Seconds that both runs measured.
    pub intervals: usize,
    /// The figures.
    pub metrics: Vec<MetricChange>,
    /// Thresholds with another verdict than before. They are told and count for nothing here: the run itself exits
    /// 6 for what it missed.
    pub thresholds: Vec<String>,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Goodput per second; more is better.
    Goodput,
    /// Median of the whole from the intended send time; less is better.
    P50,
    /// 99th percentile of the same.
    P99,
}

impl Measure {
    /// For people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Goodput => "goodput",
            Self::P50 => "p50",
            Self::P99 => "p99",
        }
    }
}

/// How a figure moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Movement {
    /// Worse by more than the bound, noise taken off.
    Worse,
    /// Beyond the bound, and noise may explain it: longer runs would tell.
    Maybe,
    /// Within the bound.
    Same,
    /// Better by more than the bound, noise taken off.
    Better,
    /// There is too little to tell.
    Unclear,
}

impl Movement {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::Maybe => "maybe",
            Self::Same => "same",
            Self::Better => "better",
            Self::Unclear => "unclear",
        }
    }
}

/// One figure of both runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricChange {
    /// What.
    pub measure: Measure,
    /// Before: per second or microseconds.
    pub base: f64,
    /// Now.
    pub new: f64,
    /// Now over before, less 1: 0.1 is 10 % more. Absent when there was nothing before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<f64>,
    /// The change of the seconds' averages, 99 % range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<(f64, f64)>,
    /// How it moved.
    pub movement: Movement,
}

impl MetricChange {
    /// `p99 12 ms → 19 ms (+58.3 %, noise explains +40.1 to +71.0 %)`.
    pub fn told(&self) -> String {
        let change = match (self.change, self.noise) {
            (Some(change), Some((low, high))) => format!(
                "{}, 99 % range {} to {}",
                percent(change),
                percent(low),
                percent(high)
            ),
            (Some(change), None) => percent(change),
            (None, _) => "no figure before".to_owned(),
        };
        let (base, new) = (self.shown(self.base), self.shown(self.new));
        format!("{} {base} → {new} ({change})", self.measure.label())
    }

    /// A value of it with its unit.
    pub fn shown(&self, value: f64) -> String {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a figure for people; the cast saturates"
        )]
        match self.measure {
            Measure::Goodput => load_text::rate(value),
            Measure::P50 | Measure::P99 => text::micros(value.max(0.0).round() as u64),
        }
    }
}

/// `+12.5 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{:+.1} %", share * 100.0)
}

/// Nothing when neither report has a load section.
pub(super) fn compare(base: &Report, new: &Report, max_regression: f64) -> Option<LoadComparison> {
    let empty = |reason: Option<String>| LoadComparison {
        not_compared: reason,
        max_regression,
        intervals: 0,
        metrics: Vec::new(),
        thresholds: Vec::new(),
    };
    let (old, now) = match (&base.load, &new.load) {
        (None, None) => return None,
        (Some(old), Some(now)) => (old, now),
        (Some(_), None) => return Some(empty(Some("the new report has no load section".into()))),
        (None, Some(_)) => return Some(empty(Some("the base report has no load section".into()))),
    };
    let mut comparison = empty(unlike(base, new).or_else(|| unlike_load(old, now)));
    if comparison.not_compared.is_some() {
        return Some(comparison);
    }
    comparison.thresholds = thresholds(old, now);
    let pairs = pairs(old, now);
    comparison.intervals = pairs.len();
    comparison.metrics = [Measure::Goodput, Measure::P50, Measure::P99]
        .into_iter()
        .filter_map(|measure| metric(measure, (old, now), &pairs, max_regression))
        .collect();
    let unclear = |metric: &MetricChange| metric.movement == Movement::Unclear;
    if comparison.metrics.iter().all(unclear) {
        comparison.not_compared = Some(format!(
            "both runs have {} whole seconds in common, and {INTERVALS_MIN} with samples are needed to tell a difference from noise; run longer",
            comparison.intervals
        ));
    }
    Some(comparison)
}

fn unlike(base: &Report, new: &Report) -> Option<String> {
    let differs = |what: &str, old: &str, now: &str| {
        (old != now).then(|| format!("the {what} differs: {old} before, {now} now"))
    };
    let (old, now) = (&base.target, &new.target);
    differs("kind of target", &old.kind, &now.kind)
        .or_else(|| differs("target", &old.name, &now.name))
        .or_else(|| differs("chain", &base.fidelity.chain, &new.fidelity.chain))
        .or_else(|| {
            let stopped = base.interrupted || new.interrupted;
            stopped.then(|| "a run was stopped before its end".to_owned())
        })
}

/// Why two load sections measure different things.
fn unlike_load(old: &LoadReport, now: &LoadReport) -> Option<String> {
    let differs = |what: &str, old: &str, now: &str| {
        (old != now).then(|| format!("the {what} differs: {old} before, {now} now"))
    };
    let schedule = |load: &LoadReport| match &load.plan.arrivals {
        Some(arrivals) => arrivals.clone(),
        None => "closed loop".to_owned(),
    };
    let length = |load: &LoadReport| load_text::seconds(load.plan.duration_s);
    let mix = |load: &LoadReport| {
        let share = load.plan.mix.iter();
        let share = share.map(|share| format!("{}={}", share.part, share.percent));
        share.collect::<Vec<_>>().join(",")
    };
    differs("model", old.model.word(), now.model.word())
        .or_else(|| differs("kind of load", old.plan.kind.word(), now.plan.kind.word()))
        .or_else(|| differs("ledger", &old.ledger, &now.ledger))
        .or_else(|| differs("schedule", &schedule(old), &schedule(now)))
        .or_else(|| differs("length", &length(old), &length(now)))
        .or_else(|| differs("number of connections", &old.plan.connections, &now.plan.connections))
        .or_else(|| differs("mix", &mix(old), &mix(now)))
        .or_else(|| differs("signing", &old.plan.signing, &now.plan.signing))
        .or_else(|| {
            let starved = [old, now].iter().any(|load| load.limited_by.by == LimitedBy::Generator);
            starved.then(|| {
                "the bench itself was the limit of a run, so its figures say nothing about the target"
                    .to_owned()
            })
        })
}

/// Whole measured intervals of both runs at the same place of the schedule.
fn pairs<'l>(
    old: &'l LoadReport,
    now: &'l LoadReport,
) -> Vec<(&'l LoadInterval, &'l LoadInterval)> {
    let usable = |load: &'l LoadReport| {
        let width = load.series.first().map_or(0.0, |first| first.width_s);
        let whole = move |part: &&LoadInterval| {
            !part.warm_up && part.width_s >= width * 0.999 && width > 0.0
        };
        load.series.iter().filter(whole)
    };
    let same_width = match (old.series.first(), now.series.first()) {
        (Some(one), Some(other)) => (one.width_s - other.width_s).abs() < 1e-9,
        _ => false,
    };
    let all = usable(old).zip(usable(now));
    all.filter(|_| same_width).collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a second and microseconds of a minute"
)]
const fn real(number: u64) -> f64 {
    number as f64
}

fn metric(
    measure: Measure,
    (old, now): (&LoadReport, &LoadReport),
    pairs: &[(&LoadInterval, &LoadInterval)],
    bound: f64,
) -> Option<MetricChange> {
    let whole = |load: &LoadReport| {
        let time = || {
            load.phase(LoadPhase::WholeFromDue)
                .or_else(|| load.headline().map(|found| found.1))
        };
        match measure {
            Measure::Goodput => Some(load.goodput_per_s),
            Measure::P50 => time().map(|time| real(time.p50_us)),
            Measure::P99 => time().map(|time| real(time.p99_us)),
        }
    };
    let (base, new) = (whole(old)?, whole(now)?);
    let of = |part: &LoadInterval| match measure {
        Measure::Goodput => Some(real(part.goodput)),
        Measure::P50 => part.p50_us.map(|us| real(us.max(1)).ln()),
        Measure::P99 => part.p99_us.map(|us| real(us.max(1)).ln()),
    };
    let seconds = pairs
        .iter()
        .filter_map(|(old, now)| Some((of(old)?, of(now)?)));
    let seconds: Vec<(f64, f64)> = seconds.collect();
    let change = (base > 0.0).then(|| new / base - 1.0);
    let noise = (seconds.len() >= INTERVALS_MIN).then(|| {
        let statistic = match measure {
            Measure::Goodput => ratio_of_sums,
            Measure::P50 | Measure::P99 => ratio_of_geometric_means,
        };
        bootstrap::range(&seconds, statistic)
    });
    Some(MetricChange {
        measure,
        base,
        new,
        change,
        noise: noise.filter(|(low, high)| low.is_finite() && high.is_finite()),
        movement: movement(measure, change, noise, bound),
    })
}

/// Both must agree: the whole run's change is beyond the bound, and so is all of the seconds' 99 % range.
fn movement(
    measure: Measure,
    change: Option<f64>,
    noise: Option<(f64, f64)>,
    bound: f64,
) -> Movement {
    let (Some(change), Some((low, high))) = (change, noise) else {
        return Movement::Unclear;
    };
    if !(low.is_finite() && high.is_finite()) {
        return Movement::Unclear;
    }
    let (up, down) = match measure {
        Measure::Goodput => (Movement::Better, Movement::Worse),
        Measure::P50 | Measure::P99 => (Movement::Worse, Movement::Better),
    };
    if change > bound && low > bound {
        up
    } else if change < -bound && high < -bound {
        down
    } else if change.abs() > bound {
        Movement::Maybe
    } else {
        Movement::Same
    }
}

fn ratio_of_sums(pairs: &[(f64, f64)]) -> f64 {
    let old: f64 = pairs.iter().map(|pair| pair.0).sum();
    let now: f64 = pairs.iter().map(|pair| pair.1).sum();
    now / old - 1.0
}

/// Of logarithms.
#[expect(clippy::cast_precision_loss, reason = "at most a few thousand seconds")]
fn ratio_of_geometric_means(pairs: &[(f64, f64)]) -> f64 {
    let sum: f64 = pairs.iter().map(|(old, now)| now - old).sum();
    (sum / pairs.len() as f64).exp_m1()
}

fn thresholds(old: &LoadReport, now: &LoadReport) -> Vec<String> {
    let changed = now.thresholds.iter().filter_map(|row| {
        let before = old
            .thresholds
            .iter()
            .find(|other| other.threshold == row.threshold)?;
        let word = ThresholdVerdict::word;
        (before.verdict != row.verdict).then(|| {
            let (from, to) = (word(before.verdict), word(row.verdict));
            format!(
                "{}: {from} → {to}, {}",
                row.threshold,
                load_text::measured(row)
            )
        })
    });
    changed.collect()
}
