use insta::assert_snapshot;
use serde_json::Value;
use x402_assay_reports::model::{CaseResult, ScenarioFinding, ScenarioResult, Verdict};
use x402_assay_reports::sarif;

use crate::samples;

#[test]
fn every_sample() {
    for (name, report) in samples::all() {
        let text = sarif::render(&report);
        if !name.contains("hostile") {
            assert_snapshot!(format!("sarif_{name}"), text);
        }
        let log: Value = serde_json::from_str(&text).expect(name);
        let run = &log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        for result in run["results"].as_array().unwrap() {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"], "{name}");
            assert_ne!(result["message"]["text"], "", "{name}");
        }
    }
}

/// The published schema of SARIF; `tests/schemas/README.md` says where it comes from.
const SCHEMA: &str = include_str!("../schemas/sarif-2.1.0.json");

#[test]
fn every_sample_fits_the_published_schema() {
    // Two patterns of the published schema are no regular expressions: a bracket too many.
    let broken = "[a-zA-Z]{2}]?$";
    assert_eq!(SCHEMA.matches(broken).count(), 2);
    let schema = SCHEMA.replace(broken, "[a-zA-Z]{2}$");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::draft7::new(&schema).expect("the schema compiles");
    let problems = |log: &Value| -> Vec<String> {
        let errors = validator.iter_errors(log);
        errors
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect()
    };
    let expected = ("expected", crate::expected::report());
    let scenarios = ("scenarios", crate::scenarios::failing());
    for (name, report) in samples::all().into_iter().chain([expected, scenarios]) {
        let mut log: Value = serde_json::from_str(&sarif::render(&report)).expect(name);
        assert_eq!(problems(&log), [""; 0], "{name}");
        // The schema is there and looks: what it forbids is found.
        log["runs"][0]["results"] = serde_json::json!([{ "level": "catastrophe" }]);
        log["runs"][0]["ours"] = true.into();
        assert!(problems(&log).len() >= 2, "{name}");
    }
}

/// A failed scenario is a result, a passed one is none.
#[test]
fn scenarios_that_failed_are_results() {
    let mut report = samples::conformant_builtin();
    let none: Value = serde_json::from_str(&sarif::render(&report)).unwrap();
    assert_eq!(none["runs"][0]["results"].as_array().unwrap().len(), 0);
    report.scenarios = [Verdict::Pass, Verdict::Fail]
        .map(|verdict| ScenarioResult {
            name: format!("scenario-{verdict:?}"),
            about: "Settle says no.".to_owned(),
            sources: vec!["VER-02".to_owned()],
            verdict,
            smallest: None,
            replay: None,
            expected: None,
            cases: vec![CaseResult {
                rate: None,
                interleaving: Vec::new(),
                minimised: None,
                repeats: None,
                replay: None,
                case: 1,
                label: String::new(),
                verdict,
                rounds: 1,
                with_verdict: 1,
                detail: "the case".to_owned(),
                findings: vec![ScenarioFinding {
                    verdict,
                    expectation: "invariant I1".to_owned(),
                    text: "1 delivered, 0 transferred".to_owned(),
                    why: None,
                    evidence: Vec::new(),
                }],
            }],
        })
        .to_vec();
    let log: Value = serde_json::from_str(&sarif::render(&report)).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 1);
    assert_eq!(results[0]["ruleId"], "scenario-Fail");
    assert_eq!(results[0]["message"]["text"], "1 delivered, 0 transferred");
    assert_eq!(results[0]["level"], "error");
    let rules = &log["runs"][0]["tool"]["driver"]["rules"];
    assert_eq!(rules[0]["id"], "scenario-Fail");
}
