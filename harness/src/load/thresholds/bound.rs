//! The value a metric is held against, in its unit.

use std::fmt;

use super::super::text::decimal;
use super::super::words::{Wrong, parse_rate, shown};

/// What a metric is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// `190/s`.
    Rate,
    /// `250ms`.
    Time,
    /// `0`.
    Count,
    /// `0.1%`, or a count.
    ShareOrCount,
}

impl Unit {
    /// How it is written, for messages and tables.
    pub const fn example(self) -> &'static str {
        match self {
            Self::Rate => "a rate such as `190/s`",
            Self::Time => "a time such as `250ms`",
            Self::Count => "a whole number such as `0`",
            Self::ShareOrCount => "a percentage such as `0.1%`, or a whole number such as `0`",
        }
    }

    /// Its short name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rate => "per second",
            Self::Time => "time",
            Self::Count => "count",
            Self::ShareOrCount => "share or count",
        }
    }

    const fn takes(self, bound: Bound) -> bool {
        matches!(
            (self, bound),
            (Self::Rate, Bound::PerSecond(_))
                | (Self::Time, Bound::Micros(_))
                | (Self::Count | Self::ShareOrCount, Bound::Count(_))
                | (Self::ShareOrCount, Bound::Percent(_))
        )
    }
}

/// A value with its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// Per second.
    PerSecond(f64),
    /// Microseconds.
    Micros(u64),
    /// Percent.
    Percent(f64),
    /// A number of things.
    Count(u64),
}

/// Longest time that can be demanded: a day.
const MICROS_MAX: f64 = 86_400e6;

impl Bound {
    /// Reads a value for a metric measured in `unit`.
    ///
    /// # Errors
    /// When it is no value, or one of another unit.
    pub fn parse(text: &str, unit: Unit, metric: &str) -> Result<Self, Wrong> {
        let text = text.trim();
        let bound = Self::read(text)?;
        if unit.takes(bound) {
            return Ok(bound);
        }
        let kind = match bound {
            Self::PerSecond(_) => "a rate",
            Self::Micros(_) => "a time",
            Self::Percent(_) => "a percentage",
            Self::Count(_) => "a number without a unit",
        };
        Err(Wrong::new(
            format!(
                "`{}` is {kind}, and {metric} is not measured in that",
                shown(text)
            ),
            format!("write {}", unit.example()),
        ))
    }

    fn read(text: &str) -> Result<Self, Wrong> {
        if text.contains('/') {
            return parse_rate(text).map(Self::PerSecond);
        }
        let wrong = |cause: String| {
            let fix =
                "write a rate (`190/s`), a time (`250ms`), a percentage (`0.1%`) or a whole number";
            Wrong::new(cause, fix)
        };
        if let Some(number) = text.strip_suffix('%') {
            let percent = decimal(number.trim_end()).filter(|percent| *percent <= 100.0);
            return percent.map(Self::Percent).ok_or_else(|| {
                wrong(format!(
                    "`{}` is not a percentage from 0 to 100",
                    shown(text)
                ))
            });
        }
        let number = text.trim_end_matches(|c: char| c.is_alphabetic());
        let micros_per_unit = match &text[number.len()..] {
            "" => {
                let whole = number.parse::<u64>().ok();
                let digits = number.bytes().all(|b| b.is_ascii_digit());
                return whole
                    .filter(|_| digits)
                    .map(Self::Count)
                    .ok_or_else(|| wrong(format!("`{}` is no value", shown(text))));
            }
            "us" | "µs" => 1.0,
            "ms" => 1e3,
            "s" => 1e6,
            "m" | "min" => 60e6,
            unit => return Err(wrong(format!("`{}` is not a unit", shown(unit)))),
        };
        let value =
            decimal(number).ok_or_else(|| wrong(format!("`{}` is no value", shown(text))))?;
        micros(value * micros_per_unit)
            .map(Self::Micros)
            .ok_or_else(|| {
                let cause = format!(
                    "`{}` is not a time of whole microseconds up to a day",
                    shown(text)
                );
                wrong(cause)
            })
    }
}

/// Whole microseconds, if that is what it is.
fn micros(value: f64) -> Option<u64> {
    let rounded = value.round();
    let whole = (value - rounded).abs() < 1e-6 && (0.0..=MICROS_MAX).contains(&rounded);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole, and between 0 and a day"
    )]
    whole.then_some(rounded as u64)
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::PerSecond(rate) => write!(f, "{rate}/s"),
            Self::Micros(us) if us > 0 && us.is_multiple_of(1_000_000) => {
                write!(f, "{}s", us / 1_000_000)
            }
            Self::Micros(us) if us > 0 && us.is_multiple_of(1_000) => write!(f, "{}ms", us / 1_000),
            Self::Micros(us) => write!(f, "{us}us"),
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::Count(count) => write!(f, "{count}"),
        }
    }
}
