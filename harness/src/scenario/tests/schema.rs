use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::expect::{Flag, Grade, InvariantId, Receipt};
use super::super::load_sheet::LOAD_KEYS;
use super::super::parse::KEYS;
use super::super::steps::*;
use super::super::words::*;
use super::super::{BUILTIN, EXPECTATIONS, LOAD_BUILTIN, Role, STEPS};
use crate::config::yaml::{self, Problems, as_json};

fn schema() -> Value {
    let text = include_str!("../../../../scenarios/schema/scenario-1.json");
    serde_json::from_str(text).expect("the schema is JSON")
}

fn errors(text: &str) -> Vec<String> {
    let problems = Problems::new("t.yaml");
    let tree = yaml::parse(text, &problems).expect("the text is YAML");
    let validator = jsonschema::validator_for(&schema()).expect("the schema compiles");
    let value = as_json(&tree);
    validator
        .iter_errors(&value)
        .map(|error| error.to_string())
        .collect()
}

#[test]
fn every_built_in_file_fits_the_published_schema() {
    assert!(
        jsonschema::meta::is_valid(&schema()),
        "the schema is no JSON Schema"
    );
    for (name, text) in BUILTIN.iter().chain(LOAD_BUILTIN) {
        assert_eq!(errors(text), [] as [&str; 0], "{name}");
    }
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    for (name, text) in [
        ("unknown key", "colour: red"),
        ("unknown need", "needs: [facilitatr]"),
        ("client", "role: client"),
        ("unknown step", "steps: [{ qoute: { as: o } }]"),
        ("step without its name", "steps: [{ quote: {} }]"),
        ("two steps in one", "steps: [{ release: {}, buy: {} }]"),
        ("wrong duration", "steps: [{ settle_down: { within: 5 } }]"),
        ("wrong invariant", "expect: [{ invariant: [I11] }]"),
        (
            "wrong status",
            "steps: [{ facilitator: { on: settle, status: 42 } }]",
        ),
    ] {
        let key = text.split(':').next().unwrap();
        let whole = [
            ("scenario", "scenario: t"),
            ("about", "about: A test."),
            ("role", "role: server"),
            ("steps", "steps: [buy]"),
            ("expect", "expect: [{ invariant: [I1] }]"),
        ];
        let rest = whole
            .iter()
            .filter(|(given, _)| *given != key)
            .map(|(_, line)| *line);
        let rest: Vec<&str> = rest.collect();
        assert_eq!(
            errors(&whole.map(|(_, line)| line).join("\n")),
            [] as [&str; 0]
        );
        let text = format!("{}\n{text}\n", rest.join("\n"));
        assert_ne!(errors(&text), [] as [&str; 0], "{name}");
        super::parse(&text).expect_err(name);
    }
}

fn keys(value: &Value) -> BTreeSet<&str> {
    let map = value.as_object();
    map.map(|map| map.keys().map(String::as_str).collect())
        .unwrap_or_default()
}

#[test]
fn the_schema_knows_the_same_keys_steps_and_expectations() {
    let schema = schema();
    let known = KEYS.into_iter().chain(LOAD_KEYS).collect();
    assert_eq!(keys(&schema["properties"]), known);
    let defs = &schema["$defs"];
    let steps: BTreeSet<&str> = STEPS.iter().map(|kind| kind.name).collect();
    assert_eq!(keys(&defs["step"]["anyOf"][1]["properties"]), steps);
    for kind in STEPS {
        let step = &defs[format!("step_{}", kind.name)];
        assert_eq!(
            keys(&step["properties"]),
            kind.keys.iter().copied().collect(),
            "{}",
            kind.name
        );
        assert_eq!(step["description"], kind.about, "{}", kind.name);
    }
    let mut expectations: BTreeSet<&str> = EXPECTATIONS.iter().map(|kind| kind.name).collect();
    expectations.extend(["grade", "why"]);
    assert_eq!(
        keys(&defs["expectation"]["anyOf"][1]["properties"]),
        expectations
    );
}

#[test]
fn the_schema_knows_the_same_words() {
    let schema = schema();
    let check = |def: &str, all: Vec<&str>| {
        let def_value = &schema["$defs"][def];
        let words = def_value
            .get("enum")
            .unwrap_or(&def_value["anyOf"][0]["enum"]);
        assert_eq!(*words, json!(all), "{def}");
    };
    macro_rules! same {
        ($($def:literal: $name:ident,)+) => {
            $(check($def, $name::ALL.iter().map(|(word, _)| *word).collect());)+
        };
    }
    same! {
        "role": Role, "need": Need, "stage": Stage, "moment": Moment, "event": ProtocolEvent, "encoding": Encoding,
        "path_form": PathForm, "odd_body": OddBody, "generation": Generation, "endpoint": Endpoint,
        "hold_on": HoldOn, "order": Order, "calls": Calls, "lie": Lie, "supported": Supported,
        "fault_place": FaultPlace, "link_ends": LinkEnds, "rpc_error": RpcError, "rpc_lie": RpcLie,
        "mining": Mining, "wallet": Wallet, "token": TokenKind, "restarted": Restarted, "how": How,
        "retry_policy": RetryPolicy, "header_form": HeaderForm, "body_form": BodyForm,
        "invariant_id": InvariantId, "receipt": Receipt, "grade": Grade,
    }
    let flags: Vec<&str> = Flag::ALL.iter().map(|(word, _)| *word).collect();
    assert_eq!(
        schema["$defs"]["expectation"]["anyOf"][0]["enum"],
        json!(flags)
    );
    let variations = crate::client::VARIATIONS
        .iter()
        .chain(crate::client::MALFORMED);
    check(
        "variation",
        variations.map(|variation| variation.name).collect(),
    );
}
