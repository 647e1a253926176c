use serde_json::{Value, json};
use x402_assay_reports::json;
use x402_assay_reports::model::{CheckResult, Report};

use crate::samples;

const SCHEMA: &str = include_str!("../../schema/report-1.json");

pub(crate) fn validator() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    assert!(
        jsonschema::meta::is_valid(&schema),
        "the schema is no JSON Schema"
    );
    jsonschema::validator_for(&schema).expect("the schema compiles")
}

fn value(report: &Report) -> Value {
    serde_json::from_str(&json::render(report)).expect("a report is JSON")
}

#[test]
fn every_sample_fits_the_published_schema() {
    let validator = validator();
    for (name, report) in samples::all() {
        let value = value(&report);
        let problems: Vec<_> = validator
            .iter_errors(&value)
            .map(|e| e.to_string())
            .collect();
        assert_eq!(problems, [""; 0], "{name}");
    }
}

#[test]
fn what_does_not_fit_the_model_does_not_fit_the_schema() {
    let validator = validator();
    let good = value(&samples::nonconformant());
    let wrong = [
        ("/schema", json!(2)),
        ("/verdict", json!("splendid")),
        ("/seed", json!("1")),
        ("/checks/0/verdict", json!("ok")),
        ("/checks/0/evidence", json!(null)),
        ("/money/amounts/settled", json!(90000)),
        ("/money/signed", json!(-1)),
        ("/controls/positive/held", json!("yes")),
        ("/invariants/0/violations/0/text", json!(7)),
        ("/fidelity/chain", json!(null)),
    ];
    for (pointer, new) in wrong {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).expect(pointer) = new;
        assert!(!validator.is_valid(&bad), "{pointer} fits the schema");
        let read = json::read(&bad.to_string()).is_ok();
        assert!(
            !read || pointer == "/money/amounts",
            "{pointer} fits the model"
        );
    }
}

/// Every member the model writes is described, and every member the schema requires is written.
#[test]
fn schema_and_model_name_the_same_members() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let report = value(&crate::expected::report());
    assert_eq!(names(&schema["properties"]), names(&report));
    let check = |check: &Value| names(check);
    let described = check(&schema["$defs"]["check"]["properties"]);
    let full = report["checks"].as_array().unwrap().iter().map(check);
    let widest = full.max_by_key(Vec::len).unwrap();
    assert_eq!(described, widest);
}

fn names(object: &Value) -> Vec<String> {
    let mut names: Vec<_> = object
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect();
    names.sort();
    names
}

/// A check without options leaves them out, and still fits.
#[test]
fn absent_options_are_left_out() {
    let check: CheckResult =
        samples::check("A", "b", x402_assay_reports::model::Verdict::Pass, "c");
    let value = serde_json::to_value(&check).unwrap();
    for name in ["cause", "fix", "replay", "tags"] {
        assert!(value.get(name).is_none(), "{name}");
    }
}
