//! When goodput was back after a fault: a pure judgement of the series.

use std::time::{Duration, Instant};

use x402_assay_reports::model::load::{LoadInterval, LoadRecovery, RECOVERED_SHARE, RecoveryState};

use super::injecting::Injected;

/// When a fault was there, in seconds from the first arrival.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    pub(super) began_s: f64,
    pub(super) ended_s: f64,
}

/// Intervals that are shorter than the others by more than this are no measure of a rate, in seconds.
const SLACK_S: f64 = 0.001;

/// Judges every fault of a load whose first arrival was at `origin`.
pub(super) fn of(
    injected: &[Injected],
    origin: Instant,
    warm_up: Duration,
    series: &[LoadInterval],
) -> Vec<LoadRecovery> {
    let since = |at: Instant| at.saturating_duration_since(origin).as_secs_f64();
    let spans: Vec<Option<Span>> = injected
        .iter()
        .map(|one| {
            let (began, ended) = one.span?;
            Some(Span {
                began_s: since(began),
                ended_s: since(ended),
            })
        })
        .collect();
    let last = series.last().map_or(0.0, end);
    let told = injected.iter().zip(&spans).enumerate();
    told.map(|(place, (one, span))| {
        let earlier = spans[..place].iter().flatten().next_back();
        let later = spans[place + 1..].iter().flatten().next();
        let before = earlier.map_or(warm_up.as_secs_f64(), |span| span.ended_s);
        let until = later.map_or(last, |span| span.began_s);
        let planned = Span {
            began_s: (warm_up + one.fault.at).as_secs_f64(),
            ended_s: (warm_up + one.fault.at + one.fault.lasts).as_secs_f64(),
        };
        let what = one.fault.what.to_string();
        let mut judged = judge(&what, span.unwrap_or(planned), series, (before, until));
        if let Some(trouble) = &one.trouble {
            judged.state = RecoveryState::Unknown;
            judged.recovered_within_s = None;
            judged.detail.clone_from(trouble);
        }
        judged
    })
    .collect()
}

/// Judges one fault. `before` is where the measured span began or an earlier fault was over, `until` where the load ended or
/// the next fault began.
pub(super) fn judge(
    fault: &str,
    span: Span,
    series: &[LoadInterval],
    (before, until): (f64, f64),
) -> LoadRecovery {
    let width = series.iter().map(|row| row.width_s).fold(0.0, f64::max);
    let whole: Vec<&LoadInterval> = series
        .iter()
        .filter(|row| row.width_s > width - SLACK_S && !row.warm_up)
        .filter(|row| row.at_s >= before && row.at_s < until)
        .collect();
    let told = |state| LoadRecovery {
        fault: fault.to_owned(),
        began_s: span.began_s,
        ended_s: span.ended_s,
        state,
        before_per_s: None,
        lowest_per_s: None,
        recovered_within_s: None,
        detail: String::new(),
    };
    let Some(rate) = rate_of(whole.iter().filter(|row| end(row) <= span.began_s)) else {
        return LoadRecovery {
            detail: "no whole interval with goodput lies before it".to_owned(),
            ..told(RecoveryState::Unknown)
        };
    };
    let wanted = rate * RECOVERED_SHARE;
    let back = whole
        .iter()
        .find(|row| end(row) > span.ended_s && per_s(row) >= wanted);
    let last = back.map_or(until, |row| end(row));
    let struck = whole
        .iter()
        .filter(|row| end(row) > span.began_s && row.at_s < last);
    let lowest = struck.map(|row| per_s(row)).reduce(f64::min);
    let state = match (lowest, back) {
        (None, _) => {
            return LoadRecovery {
                detail: "no whole interval lies after its beginning".to_owned(),
                before_per_s: Some(rate),
                ..told(RecoveryState::Unknown)
            };
        }
        (Some(lowest), _) if lowest >= wanted => RecoveryState::Unharmed,
        (Some(_), Some(_)) => RecoveryState::Recovered,
        (Some(_), None) => RecoveryState::NotRecovered,
    };
    let within = back.map(|row| end(row) - span.ended_s);
    LoadRecovery {
        before_per_s: Some(rate),
        lowest_per_s: lowest,
        recovered_within_s: within.filter(|_| state == RecoveryState::Recovered),
        ..told(state)
    }
}

fn end(row: &LoadInterval) -> f64 {
    row.at_s + row.width_s
}

#[expect(clippy::cast_precision_loss, reason = "a rate")]
fn per_s(row: &LoadInterval) -> f64 {
    row.goodput as f64 / row.width_s
}

/// Goodput per second over intervals; `None` without any.
fn rate_of<'r>(rows: impl Iterator<Item = &'r &'r LoadInterval>) -> Option<f64> {
    let (mut goodput, mut length) = (0, 0.0);
    for row in rows {
        goodput += row.goodput;
        length += row.width_s;
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let rate = goodput as f64 / length;
    (goodput > 0).then_some(rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A second each.
    fn series(goodput: &[u64]) -> Vec<LoadInterval> {
        let rows = goodput.iter().zip(0_u32..);
        rows.map(|(goodput, second)| LoadInterval {
            at_s: f64::from(second),
            width_s: 1.0,
            goodput: *goodput,
            ..LoadInterval::default()
        })
        .collect()
    }

    fn judged(goodput: &[u64], began_s: f64, ended_s: f64) -> LoadRecovery {
        let until = f64::from(u32::try_from(goodput.len()).unwrap());
        let span = Span { began_s, ended_s };
        judge("mining stopped", span, &series(goodput), (0.0, until))
    }

    fn near(found: Option<f64>, wanted: f64) -> bool {
        found.is_some_and(|found| (found - wanted).abs() < 1e-9)
    }

    #[test]
    fn the_first_second_at_nine_tenths_is_when_it_was_back() {
        let found = judged(&[50, 50, 20, 0, 10, 44, 45, 50], 2.3, 4.4);
        assert_eq!(found.state, RecoveryState::Recovered);
        assert!(near(found.before_per_s, 50.0) && near(found.lowest_per_s, 0.0));
        // Second 6 is the first with 45; it ends at 7.0.
        assert!(near(found.recovered_within_s, 2.6), "{found:?}");
        // What was held back comes at once, in the very second of the end.
        let burst = judged(&[50, 50, 0, 0, 180, 50], 2.0, 4.25);
        assert!(near(burst.recovered_within_s, 0.75), "{burst:?}");
    }

    #[test]
    fn what_does_not_come_back_is_said_so() {
        let found = judged(&[50, 50, 0, 0, 20, 44], 2.0, 4.0);
        assert_eq!(found.state, RecoveryState::NotRecovered);
        assert_eq!(found.recovered_within_s, None);
        assert!(near(found.lowest_per_s, 0.0));
    }

    #[test]
    fn what_never_fell_did_not_recover() {
        let found = judged(&[50, 50, 46, 49, 50], 2.0, 4.0);
        assert_eq!(found.state, RecoveryState::Unharmed);
        assert_eq!(found.recovered_within_s, None);
    }

    #[test]
    fn without_a_rate_before_nothing_is_known() {
        for goodput in [&[0, 0, 0, 50, 50][..], &[]] {
            let found = judged(goodput, 2.0, 3.0);
            assert_eq!(found.state, RecoveryState::Unknown, "{found:?}");
            assert!(!found.detail.is_empty());
        }
        let mut warm = series(&[50, 50, 0, 50]);
        warm[0].warm_up = true;
        warm[1].warm_up = true;
        let span = Span {
            began_s: 2.0,
            ended_s: 3.0,
        };
        let found = judge("mining stopped", span, &warm, (0.0, 4.0));
        assert_eq!(found.state, RecoveryState::Unknown);
    }

    #[test]
    fn the_last_piece_of_a_second_is_no_measure() {
        let mut cut = series(&[50, 50, 0, 0, 1]);
        cut[4].width_s = 0.001;
        let span = Span {
            began_s: 2.0,
            ended_s: 4.0,
        };
        let found = judge("mining stopped", span, &cut, (0.0, 4.001));
        assert_eq!(found.state, RecoveryState::NotRecovered, "{found:?}");
    }

    #[test]
    fn a_second_fault_is_held_against_what_came_after_the_first() {
        let rows = series(&[50, 50, 0, 30, 30, 0, 30]);
        let first = Span {
            began_s: 2.0,
            ended_s: 3.0,
        };
        let second = Span {
            began_s: 5.0,
            ended_s: 6.0,
        };
        let found = judge("a", first, &rows, (0.0, 5.0));
        assert_eq!(found.state, RecoveryState::NotRecovered);
        let found = judge("b", second, &rows, (3.0, 7.0));
        assert_eq!(found.state, RecoveryState::Recovered);
        assert!(near(found.before_per_s, 30.0));
    }
}
