//! Section B, red.

use x402_assay_protocol::Version;
use x402_assay_reports::model::{RunVerdict, Verdict};

use super::{assert_fails, assert_verdict, check};
use crate::checks::Grading;
use crate::history::event::Trouble;
use crate::history::script::{Call, Reply, Script};
use crate::verdict::Judging;

#[test]
fn a_good_payment_refused_while_another_was_accepted_fails() {
    for (version, id) in [(Version::V1, "SRV-HDR-002"), (Version::V2, "SRV-HDR-001")] {
        let script = Script::honest(version).edit(&format!("{version}/good-2"), |probe| {
            probe.alone();
            probe.status(402);
            probe.body("{}");
        });
        let report = assert_fails(&script, id);
        assert_eq!(report.verdict, RunVerdict::Nonconformant);
    }
}

#[test]
fn refusing_everything_is_the_missing_control_and_no_failure() {
    let script = Script::honest(Version::V2).edit_paid(|probe| {
        probe.alone();
        probe.status(402);
        probe.body("{}");
    });
    let report = assert_verdict(&script, "SRV-HDR-001", Verdict::Inconclusive);
    assert_eq!(report.verdict, RunVerdict::Inconclusive);
    assert_eq!(report.counts.fail, 0);
    // No refusal passes where nothing was ever accepted.
    for id in [
        "SRV-HDR-004",
        "SRV-HDR-006",
        "SRV-VER-003",
        "SRV-TERM-001",
        "SRV-FLOW-001",
        "SRV-REPL-001",
    ] {
        assert_eq!(check(&report, id).verdict, Verdict::Skipped, "{id}");
    }
    let seen = report.invariants.iter().filter(|row| row.observed > 0);
    let seen: Vec<&str> = seen.map(|row| row.id.as_str()).collect();
    // Headers that hold no payment were refused as well.
    assert_eq!(seen, ["I7"]);
}

#[test]
fn a_handler_that_fails_after_verification_refuses_nothing() {
    let script = Script::honest(Version::V2).edit("v2/good-2", |probe| {
        probe.calls = vec![Call::verify(true)];
        probe.moves.clear();
        probe.reply = Reply::answer(500, "handler");
    });
    assert_verdict(&script, "SRV-HDR-001", Verdict::Inconclusive);
}

#[test]
fn an_unanswered_payment_is_our_trouble() {
    let script = Script::honest(Version::V2).edit("v2/good-2", |probe| {
        probe.alone();
        probe.reply = Reply::Trouble(Trouble::TimedOut);
    });
    assert_verdict(&script, "SRV-HDR-001", Verdict::Inconclusive);
}

#[test]
fn statuses_for_undecodable_headers_are_graded_as_the_catalogue_says() {
    let graded = [
        (400, Verdict::Pass),
        (402, Verdict::Pass),
        (422, Verdict::Warn),
        (500, Verdict::Warn),
        (302, Verdict::Warn),
        (204, Verdict::Fail),
        (429, Verdict::Inconclusive),
    ];
    for (status, wanted) in graded {
        let script = Script::honest(Version::V2).edit("v2/malformed/json-null", |probe| {
            probe.reply = Reply::answer(status, "{}")
        });
        assert_verdict(&script, "SRV-HDR-004", wanted);
        let script = Script::honest(Version::V2).edit("v2/shape/missing-payload", |probe| {
            probe.reply = Reply::answer(status, "{}")
        });
        assert_verdict(&script, "SRV-HDR-006", wanted);
    }
}

#[test]
fn delivering_for_an_undecodable_header_is_given() {
    let script =
        Script::honest(Version::V1).edit("v1/malformed/not-base64", |probe| probe.deliver());
    let report = assert_fails(&script, "SRV-HDR-004");
    assert_eq!(report.verdict, RunVerdict::Nonconformant);
    assert_eq!(report.money.unpaid_grants, 1);
}

#[test]
fn strict_spec_wants_400() {
    let judging = Judging {
        grading: Grading::StrictSpec,
        ..Judging::default()
    };
    let report = Script::honest(Version::V2).report_with(&judging, None);
    assert_eq!(check(&report, "SRV-HDR-004").verdict, Verdict::Fail);
    let script = Script::honest(Version::V2).edit_paid(|probe| {
        if probe.name.starts_with("v2/malformed/") {
            probe.status(400);
        }
    });
    let report = script.report_with(&judging, None);
    assert_eq!(check(&report, "SRV-HDR-004").verdict, Verdict::Pass);
}

#[test]
fn settling_an_undecodable_header_fails() {
    let mut settle = Call::settle(false);
    settle.anonymous = true;
    let script = Script::honest(Version::V2).edit("v2/malformed/json-array", |probe| {
        probe.calls = vec![settle.clone()]
    });
    assert_fails(&script, "SRV-HDR-005");
}

#[test]
fn a_429_that_was_asked_again_does_not_count() {
    let honest = Script::honest(Version::V2);
    let good = honest
        .probes
        .iter()
        .position(|probe| probe.name == "v2/malformed/json-null")
        .unwrap();
    let mut limited = honest.probes[good].clone();
    limited.reply = Reply::answer(429, "slow down");
    let mut script = honest;
    script.probes.insert(good, limited);
    assert_verdict(&script, "SRV-HDR-004", Verdict::Pass);
}
