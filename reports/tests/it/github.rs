use insta::assert_snapshot;
use x402_assay_reports::github;
use x402_assay_reports::model::{ExpectationNote, Expectations, Verdict};

use crate::samples;

/// A line as the runner reads it: the command, its properties, its message.
fn parsed(line: &str) -> (&str, Vec<(&str, &str)>, &str) {
    let rest = line.strip_prefix("::").expect(line);
    let (head, message) = rest.split_once("::").expect(line);
    let (command, properties) = head.split_once(' ').unwrap_or((head, ""));
    let properties = properties
        .split(',')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').expect(line))
        .collect();
    (command, properties, message)
}

#[test]
fn every_sample() {
    for (name, report) in samples::all() {
        let text = github::render(&report);
        if name != "hostile" {
            assert_snapshot!(format!("github_{name}"), text);
        }
        for line in text.lines() {
            let (command, properties, message) = parsed(line);
            assert!(
                matches!(command, "error" | "warning" | "notice"),
                "{name}: {line}"
            );
            let names: Vec<&str> = properties.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, ["title"], "{name}: {line}");
            assert!(!message.is_empty(), "{name}: {line}");
        }
    }
}

/// A target that answers workflow commands runs none.
#[test]
fn what_a_target_says_begins_no_command_and_no_property() {
    let mut report = samples::nonconformant();
    let poison = "100%\r\n::set-env name=PATH::/evil\n##[add-path]/evil,file=a.rs,line=1::x\u{85}\u{2028}::stop-commands::x";
    report.target.name = poison.to_owned();
    report.summary = poison.to_owned();
    for check in &mut report.checks {
        check.id = poison.to_owned();
        check.title = poison.to_owned();
        check.detail = poison.to_owned();
        check.fix = Some(poison.to_owned());
    }
    let text = github::render(&report);
    let mut errors = 0;
    for line in text.lines() {
        let (command, properties, message) = parsed(line);
        errors += usize::from(command == "error");
        assert_eq!(properties.len(), 1, "{line}");
        assert!(!properties[0].1.contains([':', ',', '\r']), "{line}");
        // The only line break of a message is ours, before the fix, and a percent sign is never bare.
        assert!(message.matches("%0A").count() <= 1, "{line}");
        for (at, _) in line.match_indices('%') {
            let known = ["%25", "%0A", "%3A", "%2C"];
            assert!(known.contains(&&line[at..at + 3]), "{line}");
        }
        assert!(!line.chars().any(char::is_control), "{line}");
    }
    assert!(errors >= 2, "{text}");
}

#[test]
fn ten_of_each_kind_and_the_rest_is_counted() {
    let mut report = samples::nonconformant();
    let failed = report
        .checks
        .iter()
        .find(|check| check.verdict == Verdict::Fail)
        .unwrap()
        .clone();
    report.checks = vec![failed; 30];
    report.invariants.clear();
    let text = github::render(&report);
    let count = |kind: &str| text.lines().filter(|line| line.starts_with(kind)).count();
    assert_eq!(count("::error "), 10);
    assert!(text.contains("21 findings more in the report"), "{text}");
}

#[test]
fn expected_findings_are_left_out_and_stale_entries_are_told() {
    let report = crate::expected::report();
    let text = github::render(&report);
    for check in report.checks.iter().filter(|row| row.expected.is_some()) {
        assert!(!text.contains(&check.id), "{text}");
    }
    let mut stale = samples::conformant_builtin();
    assert_eq!(github::render(&stale).lines().count(), 1);
    stale.expectations = Some(Expectations {
        stale: vec![ExpectationNote {
            check: "SRV-REPL-001".to_owned(),
            version: None,
            route: None,
            text: "it holds now: take the entry out".to_owned(),
        }],
        ..Expectations::default()
    });
    let text = github::render(&stale);
    assert!(
        text.contains("::notice title=stale expectation::SRV-REPL-001"),
        "{text}"
    );
}
