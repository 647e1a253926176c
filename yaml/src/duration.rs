//! Durations as people write them: `250ms`, `30s`, `2m`, `1h`.

use std::time::Duration;

/// The longest duration that is accepted.
const DURATION_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads a whole number with a unit (`ms`, `s`, `m`, `h`); the error says what is wrong.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = &text[digits.len()..];
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err("a duration is a whole number with a unit: `250ms`, `30s` or `2m`".into());
    }
    let millis_per_unit = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "" => return Err(format!("a duration needs a unit: `{text}s` or `{text}ms`")),
        _ => return Err(format!("`{unit}` is not a unit of time; use ms, s, m or h")),
    };
    let millis = digits
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(millis_per_unit));
    millis
        .map(Duration::from_millis)
        .filter(|duration| *duration <= DURATION_MAX)
        .ok_or_else(|| "a duration is at most 24h".into())
}

/// Like [`parse_duration`], but zero is refused.
pub fn parse_positive_duration(text: &str) -> Result<Duration, String> {
    let duration = parse_duration(text)?;
    if duration.is_zero() {
        return Err("must be more than zero".into());
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read() {
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(parse_duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(parse_duration("24h"), Ok(DURATION_MAX));
        assert_eq!(parse_duration("0ms"), Ok(Duration::ZERO));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let needs_unit = "a duration needs a unit: `30s` or `30ms`";
        assert_eq!(parse_duration("30").unwrap_err(), needs_unit);
        assert_eq!(
            parse_duration("5d").unwrap_err(),
            "`d` is not a unit of time; use ms, s, m or h"
        );
        for text in ["", "s", "1.5s", "-1s", "1 s", "é"] {
            assert!(
                parse_duration(text).unwrap_err().contains("whole number"),
                "{text}"
            );
        }
        for text in ["25h", "99999999999999999999s"] {
            assert_eq!(
                parse_duration(text).unwrap_err(),
                "a duration is at most 24h"
            );
        }
        assert_eq!(
            parse_positive_duration("0s").unwrap_err(),
            "must be more than zero"
        );
    }
}
