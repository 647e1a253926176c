//! Section M: time windows.

use x402_assay_protocol::Version;

use super::asked::{
    ROW, Said, all_refused, each, evidence, recorded, said, told, unjudgeable, verifies,
};
use super::classes::class;
use crate::checks::check::{Check, Grade, Level};
use crate::checks::judged::Judged;
use crate::checks::outcome::Outcome;

pub(super) const EXPIRED: Check = Check {
    id: "FAC-VERIFY-010",
    title: "An expired authorization is refused",
    requirement: "An authorization whose `validBefore` has passed gets a negative verdict.",
    observe: "validBefore a second ago, and an hour ago.",
    good: "isValid false",
    bad: "isValid true: the token will refuse the transfer",
    source: "x402 specification, section 6.1.2 step 4",
    probes: &["verify/expired-now", "verify/expired-long"],
    judge: |judged, version| all_refused(judged, version, &["expired-now", "expired-long"]),
    cause: "validBefore is not compared with the clock",
    fix: "refuse what ends before now and a few blocks more",
    tags: &["facilitator", "CWE-672"],
    killed_by: &["window-ignored", "anything-is-valid"],
    ..ROW
};

pub(super) const SOON_OVER: Check = Check {
    id: "FAC-VERIFY-011",
    title: "What becomes of an authorization that ends in three seconds",
    requirement: "How much time must be left is not written; the SDKs ask for six seconds.",
    observe: "validBefore three seconds ahead.",
    good: "either verdict",
    bad: "nothing: it is recorded",
    source: "SDK facilitators",
    level: Level::Sdk,
    grade: Grade::Info,
    probes: &["verify/ends-soon"],
    judge: |judged, version| recorded(judged, version, &["verify/ends-soon"]),
    cause: "nothing to correct",
    fix: "nothing to do",
    ..ROW
};

pub(super) const IN_TIME: Check = Check {
    id: "FAC-VERIFY-012",
    title: "Half a minute is enough",
    requirement: "An authorization that lives for half a minute more is not refused as expired.",
    observe: "validBefore forty seconds ahead, everything else right.",
    good: "isValid true",
    bad: "refused as expired: payments of ordinary clients fail",
    source: "follows from maxTimeoutSeconds of 60 in the examples",
    level: Level::Derived,
    grade: Grade::Warn,
    probes: &["verify/ends-in-time"],
    judge: in_time,
    cause: "the margin before validBefore is as long as the life of a payment",
    fix: "ask for the time that a settlement takes: a few blocks",
    killed_by: &["margin-too-wide"],
    ..ROW
};

pub(super) const EARLY: Check = Check {
    id: "FAC-VERIFY-013",
    title: "An authorization that is not yet valid is refused",
    requirement: "An authorization whose `validAfter` lies ahead gets a negative verdict.",
    observe: "validAfter ten minutes ahead.",
    good: "isValid false",
    bad: "isValid true: the token will refuse the transfer",
    source: "x402 specification, section 6.1.2 step 4",
    probes: &["verify/not-yet-valid"],
    judge: |judged, version| all_refused(judged, version, &["not-yet-valid"]),
    cause: "validAfter is not compared with the clock",
    fix: "refuse what begins later than now",
    tags: &["facilitator", "CWE-672"],
    killed_by: &["window-ignored", "anything-is-valid"],
    ..ROW
};

pub(super) const BEGINS: Check = Check {
    id: "FAC-VERIFY-014",
    title: "What becomes of an authorization that begins now",
    requirement: "The SDKs take what begins now and refuse what begins later; the token wants a later block.",
    observe: "validAfter this second, and three seconds ahead.",
    good: "either verdict",
    bad: "nothing: it is recorded",
    source: "SDK facilitators",
    level: Level::Sdk,
    grade: Grade::Info,
    probes: &["verify/begins-now", "verify/begins-soon"],
    judge: |judged, version| {
        let probes = ["verify/begins-now", "verify/begins-soon"];
        recorded(judged, version, &probes)
    },
    cause: "nothing to correct",
    fix: "nothing to do",
    ..ROW
};

pub(super) const LONG: Check = Check {
    id: "FAC-VERIFY-015",
    title: "What becomes of an authorization that lives for a day",
    requirement: "Whether a window may be longer than `maxTimeoutSeconds` is left open.",
    observe: "validBefore a day ahead, maxTimeoutSeconds 300.",
    good: "either verdict",
    bad: "nothing: it is recorded",
    source: "x402 specification, section 5.1.2 (silent)",
    level: Level::Open,
    grade: Grade::Info,
    probes: &["verify/long-window"],
    judge: |judged, version| recorded(judged, version, &["verify/long-window"]),
    cause: "nothing to correct",
    fix: "nothing to do",
    ..ROW
};

fn in_time(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    if !verifies(judged, version) {
        let text = format!("control missing: no good {version} payment was called valid");
        return Outcome::skipped(text);
    }
    each(judged, version, "verify/ends-in-time", |call| {
        if let Some(outcome) = unjudgeable(call) {
            return outcome;
        }
        let reason = call.reason().and_then(class);
        match (said(call), reason) {
            (Said::Yes, _) => Outcome::pass("forty seconds were enough", evidence(call)),
            (_, Some("expired")) => {
                let text = format!("forty seconds before its end: {}", told(call));
                Outcome::warn(text, evidence(call))
            }
            _ => {
                let text = format!("refused for another reason than its end: {}", told(call));
                Outcome::warn(text, evidence(call))
            }
        }
    })
}
