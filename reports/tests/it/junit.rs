use insta::assert_snapshot;
use x402_assay_reports::junit::{self, JunitOptions};
use x402_assay_reports::model::Verdict;

use crate::samples;

#[test]
fn every_sample() {
    for (name, report) in samples::all() {
        let text = junit::render(&report, JunitOptions::default());
        if name != "hostile" {
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
