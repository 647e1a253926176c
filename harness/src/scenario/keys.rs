//! Reading keys that belong together, and numbers with defaults.

use std::ops::RangeInclusive;

use crate::config::yaml::{MapView, View};

/// The one key of `choices` that is given; none or several is a problem.
pub(super) fn exactly_one<'a>(
    map: &MapView<'a>,
    choices: &[&'static str],
) -> Option<(&'static str, View<'a>)> {
    let found = at_most_one(map, choices)?;
    if found.is_none() {
        map.view()
            .problem(format!("needs one of {}", backticked(choices)));
    }
    found
}

/// The key of `choices` that is given, if any; several are a problem (the outer `None`).
#[expect(
    clippy::option_option,
    reason = "a problem and an absent key are different things"
)]
pub(super) fn at_most_one<'a>(
    map: &MapView<'a>,
    choices: &[&'static str],
) -> Option<Option<(&'static str, View<'a>)>> {
    let mut given = choices
        .iter()
        .filter_map(|key| map.optional(key).map(|view| (*key, view)));
    let first = given.next();
    if let (Some((first, _)), Some((second, _))) = (&first, given.next()) {
        let message = format!("`{second}` cannot stand beside `{first}`; write a step for each");
        map.problem_at_key(second, &message);
        return None;
    }
    Some(first)
}

/// A whole number within `range`, or `default` if the key is absent or wrong (which is reported).
pub(super) fn number_or(
    map: &MapView<'_>,
    key: &str,
    range: RangeInclusive<u32>,
    default: u32,
) -> u32 {
    map.optional(key)
        .and_then(|view| number(&view, range))
        .unwrap_or(default)
}

/// A whole number within `range`.
pub(super) fn number(view: &View<'_>, range: RangeInclusive<u32>) -> Option<u32> {
    let wide = u64::from(*range.start())..=u64::from(*range.end());
    view.as_u64(wide)
        .and_then(|number| u32::try_from(number).ok())
}

/// `a`, `b` or `c`.
pub(super) fn backticked(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// Reports a key that means nothing without another one.
pub(super) fn only_with(map: &MapView<'_>, key: &str, other: &str, present: bool) {
    if !present && map.optional(key).is_some() {
        map.problem_at_key(key, &format!("`{key}` means something only with {other}"));
    }
}

/// Reports a key that cannot stand where `other` is.
pub(super) fn never_beside(map: &MapView<'_>, key: &str, other: &str, present: bool) {
    if present && map.optional(key).is_some() {
        map.problem_at_key(key, &format!("`{key}` cannot stand beside {other}"));
    }
}
