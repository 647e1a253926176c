//! Defects in reading what the facilitator answers.

use serde_json::Value;

use super::defects::{Defect, DefectSet};

/// What counts as yes; by default only `true`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Leniency {
    /// What is truthy is a yes, and nothing else in the answer is looked at.
    pub(super) truthy: bool,
    /// A good status of `/verify` is a yes.
    pub(super) any_ok_verifies: bool,
    /// A good status of `/settle` is a yes.
    pub(super) any_ok_settles: bool,
}

impl Leniency {
    /// The leniency of a server with these defects.
    pub(super) fn of(defects: &DefectSet) -> Self {
        Self {
            truthy: defects.has(Defect::VerdictsCoerced),
            any_ok_verifies: defects.has(Defect::VerifyAny200IsValid),
            any_ok_settles: defects.has(Defect::SettleAny200IsSuccess),
        }
    }

    /// `isValid` or `success`; `None` when it is no verdict.
    pub(super) fn verdict(self, flag: Option<&Value>) -> Option<bool> {
        match flag? {
            Value::Bool(verdict) => Some(*verdict),
            _ if !self.truthy => None,
            Value::Null => Some(false),
            Value::Number(number) => Some(number.as_f64() != Some(0.0)),
            Value::String(text) => Some(!text.is_empty()),
            Value::Array(_) | Value::Object(_) => Some(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_booleans_are_verdicts_unless_they_are_coerced() {
        let strict = Leniency::default();
        let truthy = Leniency {
            truthy: true,
            ..strict
        };
        assert_eq!(strict.verdict(Some(&json!(true))), Some(true));
        assert_eq!(strict.verdict(None), None);
        for (value, coerced) in [
            (json!("true"), true),
            (json!("false"), true),
            (json!(1), true),
            (json!({}), true),
            (json!(0), false),
            (json!(""), false),
            (json!(null), false),
        ] {
            assert_eq!(strict.verdict(Some(&value)), None);
            assert_eq!(truthy.verdict(Some(&value)), Some(coerced), "{value}");
        }
    }
}
