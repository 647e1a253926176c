//! The words of rates, connections and mixes, and what is said when they are wrong.

use super::arrivals::{RATE_MAX, RATE_MIN};
use super::text::decimal;

/// What is wrong with a part of a plan. The caller says where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cause}; {fix}")]
pub struct Wrong {
    /// What is wrong.
    pub cause: String,
    /// What to do or write.
    pub fix: String,
}

impl Wrong {
    /// Cause and remedy.
    pub fn new(cause: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            cause: cause.into(),
            fix: fix.into(),
        }
    }

    pub(super) fn rate_bounds(rate: &str) -> Self {
        Self::new(
            format!("`{rate}` is out of bounds: a rate is from {RATE_MIN}/s to {RATE_MAX}/s"),
            "write one such as `500/s`",
        )
    }

    /// A word that is not among those there are; the nearest one is named first.
    pub(super) fn unknown(cause: String, word: &str, known: &[&str], there_are: String) -> Self {
        let fix = match crate::config::nearest(word, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`? {there_are}"),
            None => there_are,
        };
        Self { cause, fix }
    }

    pub(super) fn shape(word: &str) -> Self {
        const SHAPES: [&str; 5] = ["constant", "ramp", "spike", "steps", "poisson"];
        const FORMS: &str = "write `500/s`, `ramp:100/s..1000/s`, `spike:100/s..2000/s@10s+5s`, `steps:100/s,200/s` or `poisson:500/s`";
        let cause = format!("`{}` is no kind of schedule", shown(word));
        Self::unknown(cause, word, &SHAPES, FORMS.to_owned())
    }
}

/// The start of a text that may be long or hold anything, for a message.
pub(crate) fn shown(text: &str) -> String {
    x402_assay_reports::text::line(text, 60)
}

/// Reads a percentage with its sign, from 0 to `most`: `10%`, `2.5%`.
///
/// # Errors
/// When the sign is missing, it is no plain number, or it is out of bounds.
pub fn parse_percent(text: &str, most: f64) -> Result<f64, Wrong> {
    let text = text.trim();
    let number = text.strip_suffix('%').map(str::trim_end);
    let percent = number.and_then(decimal).filter(|percent| *percent <= most);
    percent.ok_or_else(|| {
        Wrong::new(
            format!("`{}` is not a percentage from 0% to {most}%", shown(text)),
            "write one such as `10%`",
        )
    })
}

/// Reads a rate: `500/s`, `0.5/s`, `30000/min`, `100/m`, `7200/h`; gives it per second.
///
/// # Errors
/// When it has no unit, is no plain number, or is zero or out of bounds.
pub fn parse_rate(text: &str) -> Result<f64, Wrong> {
    const FIX: &str = "write a rate such as `500/s`";
    let text = text.trim();
    let Some((number, unit)) = text.split_once('/') else {
        let cause = match decimal(text) {
            Some(_) => format!("`{}` has no unit of time", shown(text)),
            None => format!("`{}` is not a rate", shown(text)),
        };
        return Err(Wrong::new(cause, FIX));
    };
    let per_unit = decimal(number).ok_or_else(|| {
        let cause = match number.strip_prefix('-').and_then(decimal) {
            Some(_) => format!("the rate `{}` is negative", shown(text)),
            None => format!("`{}` is not a plain number", shown(number)),
        };
        Wrong::new(cause, FIX)
    })?;
    let seconds = match unit {
        "s" | "sec" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        _ => {
            return Err(Wrong::new(
                format!("a rate is not told per `{}`", shown(unit)),
                "use /s, /min or /h: `500/s`",
            ));
        }
    };
    if per_unit == 0.0 {
        return Err(Wrong::new("a rate of zero sends nothing", FIX));
    }
    let rate = per_unit / seconds;
    if !(RATE_MIN..=RATE_MAX).contains(&rate) {
        return Err(Wrong::rate_bounds(text));
    }
    Ok(rate)
}
