//! Intervals of a run, put together to as many as can be drawn or listed.

use crate::model::load::{LoadEnds, LoadInterval};

/// Share of the usual width from which an interval counts as whole.
const WHOLE: f64 = 0.999;

/// Some intervals together.
#[derive(Default)]
pub(super) struct Span {
    pub(super) at_s: f64,
    pub(super) width_s: f64,
    pub(super) offered: u64,
    pub(super) sent: u64,
    pub(super) goodput: u64,
    pub(super) errors: u64,
    pub(super) dropped: u64,
    pub(super) in_flight: u64,
    pub(super) p50_us: Option<u64>,
    pub(super) p99_us: Option<u64>,
    pub(super) ends: LoadEnds,
}

impl Span {
    /// Counts add up; of latencies and of what was under way the worst stays.
    fn of(parts: &[LoadInterval]) -> Self {
        let mut span = Self {
            at_s: parts.first().map_or(0.0, |part| part.at_s),
            ..Self::default()
        };
        for part in parts {
            span.width_s += part.width_s;
            for (sum, more) in [
                (&mut span.offered, part.offered),
                (&mut span.sent, part.sent),
                (&mut span.goodput, part.goodput),
                (&mut span.errors, part.errors),
                (&mut span.dropped, part.dropped),
            ] {
                *sum = sum.saturating_add(more);
            }
            span.in_flight = span.in_flight.max(part.in_flight);
            span.p50_us = span.p50_us.max(part.p50_us);
            span.p99_us = span.p99_us.max(part.p99_us);
            span.ends.add(&part.ends.unwrap_or_default());
        }
        span
    }

    /// A count of it per second of its own length.
    pub(super) fn per_s(&self, count: u64) -> f64 {
        real(count) / self.width_s.max(f64::MIN_POSITIVE)
    }
}

#[expect(clippy::cast_precision_loss, reason = "pixels of a chart")]
pub(super) const fn real(number: u64) -> f64 {
    number as f64
}

/// The series in at most so many spans.
pub(super) fn merged(series: &[LoadInterval], most: usize) -> Vec<Span> {
    let each = series.len().div_ceil(most).max(1);
    series.chunks(each).map(Span::of).collect()
}

/// The whole intervals, and the length of the last one if it is only a part: a rate over a few milliseconds is no point of
/// a line, and drawn it looks like a drop at the end.
pub(super) fn whole(series: &[LoadInterval]) -> (&[LoadInterval], Option<f64>) {
    match series {
        [before @ .., usual, last] if last.width_s < usual.width_s * WHOLE => {
            (&series[..=before.len()], Some(last.width_s))
        }
        _ => (series, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(at_s: f64, width_s: f64, offered: u64) -> LoadInterval {
        LoadInterval {
            at_s,
            width_s,
            offered,
            ends: Some(LoadEnds {
                good: offered,
                ..LoadEnds::default()
            }),
            ..LoadInterval::default()
        }
    }

    #[test]
    fn a_last_piece_of_a_second_is_no_drop() {
        let mut series: Vec<LoadInterval> = (0..10u32)
            .map(|second| interval(f64::from(second), 1.0, 100))
            .collect();
        assert_eq!(whole(&series).1, None);
        series.push(interval(10.0, 0.003, 0));
        let (drawn, left_out) = whole(&series);
        assert_eq!((drawn.len(), left_out), (10, Some(0.003)));
        let lowest = merged(drawn, 600)
            .iter()
            .map(|span| span.per_s(span.offered))
            .fold(f64::INFINITY, f64::min);
        assert_eq!(lowest, 100.0);
    }

    #[test]
    fn a_run_of_one_interval_keeps_it() {
        let short = [interval(0.0, 0.4, 40)];
        assert_eq!(whole(&short).0.len(), 1);
        assert_eq!(whole(&[]).0.len(), 0);
        assert_eq!(merged(&short, 600)[0].per_s(40), 100.0);
    }

    #[test]
    fn what_is_merged_keeps_its_rate() {
        let series: Vec<LoadInterval> = (0..7u32)
            .map(|second| interval(f64::from(second), 1.0, 50))
            .collect();
        let spans = merged(&series, 3);
        let seen: Vec<(f64, f64, u64)> = spans
            .iter()
            .map(|span| (span.at_s, span.per_s(span.offered), span.ends.good))
            .collect();
        assert_eq!(seen, [(0.0, 50.0, 150), (3.0, 50.0, 150), (6.0, 50.0, 50)]);
    }
}
