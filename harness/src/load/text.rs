//! Numbers and durations as a plan writes them, so that they can be read again.

use std::time::Duration;

/// A duration in the largest unit that is whole: `250ms`, `30s`, `2m`.
pub(crate) fn duration(duration: Duration) -> String {
    let ms = duration.as_millis();
    match ms {
        0 => "0s".to_owned(),
        ms if ms.is_multiple_of(3_600_000) => format!("{}h", ms / 3_600_000),
        ms if ms.is_multiple_of(60_000) => format!("{}m", ms / 60_000),
        ms if ms.is_multiple_of(1_000) => format!("{}s", ms / 1_000),
        ms => format!("{ms}ms"),
    }
}

/// A rate: `500/s`, `0.5/s`.
pub(crate) fn rate(per_s: f64) -> String {
    format!("{per_s}/s")
}

/// A plain decimal number: digits, at most one point. No sign, no exponent, no `inf`.
pub(crate) fn decimal(text: &str) -> Option<f64> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let plain = match text.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(text),
    };
    let number: f64 = text.parse().ok().filter(|_| plain && text.len() <= 40)?;
    number.is_finite().then_some(number)
}
