use insta::assert_snapshot;
use x402_assay_reports::{TerminalOptions, terminal};

use crate::samples;

#[test]
fn every_sample() {
    for (name, report) in samples::all() {
        assert_snapshot!(
            format!("terminal_{name}"),
            terminal::render(&report, TerminalOptions::default())
        );
    }
}

#[test]
fn verbose_lists_what_passed_and_the_latencies() {
    let options = TerminalOptions {
        verbose: true,
        width: 72,
        ..TerminalOptions::default()
    };
    assert_snapshot!(terminal::render(&samples::nonconformant(), options));
}

#[test]
fn colours_change_nothing_but_colours() {
    let options = TerminalOptions {
        color: true,
        ..TerminalOptions::default()
    };
    for (_, report) in samples::all() {
        let plain = terminal::render(&report, TerminalOptions::default());
        let colored = terminal::render(&report, options);
        assert!(colored.contains("\u{1b}[1;3"));
        assert_eq!(without_colors(&colored), plain);
    }
}

fn without_colors(text: &str) -> String {
    let mut out = String::new();
    for (index, part) in text.split("\u{1b}[").enumerate() {
        let part = match part.split_once('m') {
            Some((_, rest)) if index > 0 => rest,
            _ => part,
        };
        out.push_str(part);
    }
    out
}

#[test]
fn the_result_fits_ten_lines_and_the_first_says_why() {
    for (name, report) in samples::all() {
        if name.contains("hostile") {
            continue;
        }
        let text = terminal::render(&report, TerminalOptions::default());
        let head = text.split("\n\n").next().unwrap();
        assert!(head.lines().count() <= 10, "{name}:\n{head}");
        assert!(head.lines().next().unwrap().ends_with(&report.summary));
    }
}

#[test]
fn lines_keep_to_the_width_but_for_the_first_and_commands() {
    let options = TerminalOptions {
        width: 60,
        ..TerminalOptions::default()
    };
    let text = terminal::render(&samples::nonconformant(), options);
    for line in text.lines().skip(1).filter(|line| !line.contains("replay")) {
        let unbreakable = line.trim_start().split(' ').count() == 1;
        assert!(line.chars().count() <= 60 || unbreakable, "{line}");
    }
}

#[test]
fn evidence_beyond_six_is_counted_and_shown_when_verbose() {
    let mut report = samples::nonconformant();
    let check = &mut report.checks[3];
    check.evidence = (0..50)
        .map(|number| samples::evidence("exchange", &number.to_string(), "200"))
        .collect();
    let text = terminal::render(&report, TerminalOptions::default());
    assert!(text.contains("and 44 more in report.json"), "{text}");
    let verbose = TerminalOptions {
        verbose: true,
        ..TerminalOptions::default()
    };
    assert!(terminal::render(&report, verbose).contains("exchange 49: 200"));
}
