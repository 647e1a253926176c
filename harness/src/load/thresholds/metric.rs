//! Everything that can be demanded, in one table.

use std::fmt;

use x402_assay_reports::model::load::LoadPhase;

use super::super::text::decimal;
use super::super::words::{Wrong, shown};
use super::bound::Unit;

/// What a threshold is about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Metric {
    /// Exactly-once sales per second.
    Goodput,
    /// Arrivals due per second.
    Offered,
    /// Arrivals sent per second.
    Achieved,
    /// Arrivals that were never sent, of those that were due.
    Dropped,
    /// Ends that were not meant to come, of all.
    Errors,
    /// Purchases charged more than once.
    DoubleCharged,
    /// Grants without a Transfer.
    UnpaidGrants,
    /// Settled and never granted.
    ChargedWithoutService,
    /// Time of a phase.
    Latency(Statistic, Phase),
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct MetricRow {
    /// How it is written.
    pub name: &'static str,
    /// What it is measured in.
    pub unit: Unit,
    /// What it means.
    pub meaning: &'static str,
    metric: Option<Metric>,
}

const fn row(
    name: &'static str,
    unit: Unit,
    metric: Option<Metric>,
    meaning: &'static str,
) -> MetricRow {
    MetricRow {
        name,
        unit,
        meaning,
        metric,
    }
}

/// Every metric. The last three stand for one each phase.
pub const METRICS: [MetricRow; 11] = [
    row(
        "goodput",
        Unit::Rate,
        Some(Metric::Goodput),
        "distinct authorizations settled once and granted once, per second of the measured span",
    ),
    row(
        "offered",
        Unit::Rate,
        Some(Metric::Offered),
        "arrivals that were due, per second",
    ),
    row(
        "achieved",
        Unit::Rate,
        Some(Metric::Achieved),
        "arrivals that were sent, per second",
    ),
    row(
        "dropped",
        Unit::ShareOrCount,
        Some(Metric::Dropped),
        "arrivals that were never sent because the queue was full, of those that were due",
    ),
    row(
        "errors",
        Unit::ShareOrCount,
        Some(Metric::Errors),
        "ends that were not meant to come, of all: no 402 that was asked for, no refusal that was deserved",
    ),
    row(
        "double_charged",
        Unit::Count,
        Some(Metric::DoubleCharged),
        "purchases charged more than once",
    ),
    row(
        "unpaid_grants",
        Unit::Count,
        Some(Metric::UnpaidGrants),
        "deliveries without a Transfer",
    ),
    row(
        "charged_without_service",
        Unit::Count,
        Some(Metric::ChargedWithoutService),
        "authorizations settled and never granted",
    ),
    row(
        "p99(PHASE)",
        Unit::Time,
        None,
        "a percentile of a phase: any number above 0 and below 100, such as p50, p95 or p99.9",
    ),
    row("mean(PHASE)", Unit::Time, None, "the mean of a phase"),
    row("max(PHASE)", Unit::Time, None, "the longest of a phase"),
];

/// What is taken of many times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Statistic {
    /// A percentile above 0 and below 100.
    Percentile(f64),
    /// The mean.
    Mean,
    /// The longest.
    Max,
}

/// A phase, or a word for what the run is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The whole payment, from the intended send time.
    Paid,
    /// The unpaid exchange: the whole of it where nothing is paid, else up to the head of its answer.
    Unpaid,
    /// How late the bench was.
    Lateness,
    /// A phase by its name.
    Named(LoadPhase),
}

impl Phase {
    /// Every word, in the order of the documentation.
    pub fn words() -> impl Iterator<Item = &'static str> {
        let named = LoadPhase::ALL.into_iter().map(LoadPhase::name);
        ["paid", "unpaid", "lateness"].into_iter().chain(named)
    }

    fn parse(word: &str) -> Result<Self, Wrong> {
        let named = LoadPhase::ALL
            .into_iter()
            .find(|phase| phase.name() == word);
        match (word, named) {
            ("paid", _) => Ok(Self::Paid),
            ("unpaid", _) => Ok(Self::Unpaid),
            ("lateness", _) => Ok(Self::Lateness),
            (_, Some(phase)) => Ok(Self::Named(phase)),
            (_, None) => {
                let words: Vec<&str> = Self::words().collect();
                let cause = format!("`{}` is no phase", shown(word));
                let all = format!("the phases are {}", words.join(", "));
                Err(Wrong::unknown(cause, word, &words, all))
            }
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Unpaid => "unpaid",
            Self::Lateness => "lateness",
            Self::Named(phase) => phase.name(),
        }
    }
}

impl Metric {
    /// Reads `goodput`, `dropped`, `p99(paid)`, …
    ///
    /// # Errors
    /// Names the nearest metric or phase.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let text = text.trim();
        let plain = METRICS.iter().find(|row| row.name == text);
        if let Some(metric) = plain.and_then(|row| row.metric) {
            return Ok(metric);
        }
        let call = text.split_once('(').and_then(|(statistic, phase)| {
            Some((statistic.trim(), phase.strip_suffix(')')?.trim()))
        });
        match call {
            Some((statistic, phase)) => {
                let statistic = Statistic::parse(statistic)?;
                Ok(Self::Latency(statistic, Phase::parse(phase)?))
            }
            None => Err(Self::unknown(text)),
        }
    }

    fn unknown(text: &str) -> Wrong {
        if Statistic::parse(text).is_ok() {
            let cause = format!("`{}` does not say of which phase", shown(text));
            return Wrong::new(cause, format!("write `{text}(paid)`"));
        }
        let names = METRICS.map(|row| row.name);
        let cause = format!("`{}` is no metric", shown(text));
        let all = format!("the metrics are {}", names.join(", "));
        Wrong::unknown(cause, text, &names, all)
    }

    /// What it is measured in.
    pub fn unit(self) -> Unit {
        let row = METRICS.iter().find(|row| row.metric == Some(self));
        row.map_or(Unit::Time, |row| row.unit)
    }
}

impl Statistic {
    fn parse(word: &str) -> Result<Self, Wrong> {
        let percentile = word.strip_prefix('p').and_then(decimal);
        match (word, percentile) {
            ("mean" | "avg", _) => Ok(Self::Mean),
            ("max", _) => Ok(Self::Max),
            (_, Some(percent)) if percent > 0.0 && percent < 100.0 => Ok(Self::Percentile(percent)),
            (_, Some(_)) => Err(Wrong::new(
                format!("`{}` is no percentile above 0 and below 100", shown(word)),
                "write `p99(paid)`, or `max(paid)`",
            )),
            (_, None) => Err(Wrong::new(
                format!("`{}` is nothing a phase has", shown(word)),
                "write `p50`, `p99`, `p99.9`, `mean` or `max` before the phase",
            )),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency(Statistic::Percentile(percent), phase) => {
                write!(f, "p{percent}({})", phase.word())
            }
            Self::Latency(Statistic::Mean, phase) => write!(f, "mean({})", phase.word()),
            Self::Latency(Statistic::Max, phase) => write!(f, "max({})", phase.word()),
            plain => {
                let row = METRICS.iter().find(|row| row.metric == Some(*plain));
                f.write_str(row.map_or("", |row| row.name))
            }
        }
    }
}
