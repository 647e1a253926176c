use std::collections::BTreeMap;

use insta::assert_snapshot;
use proptest::prelude::*;
use x402_assay_reports::json;
use x402_assay_reports::model::*;

use crate::samples;

#[test]
fn every_sample_comes_back_unchanged() {
    for (name, report) in samples::all() {
        let text = json::render(&report);
        assert_eq!(json::read(&text).unwrap(), report, "{name}");
        assert_eq!(json::render(&json::read(&text).unwrap()), text, "{name}");
    }
}

#[test]
fn the_form_is_stable() {
    assert_snapshot!(
        "json_nonconformant",
        json::render(&samples::nonconformant())
    );
    assert_snapshot!(
        "json_no_positive_control",
        json::render(&samples::no_positive_control())
    );
    assert_snapshot!(
        "json_scenarios_failing",
        json::render(&crate::scenarios::failing())
    );
}

fn error(text: &str) -> String {
    json::read(text)
        .expect_err("the text is no report")
        .to_string()
}

#[test]
fn every_truncation_is_called_one() {
    let text = json::render(&samples::conformant_builtin());
    let whole = text.trim_end().len();
    for length in (0..whole).step_by(5) {
        let message = error(&text[..length]);
        let told = message.contains("the file is truncated");
        assert!(told, "{length}: {message}");
    }
    assert!(json::read(&text[..whole]).is_ok());
}

#[test]
fn what_is_no_report_is_told_apart() {
    let text = json::render(&samples::conformant_builtin());
    let newer = text.replacen("\"schema\": 1", "\"schema\": 2", 1);
    let zero = text.replacen("\"schema\": 1", "\"schema\": 0", 1);
    let word = text.replacen("\"schema\": 1", "\"schema\": \"one\"", 1);
    let shape = text.replacen("\"seed\": 7316294", "\"seed\": \"7316294\"", 1);
    let unknown = text.replacen("\"conformant\"", "\"splendid\"", 1);
    let messages = [
        &newer, &zero, &word, &shape, &unknown, "{}", "[]", "null", "<html>", "{} {}",
    ]
    .map(error)
    .join("\n");
    assert_snapshot!(messages);
}

#[test]
fn members_of_a_later_minor_version_are_passed_over() {
    let text = json::render(&samples::conformant_builtin());
    let extended = text.replacen("\"seed\"", "\"brand_new\": {\"a\": [1]},\n  \"seed\"", 1);
    assert_eq!(
        json::read(&extended).unwrap(),
        samples::conformant_builtin()
    );
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop::sample::select(vec![
        Verdict::Pass,
        Verdict::Info,
        Verdict::Skipped,
        Verdict::Warn,
        Verdict::Inconclusive,
        Verdict::Fail,
    ])
}

fn evidence() -> impl Strategy<Value = Evidence> {
    any::<(String, String, String)>().prop_map(|(kind, id, text)| Evidence { kind, id, text })
}

fn a_check() -> impl Strategy<Value = CheckResult> {
    (
        any::<(String, String, String, String, String, String)>(),
        verdict(),
        prop::collection::vec(evidence(), 0..3),
        any::<(Option<String>, Option<String>, Option<String>, Vec<String>)>(),
    )
        .prop_map(|(texts, verdict, evidence, options)| CheckResult {
            id: texts.0,
            title: texts.1,
            requirement: texts.2,
            source: texts.3,
            grade: texts.4,
            verdict,
            detail: texts.5,
            evidence,
            cause: options.0,
            fix: options.1,
            replay: options.2,
            tags: options.3,
            expected: None,
        })
}

fn a_violation() -> impl Strategy<Value = Violation> {
    (
        any::<(Option<String>, String)>(),
        prop::collection::vec(evidence(), 0..2),
    )
        .prop_map(|((authorization, text), evidence)| Violation {
            authorization,
            text,
            evidence,
        })
}

prop_compose! {
    fn a_report()(
        checks in prop::collection::vec(a_check(), 0..4),
        violations in prop::collection::vec(a_violation(), 0..3),
        summary in any::<String>(),
        numbers in any::<(u64, u64, u64, usize)>(),
        options in any::<(Option<String>, Option<String>, Option<String>, Option<bool>)>(),
        amounts in any::<BTreeMap<String, String>>(),
        load in prop::option::of(crate::load::a_load()),
    ) -> Report {
        let mut report = samples::conformant_builtin();
        report.checks = checks;
        report.invariants[0].violations = violations;
        report.summary = summary;
        report.seed = numbers.0;
        report.started_unix_s = numbers.1;
        report.duration_ms = numbers.2;
        report.counts.skipped = numbers.3;
        report.fidelity.reason = options.0;
        report.controls.positive.cause = options.1;
        report.target.url = options.2;
        report.target.uses_our_facilitator = options.3;
        report.money.amounts = amounts;
        report.load = load;
        report
    }
}

static SCHEMA: std::sync::LazyLock<jsonschema::Validator> =
    std::sync::LazyLock::new(crate::schema::validator);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_report_loses_anything(report in a_report()) {
        prop_assert_eq!(json::read(&json::render(&report)).unwrap(), report);
    }

    #[test]
    fn every_report_fits_the_published_schema(report in a_report()) {
        let value: serde_json::Value = serde_json::from_str(&json::render(&report)).unwrap();
        let problems: Vec<String> =
            SCHEMA.iter_errors(&value).map(|error| error.to_string()).collect();
        prop_assert_eq!(problems, Vec::<String>::new());
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>()) {
        prop_assert!(json::read(&text).is_err());
    }

    #[test]
    fn every_report_renders_within_bounds(report in a_report()) {
        let options = x402_assay_reports::TerminalOptions::default();
        let page = x402_assay_reports::terminal::render(&report, options);
        prop_assert!(!page.chars().any(|c| c.is_control() && c != '\n'));
        let markdown = x402_assay_reports::markdown::render(&report);
        prop_assert!(markdown.len() <= x402_assay_reports::markdown::BYTES_MAX);
    }
}
