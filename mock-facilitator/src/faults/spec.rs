//! Faults as data: what the control API and scenario files say.

use serde::{Deserialize, Serialize};

use super::inject::Inject;
use super::{
    Body, Hang, Headers, Latency, Lie, Match, Outage, Pending, Redirect, Reset, Status, Supported,
};

/// Longest name of a fault or hold, in bytes.
pub(crate) const NAME_MAX_BYTES: usize = 128;

/// A fault, which calls it is for, and under which name it is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultSpec {
    /// Letters, digits, `.`, `_` and `-`; when empty the facilitator chooses one.
    #[serde(default)]
    pub name: String,
    /// Seed of its chances; the facilitator's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Which calls.
    #[serde(default, rename = "match")]
    pub matching: Match,
    /// What goes wrong.
    pub fault: Fault,
}

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The answer comes late.
    Latency(Latency),
    /// No answer comes.
    Hang(Hang),
    /// The connection is reset or breaks off.
    Reset(Reset),
    /// Another HTTP status.
    Status(Status),
    /// A body that is not what it should be.
    Body(Body),
    /// Further headers.
    Headers(Headers),
    /// An untrue answer.
    Lie(Lie),
    /// Settlements that are pending before they are done.
    Pending(Pending),
    /// A redirect.
    Redirect(Redirect),
    /// `/supported` lacks something.
    Supported(Supported),
    /// Nobody is let in at all.
    Outage(Outage),
}

/// A fault as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaultView {
    /// Its name.
    pub name: String,
    /// The seed its chances come from.
    pub seed: u64,
    /// Which calls.
    #[serde(rename = "match")]
    pub matching: Match,
    /// What goes wrong.
    pub fault: Fault,
    /// Calls that met `endpoint`, `payer` and `authorization` so far.
    pub seen: u64,
    /// Calls it was injected into so far.
    pub fired: u64,
}

impl FaultSpec {
    /// A fault for every call.
    pub fn new(name: impl Into<String>, fault: Fault) -> Self {
        Self {
            name: name.into(),
            seed: None,
            matching: Match::default(),
            fault,
        }
    }

    /// The same fault for some calls only.
    #[must_use]
    pub fn for_calls(self, matching: Match) -> Self {
        Self { matching, ..self }
    }

    /// What is wrong with it, in one sentence.
    ///
    /// # Errors
    /// When a value makes no sense, or the fault cannot happen to the calls it is for.
    pub fn validate(&self) -> Result<(), String> {
        check_name(&self.name)?;
        self.matching.validate()?;
        self.fault.inject().validate(&self.matching)
    }
}

impl Fault {
    pub(crate) fn inject(&self) -> &dyn Inject {
        match self {
            Self::Latency(fault) => fault,
            Self::Hang(fault) => fault,
            Self::Reset(fault) => fault,
            Self::Status(fault) => fault,
            Self::Body(fault) => fault,
            Self::Headers(fault) => fault,
            Self::Lie(fault) => fault,
            Self::Pending(fault) => fault,
            Self::Redirect(fault) => fault,
            Self::Supported(fault) => fault,
            Self::Outage(fault) => fault,
        }
    }

    /// Name of its kind, as in JSON.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Latency(_) => "latency",
            Self::Hang(_) => "hang",
            Self::Reset(_) => "reset",
            Self::Status(_) => "status",
            Self::Body(_) => "body",
            Self::Headers(_) => "headers",
            Self::Lie(_) => "lie",
            Self::Pending(_) => "pending",
            Self::Redirect(_) => "redirect",
            Self::Supported(_) => "supported",
            Self::Outage(_) => "outage",
        }
    }
}

macro_rules! into_fault {
    ($($kind:ident),*) => {
        $(impl From<$kind> for Fault {
            fn from(fault: $kind) -> Self {
                Self::$kind(fault)
            }
        })*
    };
}
into_fault!(
    Latency, Hang, Headers, Reset, Status, Body, Lie, Pending, Redirect, Supported, Outage
);

/// Names end up in URLs and reports.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.len() > NAME_MAX_BYTES || !name.chars().all(plain) {
        return Err(format!(
            "name must be up to {NAME_MAX_BYTES} letters, digits, `.`, `_` or `-`"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nearest::read_json;
    use serde_json::{Value, json};

    fn read(value: &Value) -> Result<FaultSpec, String> {
        let spec: FaultSpec = read_json(value.to_string().as_bytes())?;
        spec.validate().map(|()| spec)
    }

    #[test]
    fn every_kind_is_read_and_written_alike() {
        for fault in [
            json!({ "latency": { "delay_ms": 250, "jitter_ms": 50, "when": "after" } }),
            json!({ "hang": { "max_ms": 1000, "when": "before" } }),
            json!({ "reset": { "when": "after-broadcast" } }),
            json!({ "status": { "status": 503, "body": "busy", "work": false } }),
            json!({ "body": { "case": "html", "work": true } }),
            json!({ "headers": { "add": { "x-note": "seen" } } }),
            json!({ "lie": { "claim": true, "work": false, "transaction": "random" } }),
            json!({ "pending": { "times": 2 } }),
            json!({ "redirect": { "status": 308, "location": "http://127.0.0.1:1/verify" } }),
            json!({ "supported": { "drop": ["eip155:84532"] } }),
            json!({ "outage": {} }),
        ] {
            let spec = read(&json!({ "name": "x", "fault": fault })).unwrap();
            assert!(fault.get(spec.fault.kind()).is_some(), "{fault}");
            let again = serde_json::to_value(&spec).unwrap();
            assert_eq!(read(&again).unwrap(), spec, "{fault}");
        }
    }

    #[test]
    fn mistakes_name_what_was_probably_meant() {
        for (wrong, says) in [
            (
                json!({ "fault": { "latency": { "delay": 5 } } }),
                "did you mean `delay_ms`?",
            ),
            (
                json!({ "fault": { "reset": { "when": "after-mine" } } }),
                "`after-mined`?",
            ),
            (json!({ "fault": { "lies": {} } }), "did you mean `lie`?"),
            (
                json!({ "fault": { "body": { "case": "emty" } } }),
                "did you mean `empty`?",
            ),
            (
                json!({ "math": {}, "fault": { "outage": {} } }),
                "unknown field `math`, expected one of `name`, `seed`, `match`, `fault`",
            ),
            (
                json!({ "match": { "payr": 1 }, "fault": { "outage": {} } }),
                "did you mean `payer`?",
            ),
            (
                json!({ "name": "a/b", "fault": { "outage": {} } }),
                "name must be",
            ),
            (json!({ "name": "x" }), "missing field `fault`"),
        ] {
            let error = read(&wrong).unwrap_err();
            assert!(error.contains(says), "{wrong}: {error}");
        }
    }
}
