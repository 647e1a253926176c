use insta::assert_snapshot;
use x402_assay_reports::junit::{self, JunitOptions};
use x402_assay_reports::model::Verdict;

use crate::samples;

#[test]
fn every_sample() {
    for (name, report) in samples::all() {
        let text = junit::render(&report, JunitOptions::default());
        if !name.contains("hostile") {
            assert_snapshot!(format!("junit_{name}"), text);
        }
        // Read back by the library: it is well-formed, whatever the texts hold.
        let read = quick_junit::Report::deserialize_from_str(&text).expect(name);
        assert_eq!(read.test_suites.len(), 1, "{name}");
    }
}

#[test]
fn warnings_fail_only_when_they_are_asked_to() {
    let mut report = samples::conformant_builtin();
    report.checks[0].verdict = Verdict::Warn;
    let counted = |fail_on_warn| {
        let text = junit::render(&report, JunitOptions { fail_on_warn });
        let read = quick_junit::Report::deserialize_from_str(&text).unwrap();
        read.test_suites[0].failures
    };
    assert_eq!((counted(false), counted(true)), (0, 1));
}

#[test]
fn a_run_without_controls_is_an_error_and_not_green() {
    let text = junit::render(&samples::no_positive_control(), JunitOptions::default());
    let read = quick_junit::Report::deserialize_from_str(&text).unwrap();
    assert!(read.test_suites[0].errors > 0, "{text}");
}

/// What readers of JUnit rely on: totals are those of the cases, and a case is found again by class and name.
#[test]
fn totals_are_those_of_the_cases_and_no_case_hides_another() {
    use quick_junit::{NonSuccessKind, TestCaseStatus};
    use std::collections::HashSet;
    for (name, report) in samples::all() {
        let text = junit::render(&report, JunitOptions::default());
        let read = quick_junit::Report::deserialize_from_str(&text).unwrap();
        let suite = &read.test_suites[0];
        let of = |wanted: Option<NonSuccessKind>| {
            let cases = suite.test_cases.iter();
            let same = cases.filter(|case| match (&case.status, wanted) {
                (TestCaseStatus::NonSuccess { kind, .. }, Some(wanted)) => *kind == wanted,
                (TestCaseStatus::Skipped { .. }, None) => true,
                _ => false,
            });
            same.count()
        };
        assert_eq!(suite.tests, suite.test_cases.len(), "{name}");
        assert_eq!(suite.failures, of(Some(NonSuccessKind::Failure)), "{name}");
        assert_eq!(suite.errors, of(Some(NonSuccessKind::Error)), "{name}");
        assert_eq!(suite.skipped, of(None), "{name}");
        let seen = suite.test_cases.iter().map(|case| {
            let class = case.classname.as_ref().map(|class| class.as_str());
            (class.unwrap_or_default(), case.name.as_str())
        });
        let seen: Vec<_> = seen.collect();
        let different: HashSet<_> = seen.iter().collect();
        assert_eq!(different.len(), seen.len(), "{name}");
    }
}
