//! Why scenarios were left out, by reason.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::model::{Report, Verdict};

/// Reasons with the scenarios they kept from running, the commonest first. The number of the step is left out of the
/// reason, so that equal ones meet.
pub(crate) fn scenario_skips(report: &Report) -> Vec<(&str, Vec<&str>)> {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let skipped = report.scenarios.iter();
    for scenario in skipped.filter(|row| row.verdict == Verdict::Skipped) {
        let detail = scenario.told().map_or("", |case| case.detail.as_str());
        let names = reasons.entry(without_step(detail)).or_default();
        names.push(&scenario.name);
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, names)| Reverse(names.len()));
    reasons
}

fn without_step(detail: &str) -> &str {
    let Some(rest) = detail.strip_prefix("step ") else {
        return detail;
    };
    match rest.split_once(": ") {
        Some((number, reason)) if number.bytes().all(|b| b.is_ascii_digit()) => reason,
        _ => detail,
    }
}

#[cfg(test)]
mod tests {
    use super::without_step;

    #[test]
    fn equal_reasons_meet_whatever_step_they_are_about() {
        assert_eq!(without_step("step 6: no links"), "no links");
        assert_eq!(without_step("step by step: slow"), "step by step: slow");
        assert_eq!(without_step("no links"), "no links");
    }
}
