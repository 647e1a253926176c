//! Thresholds against the load section of a report. Pure.

use x402_assay_reports::model::load::{
    Distribution, LoadKind, LoadPhase, LoadReport, ThresholdResult, ThresholdVerdict,
};

use super::bound::Bound;
use super::metric::{Metric, Phase, Statistic};
use super::parse::{Comparison, Threshold};

/// What was measured, in the unit of the bound it is held against.
struct Measured {
    value: f64,
    samples: u64,
}

/// Every threshold with its verdict. Where nothing was measured it is inconclusive, never held.
pub fn judge(thresholds: &[Threshold], load: &LoadReport) -> Vec<ThresholdResult> {
    let one = |threshold: &Threshold| judge_one(threshold, load);
    thresholds.iter().map(one).collect()
}

/// One verdict over all: missed if one was missed, else inconclusive if one is, else held. Without any: held.
pub fn overall(results: &[ThresholdResult]) -> ThresholdVerdict {
    let any = |verdict| results.iter().any(|row| row.verdict == verdict);
    if any(ThresholdVerdict::Missed) {
        ThresholdVerdict::Missed
    } else if any(ThresholdVerdict::Inconclusive) {
        ThresholdVerdict::Inconclusive
    } else {
        ThresholdVerdict::Held
    }
}

fn judge_one(threshold: &Threshold, load: &LoadReport) -> ThresholdResult {
    let text = threshold.to_string();
    match measure(threshold, load) {
        Ok(measured) => {
            let held = holds(threshold, measured.value);
            ThresholdResult {
                threshold: text,
                verdict: match held {
                    true => ThresholdVerdict::Held,
                    false => ThresholdVerdict::Missed,
                },
                measured: Some(told(threshold.bound, measured.value)),
                value: Some(measured.value),
                samples: measured.samples,
                detail: String::new(),
            }
        }
        Err(detail) => ThresholdResult {
            threshold: text,
            verdict: ThresholdVerdict::Inconclusive,
            measured: None,
            value: None,
            samples: 0,
            detail,
        },
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of one run and microseconds of a day are exact in 53 bits"
)]
const fn real(number: u64) -> f64 {
    number as f64
}

fn holds(threshold: &Threshold, value: f64) -> bool {
    let bound = match threshold.bound {
        Bound::PerSecond(rate) => rate,
        Bound::Percent(percent) => percent,
        Bound::Micros(number) | Bound::Count(number) => real(number),
    };
    match threshold.comparison {
        Comparison::Less => value < bound,
        Comparison::AtMost => value <= bound,
        Comparison::More => value > bound,
        Comparison::AtLeast => value >= bound,
        // Only counts are compared so; they are whole.
        Comparison::Equal => (value - bound).abs() < 0.5,
    }
}

/// The value for people; rounded so that it never looks as if it were on the other side of the bound's last digit.
fn told(bound: Bound, value: f64) -> String {
    match bound {
        Bound::PerSecond(_) => format!("{value:.1}/s"),
        Bound::Percent(_) => format!("{value:.3}%"),
        Bound::Count(_) => format!("{value:.0}"),
        Bound::Micros(_) if value >= 1e6 => format!("{:.3}s", value / 1e6),
        Bound::Micros(_) if value >= 1e3 => format!("{:.3}ms", value / 1e3),
        Bound::Micros(_) => format!("{value:.0}us"),
    }
}

fn measure(threshold: &Threshold, load: &LoadReport) -> Result<Measured, String> {
    let arrivals = &load.arrivals;
    let rate = |value: f64| {
        let due = arrivals.offered;
        if due == 0 || load.measured_s <= 0.0 {
            return Err("no arrival was due in the measured span".to_owned());
        }
        Ok(Measured {
            value,
            samples: due,
        })
    };
    let books = |count: u64| match load.books.authorizations {
        0 => Err("nothing was signed, so nothing could be charged or given".to_owned()),
        samples => Ok(Measured {
            value: real(count),
            samples,
        }),
    };
    match threshold.metric {
        Metric::Goodput => rate(load.goodput_per_s),
        Metric::Offered => rate(arrivals.offered_per_s),
        Metric::Achieved => rate(arrivals.achieved_per_s),
        Metric::Dropped => {
            let due = (arrivals.offered, "no arrival was due in the measured span");
            of(threshold.bound, arrivals.dropped, due)
        }
        Metric::Errors => {
            let ends = load.outcomes.iter().map(|row| row.count);
            let all = ends.fold(0, u64::saturating_add);
            let ends = (all, "nothing came to an end in the measured span");
            of(threshold.bound, load.errors(), ends)
        }
        Metric::DoubleCharged => books(load.books.double_charged),
        Metric::UnpaidGrants => books(load.books.unpaid_grants),
        Metric::ChargedWithoutService => books(load.books.charged_without_service),
        Metric::Latency(statistic, phase) => latency(statistic, phase, load),
    }
}

/// A part of a whole, as a count or in percent, as the bound asks.
fn of(bound: Bound, part: u64, (whole, none): (u64, &str)) -> Result<Measured, String> {
    if whole == 0 {
        return Err(none.to_owned());
    }
    let value = match bound {
        Bound::Percent(_) => real(part) * 100.0 / real(whole),
        Bound::PerSecond(_) | Bound::Micros(_) | Bound::Count(_) => real(part),
    };
    Ok(Measured {
        value,
        samples: whole,
    })
}

fn latency(statistic: Statistic, phase: Phase, load: &LoadReport) -> Result<Measured, String> {
    let kind = load.plan.kind;
    let phase = match phase {
        Phase::Paid if kind == LoadKind::Paid => LoadPhase::WholeFromDue,
        Phase::Paid => return Err(format!("this load is `{}`: nothing was paid", kind.word())),
        Phase::Unpaid if kind == LoadKind::Unpaid => LoadPhase::WholeFromDue,
        Phase::Unpaid => LoadPhase::UnpaidToHeaders,
        Phase::Lateness => LoadPhase::DueToReleased,
        Phase::Named(phase) => phase,
    };
    let row = load.phase(phase).filter(|row| row.count > 0);
    let Some(row) = row else {
        return Err(format!("no sample of `{}` was taken", phase.name()));
    };
    let value = match statistic {
        Statistic::Mean => row.mean_us,
        Statistic::Max => real(row.max_us),
        Statistic::Percentile(percent) => percentile(row, percent)?,
    };
    Ok(Measured {
        value,
        samples: row.count,
    })
}

fn percentile(row: &Distribution, percent: f64) -> Result<f64, String> {
    if let Some(kept) = row.named(&format!("p{percent}")) {
        return Ok(kept);
    }
    let histogram = row.histogram().map_err(|error| error.to_string())?;
    let value = histogram.value_at_quantile(percent / 100.0);
    Ok(real(value.min(row.max_us)))
}
