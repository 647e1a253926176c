//! Typed reading of one value; what does not fit is reported, and reading goes on.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::{
    MapView, Node, NodeKind, Position, Problems, Scalar, did_you_mean, parse_duration,
    parse_positive_duration,
};

/// A value with its path in the file (`launch.timeout`, `routes[2].path`).
#[derive(Debug, Clone)]
pub struct View<'a> {
    node: &'a Node,
    path: String,
    problems: &'a Problems,
}

impl<'a> View<'a> {
    /// The whole file.
    pub fn root(node: &'a Node, problems: &'a Problems) -> Self {
        Self {
            node,
            path: String::new(),
            problems,
        }
    }

    pub(super) fn child(&self, node: &'a Node, path: String) -> Self {
        Self {
            node,
            path,
            problems: self.problems,
        }
    }

    /// The value itself.
    pub fn node(&self) -> &'a Node {
        self.node
    }

    /// Where the value starts.
    pub fn position(&self) -> Position {
        self.node.position
    }

    /// The value's path in the file; empty for the whole file.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Reports a problem of this value; the message follows the value's path.
    pub fn problem(&self, message: impl Display) {
        let subject = if self.path.is_empty() {
            "the file".into()
        } else {
            format!("`{}`", self.path)
        };
        self.problems
            .at(self.node.position, format!("{subject}: {message}"));
    }

    /// The result's value; an error is reported as a problem of this value.
    pub fn check<T, E: Display>(&self, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.problem(error)).ok()
    }

    /// Reports a problem at another place of the same file.
    pub(super) fn problem_at(&self, position: Position, message: String) {
        self.problems.at(position, message);
    }

    /// Whether the value is a list, reporting nothing.
    pub fn is_list(&self) -> bool {
        matches!(self.node.kind, NodeKind::Seq(_))
    }

    /// The value as a map.
    pub fn as_map(&self) -> Option<MapView<'a>> {
        match &self.node.kind {
            NodeKind::Map(entries) => Some(MapView::new(self.clone(), entries)),
            _ => self.expected("a map of keys and values", ""),
        }
    }

    /// The value as a list.
    pub fn as_list(&self) -> Option<Vec<View<'a>>> {
        match &self.node.kind {
            NodeKind::Seq(items) => {
                let item = |(i, node)| self.child(node, format!("{}[{i}]", self.path));
                Some(items.iter().enumerate().map(item).collect())
            }
            _ => self.expected("a list", "; write it as `[...]`"),
        }
    }

    /// The value as text. An unquoted number or boolean is refused: YAML would change it.
    pub fn as_str(&self) -> Option<&'a str> {
        match self.scalar() {
            Some(scalar) if scalar.is_null() => self.expected("text", ""),
            Some(scalar) if scalar.is_number() || plain_bool(scalar) => {
                self.expected("text", &format!("; quote it: \"{}\"", scalar.text))
            }
            Some(scalar) => Some(&scalar.text),
            None => self.expected("text", "; put it in quotes"),
        }
    }

    /// Text that must not be empty.
    pub fn as_non_empty_str(&self) -> Option<&'a str> {
        let text = self.as_str()?;
        if text.trim().is_empty() {
            self.problem("must not be empty");
            return None;
        }
        Some(text)
    }

    /// Any single value as it was written, numbers too: for environment and header values.
    pub fn as_text(&self) -> Option<&'a str> {
        match self.scalar() {
            Some(scalar) if !scalar.is_null() => Some(&scalar.text),
            _ => self.expected("a single value", "; for empty text write \"\""),
        }
    }

    /// The value as `true` or `false`.
    pub fn as_bool(&self) -> Option<bool> {
        let value = self.scalar().and_then(Scalar::as_bool);
        value.or_else(|| self.expected("true or false", ""))
    }

    /// The value as a whole number within `range`.
    pub fn as_u64(&self, range: RangeInclusive<u64>) -> Option<u64> {
        let text = self.scalar().and_then(Scalar::typed_text);
        let number = text.and_then(|text| text.parse::<u64>().ok());
        let (low, high) = (range.start(), range.end());
        number.filter(|number| range.contains(number)).or_else(|| {
            let wanted = match *high {
                u64::MAX => format!("a whole number, at least {low}"),
                _ => format!("a whole number from {low} to {high}"),
            };
            self.expected(&wanted, "")
        })
    }

    /// The value as a number greater than zero.
    pub fn as_positive_f64(&self) -> Option<f64> {
        let text = self.scalar().and_then(Scalar::typed_text);
        let number = text.and_then(|text| text.parse::<f64>().ok());
        number
            .filter(|number| number.is_finite() && *number > 0.0)
            .or_else(|| self.expected("a number greater than zero", ""))
    }

    /// The value as a duration (`250ms`, `30s`, `2m`); zero is fine.
    pub fn as_duration(&self) -> Option<Duration> {
        let text = self.as_text()?;
        self.check(parse_duration(text))
    }

    /// The value as a duration greater than zero.
    pub fn as_positive_duration(&self) -> Option<Duration> {
        let text = self.as_text()?;
        self.check(parse_positive_duration(text))
    }

    /// One of a fixed set of words.
    pub fn one_of<T: Copy>(&self, choices: &[(&str, T)]) -> Option<T> {
        let text = self.as_str()?;
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let hint = did_you_mean(text, words.iter().copied());
        self.expected(&format!("one of {}", words.join(", ")), &hint)
    }

    /// Reports that something else was wanted here.
    fn expected<T>(&self, wanted: &str, hint: &str) -> Option<T> {
        self.problem(format!(
            "expected {wanted}, found {}{hint}",
            self.node.describe()
        ));
        None
    }

    fn scalar(&self) -> Option<&'a Scalar> {
        match &self.node.kind {
            NodeKind::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }
}

/// `true` without quotes and not from a variable.
fn plain_bool(scalar: &Scalar) -> bool {
    !scalar.expanded && scalar.as_bool().is_some()
}
