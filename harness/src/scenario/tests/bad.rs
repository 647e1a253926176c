use std::fmt::Write as _;
use std::fs;

use super::super::{ScenarioError, load};
use super::{HEAD, SIGNED, Scenario, problems};

/// Steps and expectations that are right, for files that are wrong elsewhere.
const REST: &str = "steps: [{ buy: {} }]\nexpect: [{ invariant: [I1] }]\n";
/// Wrong whole files.
const FILES: &[(&str, &str)] = &[
    ("empty file", ""),
    ("only comments", "# nothing\n"),
    ("a list", "- scenario: t\n"),
    ("a word", "concurrent-duplicates\n"),
    ("tab", "scenario: t\nsteps:\n\t- buy\n"),
    ("unclosed list", "scenario: t\ntags: [a, b\n"),
    ("two documents", "scenario: a\n---\nscenario: b\n"),
    ("everything missing", "version: 1\n"),
    (
        "anchors",
        "scenario: t\nabout: &a x\nrole: server\nsteps: [{ buy: { payer: *a } }]\nexpect: [{ invariant: [I1] }]\n",
    ),
    (
        "many problems at once",
        "scenario: Bad_Name\nrole: sever\nneeds: [facilitatr, evm]\nvary: { n: [], m: [1, 1], k: [1] }\ntimeout: 5\nsteps:\n  - qoute: { as: o }\n  - sign: { offer: o, payr: alice, as: p }\n  - send: { payment: p, copies: \"${n}\" }\nexpect:\n  - invariants: [I1]\n",
    ),
];

/// Wrong heads, each followed by right steps.
const HEADS: &[(&str, &str)] = &[
    ("newer version", "version: 2\n"),
    ("version as text", "version: \"1\"\n"),
    ("unknown key", "expects: []\n"),
    ("unknown key, nothing near", "colour: red\n"),
    ("key given twice", "role: facilitator\n"),
    ("load keys", "arrivals: { rate: 5 }\nthresholds: []\n"),
    ("unknown need", "needs: [facilitator, evn]\n"),
    ("need as text", "needs: facilitator\n"),
    ("source in no known form", "sources: [REP-2, some ticket]\n"),
    ("tag with capitals", "tags: [Replay]\n"),
    ("vary as list", "vary: [copies]\n"),
    ("varied name in capitals", "vary: { Copies: [1] }\n"),
    ("varied value is a map", "vary: { copies: [{ a: 1 }] }\n"),
    ("varied without values", "vary: { copies: [] }\n"),
    ("varied value twice", "vary: { copies: [2, 10, 2] }\n"),
    ("varied and never used", "vary: { copies: [2, 10] }\n"),
    (
        "reference in the head",
        "vary: { n: [1] }\ntags: [\"a${n}\"]\n",
    ),
    ("negative rounds", "rounds: -1\n"),
    ("huge rounds", "rounds: 99999999999999999999\n"),
    ("timeout of a day", "timeout: 24h\n"),
    ("negative timeout", "timeout: -5s\n"),
];

/// Wrong expectations, after right steps.
const EXPECTATIONS: &[(&str, &str)] = &[
    ("none", " []\n"),
    ("unknown expectation", "\n  - response: { delivered: 1 }\n"),
    ("unknown invariant", "\n  - invariant: [I1, I11]\n"),
    ("invariant as text", "\n  - invariant: I1\n"),
    (
        "responses of an unknown step",
        "\n  - responses: { of: coppies, delivered: 1 }\n",
    ),
    (
        "responses of a payment",
        "\n  - responses: { of: payment, delivered: 1 }\n",
    ),
    (
        "responses without anything",
        "\n  - responses: { of: copies }\n",
    ),
    (
        "bounds the wrong way round",
        "\n  - transfers: { at_least: 2, at_most: 1 }\n",
    ),
    (
        "header without a name or a wish",
        "\n  - response_headers: { of: copies }\n",
    ),
    (
        "absent header with a list",
        "\n  - response_headers: { name: \"a b\", present: false, lists: [x] }\n",
    ),
    (
        "near miss of a header's expectation",
        "\n  - response_header: { name: Vary, present: true }\n",
    ),
    (
        "reflected text that is harmless",
        "\n  - not_reflected: { text: hello }\n",
    ),
    ("reflected nothing", "\n  - not_reflected: { of: copis }\n"),
    (
        "gas on a chain without any",
        "\n  - wasted_transactions: 0\n",
    ),
    (
        "near miss of a flag",
        "\n  - supported_is_tru: { of: copies }\n",
    ),
    ("negative count", "\n  - transfers: -1\n"),
    (
        "unknown status",
        "\n  - responses: { statuses: [402, 6xx] }\n",
    ),
    ("balance of nobody", "\n  - balances: { alcie: -1 }\n"),
    ("balance as text", "\n  - balances: { alice: minus one }\n"),
    ("unknown grade", "\n  - transfers: 1\n    grade: warning\n"),
    ("only a grade", "\n  - grade: warn\n"),
];

#[test]
fn every_bad_file_says_what_is_wrong() {
    let mut shown = String::new();
    for (name, text) in FILES {
        writeln!(shown, "## {name}\n{}\n", problems(name, text)).unwrap();
    }
    for (name, text) in HEADS {
        let text = format!("{HEAD}{text}{REST}");
        writeln!(shown, "## {name}\n{}\n", problems(name, &text)).unwrap();
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn every_bad_expectation_says_what_is_wrong() {
    let mut shown = String::new();
    for (name, expect) in EXPECTATIONS {
        let text = format!(
            "{HEAD}needs: [chain]\nsteps:\n{SIGNED}  - send: {{ payment: payment, as: copies }}\nexpect:{expect}"
        );
        writeln!(shown, "## {name}\n{}\n", problems(name, &text)).unwrap();
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn cycles_and_bad_cases_of_the_matrix_are_named() {
    let mut shown = String::new();
    for (name, vary) in [
        ("cycle of one", "{ a: [\"${a}\"] }"),
        (
            "cycle of three",
            "{ a: [\"${b}\"], b: [1, \"${c}\"], c: [\"x${a}\"] }",
        ),
        ("undefined", "{ a: [\"${copeis}\"], copies: [1] }"),
        (
            "more than 500 cases",
            "{ a: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], b: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], c: [1, 2, 3, 4, 5, 6] }",
        ),
        ("one value of several", "{ a: [2, 600, soon], b: [1s, 5] }"),
    ] {
        let text = format!(
            "{HEAD}needs: [facilitator]\nvary: {vary}\nsteps:\n{SIGNED}  \
             - send: {{ payment: payment, copies: \"${{a}}\" }}\n  - settle_down: {{ within: \"${{b}}\" }}\n  \
             - wait: {{ for: 2s }}\nexpect: [{{ invariant: [I1] }}]\n"
        );
        writeln!(shown, "## {name}\n{}\n", problems(name, &text)).unwrap();
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let missing = load(&dir.path().join("gone.yaml"), "gone.yaml").unwrap_err();
    assert!(matches!(missing, ScenarioError::Unreadable { .. }));
    assert!(
        missing
            .to_string()
            .starts_with("cannot read the scenario gone.yaml: No such")
    );
    let binary = dir.path().join("b.yaml");
    fs::write(&binary, b"scenario: \xff\xfe").unwrap();
    let message = load(&binary, "b.yaml").unwrap_err().to_string();
    assert_eq!(
        message,
        "b.yaml: is not UTF-8 text (byte 10); is this the right file?"
    );
    let large = dir.path().join("l.yaml");
    fs::write(&large, vec![b'#'; (64 << 10) + 10]).unwrap();
    let message = load(&large, "l.yaml").unwrap_err().to_string();
    assert!(message.contains("larger than 64 KiB"), "{message}");
}

#[test]
fn hostile_files_end_quickly() {
    let many = format!(
        "{HEAD}needs: [chain]\nsteps: [{}]\nexpect: [{{ invariant: [I1] }}]\n",
        "{ bad: 1 }, ".repeat(4000)
    );
    let list = problems("many", &many);
    assert!(list.contains("more than 200 steps"), "{list}");
    assert!(list.lines().count() <= 101);
    let wide = format!("{HEAD}vary: {{ a: [{}] }}\n{REST}", "1x, ".repeat(9000));
    assert!(problems("wide", &wide).contains("more than 500 values"));
    let deep = format!("{HEAD}steps: {}", "[".repeat(5000));
    let deep = problems("deep", &deep);
    assert!(deep.contains("recursion limit"), "{deep}");
    assert!(Scenario::parse(&"\0".repeat(100), "t.yaml").is_err());
}
