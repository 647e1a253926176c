//! `docs/checks.md` is what the registry says, and every failure mode in its table is caught or says what is missing.
//! `INSTA_UPDATE=always` writes it anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use x402_assay::audit::invariants::INVARIANTS;
use x402_assay::checks::{CHECKS, Check, Need};
use x402_assay::scenario::{BUILTIN, Scenario};

use crate::support;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/checks.md");
/// Rows `id | what goes wrong | ids of checks and invariants, or "not observable: ..."`; scenarios name their rows
/// themselves, in `sources`.
const FAILURE_MODES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/failure_modes.txt");

const HEAD: &str = "\
# The checks

Written from the registry by `INSTA_UPDATE=always cargo test -p x402-assay --test it checks_md`; do not edit it.
`x402-assay list --json` says the same to scripts (`--role server`, `--role facilitator`), `x402-assay explain ID` on a terminal.

A check may fail or warn as its grade says; `info` is recorded only. *Turned red by* names the defects of the built-in
server or facilitator that prove that it can fail (`x402-assay selftest`).

";

#[test]
fn the_file_is_what_the_registry_says() {
    let text = format!("{HEAD}{}{}", checks(), failure_modes());
    if support::rewrites() {
        std::fs::write(FILE, text).unwrap();
        return;
    }
    let file = std::fs::read_to_string(FILE).unwrap();
    assert!(
        file == text,
        "docs/checks.md is out of date; write it anew with INSTA_UPDATE=always"
    );
}

fn checks() -> String {
    let mut out = String::new();
    let mut section = "";
    for check in CHECKS {
        // `SRV-V2-402-001` stands in section `SRV-V2-402`.
        let (own, _) = check.id.rsplit_once('-').unwrap();
        if own != section {
            section = own;
            writeln!(out, "## {section}\n").unwrap();
        }
        one(&mut out, check);
    }
    out
}

fn one(out: &mut String, check: &Check) {
    let versions: Vec<String> = check.versions.iter().map(ToString::to_string).collect();
    let needs: Vec<&str> = check.needs.iter().map(|need| name(*need)).collect();
    let defects: Vec<String> = check
        .killed_by
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    let title = escaped(check.title);
    writeln!(out, "### {}\n\n**{title}.**\n", check.id).unwrap();
    let rows = [
        (
            "Grade",
            format!("{}, {}", check.grade.name(), versions.join(" and ")),
        ),
        ("Requirement", escaped(check.requirement)),
        ("Source", escaped(check.source)),
        ("Needs", needs.join(", ")),
        ("Seen", escaped(check.observe)),
        ("Good", escaped(check.good)),
        ("Bad", escaped(check.bad)),
        ("Likely cause", escaped(check.cause)),
        ("Fix", escaped(check.fix)),
        ("Turned red by", defects.join(", ")),
    ];
    for (label, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(out, "- {label}: {value}").unwrap();
    }
    out.push('\n');
}

const fn name(need: Need) -> &'static str {
    match need {
        Need::Facilitator => "a target that calls our facilitator",
        Need::Evm => "a real EVM (not the memory ledger)",
    }
}

/// Angle brackets and stars are text here.
fn escaped(text: &str) -> String {
    text.replace('<', "\\<")
        .replace('*', "\\*")
        .replace('_', "\\_")
}

/// One row of the hand-kept table.
struct Mode {
    id: String,
    text: String,
    caught: Vec<String>,
    missing: Option<String>,
}

fn modes() -> Vec<Mode> {
    let text = std::fs::read_to_string(FAILURE_MODES).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let parts: Vec<&str> = line.split('|').map(str::trim).collect();
            let [id, text, caught] = parts[..] else {
                panic!("not `id | text | caught by`: {line}")
            };
            let missing = caught.strip_prefix("not observable: ").map(str::to_owned);
            let ids = caught.split(',').map(str::trim).filter(|id| !id.is_empty());
            Mode {
                id: id.to_owned(),
                text: text.to_owned(),
                caught: match missing {
                    Some(_) => Vec::new(),
                    None => ids.map(str::to_owned).collect(),
                },
                missing,
            }
        })
        .collect()
}

/// Scenarios of the library that name this row among their sources.
fn scenarios(id: &str) -> Vec<String> {
    let read = BUILTIN
        .iter()
        .map(|(name, text)| Scenario::parse(text, name).unwrap());
    let about = read.filter(|scenario| {
        let sources = scenario.sources.iter();
        let mut words = sources
            .flat_map(|source| source.split(|c: char| !c.is_ascii_alphanumeric() && c != '-'));
        words.any(|word| word == id)
    });
    about.map(|scenario| scenario.name).collect()
}

fn failure_modes() -> String {
    let mut out = "## Failure modes\n\nSeen in the wild, and what catches each.\n\n| | Failure mode | Caught by |\n|---|---|---|\n".to_owned();
    for mode in modes() {
        let mut by: Vec<String> = mode.caught.clone();
        by.extend(scenarios(&mode.id));
        let by: Vec<String> = by.iter().map(|id| format!("`{id}`")).collect();
        let by = match &mode.missing {
            Some(missing) => format!("not observable: {missing}"),
            None => by.join(", "),
        };
        writeln!(out, "| {} | {} | {by} |", mode.id, escaped(&mode.text)).unwrap();
    }
    out
}

#[test]
fn every_failure_mode_is_caught_or_says_what_is_missing() {
    let known: BTreeSet<&str> = CHECKS
        .iter()
        .map(|check| check.id)
        .chain(INVARIANTS.iter().map(|invariant| invariant.id))
        .chain(BUILTIN.iter().map(|(name, _)| *name))
        .collect();
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for mode in modes() {
        if !seen.insert(mode.id.clone()) {
            wrong.push(format!("{} stands twice", mode.id));
        }
        for id in mode.caught.iter().filter(|id| !known.contains(id.as_str())) {
            wrong.push(format!("{}: there is no `{id}`", mode.id));
        }
        let by_scenarios = scenarios(&mode.id);
        if mode.missing.is_some() && !by_scenarios.is_empty() {
            wrong.push(format!(
                "{} is said not to be observable: {by_scenarios:?} see it",
                mode.id
            ));
        }
        if mode.missing.is_none() && mode.caught.is_empty() && by_scenarios.is_empty() {
            wrong.push(format!("nothing catches {}", mode.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
