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

/// The same of the load section, which has members of its own at every depth.
#[test]
fn schema_and_model_name_the_same_members_of_a_load_run() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut load = value(&crate::load::report())["load"].clone();
    load["facilitator"] = json!(crate::load::figures());
    let described = |name: &str| names(&schema["$defs"][name]["properties"]);
    let mut plan = load["plan"].clone();
    plan["scenario"] = json!("load-constant");
    let mut interval = load["series"][0].clone();
    interval["warm_up"] = json!(true);
    let mut threshold = load["thresholds"][0].clone();
    threshold["detail"] = json!("x");
    for (name, written) in [
        ("load", &load),
        ("load_plan", &plan),
        ("load_arrivals", &load["arrivals"]),
        ("load_books", &load["books"]),
        ("load_outcome", &load["outcomes"][0]),
        ("distribution", &load["outcomes"][0]["time"]),
        ("load_phase", &load["latency"][0]),
        ("load_interval", &interval),
        ("load_ends", &interval["ends"]),
        ("load_limits", &load["limited_by"]),
        ("threshold", &threshold),
        ("load_step", &load["steps"][2]),
        ("load_memory", &load["memory"]),
        ("load_facilitator", &load["facilitator"]),
        ("account_gap", &load["facilitator"]["account_gaps"][0]),
    ] {
        assert_eq!(described(name), names(written), "{name}");
    }
}

#[test]
fn what_does_not_fit_a_load_section_does_not_fit_the_schema() {
    let validator = validator();
    let good = value(&crate::load::report());
    assert!(validator.is_valid(&good));
    let mut at_facilitator = good.clone();
    at_facilitator["load"]["facilitator"] = json!(crate::load::figures());
    assert!(validator.is_valid(&at_facilitator));
    at_facilitator["load"]["facilitator"]["reverted_share"] = json!(7);
    assert!(!validator.is_valid(&at_facilitator));
    for (pointer, new) in [
        ("/load/model", json!("half-open")),
        ("/load/goodput_per_s", json!("many")),
        ("/load/arrivals/dropped", json!(-1)),
        ("/load/latency/0/phase", json!("lunch")),
        ("/load/latency/0/hdr", json!(7)),
        ("/load/limited_by/by", json!("weather")),
        ("/load/thresholds/0/verdict", json!("fine")),
        ("/load/outcomes/0/meant", json!("yes")),
        ("/load", json!({})),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).expect(pointer) = new;
        assert!(!validator.is_valid(&bad), "{pointer} fits the schema");
        assert!(
            json::read(&bad.to_string()).is_err(),
            "{pointer} fits the model"
        );
    }
}

pub(crate) fn names(object: &Value) -> Vec<String> {
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
