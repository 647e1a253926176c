//! Section K: `bazaar` (wire-format section 14.3).

use serde_json::Value;
use x402_assay_protocol::Version;

use super::{each_declared, text};
use crate::checks::check::{BOTH, Check, Grade, Level, Role};
use crate::checks::judged::{Judged, evidence_of};
use crate::checks::outcome::Outcome;

const NAME: &str = "bazaar";
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

pub(in crate::checks) const VALID: Check = Check {
    id: "SRV-EXT-BAZ-001",
    title: "Bazaar information is valid under its own schema",
    requirement: "`info` validates against the `schema` beside it (draft 2020-12), and `input.type` is http or mcp.",
    observe: "extensions.bazaar of every challenge; references to other documents are not followed.",
    good: "info.input.type \"http\" and a schema that info satisfies",
    bad: "a schema that requires queryParams which info does not have",
    source: "bazaar, \"Schema Validation\"",
    role: Role::ResourceServer,
    versions: BOTH,
    level: Level::Must,
    grade: Grade::Warn,
    raised_by: None,
    needs: &[],
    probes: &["unpaid"],
    judge: valid,
    cause: "info and schema are written apart from each other",
    fix: "derive both from one declaration; facilitators do not list a resource whose info fails its schema",
    tags: &["extensions"],
    killed_by: &[],
};

fn valid(judged: &Judged<'_, '_>, version: Version) -> Outcome {
    each_declared(judged, version, NAME, |exchange, _, declared| {
        let evidence = evidence_of(exchange);
        match problem_of(declared) {
            Ok(()) => Outcome::pass("info satisfies its schema", evidence),
            Err(why) => Outcome::warn(why, evidence),
        }
    })
}

fn problem_of(declared: &Value) -> Result<(), String> {
    let info = declared.get("info").ok_or("no info")?;
    let schema = declared.get("schema").filter(|schema| schema.is_object());
    let schema = schema.ok_or("no schema object")?;
    let input = info.get("input").ok_or("info has no input")?;
    match text(input, "type") {
        Some("http") => {}
        // The published texts differ on the member's name.
        Some("mcp")
            if input
                .get("tool")
                .or_else(|| input.get("toolName"))
                .is_some() => {}
        Some("mcp") => return Err("input.type mcp names no tool".to_owned()),
        other => return Err(format!("input.type {other:?} is neither http nor mcp")),
    }
    if let Some(named) = text(schema, "$schema")
        && named.trim_end_matches('#') != DRAFT
    {
        return Err(format!(
            "the schema is written for {named}, not draft 2020-12"
        ));
    }
    let validator = jsonschema::draft202012::new(schema)
        .map_err(|error| format!("the schema is none: {error}"))?;
    validator
        .validate(info)
        .map_err(|error| format!("info fails its schema: {error}"))
}
