//! Faults that a load scenario injects while it runs, and when.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use super::text;
use super::words::Wrong;

/// Most faults of one load.
pub const FAULTS_MAX: usize = 10;
/// Least time of a fault, before it, and between two of them: goodput is known by the second.
pub const FAULT_LEAST: Duration = Duration::from_secs(1);

/// Something that goes wrong for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadFault {
    /// When, from the beginning of the measured span.
    pub at: Duration,
    /// For how long.
    pub lasts: Duration,
    /// What.
    pub what: FaultKind,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// No block is mined; the pool waits.
    MiningStopped,
    /// Calls of the bench's own facilitator are answered late.
    Late {
        /// `verify` or `settle`; both when absent.
        on: Option<&'static str>,
        /// How late.
        by: Duration,
    },
    /// They are answered with a status and nothing is done.
    Status {
        /// `verify` or `settle`; both when absent.
        on: Option<&'static str>,
        /// The status.
        status: u16,
    },
}

impl FaultKind {
    /// As the control API of the facilitator takes it; `None` for what is no fault of a facilitator.
    pub fn spec(&self, name: &str) -> Option<Value> {
        let (on, fault) = match self {
            Self::MiningStopped => return None,
            Self::Late { on, by } => {
                let ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
                (
                    on,
                    json!({ "latency": { "delay_ms": ms, "when": "before" } }),
                )
            }
            Self::Status { on, status } => {
                let answer = json!({
                    "status": status,
                    "body": "",
                    "content_type": "application/json",
                    "work": false,
                });
                (on, json!({ "status": answer }))
            }
        };
        let rule = on.map_or_else(|| json!({}), |on| json!({ "endpoint": on }));
        Some(json!({ "name": name, "match": rule, "fault": fault }))
    }

    /// True for what only the bench's own facilitator does.
    pub const fn is_of_facilitator(&self) -> bool {
        !matches!(self, Self::MiningStopped)
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MiningStopped => f.write_str("mining stopped"),
            Self::Late { on, by } => {
                let (on, by) = (on.unwrap_or("everything"), text::duration(*by));
                write!(f, "facilitator: {on} answered {by} late")
            }
            Self::Status { on, status } => {
                let on = on.unwrap_or("everything");
                write!(f, "facilitator: {on} answered HTTP {status}")
            }
        }
    }
}

/// Checks that each fault has a rate before it and time to recover after it.
///
/// # Errors
/// With what does not fit.
pub fn check(faults: &[LoadFault], length: Duration) -> Result<(), Wrong> {
    if faults.len() > FAULTS_MAX {
        return Err(Wrong::new(
            format!("{} faults", faults.len()),
            format!("a load has at most {FAULTS_MAX}"),
        ));
    }
    let mut free = Duration::ZERO;
    for fault in faults {
        if fault.lasts < FAULT_LEAST || fault.at < free + FAULT_LEAST {
            return Err(Wrong::new(
                format!(
                    "the fault at {} comes too early or is too short",
                    text::duration(fault.at)
                ),
                "leave a second before each fault, from its beginning to its end, and between two of them, in order: goodput is known by the second",
            ));
        }
        free = fault.at + fault.lasts;
        if free + FAULT_LEAST > length {
            return Err(Wrong::new(
                format!(
                    "the fault at {} lasts until {}, and the load until {}",
                    text::duration(fault.at),
                    text::duration(free),
                    text::duration(length)
                ),
                "let the load go on for a second or more: otherwise nobody sees it recover",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stopped(at: u64, lasts: u64) -> LoadFault {
        LoadFault {
            at: Duration::from_secs(at),
            lasts: Duration::from_secs(lasts),
            what: FaultKind::MiningStopped,
        }
    }

    #[test]
    fn faults_leave_time_to_compare_and_to_recover() {
        let length = Duration::from_secs(10);
        assert_eq!(check(&[stopped(1, 2), stopped(4, 5)], length), Ok(()));
        for wrong in [
            vec![stopped(0, 2)],
            vec![stopped(2, 0)],
            vec![stopped(1, 2), stopped(3, 2)],
            vec![stopped(4, 2), stopped(1, 1)],
            vec![stopped(5, 5)],
            vec![stopped(1, 1); FAULTS_MAX + 1],
        ] {
            check(&wrong, length).unwrap_err();
        }
    }

    #[test]
    fn what_the_facilitator_is_told_is_a_fault_it_knows() {
        let kinds = [
            FaultKind::Late {
                on: Some("settle"),
                by: Duration::from_secs(2),
            },
            FaultKind::Status {
                on: None,
                status: 503,
            },
        ];
        for kind in &kinds {
            let spec = kind.spec("load.1").unwrap();
            let read: x402_mock_facilitator::FaultSpec = serde_json::from_value(spec).unwrap();
            assert_eq!(read.name, "load.1");
        }
        assert_eq!(kinds[0].to_string(), "facilitator: settle answered 2s late");
        assert_eq!(
            kinds[1].to_string(),
            "facilitator: everything answered HTTP 503"
        );
        assert_eq!(FaultKind::MiningStopped.spec("load.1"), None);
    }
}
