//! What is wrong with a message, member by member.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How a member fails its description: three findings that must not be mixed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// The member is not there.
    Missing,
    /// The member has another JSON type.
    WrongType {
        /// Type the specification names.
        expected: String,
        /// Type that was found.
        found: String,
    },
    /// The type fits and the value does not.
    WrongValue {
        /// Why the value is refused.
        why: String,
    },
}

/// One finding about one member of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Path of the member, for example `accepts[0].amount`.
    pub path: String,
    /// What is wrong with it.
    pub kind: ProblemKind,
}

impl Problem {
    /// A member that is absent.
    pub fn missing(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            kind: ProblemKind::Missing,
        }
    }

    /// A member whose JSON type differs from `expected`.
    pub fn wrong_type(path: impl Into<String>, expected: &str, found: &Value) -> Self {
        Self {
            path: path.into(),
            kind: ProblemKind::WrongType {
                expected: expected.to_owned(),
                found: type_name(found).to_owned(),
            },
        }
    }

    /// A member of the right type whose value is refused.
    pub fn wrong_value(path: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            kind: ProblemKind::WrongValue { why: why.into() },
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.kind {
            ProblemKind::Missing => write!(f, "{} is missing", self.path),
            ProblemKind::WrongType { expected, found } => {
                write!(f, "{} should be {expected} and is {found}", self.path)
            }
            ProblemKind::WrongValue { why } => write!(f, "{}: {why}", self.path),
        }
    }
}

/// The JSON type of a value, in words.
pub const fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// The whole, non-negative number a JSON value stands for.
pub fn whole_number(value: &Value) -> Option<u64> {
    /// Largest number below which every whole number has its own double.
    const EXACT_MAX: f64 = 9_007_199_254_740_991.0;
    value.as_u64().or_else(|| {
        let float = value.as_f64()?;
        let whole = float.fract() == 0.0 && (0.0..=EXACT_MAX).contains(&float);
        whole.then_some(float as u64)
    })
}

/// Reads members of one object and notes what is wrong with each.
#[derive(Debug)]
pub struct Reader<'v, 'p> {
    object: &'v Value,
    path: String,
    problems: &'p mut Vec<Problem>,
}

impl<'v, 'p> Reader<'v, 'p> {
    /// Reads `object`, which stands at `path` (empty for the top).
    pub fn new(object: &'v Value, path: &str, problems: &'p mut Vec<Problem>) -> Self {
        Self {
            object,
            path: path.to_owned(),
            problems,
        }
    }

    fn at(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    /// Whether there is an object to read; noted as a wrong type when there is none.
    pub fn is_object(&mut self) -> bool {
        let is_object = self.object.is_object();
        if !is_object {
            let path = if self.path.is_empty() {
                "the message"
            } else {
                &self.path
            };
            self.problems
                .push(Problem::wrong_type(path, "an object", self.object));
        }
        is_object
    }

    /// The member, noted as missing when it is absent.
    pub fn required(&mut self, name: &str) -> Option<&'v Value> {
        let found = self.object.get(name);
        if found.is_none() {
            let path = self.at(name);
            self.problems.push(Problem::missing(path));
        }
        found
    }

    /// A required string.
    pub fn string(&mut self, name: &str) -> Option<String> {
        let value = self.required(name)?;
        self.typed(name, value, "a string", value.as_str().map(str::to_owned))
    }

    /// An optional string; `null` counts as absent (wire-format section 2.2).
    pub fn optional_string(&mut self, name: &str) -> Option<String> {
        let value = self.object.get(name).filter(|value| !value.is_null())?;
        self.typed(name, value, "a string", value.as_str().map(str::to_owned))
    }

    /// A required whole number; `60.0` is one, since JSON knows no integers.
    pub fn number(&mut self, name: &str) -> Option<u64> {
        let value = self.required(name)?;
        if value.is_number() && whole_number(value).is_none() {
            let path = self.at(name);
            self.problems.push(Problem::wrong_value(
                path,
                format!("{value} is no whole number"),
            ));
            return None;
        }
        self.typed(name, value, "a number", whole_number(value))
    }

    /// A required boolean.
    pub fn boolean(&mut self, name: &str) -> Option<bool> {
        let value = self.required(name)?;
        self.typed(name, value, "a boolean", value.as_bool())
    }

    /// A required object.
    pub fn object(&mut self, name: &str) -> Option<&'v Value> {
        let value = self.required(name)?;
        self.typed(name, value, "an object", value.is_object().then_some(value))
    }

    /// An optional object; `null` counts as absent.
    pub fn optional_object(&mut self, name: &str) -> Option<&'v Value> {
        let value = self.object.get(name).filter(|value| !value.is_null())?;
        self.typed(name, value, "an object", value.is_object().then_some(value))
    }

    /// A required array.
    pub fn array(&mut self, name: &str) -> Option<&'v Vec<Value>> {
        let value = self.required(name)?;
        self.typed(name, value, "an array", value.as_array())
    }

    /// Notes that a member's value is refused.
    pub fn refuse(&mut self, name: &str, why: impl Into<String>) {
        let path = self.at(name);
        self.problems.push(Problem::wrong_value(path, why));
    }

    fn typed<T>(
        &mut self,
        name: &str,
        value: &Value,
        expected: &str,
        view: Option<T>,
    ) -> Option<T> {
        if view.is_none() {
            let path = self.at(name);
            self.problems
                .push(Problem::wrong_type(path, expected, value));
        }
        view
    }
}
