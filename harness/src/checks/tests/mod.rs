//! Every check, green on an honest server and red on one deviation.

mod challenge;
mod challenge_more;
mod delivery;
mod edited;
mod extensions;
mod flow;
mod header_forms;
mod honest;
mod http;
mod identifier;
mod open_terms;
mod payment_header;
mod privacy;
mod race;
mod request_intact;
mod settlement;
mod terms;
mod tolerated;
mod trouble;

use x402_assay_reports::Report;
use x402_assay_reports::model::{CheckResult, Verdict};

use crate::history::script::Script;

fn check<'r>(report: &'r Report, id: &str) -> &'r CheckResult {
    report
        .checks
        .iter()
        .find(|check| check.id == id)
        .unwrap_or_else(|| panic!("{id} is not in the report"))
}

/// Asserts the verdict of one check and hands back the report.
fn assert_verdict(script: &Script, id: &str, wanted: Verdict) -> Report {
    let report = script.report();
    let result = check(&report, id);
    assert_eq!(result.verdict, wanted, "{id}: {}", result.detail);
    if matches!(wanted, Verdict::Fail | Verdict::Warn | Verdict::Pass) {
        assert!(!result.evidence.is_empty(), "{id} has no evidence");
    }
    if matches!(wanted, Verdict::Fail | Verdict::Warn) {
        assert!(result.fix.is_some() && result.cause.is_some(), "{id}");
        let replay = result.replay.as_deref();
        assert!(
            replay.is_none_or(|command| command.contains(id)),
            "{replay:?}"
        );
    }
    report
}

fn assert_fails(script: &Script, id: &str) -> Report {
    assert_verdict(script, id, Verdict::Fail)
}

/// Ids of the checks with this verdict.
fn with_verdict(report: &Report, verdict: Verdict) -> Vec<&str> {
    report
        .checks
        .iter()
        .filter(|check| check.verdict == verdict)
        .map(|check| check.id.as_str())
        .collect()
}
