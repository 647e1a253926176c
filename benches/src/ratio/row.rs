//! One measured line of a bar.

use std::fmt;

/// What was measured, and what it is held to.
#[derive(Debug, Clone)]
pub struct Row {
    /// What it is.
    pub what: String,
    /// The value: the median where there were rounds.
    pub value: f64,
    /// Smallest and largest round, where there were rounds.
    pub spread: Option<(f64, f64)>,
    /// What it is held to; none for a figure that only explains another.
    pub bar: Option<Limit>,
    /// What the value is written with, such as `x wrk` or `us`.
    pub unit: &'static str,
}

/// A bound on a value.
#[derive(Debug, Clone, Copy)]
pub enum Limit {
    /// No less than.
    AtLeast(f64),
    /// No more than.
    AtMost(f64),
}

impl Row {
    /// A figure that explains others.
    pub fn told(what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self {
            what: what.into(),
            value,
            spread: None,
            bar: None,
            unit,
        }
    }

    /// The median of rounds.
    pub fn of_rounds(what: impl Into<String>, rounds: &[f64], unit: &'static str) -> Self {
        let low = rounds.iter().copied().fold(f64::INFINITY, f64::min);
        let high = rounds.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self {
            spread: Some((low, high)),
            ..Self::told(what, super::rounds::median(rounds), unit)
        }
    }

    /// Held to a bar.
    #[must_use]
    pub fn held_to(mut self, bar: Limit) -> Self {
        self.bar = Some(bar);
        self
    }

    /// Whether it holds its bar; nothing where it has none.
    pub fn holds(&self) -> Option<bool> {
        self.bar.map(|bar| match bar {
            Limit::AtLeast(least) => self.value >= least,
            Limit::AtMost(most) => self.value <= most,
        })
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.holds() {
            None => "      ",
            Some(true) => "HELD  ",
            Some(false) => "MISSED",
        };
        write!(
            f,
            "{mark}  {:<58} {:>12.3} {}",
            self.what, self.value, self.unit
        )?;
        if let Some((low, high)) = self.spread {
            write!(f, "  ({low:.3} to {high:.3})")?;
        }
        match self.bar {
            Some(Limit::AtLeast(least)) => write!(f, "  bar: at least {least:.3}"),
            Some(Limit::AtMost(most)) => write!(f, "  bar: at most {most:.3}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_can_be_missed_on_either_side() {
        let row = |value, bar| Row::told("x", value, "us").held_to(bar).holds();
        assert_eq!(row(1.0, Limit::AtLeast(0.8)), Some(true));
        assert_eq!(row(0.7, Limit::AtLeast(0.8)), Some(false));
        assert_eq!(row(1.3, Limit::AtMost(1.25)), Some(false));
        assert_eq!(Row::told("x", 1.0, "us").holds(), None);
        let shown = Row::of_rounds("x", &[3.0, 1.0, 2.0], "us").held_to(Limit::AtMost(1.5));
        assert!(shown.to_string().starts_with("MISSED"), "{shown}");
        assert!(
            shown.to_string().contains("2.000 us  (1.000 to 3.000)"),
            "{shown}"
        );
    }
}
