//! What a load section looks like to people.

use x402_assay_reports::model::Report;
use x402_assay_reports::model::load::*;

use crate::load::{outcome, report};

/// Every rendering for people, white space put together.
fn told(report: &Report) -> [String; 3] {
    let text = [
        x402_assay_reports::terminal::render(
            report,
            x402_assay_reports::TerminalOptions::default(),
        ),
        x402_assay_reports::markdown::render(report),
        x402_assay_reports::html::render(report),
    ];
    text.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[test]
fn the_caveat_of_the_closed_model_is_told_once() {
    let caveat = LoadModel::Closed.caveat().expect("it has one");
    for repeats in [0, 1] {
        let mut report = report();
        let load = report.load.as_mut().expect("a load");
        load.model = LoadModel::Closed;
        let repeated = std::iter::repeat_n(caveat.to_owned(), repeats);
        load.caveats.splice(0..0, repeated);
        for text in told(&report) {
            assert_eq!(text.matches("so stalls hide").count(), 1, "{text}");
            assert_eq!(text.matches("bench and server shared").count(), 1, "{text}");
        }
    }
}

#[test]
fn where_most_was_refused_the_headline_says_what_was_not_limited() {
    let mut report = report();
    let load = report.load.as_mut().expect("a load");
    load.limited_by.by = LimitedBy::None;
    let [terminal, markdown, page] = told(&report);
    assert!(markdown.contains(", limited by nothing"), "{markdown}");
    assert!(page.contains(", limited by nothing"));
    assert!(terminal.contains("limited by nothing:"), "{terminal}");
    let load = report.load.as_mut().expect("a load");
    load.outcomes = vec![
        outcome("buy", "402", false, 1_990),
        outcome("buy", "500", false, 2_000),
        outcome("buy", "200", true, 3_000),
    ];
    assert_eq!(load.mostly_wrong().map(|row| row.count), Some(2_000));
    let [_, markdown, page] = told(&report);
    let headline = "rate limited by nothing, most ended as buy: 500 (error)";
    assert!(markdown.contains(headline), "{markdown}");
    assert!(page.contains(headline));
    let load = report.load.as_mut().expect("a load");
    load.outcomes[2].count = 4_000;
    assert_eq!(load.mostly_wrong(), None);
}

#[test]
fn outcomes_over_time_are_drawn_with_names_and_a_table() {
    let page = x402_assay_reports::html::render(&report());
    let section = page.split_once("Outcomes over time").expect("a chart").1;
    let section = section.split_once("</details>").expect("a table").0;
    for name in ["good", "deserved", "timed out", "dropped"] {
        assert!(
            section.contains(&format!("<strong>{name}</strong>")),
            "{name}"
        );
    }
    for absent in ["refused", "failed"] {
        assert!(!section.contains(&format!("<strong>{absent}</strong>")));
    }
    assert_eq!(section.matches("<polygon").count(), 4, "a band each");
    assert!(section.contains("aria-label=\"Outcomes per second"));
    assert!(section.contains("27 timed out, 40 dropped. The table that follows"));
    assert_eq!(section.matches("<tr>").count(), 1 + 12);
}

/// A report of an earlier version does not say how things ended: errors stay in the chart of rates.
#[test]
fn a_report_without_ends_is_drawn_as_before() {
    let mut report = report();
    let load = report.load.as_mut().expect("a load");
    for interval in &mut load.series {
        interval.ends = None;
    }
    let text = x402_assay_reports::json::render(&report);
    assert!(!text.contains("\"ends\""));
    assert_eq!(x402_assay_reports::json::read(&text).unwrap(), report);
    let page = x402_assay_reports::html::render(&report);
    assert!(!page.contains("Outcomes over time"));
    assert!(page.contains(">\nerrors\n</text>"), "a line of errors");
}

#[test]
fn the_last_piece_of_a_second_is_said_and_not_drawn() {
    let whole = x402_assay_reports::html::render(&report());
    assert!(!whole.contains("last whole interval"));
    let mut report = report();
    let load = report.load.as_mut().expect("a load");
    load.series.push(LoadInterval {
        at_s: 12.0,
        width_s: 0.004,
        goodput: 1,
        ends: Some(LoadEnds::default()),
        ..LoadInterval::default()
    });
    let page = x402_assay_reports::html::render(&report);
    assert!(page.contains("what ended in the 4.00 ms after it"));
    let charts = |page: &str| -> Vec<String> {
        let svgs = page.split("<svg").skip(1);
        svgs.map(|svg| svg.split_once("</svg>").unwrap().0.to_owned())
            .collect()
    };
    assert_eq!(charts(&page), charts(&whole));
}
