//! A report whose every text comes from a target that wants out of it.

use x402_assay_reports::model::*;
use x402_assay_reports::{TerminalOptions, markdown, terminal};

use crate::samples::{check, conformant_builtin, evidence};

/// Markup, terminal escapes, direction marks, table and fence ends, a mention, a signature.
pub(crate) fn poison() -> String {
    format!(
        "<script>alert(1)</script> | `x` ``` \u{1b}]0;owned\u{7}\u{1b}[2J\r\n\n## fake\u{202e}kcab\u{200b} \
         [click](javascript:alert(1)) ![i](http://evil.test/p.png) @maintainer #1 </details> 0x{}1b",
        "ab".repeat(64)
    )
}

pub(crate) fn report() -> Report {
    let poison = poison();
    let mut report = conformant_builtin();
    report.verdict = RunVerdict::Nonconformant;
    report.summary.clone_from(&poison);
    let server = x402_assay_reports::reproduce::quote(&poison);
    report.command = Some(format!("x402-assay run --server {server} --seed 7"));
    report.target.kind = "server".to_owned();
    report.target.name.clone_from(&poison);
    report.target.url = Some(format!("http://127.0.0.1/';$(reboot)`id`\n{poison}"));
    report.fidelity.node = Some(poison.clone());
    report.controls.positive.detail.clone_from(&poison);
    report.notes = vec![poison.clone(), "x".repeat(1_000_000)];
    let mut finding = check(&poison, &poison, Verdict::Fail, &poison);
    finding.requirement.clone_from(&poison);
    finding.source.clone_from(&poison);
    finding.evidence = vec![evidence(&poison, &poison, &poison)];
    finding.cause = Some(poison.clone());
    finding.fix = Some("1 MB: ".to_owned() + &"<b> ".repeat(250_000));
    finding.replay = Some(poison.clone());
    finding.tags = vec![poison.clone()];
    report.checks.push(finding);
    report
        .checks
        .push(check("SRV-X", "x", Verdict::Skipped, &poison));
    report.invariants[0].verdict = Verdict::Fail;
    report.invariants[0].violations = vec![Violation {
        authorization: Some(poison.clone()),
        text: poison,
        evidence: Vec::new(),
    }];
    report
}

fn rendered() -> [String; 6] {
    let verbose = TerminalOptions {
        verbose: true,
        ..TerminalOptions::default()
    };
    [
        terminal::render(&report(), TerminalOptions::default()),
        terminal::render(&report(), verbose),
        markdown::render(&report()),
        terminal::render(&crate::load::hostile(), TerminalOptions::default()),
        terminal::render(&crate::load::hostile(), verbose),
        markdown::render(&crate::load::hostile()),
    ]
}

#[test]
fn no_control_character_and_no_direction_mark_comes_through() {
    for text in rendered() {
        let bad = text.chars().find(|c| {
            c.is_control() && *c != '\n'
                || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}')
        });
        assert_eq!(bad, None);
    }
}

#[test]
fn no_renderer_shows_a_whole_signature() {
    for text in rendered() {
        assert!(!text.contains(&"ab".repeat(33)), "{text}");
        assert!(text.contains("0xabababab…"), "{text}");
    }
}

#[test]
fn long_strings_are_cut() {
    for text in rendered() {
        assert!(text.len() < markdown::BYTES_MAX, "{} bytes", text.len());
    }
}

#[test]
fn colours_are_the_only_escapes() {
    let color = TerminalOptions {
        color: true,
        ..TerminalOptions::default()
    };
    let text = terminal::render(&report(), color);
    for sequence in text.split('\u{1b}').skip(1) {
        let code = sequence
            .strip_prefix('[')
            .and_then(|rest| rest.split_once('m'));
        let digits =
            code.is_some_and(|(code, _)| code.bytes().all(|b| b.is_ascii_digit() || b == b';'));
        assert!(digits, "an escape that is no colour: {sequence:?}");
    }
    assert!(!text.contains('\u{7}'));
}

#[test]
fn markdown_holds_only_its_own_structure() {
    let text = markdown::render(&report());
    for line in outside_code(&text) {
        assert!(!line.contains("<script"), "{line}");
        assert!(!line.contains("</details"), "{line}");
        let unescaped = line.replace("\\[", "").replace("\\]", "");
        assert!(
            !unescaped.contains('[') && !unescaped.contains(']'),
            "{line}"
        );
        assert!(!line.contains("@maintainer"), "{line}");
    }
    let headings: Vec<_> = text.lines().filter(|line| line.starts_with('#')).collect();
    assert_eq!(headings.len(), 7, "{headings:#?}");
    for row in text.lines().filter(|line| line.starts_with("| ")) {
        let bars = row.replace("\\|", "").matches('|').count();
        assert!([3, 4, 6].contains(&bars), "{bars} bars in {row}");
    }
}

/// Lines of running text, code spans and fenced blocks taken out by the rules of CommonMark.
fn outside_code(text: &str) -> Vec<String> {
    let mut fence: Option<&str> = None;
    let mut lines = Vec::new();
    for line in text.lines() {
        match fence {
            Some(open) if line == open => fence = None,
            Some(_) => {}
            None if line.starts_with("```") => fence = Some(line.trim_end_matches("sh")),
            None => lines.push(without_spans(line)),
        }
    }
    assert_eq!(fence, None, "a fence is left open");
    lines
}

fn without_spans(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(start) = rest.find('`') {
        out.push_str(&rest[..start]);
        if out.ends_with('\\') {
            rest = &rest[start + 1..];
            continue;
        }
        let run = rest[start..].len() - rest[start..].trim_start_matches('`').len();
        let body = &rest[start + run..];
        let Some(end) = closing(body, run) else {
            panic!("a code span is left open in {line}");
        };
        out.push('·');
        rest = &body[end + run..];
    }
    out.push_str(rest);
    out
}

/// Where a run of exactly `run` backticks starts.
fn closing(body: &str, run: usize) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = body[at..].find('`') {
        let start = at + found;
        let length = body[start..].len() - body[start..].trim_start_matches('`').len();
        if length == run {
            return Some(start);
        }
        at = start + length;
    }
    None
}
