//! Workflows and the action against the public schemas, and against what they must agree with.

use std::path::{Path, PathBuf};

use serde_json::Value;
use x402_assay::config::yaml::{self, Problems};

use super::fences;

const WORKFLOW: &str = include_str!("../../schemas/github-workflow.json");
const ACTION: &str = include_str!("../../schemas/github-action.json");
const GITLAB: &str = include_str!("../../schemas/gitlab-ci.json");

/// The repository.
pub(super) fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.canonicalize().unwrap()
}

pub(super) fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// YAML as JSON; `name` is told when it is none.
pub(super) fn as_json(name: &str, text: &str) -> Value {
    let problems = Problems::new(name);
    let node = yaml::parse(text, &problems);
    let node = problems
        .finish(node)
        .unwrap_or_else(|list| panic!("{list}"));
    yaml::as_json(&node)
}

fn problems(schema: &str, value: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::draft7::new(&schema).expect("the schema compiles");
    let errors = validator.iter_errors(value);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

#[test]
fn workflows_and_action_fit_their_public_schemas() {
    for path in [".github/workflows/ci.yml", ".github/workflows/release.yml"] {
        let found = problems(WORKFLOW, &as_json(path, &read(path)));
        assert_eq!(found, [""; 0], "{path}");
    }
    let action = as_json("action.yml", &read("action.yml"));
    assert_eq!(problems(ACTION, &action), [""; 0]);
    for fence in fences::all() {
        let schema = match fence.is_gitlab() {
            true => GITLAB,
            false => WORKFLOW,
        };
        assert_eq!(problems(schema, &fence.value), [""; 0], "{}", fence.name);
    }
    // The schemas are there and look.
    for (schema, wrong) in [
        (WORKFLOW, "on: push\njobs: { a: { runs-on: x, stepz: [] } }"),
        (
            ACTION,
            "name: x\ndescription: y\nruns: { using: composite, steps: [{ run: x }], other: 1 }",
        ),
        (GITLAB, "x402: { script: { a: b } }"),
    ] {
        assert_ne!(
            problems(schema, &as_json("wrong", wrong)),
            [""; 0],
            "{wrong}"
        );
    }
}

/// A value put into a script by the service is read as script: whoever names a branch would write it.
#[test]
fn no_expression_stands_in_a_script() {
    let mut scripts = Vec::new();
    for path in [
        "action.yml",
        ".github/workflows/ci.yml",
        ".github/workflows/release.yml",
    ] {
        runs(&as_json(path, &read(path)), &mut scripts);
    }
    for fence in fences::all() {
        runs(&fence.value, &mut scripts);
    }
    assert!(scripts.len() > 15, "{scripts:?}");
    for script in scripts {
        assert!(!script.contains("${{"), "{script}");
    }
}

fn runs(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| runs(item, found)),
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(script) if name == "run" => found.push(script.clone()),
                    _ => runs(member, found),
                }
            }
        }
        _ => {}
    }
}

/// One version everywhere: what is built, what the action installs, what the pages name.
#[test]
fn every_file_names_this_version() {
    let version = env!("CARGO_PKG_VERSION");
    let action = as_json("action.yml", &read("action.yml"));
    assert_eq!(action["inputs"]["version"]["default"], version);
    for page in ["README.md", "docs/ci.md"] {
        let text = read(page);
        for (at, _) in text.match_indices("x402-assay/x402-assay@") {
            let rest = &text[at..];
            let wanted = format!("x402-assay/x402-assay@v{version}");
            assert!(rest.starts_with(&wanted), "{page}: {}", &rest[..40]);
        }
    }
    let anvil = format!("ARG ANVIL_VERSION={}", x402_assay::chain::ANVIL_VERSION);
    assert!(read("Dockerfile").contains(&anvil), "{anvil}");
    // Every input is on the page, and the page names no other.
    let page = read("docs/ci.md");
    let table = page.split_once("| Input |").unwrap().1;
    let table = table.split_once("\n\n").unwrap().0;
    for name in action["inputs"].as_object().unwrap().keys() {
        assert!(table.contains(&format!("`{name}`")), "{name}");
    }
}
