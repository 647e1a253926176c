//! `compare.json` against its published schema.

use serde_json::{Value, json};
use x402_assay_reports::compare::{Comparison, Rule, compare};

use crate::schema::names;
use crate::{load, samples};

const SCHEMA: &str = include_str!("../../schema/compare-1.json");

fn validator() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    assert!(
        jsonschema::meta::is_valid(&schema),
        "the schema is no JSON Schema"
    );
    jsonschema::validator_for(&schema).expect("the schema compiles")
}

fn value(comparison: &Comparison) -> Value {
    serde_json::to_value(comparison).expect("a comparison is JSON")
}

#[test]
fn every_comparison_of_two_samples_fits_the_published_schema() {
    let validator = validator();
    let all = samples::all();
    let mut kinds = std::collections::BTreeSet::new();
    for (base_name, base) in &all {
        for (name, new) in &all {
            let value = value(&compare(base, new, Rule::default()));
            kinds.insert(value["outcome"].to_string());
            let problems: Vec<_> = validator
                .iter_errors(&value)
                .map(|error| format!("{error} at {}", error.instance_path()))
                .collect();
            assert_eq!(problems, [""; 0], "{base_name} and {name}");
        }
    }
    let whole = value(&crate::compare::sample());
    assert!(validator.is_valid(&whole), "{whole:#}");
    assert!(kinds.len() >= 3, "{kinds:?}");
}

/// Every member the model writes is described, and every member that is described is written.
#[test]
fn schema_and_model_name_the_same_members() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let whole = value(&crate::compare::sample());
    let mut not_compared = samples::conformant_builtin();
    not_compared.load = Some(load::section());
    let bare = compare(
        &samples::conformant_builtin(),
        &not_compared,
        Rule::default(),
    );
    let mut section = whole["load"].clone();
    section["not_compared"] = value(&bare)["load"]["not_compared"].clone();
    assert!(section["not_compared"].is_string(), "{section:#}");
    let rows = whole["rows"].as_array().unwrap();
    let mut row = rows
        .iter()
        .max_by_key(|row| names(row).len())
        .unwrap()
        .clone();
    row["replay"] = json!("x402-assay run");
    let described = |name: &str| names(&schema["$defs"][name]["properties"]);
    assert_eq!(names(&schema["properties"]), names(&whole));
    for (name, written) in [
        ("side", &whole["base"]),
        ("row", &row),
        ("load", &section),
        ("metric", &whole["load"]["metrics"][0]),
    ] {
        assert_eq!(described(name), names(written), "{name}");
    }
}

#[test]
fn what_does_not_fit_the_model_does_not_fit_the_schema() {
    let validator = validator();
    let good = value(&crate::compare::sample());
    for (pointer, new) in [
        ("/outcome", json!("splendid")),
        ("/base/verdict", json!("fine")),
        ("/base/seed", json!("1")),
        ("/new/started_unix_s", json!(-1)),
        ("/rows/0/change", json!("moved")),
        ("/rows/0/kind", json!("row")),
        ("/rows/0/to", json!("ok")),
        ("/rows/0/id", json!(null)),
        ("/unchanged", json!(-1)),
        ("/remarks", json!("none")),
        ("/load/intervals", json!("all")),
        ("/load/metrics/0/measure", json!("p98")),
        ("/load/metrics/0/movement", json!("up")),
        ("/load/metrics/0/noise", json!([1.0])),
        ("/load/metrics/0/base", json!(null)),
        ("/load", json!({})),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).expect(pointer) = new;
        assert!(!validator.is_valid(&bad), "{pointer} fits the schema");
        let read = serde_json::from_value::<Comparison>(bad);
        assert!(read.is_err(), "{pointer} fits the model");
    }
    let mut newer = good.clone();
    newer["schema"] = json!(2);
    assert!(!validator.is_valid(&newer), "another schema number");
}
