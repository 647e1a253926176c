//! Small values of the language: ranges, amounts, status patterns.

use std::fmt;

use crate::config::yaml::{MapView, NodeKind, View};

/// Counts above this are mistakes.
const COUNT_MAX: u64 = 1_000_000;

/// How many there must be: `2`, or `{ at_least: 1, at_most: 3 }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The fewest.
    pub at_least: u64,
    /// The most; without it there is no upper bound.
    pub at_most: Option<u64>,
}

impl Range {
    /// Exactly `count`.
    pub const fn exactly(count: u64) -> Self {
        Self {
            at_least: count,
            at_most: Some(count),
        }
    }

    /// Whether `count` lies within.
    pub fn contains(&self, count: u64) -> bool {
        count >= self.at_least && self.at_most.is_none_or(|most| count <= most)
    }

    /// Reads a number or a map of bounds.
    pub(super) fn decode(view: &View<'_>) -> Option<Self> {
        let bound = |view: &View<'_>| view.as_u64(0..=COUNT_MAX);
        if !is_map(view) {
            return bound(view).map(Self::exactly);
        }
        let (at_least, at_most) = bounds(view, bound)?;
        Some(Self {
            at_least: at_least.unwrap_or(0),
            at_most,
        })
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.at_least, self.at_most) {
            (least, Some(most)) if least == most => write!(f, "exactly {least}"),
            (0, Some(most)) => write!(f, "at most {most}"),
            (least, Some(most)) => write!(f, "{least} to {most}"),
            (least, None) => write!(f, "at least {least}"),
        }
    }
}

/// Like [`Range`], of numbers that may be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedRange {
    /// The lowest.
    pub at_least: i64,
    /// The highest.
    pub at_most: i64,
}

impl SignedRange {
    /// Whether `number` lies within.
    pub const fn contains(&self, number: i64) -> bool {
        self.at_least <= number && number <= self.at_most
    }

    /// Reads a number or a map of bounds.
    pub(super) fn decode(view: &View<'_>) -> Option<Self> {
        if !is_map(view) {
            return integer(view).map(|number| Self {
                at_least: number,
                at_most: number,
            });
        }
        let (at_least, at_most) = bounds(view, integer)?;
        Some(Self {
            at_least: at_least.unwrap_or(i64::MIN),
            at_most: at_most.unwrap_or(i64::MAX),
        })
    }
}

fn is_map(view: &View<'_>) -> bool {
    matches!(view.node().kind, NodeKind::Map(_))
}

/// `{ at_least, at_most }`, checked against each other.
fn bounds<T: PartialOrd + fmt::Display>(
    view: &View<'_>,
    read: impl Fn(&View<'_>) -> Option<T>,
) -> Option<(Option<T>, Option<T>)> {
    let map: MapView<'_> = view.as_map()?;
    map.unknown_keys(&["at_least", "at_most"]);
    let at_least = map.optional("at_least").map(|view| read(&view));
    let at_most = map.optional("at_most").map(|view| read(&view));
    match (&at_least, &at_most) {
        (None, None) => {
            view.problem("needs `at_least`, `at_most` or both; or write one number");
            None
        }
        (Some(Some(least)), Some(Some(most))) if least > most => {
            view.problem(format!("`at_least` ({least}) is above `at_most` ({most})"));
            None
        }
        _ => Some((at_least.flatten(), at_most.flatten())),
    }
}

fn integer(view: &View<'_>) -> Option<i64> {
    let limit = i64::try_from(COUNT_MAX).unwrap_or(i64::MAX);
    let text = match &view.node().kind {
        NodeKind::Scalar(scalar) => scalar.typed_text(),
        _ => None,
    };
    let number = text
        .and_then(|text| text.parse::<i64>().ok())
        .filter(|number| number.abs() <= limit);
    if number.is_none() {
        let found = view.node().describe();
        view.problem(format!(
            "expected a whole number from -{limit} to {limit}, found {found}"
        ));
    }
    number
}

/// An amount of the token: base units, or a term of the offered price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// So many base units.
    Units(u128),
    /// The price plus or minus base units.
    PricePlus(i64),
    /// A multiple of the price.
    PriceTimes(u32),
    /// A part of the price, rounded down.
    PriceOver(u32),
}

impl Amount {
    /// The amount in base units; `None` when it is below zero or too large.
    pub fn of(self, price: u128) -> Option<u128> {
        match self {
            Self::Units(units) => Some(units),
            Self::PricePlus(more) => price.checked_add_signed(i128::from(more)),
            Self::PriceTimes(factor) => price.checked_mul(u128::from(factor)),
            Self::PriceOver(divisor) => price.checked_div(u128::from(divisor)),
        }
    }

    /// Reads `10000`, `price`, `price + 1`, `price - 1`, `price * 2` or `price / 2`.
    pub(super) fn decode(view: &View<'_>) -> Option<Self> {
        let text = view.as_text()?;
        let amount = parse_amount(text);
        if amount.is_none() {
            let found = view.node().describe();
            view.problem(format!(
                "expected base units or a term of the price (`price`, `price + 1`, `price * 2`, `price / 2`), found {found}"
            ));
        }
        amount
    }
}

fn parse_amount(text: &str) -> Option<Amount> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let Some(rest) = text.trim().strip_prefix("price") else {
        return digits(text)
            .then(|| text.parse().ok())
            .flatten()
            .map(Amount::Units);
    };
    let rest = rest.trim();
    if rest.is_empty() {
        return Some(Amount::PricePlus(0));
    }
    let (operator, number) = rest.split_at_checked(1)?;
    let number = number.trim();
    if !digits(number) {
        return None;
    }
    let factor = || number.parse::<u32>().ok().filter(|number| *number > 0);
    let term = || number.parse::<u32>().ok().map(i64::from);
    match operator {
        "+" => term().map(Amount::PricePlus),
        "-" => term().map(|term| Amount::PricePlus(-term)),
        "*" => factor().map(Amount::PriceTimes),
        "/" => factor().map(Amount::PriceOver),
        _ => None,
    }
}

/// A status code (`402`) or a class of them (`5xx`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusPattern {
    /// This code.
    Code(u16),
    /// Every code whose first digit this is.
    Class(u16),
}

impl StatusPattern {
    /// Whether a code fits.
    pub const fn matches(self, status: u16) -> bool {
        match self {
            Self::Code(code) => status == code,
            Self::Class(class) => status / 100 == class,
        }
    }

    /// Reads a code or a class.
    pub(super) fn decode(view: &View<'_>) -> Option<Self> {
        let text = view.as_text()?;
        let class = text
            .strip_suffix("xx")
            .and_then(|digit| digit.parse().ok())
            .filter(|class| (1..=5).contains(class))
            .map(Self::Class);
        let code = text.parse().ok().filter(|code| (100..=599).contains(code));
        let pattern = class.or(code.map(Self::Code));
        if pattern.is_none() {
            let found = view.node().describe();
            view.problem(format!(
                "expected a status (402) or a class (\"5xx\"), found {found}"
            ));
        }
        pattern
    }
}

impl fmt::Display for StatusPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "{code}"),
            Self::Class(class) => write!(f, "{class}xx"),
        }
    }
}

/// A status the bench answers with, from `low` to 599.
pub(super) fn status(view: &View<'_>, low: u16) -> Option<u16> {
    view.as_u64(u64::from(low)..=599)
        .and_then(|status| u16::try_from(status).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_units_or_terms_of_the_price() {
        for (text, at_ten) in [
            ("0", Some(0)),
            ("12", Some(12)),
            ("price", Some(10)),
            ("price+1", Some(11)),
            ("price - 3", Some(7)),
            ("price * 2", Some(20)),
            ("price/4", Some(2)),
            ("price - 11", None),
        ] {
            let amount = parse_amount(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(amount.of(10), at_ten, "{text}");
        }
        for text in [
            "",
            "-1",
            "1.5",
            "prices",
            "price +",
            "price / 0",
            "price ^ 2",
            "price + +1",
            "cost",
            "price é",
        ] {
            assert_eq!(parse_amount(text), None, "{text}");
        }
    }

    #[test]
    fn ranges_and_statuses_tell_what_fits() {
        let some = Range {
            at_least: 1,
            at_most: None,
        };
        assert!(some.contains(7) && !some.contains(0));
        assert_eq!(Range::exactly(2).to_string(), "exactly 2");
        assert!(StatusPattern::Class(5).matches(503) && !StatusPattern::Class(5).matches(402));
        assert!(StatusPattern::Code(402).matches(402));
    }
}
