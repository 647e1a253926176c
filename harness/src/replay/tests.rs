use std::path::Path;

use x402_assay_protocol::Version;
use x402_assay_reports::model::Verdict;

use super::read::{FOUND_KEYS, KEYS};
use super::*;
use crate::cli::args::ChainChoice;
use crate::config::profile;
use crate::config::yaml::{self, Problems, as_json};
use crate::runner::Sheet;
use crate::scenario::{BUILTIN, Scenario};

const SECRETS: [&str; 5] = [
    "s3cret-header",
    "s3cret-env",
    "s3cret-auth",
    "s3cret-route",
    "s3cret-password",
];

/// Every key a server's profile knows, with secrets wherever one may stand.
const PROFILE: &str = r#"
name: shop $5
server: http://me:s3cret-password@127.0.0.1:{port}
launch: { command: "node 'server.mjs' --price $$1", ready: /health, timeout: 1500ms, env: { LOG: warn, API_KEY: s3cret-env } }
versions: [2]
headers: { Authorization: "Bearer s3cret-header", Accept: text/html }
auth: { command: "printf 'X-Auth: s3cret-auth'", ttl: 100s }
tls: { insecure: true }
limits: { rps: 50, requests: 2000 }
timeout: 30s
routes:
  - { path: /paid }
  - { path: "/items/{id}", example: /items/7, kind: parameter }
  - { path: /generate, method: POST, headers: { Content-Type: application/json, X-Key: s3cret-route }, body: '{"q":"$1"}' }
  - { path: /expensive, price: "50000" }
  - { path: /dollars, price: "$$0.05" }
free: [/health]
origin: { marker: paid-7f3a, executions: /n, status: "/status/{code}", delay: "/delay/{ms}", stream: /stream }
flow: upfront
idempotent_replay: true
dynamic_price: true
replicas: 2
fund: ["0x70997970C51812dc3A010C7d01b50e0d17dc79C8"]
"#;

fn variable(name: &str) -> Option<String> {
    let value = match name {
        "TARGET_PASSWORD" => "s3cret-password",
        "TARGET_HEADER_AUTHORIZATION" => "Bearer s3cret-header",
        "TARGET_ENV_LOG" => "warn",
        "TARGET_ENV_API_KEY" => "s3cret-env",
        "TARGET_AUTH_COMMAND" => "printf 'X-Auth: s3cret-auth'",
        "TARGET_GENERATE_HEADER_X_KEY" => "s3cret-route",
        _ => return None,
    };
    Some(value.to_owned())
}

fn place(with_target: bool) -> Place<'static> {
    Place {
        folder: Path::new("/srv/folder"),
        lookup: &variable,
        with_target,
    }
}

fn target() -> ReplayTarget {
    let folder = Path::new("/srv/folder");
    let profile = profile::parse(PROFILE, "p.yaml", folder, &|_| None).unwrap();
    ReplayTarget::Profile(Box::new(profile))
}

fn file_of(text: &str, case: usize, target: ReplayTarget) -> ReplayFile {
    let scenario = Scenario::parse(text, "s.yaml").unwrap();
    let case = &scenario.expand()[case % scenario.expand().len()];
    let text = scenario.case_file(case, |_| true);
    let parameters = case.parameters.iter();
    ReplayFile {
        found: Found {
            scenario: scenario.name.clone(),
            case: 3,
            parameters: parameters
                .map(|(n, v)| (n.to_owned(), v.to_owned()))
                .collect(),
            expectation: "invariant I1".to_owned(),
            verdict: Verdict::Fail,
            text: "given: \"twice\"\n${HOME} # no comment".to_owned(),
        },
        bench: "0.1.0".to_owned(),
        when: "Sat, 21 Nov 2026 13:00:00 GMT".to_owned(),
        seed: 9_007_199_254_740_991,
        x402: Some(Version::V2),
        chain: Some(ChainChoice::Memory),
        network: Some(84532),
        target: Some(target),
        sheet: Sheet {
            scenario: Scenario::parse(&text, "s.yaml").unwrap().into(),
            text,
        },
    }
}

fn written(file: &ReplayFile) -> Written {
    write(file, &|text| text.to_owned(), Path::new("/srv/folder"))
}

fn errors(text: &str) -> Vec<String> {
    let schema = include_str!("../../../scenarios/schema/replay-1.json");
    let schema = serde_json::from_str(schema).unwrap();
    assert!(jsonschema::meta::is_valid(&schema));
    let problems = Problems::new("t.yaml");
    let value = as_json(&yaml::parse(text, &problems).unwrap());
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator
        .iter_errors(&value)
        .map(|error| error.to_string())
        .collect()
}

#[test]
fn what_is_written_is_read_again_and_fits_the_schema() {
    for (index, (name, text)) in BUILTIN.iter().enumerate() {
        let defects = vec!["settle-ignored".to_owned()];
        let file = file_of(text, index, ReplayTarget::BuiltIn { defects });
        let Written { text, variables } = written(&file);
        assert_eq!(variables, [] as [&str; 0], "{name}");
        assert_eq!(errors(&text), [] as [&str; 0], "{name}\n{text}");
        let again =
            parse(&text, "r.yaml", place(true)).unwrap_or_else(|list| panic!("{list}\n{text}"));
        let wanted = "given: \"twice\" ${HOME} # no comment";
        assert_eq!(
            again.found,
            Found {
                text: wanted.to_owned(),
                ..file.found.clone()
            }
        );
        assert_eq!(again.sheet.text, file.sheet.text, "{name}");
        assert_eq!(again.target, file.target);
        assert_eq!(
            (again.seed, again.x402, again.network),
            (file.seed, file.x402, file.network)
        );
        assert_eq!(again.chain, file.chain);
    }
}

#[test]
fn a_whole_profile_is_kept_and_none_of_its_secrets() {
    let file = file_of(BUILTIN[0].1, 0, target());
    let Written { text, variables } = written(&file);
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret}\n{text}");
    }
    for variable in &variables {
        assert!(
            text.contains(&format!("# Set {variable} before: ")),
            "{variable}\n{text}"
        );
    }
    assert_eq!(errors(&text), [] as [&str; 0], "{text}");
    let again = parse(&text, "r.yaml", place(true)).unwrap_or_else(|list| panic!("{list}\n{text}"));
    let (Some(ReplayTarget::Profile(read)), ReplayTarget::Profile(mut given)) =
        (again.target, target())
    else {
        panic!("{text}")
    };
    // The generation stands beside the target.
    given.versions = None;
    assert_eq!(read, given, "{text}");
    assert_eq!(variables.len(), 6, "{variables:?}");
}

#[test]
fn variables_are_wanted_only_with_the_target_they_belong_to() {
    let text = written(&file_of(BUILTIN[0].1, 0, target())).text;
    let unset = Place {
        lookup: &|_| None,
        ..place(true)
    };
    let message = parse(&text, "r.yaml", unset).unwrap_err().to_string();
    assert!(
        message.contains("the variable `TARGET_ENV_LOG` is not set"),
        "{message}"
    );
    let without = Place {
        with_target: false,
        ..unset
    };
    assert_eq!(parse(&text, "r.yaml", without).unwrap().target, None);
}

#[test]
fn every_problem_of_a_file_is_told_at_its_place() {
    let text = "replay: 2\nbench: 0.1.0\nfond: {}\nfound: { scenario: s, case: 0, expectation: \"\", verdict: pass, text: x }\n\
                seed: -1\nx402: v3\nchain: anvl\nnetwork: nowhere\ntarget: { builtin: { defects: [settle-ignord], x: 1 } }\n\
                scenario:\n  scenario: t\n  about: A.\n  role: server\n  vary: { n: [1, 2] }\n  steps:\n    - buy: { payer: nobody }\n  expect: []\n";
    let message = parse(text, "r.yaml", place(true)).unwrap_err().to_string();
    insta::assert_snapshot!(message);
    assert!(!errors(text).is_empty());
}

#[test]
fn a_file_holds_one_case() {
    let file = file_of(BUILTIN[0].1, 0, target());
    let text = written(&file).text;
    let (head, _) = text.split_once("scenario:\n  ").unwrap();
    let several = BUILTIN
        .iter()
        .find(|(name, _)| *name == "concurrent-duplicates")
        .unwrap()
        .1;
    let several: String = several.lines().map(|line| format!("  {line}\n")).collect();
    let message = parse(
        &format!("{head}scenario:\n{several}"),
        "r.yaml",
        place(true),
    )
    .unwrap_err();
    assert!(message.to_string().contains("holds one case"), "{message}");
}

#[test]
fn the_schema_knows_every_key() {
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../../../scenarios/schema/replay-1.json")).unwrap();
    let keys = |value: &serde_json::Value| -> Vec<String> {
        value["properties"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    };
    assert_eq!(keys(&schema), KEYS);
    assert_eq!(keys(&schema["properties"]["found"]), FOUND_KEYS);
}
