//! The text form of thresholds.

use std::fmt;

use super::super::words::{Wrong, shown};
use super::bound::Bound;
use super::metric::Metric;

/// Most thresholds of one run.
pub(super) const THRESHOLDS_MAX: usize = 64;

/// A demand: a metric, a comparison and a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Threshold {
    /// What is measured.
    pub metric: Metric,
    /// How it must compare.
    pub comparison: Comparison,
    /// With what.
    pub bound: Bound,
}

/// How a measured value must compare with the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
    /// `==`, for counts.
    Equal,
}

impl Comparison {
    /// Two characters before one, so that `<=` is not read as `<`.
    const ALL: [(&'static str, Self); 5] = [
        ("<=", Self::AtMost),
        (">=", Self::AtLeast),
        ("==", Self::Equal),
        ("<", Self::Less),
        (">", Self::More),
    ];

    /// Its sign.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
            Self::Equal => "==",
        }
    }
}

impl Threshold {
    /// Reads `goodput >= 190/s`, `p99(paid) < 250ms`, `unpaid_grants == 0`, `dropped < 0.1%`.
    ///
    /// # Errors
    /// When the metric is unknown, the sign is missing, or the value has another unit.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        const FIX: &str = "write `metric < value`, such as `p99(paid) < 250ms`; the signs are <, <=, >, >= and ==";
        let at = text.find(['<', '>', '=', '!']);
        let Some((name, rest)) = at.map(|at| text.split_at(at)) else {
            return Err(Wrong::new(
                format!("`{}` compares nothing", shown(text)),
                FIX,
            ));
        };
        let sign = Comparison::ALL
            .iter()
            .find(|(sign, _)| rest.starts_with(sign));
        let Some((sign, comparison)) = sign else {
            return Err(Wrong::new(
                format!("`{}` has no sign that is known", shown(text)),
                FIX,
            ));
        };
        let metric = Metric::parse(name)?;
        let bound = Bound::parse(&rest[sign.len()..], metric.unit(), &metric.to_string())?;
        if *comparison == Comparison::Equal && !matches!(bound, Bound::Count(_)) {
            return Err(Wrong::new(
                format!(
                    "`{}` asks for one exact value of something measured",
                    shown(text)
                ),
                "`==` is for counts; use <, <=, > or >=",
            ));
        }
        Ok(Self {
            metric,
            comparison: *comparison,
            bound,
        })
    }
}

/// Reads all of them.
///
/// # Errors
/// Every one that is wrong, with its text in front.
pub fn parse_all<T: AsRef<str>>(texts: &[T]) -> Result<Vec<Threshold>, Vec<Wrong>> {
    let mut thresholds = Vec::new();
    let mut problems = Vec::new();
    if texts.len() > THRESHOLDS_MAX {
        return Err(vec![Wrong::new(
            format!("{} thresholds are too many", texts.len()),
            format!("give at most {THRESHOLDS_MAX}"),
        )]);
    }
    for text in texts {
        match Threshold::parse(text.as_ref()) {
            Ok(threshold) => thresholds.push(threshold),
            Err(wrong) => problems.push(Wrong::new(
                format!("the threshold `{}`: {}", shown(text.as_ref()), wrong.cause),
                wrong.fix,
            )),
        }
    }
    match problems.is_empty() {
        true => Ok(thresholds),
        false => Err(problems),
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {}",
            self.metric,
            self.comparison.sign(),
            self.bound
        )
    }
}
