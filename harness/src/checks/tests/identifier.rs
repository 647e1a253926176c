//! Section J: payment identifiers.

use serde_json::json;
use x402_assay_protocol::Version;
use x402_assay_reports::model::{RunVerdict, Verdict};

use super::{assert_fails, assert_verdict, check};
use crate::checks::CHECKS;
use crate::history::script::{Call, Moves, Probe, Reply, Script};

fn honest() -> Script {
    Script::honest(Version::V2).and_identifiers()
}

fn deliver(probe: &mut Probe) {
    probe.deliver();
}

fn sell(probe: &mut Probe) {
    probe.deliver();
    probe.calls = vec![Call::verify(true), Call::settle(true)];
    probe.moves = vec![Moves::default()];
}

#[test]
fn without_the_declaration_everything_is_skipped_and_says_so() {
    let report = Script::honest(Version::V2).report();
    for check in CHECKS
        .iter()
        .filter(|check| check.id.starts_with("SRV-PID-"))
    {
        let result = super::check(&report, check.id);
        assert_eq!(result.verdict, Verdict::Skipped, "{}", check.id);
        assert!(
            result.detail.contains("does not advertise"),
            "{}",
            result.detail
        );
    }
}

#[test]
fn an_honest_server_with_identifiers_is_clean() {
    let report = honest().report();
    assert_eq!(report.verdict, RunVerdict::Conformant, "{}", report.summary);
    for check in CHECKS
        .iter()
        .filter(|check| check.id.starts_with("SRV-PID-"))
    {
        let result = super::check(&report, check.id);
        let wanted = match check.id {
            "SRV-PID-004" => Verdict::Skipped,
            "SRV-PID-005" | "SRV-PID-006" | "SRV-PID-008" | "SRV-PID-009" | "SRV-PID-011" => {
                Verdict::Info
            }
            _ => Verdict::Pass,
        };
        assert_eq!(result.verdict, wanted, "{}: {}", check.id, result.detail);
    }
}

#[test]
fn a_declaration_needs_required_and_a_schema() {
    for declared in [
        json!({}),
        json!({ "info": {}, "schema": {} }),
        json!({ "info": { "required": "no" }, "schema": {} }),
        json!({ "info": { "required": false } }),
    ] {
        assert_fails(&honest().declaring(&declared), "SRV-PID-001");
    }
    let more = json!({ "info": { "required": true, "note": 1 }, "schema": {}, "x": null });
    assert_verdict(&honest().declaring(&more), "SRV-PID-001", Verdict::Pass);
}

#[test]
fn a_repeat_that_is_not_answered_or_settled_again_warns() {
    let refused = honest().edit("v2/id/repeat", |probe| probe.status(402));
    let refused = refused.edit("v2/id/repeat", |probe| probe.body("{}"));
    assert_verdict(&refused, "SRV-PID-002", Verdict::Warn);
    assert_verdict(&refused, "SRV-PID-006", Verdict::Skipped);
    let settled = honest().edit("v2/id/repeat", |probe| {
        probe.calls = vec![Call::settle(false)]
    });
    assert_verdict(&settled, "SRV-PID-002", Verdict::Warn);
    let limited = honest().edit("v2/id/repeat", |probe| {
        probe.reply = Reply::answer(429, "{}")
    });
    assert_verdict(&limited, "SRV-PID-002", Verdict::Inconclusive);
}

#[test]
fn another_payment_for_an_identifier_warns_when_charged_and_fails_when_given() {
    let name = "v2/id/other-payment";
    assert_verdict(&honest().edit(name, sell), "SRV-PID-003", Verdict::Warn);
    let report = assert_fails(&honest().edit(name, deliver), "SRV-PID-003");
    assert_eq!(report.verdict, RunVerdict::Nonconformant);
    let other = honest().edit(name, |probe| probe.status(402));
    assert_verdict(&other, "SRV-PID-003", Verdict::Warn);
    let charged = honest().edit(name, |probe| probe.moves = vec![Moves::default()]);
    assert_verdict(&charged, "SRV-PID-003", Verdict::Warn);
}

#[test]
fn a_required_identifier_is_enforced_with_400() {
    assert_verdict(&honest().requiring(400), "SRV-PID-004", Verdict::Pass);
    assert_verdict(&honest().requiring(402), "SRV-PID-004", Verdict::Warn);
    assert_verdict(&honest().requiring(200), "SRV-PID-004", Verdict::Warn);
}

#[test]
fn forged_payments_get_nothing() {
    for probe in ["id/forged-signature", "id/forged-terms", "id/forged-payer"] {
        let name = format!("v2/{probe}");
        let report = assert_fails(&honest().edit(&name, deliver), "SRV-PID-007");
        assert!(check(&report, "SRV-PID-007").detail.contains(probe));
        let refused = honest().edit(&name, |probe| probe.status(402));
        assert_verdict(&refused, "SRV-PID-007", Verdict::Pass);
    }
}

#[test]
fn an_identifier_that_is_charged_twice_warns() {
    let twice = honest().edit("v2/id/signed-anew", sell);
    let report = assert_verdict(&twice, "SRV-PID-008", Verdict::Warn);
    assert!(check(&report, "SRV-PID-008").detail.contains("2 charged"));
    // Copies of one payment that were all answered from a cache are one purchase.
    let cached = honest().edit("v2/id/copies", |probe| {
        probe.reply = Reply::answer(200, crate::history::script::CONTENT);
    });
    assert_verdict(&cached, "SRV-PID-008", Verdict::Info);
}

#[test]
fn a_failed_attempt_gives_its_identifier_back() {
    let poisoned = honest().edit("v2/id/retried", |probe| {
        probe.alone();
        probe.reply = Reply::answer(409, "{}");
    });
    assert_verdict(&poisoned, "SRV-PID-010", Verdict::Warn);
    let unfailed = honest().edit("v2/id/failed", |probe| probe.calls.clear());
    assert_verdict(&unfailed, "SRV-PID-010", Verdict::Skipped);
}

#[test]
fn what_identifiers_leave_open_is_recorded() {
    for (probe, id) in [
        ("id/short", "SRV-PID-005"),
        ("id/unicode", "SRV-PID-005"),
        ("id/required-changed", "SRV-PID-011"),
    ] {
        let name = format!("v2/{probe}");
        let served = honest().edit(&name, sell);
        assert_verdict(&served, id, Verdict::Info);
        let refused = honest().edit(&name, |probe| {
            probe.alone();
            probe.reply = Reply::answer(402, "{}");
        });
        assert_verdict(&refused, id, Verdict::Info);
    }
    let mut alone = honest();
    alone
        .probes
        .retain(|probe| probe.name != "v2/id/other-route");
    let report = assert_verdict(&alone, "SRV-PID-009", Verdict::Skipped);
    assert!(check(&report, "SRV-PID-009").detail.contains("`routes`"));
}

#[test]
fn where_nothing_with_an_identifier_is_sold_nothing_is_proven() {
    let closed = honest().edit("v2/id/good", |probe| {
        probe.alone();
        probe.status(402);
        probe.body("{}");
    });
    for id in ["SRV-PID-002", "SRV-PID-003", "SRV-PID-007", "SRV-PID-008"] {
        let report = assert_verdict(&closed, id, Verdict::Skipped);
        assert!(check(&report, id).detail.contains("control missing"));
    }
}
