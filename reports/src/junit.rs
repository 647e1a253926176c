//! JUnit XML, as CI systems read it: a suite for the target, a test case for each check, invariant and scenario case.

use quick_junit::{NonSuccessKind, Report as Suites, TestCase, TestCaseStatus, TestSuite};

use crate::model::load::{ThresholdResult, ThresholdVerdict};
use crate::model::{CaseResult, CheckResult, Evidence, Expected, InvariantResult, Report, Verdict};
use crate::text;

/// Longest text of one case, in characters.
const TEXT_MAX: usize = 2_000;

/// How to grade for a CI system.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JunitOptions {
    /// Warnings fail too.
    pub fail_on_warn: bool,
}

/// The whole report. `fail` is a failure, `inconclusive` an error, `skipped` is skipped with its reason; a warning is
/// told in `system-out` unless warnings fail. What every invariant never saw is left out.
pub fn render(report: &Report, options: JunitOptions) -> String {
    let mut suite = TestSuite::new(line(&report.target.name));
    suite.add_property(("verdict", word(report)));
    suite.add_property(("seed", report.seed.to_string().as_str()));
    suite.add_property(("chain", line(&report.fidelity.chain).as_str()));
    suite.add_property(("x402-assay", line(&report.bench_version).as_str()));
    suite.set_time(std::time::Duration::from_millis(report.duration_ms));
    suite.add_test_case(controls(report));
    suite.add_test_cases(report.checks.iter().map(|result| check(result, options)));
    let seen = report.invariants.iter().filter(|result| result.is_seen());
    suite.add_test_cases(seen.map(|result| invariant(result, options)));
    for scenario in &report.scenarios {
        let cases = scenario.cases.iter();
        let expected = scenario.expected.as_ref();
        let case = |result| scenario_case(&scenario.name, result, expected, options);
        suite.add_test_cases(cases.map(case));
    }
    let thresholds = report.load.iter().flat_map(|load| &load.thresholds);
    suite.add_test_cases(thresholds.map(threshold));
    let mut suites = Suites::new("x402-assay");
    suites.set_time(std::time::Duration::from_millis(report.duration_ms));
    suites.add_test_suite(suite);
    let text = suites
        .to_string()
        .expect("names and texts are free of what XML cannot hold");
    as_jenkins_reads(&text)
}

/// The schema that Jenkins' xUnit plugin holds files against knows no `skipped` at the outermost element, which the library
/// writes; each suite has it.
fn as_jenkins_reads(text: &str) -> String {
    let begin = text.find("<testsuites ").unwrap_or(0);
    let end = begin + text[begin..].find('>').unwrap_or(0);
    let (tag, rest) = text[begin..].split_at(end - begin);
    let tag = match tag.split_once(" skipped=\"") {
        Some((before, after)) => {
            let after = after.split_once('"').map_or("", |(_, after)| after);
            format!("{before}{after}")
        }
        None => tag.to_owned(),
    };
    format!("{}{tag}{rest}", &text[..begin])
}

const fn word(report: &Report) -> &'static str {
    use crate::model::RunVerdict;
    match report.verdict {
        RunVerdict::Conformant => "conformant",
        RunVerdict::Nonconformant => "nonconformant",
        RunVerdict::Inconclusive => "inconclusive",
    }
}

fn line(value: &str) -> String {
    text::line(value, TEXT_MAX)
}

/// Without its controls a run shows nothing: an empty or all-skipped suite must not look green.
fn controls(report: &Report) -> TestCase {
    let missing = [&report.controls.positive, &report.controls.mutation]
        .into_iter()
        .find(|control| !control.held);
    let status = missing.map_or_else(TestCaseStatus::success, |control| {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_type(line(control.cause.as_deref().unwrap_or("missing")));
        status.set_message(line(&control.detail));
        status
    });
    case("run", "controls".to_owned(), status)
}

fn case(class: &str, name: String, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(class.to_owned());
    case
}

fn check(result: &CheckResult, options: JunitOptions) -> TestCase {
    let mut long = vec![line(&result.requirement), line(&result.source)];
    long.extend(
        result
            .cause
            .iter()
            .map(|cause| format!("cause: {}", line(cause))),
    );
    long.extend(result.fix.iter().map(|fix| format!("fix: {}", line(fix))));
    long.extend(evidence(&result.evidence));
    let replay = result.replay.iter();
    long.extend(replay.map(|command| format!("again: {}", text::command(command, TEXT_MAX))));
    let name = format!("{} {}", line(&result.id), line(&result.title));
    let seen = Seen {
        verdict: result.verdict,
        detail: &result.detail,
        expected: result.expected.as_ref(),
    };
    told("checks", name, seen, &long, options)
}

fn invariant(result: &InvariantResult, options: JunitOptions) -> TestCase {
    let long: Vec<String> = result
        .violations
        .iter()
        .take(20)
        .flat_map(|violation| {
            let head = line(&violation.text);
            std::iter::once(head).chain(evidence(&violation.evidence))
        })
        .collect();
    let first = result.violations.first();
    let detail = first.map_or("", |violation| violation.text.as_str());
    let name = format!("{} {}", line(&result.id), line(&result.title));
    let seen = Seen {
        verdict: result.verdict,
        detail,
        expected: result.expected.as_ref(),
    };
    told("invariants", name, seen, &long, options)
}

fn scenario_case(
    scenario: &str,
    result: &CaseResult,
    expected: Option<&Expected>,
    options: JunitOptions,
) -> TestCase {
    let class = format!("scenario.{}", line(scenario));
    let name = match result.label.is_empty() {
        true => line(scenario),
        false => line(&result.label),
    };
    let long: Vec<String> = result
        .findings
        .iter()
        .flat_map(|finding| {
            let head = format!("{}: {}", line(&finding.expectation), line(&finding.text));
            std::iter::once(head).chain(evidence(&finding.evidence))
        })
        .collect();
    let is_red = matches!(result.verdict, Verdict::Fail | Verdict::Warn);
    let seen = Seen {
        verdict: result.verdict,
        detail: &result.detail,
        expected: expected.filter(|_| is_red),
    };
    told(&class, name, seen, &long, options)
}

/// A threshold of a load run: missed is a failure, inconclusive an error.
fn threshold(result: &ThresholdResult) -> TestCase {
    let seen = line(&crate::load_text::measured(result));
    let red = |kind| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_type(result.verdict.word());
        status.set_message(seen.clone());
        status
    };
    let status = match result.verdict {
        ThresholdVerdict::Held => TestCaseStatus::success(),
        ThresholdVerdict::Missed => red(NonSuccessKind::Failure),
        ThresholdVerdict::Inconclusive => red(NonSuccessKind::Error),
    };
    let mut case = case("load.thresholds", line(&result.threshold), status);
    if result.verdict == ThresholdVerdict::Held {
        case.set_system_out(format!("measured {seen}"));
    }
    case
}

fn evidence(pieces: &[Evidence]) -> Vec<String> {
    let line = |piece: &Evidence| {
        format!(
            "{} {}: {}",
            line(&piece.kind),
            line(&piece.id),
            line(&piece.text)
        )
    };
    pieces.iter().map(line).collect()
}

/// What one row came to.
struct Seen<'r> {
    verdict: Verdict,
    detail: &'r str,
    /// Why it is accepted, if it is.
    expected: Option<&'r Expected>,
}

/// An expected finding is skipped with its reason, and goes on telling what was seen.
fn expected_case(class: &str, name: String, seen: &Seen<'_>, why: &Expected) -> TestCase {
    let mut status = TestCaseStatus::skipped();
    status.set_message(format!("expected: {}", line(&why.told())));
    let mut case = case(class, name, status);
    let word = if seen.verdict == Verdict::Fail {
        "fail"
    } else {
        "warn"
    };
    case.set_system_out(format!("{word}: {}", line(seen.detail)));
    case
}

fn told(
    class: &str,
    name: String,
    seen: Seen<'_>,
    long: &[String],
    options: JunitOptions,
) -> TestCase {
    if let Some(why) = seen.expected {
        return expected_case(class, name, &seen, why);
    }
    let verdict = seen.verdict;
    let detail = line(seen.detail);
    let non_success = |kind, label: &str| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_type(label.to_owned());
        status.set_message(detail.clone());
        status.set_description(
            std::iter::once(&detail)
                .chain(long)
                .cloned()
                .collect::<Vec<_>>()
                .join("\n"),
        );
        status
    };
    let status = match verdict {
        Verdict::Fail => non_success(NonSuccessKind::Failure, "fail"),
        Verdict::Warn if options.fail_on_warn => non_success(NonSuccessKind::Failure, "warn"),
        Verdict::Inconclusive => non_success(NonSuccessKind::Error, "inconclusive"),
        Verdict::Skipped => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(detail.clone());
            status
        }
        Verdict::Pass | Verdict::Info | Verdict::Warn => TestCaseStatus::success(),
    };
    let mut case = case(class, name, status);
    let said = match verdict {
        Verdict::Warn if !options.fail_on_warn => Some("warn"),
        Verdict::Info => Some("info"),
        _ => None,
    };
    if let Some(word) = said {
        let mut lines = vec![format!("{word}: {detail}")];
        lines.extend_from_slice(long);
        case.set_system_out(lines.join("\n"));
    }
    case
}
