//! The faults of a load scenario: what goes wrong when, in the words of steps.

use super::keys::exactly_one;
use super::steps::Calls;
use crate::config::yaml::{MapView, View};
use crate::load::fault::{FaultKind, LoadFault};

/// Seconds that an answer may be late.
const LATE_MAX_S: u64 = 60;

/// Reads `faults`; what is wrong is reported.
pub(super) fn decode(map: &MapView<'_>) -> Option<Vec<LoadFault>> {
    let read: Vec<Option<LoadFault>> = map.list("faults").iter().map(one).collect();
    read.into_iter().collect()
}

fn one(view: &View<'_>) -> Option<LoadFault> {
    const KINDS: [&str; 2] = ["chain", "facilitator"];
    let map = view.as_map()?;
    map.unknown_keys(&[&["at", "for"], &KINDS[..]].concat());
    let at = map.required("at").and_then(|view| view.as_duration());
    let lasts = map
        .required("for")
        .and_then(|view| view.as_positive_duration());
    let what = exactly_one(&map, &KINDS).and_then(|(kind, view)| match kind {
        "chain" => chain(&view),
        _ => facilitator(&view),
    });
    Some(LoadFault {
        at: at?,
        lasts: lasts?,
        what: what?,
    })
}

fn chain(view: &View<'_>) -> Option<FaultKind> {
    let map = view.as_map()?;
    map.unknown_keys(&["mine"]);
    map.required("mine")?.one_of(&[("stop", ())])?;
    Some(FaultKind::MiningStopped)
}

fn facilitator(view: &View<'_>) -> Option<FaultKind> {
    let map = view.as_map()?;
    map.unknown_keys(&["on", "delay", "status"]);
    let calls = [
        (Calls::Verify.word(), Some(Calls::Verify.word())),
        (Calls::Settle.word(), Some(Calls::Settle.word())),
        (Calls::Any.word(), None),
    ];
    let on = map.required("on").and_then(|view| view.one_of(&calls));
    let (kind, value) = exactly_one(&map, &["delay", "status"])?;
    if kind == "status" {
        let status = u16::try_from(value.as_u64(400..=599)?).ok()?;
        return Some(FaultKind::Status { on: on?, status });
    }
    let by = value.as_positive_duration()?;
    if by.as_secs() > LATE_MAX_S {
        value.problem(format!("an answer is at most {LATE_MAX_S}s late"));
        return None;
    }
    Some(FaultKind::Late { on: on?, by })
}
