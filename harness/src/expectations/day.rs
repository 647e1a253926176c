//! A day of the calendar, in UTC.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate};

/// A day; `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(NaiveDate);

impl Day {
    /// The day of a moment in Unix microseconds.
    pub fn of_unix_us(at_us: u64) -> Self {
        let at = i64::try_from(at_us).ok();
        let moment = at.and_then(DateTime::from_timestamp_micros);
        Self(moment.unwrap_or_default().date_naive())
    }
}

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // chrono also takes `2026-1-5`; one form is enough, and the one that sorts.
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
        let day = day.filter(|day| day.to_string() == text);
        day.map(Self).ok_or_else(|| {
            format!("`{text}` is no day; write it as YYYY-MM-DD, such as 2026-12-31")
        })
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_utc() {
        assert_eq!(Day::of_unix_us(0).to_string(), "1970-01-01");
        let last = 1_798_761_599_999_999;
        assert_eq!(Day::of_unix_us(last).to_string(), "2026-12-31");
        assert_eq!(Day::of_unix_us(last + 1).to_string(), "2027-01-01");
    }

    #[test]
    fn only_days_of_the_calendar_in_one_form_are_read() {
        assert_eq!(
            "2028-02-29".parse::<Day>().unwrap().to_string(),
            "2028-02-29"
        );
        for text in [
            "2026-02-29",
            "2026-1-5",
            "26-01-05",
            "tomorrow",
            "2026-12-31T00:00:00Z",
            "",
        ] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
        assert!("2026-01-31".parse::<Day>() < "2026-02-01".parse::<Day>());
    }
}
