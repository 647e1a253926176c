//! A reason that outlives its request: the reader's errors are not cleared between two of them.

use serde_json::Value;

use super::Defect;
use crate::answer::Answer;
use crate::event::Endpoint;
use crate::faults::steer::Steer;
use crate::refusal::reason;

/// Reasons of a request that could not be read.
const UNREADABLE: [&str; 4] = [
    reason::INVALID_JSON,
    reason::MISSING_PARAMETERS,
    reason::PAYLOAD,
    reason::VERSION,
];

/// Refuses at verify what follows a request that could not be read.
pub(super) fn spoil(steer: &Steer, endpoint: Endpoint, answer: &mut Answer) {
    if endpoint != Endpoint::Verify || !steer.defects().has(Defect::MalformedSpoilsNext) {
        return;
    }
    let Some(members) = answer.members() else {
        return;
    };
    let reason = members.get("invalidReason").and_then(Value::as_str);
    let unreadable = reason.filter(|reason| UNREADABLE.contains(reason));
    let left = steer.memory().leave(unreadable.map(str::to_owned));
    let is_valid = members.get("isValid") == Some(&Value::Bool(true));
    if let Some(left) = left.filter(|_| is_valid) {
        members.insert("isValid".to_owned(), false.into());
        members.insert("invalidReason".to_owned(), left.into());
    }
}
