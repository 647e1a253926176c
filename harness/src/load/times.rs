//! Histograms of times: microseconds, about 140 kB each, however many times they hold.

use std::time::Duration;

use hdrhistogram::Histogram;
use x402_assay_reports::model::load::{HDR_HIGH_US, HDR_SIGNIFICANT};

/// Times of one kind, in microseconds.
pub type Times = Histogram<u64>;

/// An empty histogram: 1 µs to a minute, three digits.
///
/// # Panics
/// Never: the bounds are constants that fit.
pub fn times() -> Times {
    Histogram::new_with_bounds(1, HDR_HIGH_US, HDR_SIGNIFICANT).expect("constants that fit")
}

/// Records a time; what is longer than a minute counts as one.
pub fn record(times: &mut Times, elapsed: Duration) {
    times.saturating_record(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX));
}

/// Adds times; all histograms here have the same bounds.
pub fn merge(mine: &mut Times, theirs: &Times) {
    mine.add(theirs).expect("the bounds are the same");
}
