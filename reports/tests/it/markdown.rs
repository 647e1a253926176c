use insta::assert_snapshot;
use x402_assay_reports::markdown;
use x402_assay_reports::model::Verdict;

use crate::samples;

#[test]
fn every_sample() {
    for (name, report) in samples::all() {
        assert_snapshot!(format!("markdown_{name}"), markdown::render(&report));
    }
}

#[test]
fn ten_thousand_findings_stay_below_the_limit_and_the_rest_is_counted() {
    let mut report = samples::nonconformant();
    let finding = report.checks[3].clone();
    report.checks = (0..10_000)
        .map(|number| {
            let mut check = finding.clone();
            check.id = format!("SRV-X-{number:05}");
            check.verdict = Verdict::Fail;
            check
        })
        .collect();
    let text = markdown::render(&report);
    assert!(text.len() <= markdown::BYTES_MAX, "{} bytes", text.len());
    let shown = text.matches("#### fail: `SRV-X-").count();
    assert!(shown > 10, "{shown}");
    // 10,000 checks and the invariant that none of them explains.
    let left_out = format!("{} findings more in `report.json`", 10_001 - shown);
    assert!(text.contains(&left_out), "{left_out} is not said");
    assert!(text.contains("### Reproduce"));
}
