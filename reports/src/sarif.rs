//! SARIF 2.1.0, for code-scanning dashboards: a rule for each check, a result for each finding.

use serde_json::{Value, json};

use crate::finding::{Finding, Source, findings};
use crate::model::{Report, Verdict};
use crate::text;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
/// Longest message, in characters.
const TEXT_MAX: usize = 1_000;

/// The findings of the report. A finding about a running service has no source file: its location is a logical one,
/// the target.
pub fn render(report: &Report) -> String {
    let found = findings(report);
    let rules: Vec<Value> = found.iter().map(rule).collect();
    let results: Vec<Value> = found
        .iter()
        .enumerate()
        .map(|(index, finding)| result(report, index, finding))
        .collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "x402-assay",
                "version": line(&report.bench_version),
                "rules": rules,
            } },
            "invocations": [{ "executionSuccessful": !report.interrupted }],
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

fn line(value: &str) -> String {
    text::line(value, TEXT_MAX)
}

const fn level(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fail => "error",
        Verdict::Warn => "warning",
        _ => "note",
    }
}

fn rule(finding: &Finding<'_>) -> Value {
    let mut rule = json!({
        "id": line(finding.id()),
        "shortDescription": { "text": line(finding.title()) },
        "defaultConfiguration": { "level": level(finding.verdict) },
    });
    if let Source::Scenario(scenario) = finding.source {
        let source = line(&scenario.sources.join(", "));
        rule["properties"] = json!({ "tags": ["scenario"], "source": source });
    }
    if let Source::Check(check) = finding.source {
        rule["fullDescription"] = json!({ "text": line(&check.requirement) });
        if let Some(fix) = &check.fix {
            rule["help"] = json!({ "text": line(fix) });
        }
        let tags: Vec<String> = check.tags.iter().map(|tag| line(tag)).collect();
        rule["properties"] = json!({ "tags": tags, "source": line(&check.source) });
    }
    rule
}

fn result(report: &Report, rule: usize, finding: &Finding<'_>) -> Value {
    let place = (line(finding.id()), line(finding.title()));
    let mut result = told(report, rule, finding.verdict, &place, finding.detail());
    if let Some(expected) = finding.expected() {
        let why = line(&expected.told());
        result["suppressions"] =
            json!([{ "kind": "external", "status": "accepted", "justification": why }]);
    }
    result
}

/// One result; the rule's title stands in where nothing was told.
fn told(
    report: &Report,
    rule: usize,
    verdict: Verdict,
    (id, title): &(String, String),
    detail: &str,
) -> Value {
    let detail = match detail.is_empty() {
        true => title.clone(),
        false => line(detail),
    };
    json!({
        "ruleId": id,
        "ruleIndex": rule,
        "level": level(verdict),
        "message": { "text": detail },
        "locations": [{ "logicalLocations": [{
            "fullyQualifiedName": line(report.target.url.as_deref().unwrap_or(&report.target.name)),
            "kind": "resource",
        }] }],
        // The same finding of another run is the same finding.
        "partialFingerprints": { "x402-assay/v1": format!("{id}|{}", line(&report.target.name)) },
    })
}
