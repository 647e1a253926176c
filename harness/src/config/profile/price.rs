//! What was meant to be charged.

use std::fmt;

/// An amount, kept exactly as written; never a float.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Price {
    /// The token's base units, decimal digits (`50000`).
    BaseUnits(String),
    /// US dollars as a decimal text without the sign (`0.05`).
    Usd(String),
}

/// The decimals of the dollar tokens that prices are meant in.
pub const PRICE_DECIMALS: u8 = 6;

/// 2^256 has 78 digits; nothing longer can be an amount.
const DIGITS_MAX: usize = 78;

impl Price {
    /// Reads `50000` (base units) or `$0.05` (dollars); the error names both right forms.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(dollars) = text.strip_prefix('$') {
            return parse_dollars(dollars).map(Self::Usd);
        }
        if !text.is_empty() && text.len() < DIGITS_MAX && is_digits(text) {
            let digits = text.trim_start_matches('0');
            return Ok(Self::BaseUnits(
                if digits.is_empty() { "0" } else { digits }.into(),
            ));
        }
        Err(wrong_form(text))
    }

    /// The amount in base units of a token with `decimals`; `None` if it cannot be expressed.
    pub fn base_units(&self, decimals: u8) -> Option<String> {
        let dollars = match self {
            Self::BaseUnits(units) => return Some(units.clone()),
            Self::Usd(dollars) => dollars,
        };
        let (whole, fraction) = dollars.split_once('.').unwrap_or((dollars, ""));
        let fraction = fraction.trim_end_matches('0');
        let missing = usize::from(decimals).checked_sub(fraction.len())?;
        let units = format!("{whole}{fraction}{}", "0".repeat(missing));
        let units = units.trim_start_matches('0');
        Some(if units.is_empty() { "0" } else { units }.into())
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BaseUnits(units) => write!(f, "{units} base units"),
            Self::Usd(dollars) => write!(f, "${dollars}"),
        }
    }
}

/// The message for an amount in neither form; for `0.05` the examples are that very amount.
pub(super) fn wrong_form(text: &str) -> String {
    let both = |units: &str, dollars: &str| {
        format!("write base units as \"{units}\" or dollars as \"${dollars}\", in quotes")
    };
    let Ok(dollars) = parse_dollars(text) else {
        return format!("`{text}` is not a price; {}", both("50000", "0.05"));
    };
    let units = Price::Usd(dollars.clone())
        .base_units(6)
        .filter(|_| text.contains('.'));
    format!(
        "`{text}` is ambiguous; {}",
        both(units.as_deref().unwrap_or(&dollars), &dollars)
    )
}

fn parse_dollars(text: &str) -> Result<String, String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let good = is_digits(whole) && is_digits(fraction) && text.len() < DIGITS_MAX;
    if !good || whole.is_empty() || fraction.is_empty() {
        return Err(format!(
            "`${text}` is not an amount of dollars; write it like \"$0.05\""
        ));
    }
    Ok(text.into())
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_kept_exactly() {
        assert_eq!(Price::parse("50000"), Ok(Price::BaseUnits("50000".into())));
        assert_eq!(Price::parse("007"), Ok(Price::BaseUnits("7".into())));
        assert_eq!(Price::parse("$0.050"), Ok(Price::Usd("0.050".into())));
        assert_eq!(Price::parse("$5"), Ok(Price::Usd("5".into())));
    }

    #[test]
    fn other_forms_are_refused_and_both_right_ones_named() {
        let message = Price::parse("0.05").unwrap_err();
        assert!(
            message.contains("\"50000\"") && message.contains("\"$0.05\""),
            "{message}"
        );
        for text in ["", "abc", "-1", "1e6", "0,05", "50 000", &"9".repeat(80)] {
            let message = Price::parse(text).unwrap_err();
            assert!(
                message.contains("base units") && message.contains("dollars"),
                "{message}"
            );
        }
        for text in ["$", "$.5", "$1.", "$-1", "$1e3", "$1,5"] {
            assert!(
                Price::parse(text).unwrap_err().contains("\"$0.05\""),
                "{text}"
            );
        }
    }

    #[test]
    fn dollars_become_base_units_without_rounding() {
        let units = |text: &str, decimals| Price::parse(text).unwrap().base_units(decimals);
        assert_eq!(units("$0.05", 6).as_deref(), Some("50000"));
        assert_eq!(units("$5", 6).as_deref(), Some("5000000"));
        assert_eq!(units("$0", 6).as_deref(), Some("0"));
        assert_eq!(units("$0.0000001", 6), None);
        assert_eq!(units("$0.1000000", 6).as_deref(), Some("100000"));
        assert_eq!(units("42", 6).as_deref(), Some("42"));
    }
}
