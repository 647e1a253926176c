//! Sections E, G and H, red.

use serde_json::json;
use x402_assay_protocol::{Version, header};
use x402_assay_reports::model::{RunVerdict, Verdict};

use super::{assert_fails, assert_verdict, check};
use crate::history::script::{Call, Moves, Probe, Reply, Script};

const GOOD: &str = "v2/good";

fn receipt(value: Option<&str>) -> Script {
    Script::honest(Version::V2).edit(GOOD, |probe| probe.header(header::PAYMENT_RESPONSE, value))
}

#[test]
fn a_refused_payment_is_answered_402() {
    for status in [400, 403, 500] {
        let script = Script::honest(Version::V2).edit("v2/mutation", |probe| probe.status(status));
        assert_fails(&script, "SRV-FLOW-002");
    }
    let allowance = |reason| {
        Script::honest(Version::V2).edit("v2/mutation", |probe| {
            probe.calls = vec![Call::verify(false).because(reason)];
            probe.status(412);
        })
    };
    assert_verdict(
        &allowance("permit2_allowance_required"),
        "SRV-FLOW-002",
        Verdict::Pass,
    );
    assert_fails(&allowance("invalid_exact_evm_signature"), "SRV-FLOW-002");
    let ignored = Script::honest(Version::V2).edit("v2/wrong/expired", |probe| probe.deliver());
    let report = assert_fails(&ignored, "SRV-FLOW-002");
    assert_eq!(report.verdict, RunVerdict::Nonconformant);
}

#[test]
fn settling_what_was_not_verified_is_told_apart() {
    let settled = |calls: Vec<Call>| {
        Script::honest(Version::V2).edit("v2/wrong/expired", |probe| probe.calls.clone_from(&calls))
    };
    assert_fails(
        &settled(vec![Call::verify(false), Call::settle(false)]),
        "SRV-FLOW-006",
    );
    assert_fails(
        &settled(vec![Call::settle(false), Call::verify(false)]),
        "SRV-FLOW-006",
    );
    // The sources stay neutral on settling at once.
    assert_verdict(
        &settled(vec![Call::settle(false)]),
        "SRV-FLOW-006",
        Verdict::Warn,
    );
    let upfront = settled(vec![Call::settle(false)]).setup(|run| run.flow = "upfront".to_owned());
    assert_verdict(&upfront, "SRV-FLOW-006", Verdict::Skipped);
}

#[test]
fn a_purchase_carries_a_readable_receipt() {
    let report = assert_fails(&receipt(None), "SRV-FLOW-009");
    assert_eq!(check(&report, "SRV-FLOW-010").verdict, Verdict::Skipped);
    assert_fails(&receipt(Some("{\"success\":true}")), "SRV-FLOW-009");
    let v1 = Script::honest(Version::V1).edit("v1/good", |probe| {
        probe.header(header::X_PAYMENT_RESPONSE, None)
    });
    assert_fails(&v1, "SRV-FLOW-009");
}

#[test]
fn the_receipt_has_its_members() {
    for changes in [
        r#"receipt{"success":null}"#,
        r#"receipt{"success":"true"}"#,
        r#"receipt{"success":false}"#,
        r#"receipt{"transaction":null}"#,
        r#"receipt{"network":7}"#,
        r#"receipt{"network":"eip155:8453"}"#,
        r#"receipt{"network":"nowhere"}"#,
    ] {
        let report = receipt(Some(changes)).report();
        assert_eq!(
            check(&report, "SRV-FLOW-010").verdict,
            Verdict::Fail,
            "{changes}"
        );
    }
    for changes in [
        r#"receipt{"errorReason":"late"}"#,
        r#"receipt{"network":"base-sepolia"}"#,
    ] {
        assert_verdict(&receipt(Some(changes)), "SRV-FLOW-010", Verdict::Warn);
    }
    let anonymous = |version: Version| {
        Script::honest(version).edit(&format!("{version}/good"), |probe| {
            probe.header(
                version.settlement_header(),
                Some(r#"receipt{"payer":null}"#),
            );
        })
    };
    assert_fails(&anonymous(Version::V1), "SRV-FLOW-010");
    assert_verdict(&anonymous(Version::V2), "SRV-FLOW-010", Verdict::Pass);
}

#[test]
fn the_receipt_repeats_the_settlement() {
    let wrong = r#"receipt{"transaction":"0xdead"}"#;
    let report = assert_fails(&receipt(Some(wrong)), "SRV-FLOW-011");
    let invariant = report.invariants.iter().find(|i| i.id == "I5").unwrap();
    assert_eq!(invariant.verdict, Verdict::Fail);
    assert_fails(
        &receipt(Some(r#"receipt{"transaction":""}"#)),
        "SRV-FLOW-011",
    );
    assert_fails(
        &receipt(Some(r#"receipt{"payer":"0xdead"}"#)),
        "SRV-FLOW-011",
    );
}

#[test]
fn the_receipt_is_held_against_the_ledger_when_our_facilitator_was_not_asked() {
    let mut black_box = Script::honest(Version::V2).edit_paid(|probe| probe.calls.clear());
    black_box.asks_supported = false;
    assert_verdict(&black_box, "SRV-FLOW-011", Verdict::Pass);
    let lying = black_box.edit(GOOD, |probe| {
        probe.header(
            header::PAYMENT_RESPONSE,
            Some(r#"receipt{"transaction":"0xdead"}"#),
        );
    });
    assert_fails(&lying, "SRV-FLOW-011");
}

#[test]
fn a_repeat_that_is_delivered_again_fails_and_is_given() {
    for version in [Version::V1, Version::V2] {
        let script =
            Script::honest(version).edit(&format!("{version}/replay"), |probe| probe.deliver());
        let report = assert_fails(&script, "SRV-REPL-001");
        assert_eq!(report.verdict, RunVerdict::Nonconformant);
        let failed: Vec<&str> = report
            .invariants
            .iter()
            .filter(|i| i.verdict == Verdict::Fail)
            .map(|i| i.id.as_str())
            .collect();
        assert_eq!(failed, ["I1", "I3"]);
    }
}

#[test]
fn a_repeat_that_charges_again_fails() {
    let script =
        Script::honest(Version::V2).edit("v2/replay", |probe| probe.moves = vec![Moves::default()]);
    let report = assert_fails(&script, "SRV-REPL-001");
    assert_eq!(report.money.double_charged, 1);
}

#[test]
fn a_repeat_after_a_refused_purchase_proves_nothing() {
    let script = Script::honest(Version::V2).edit(GOOD, |probe| {
        probe.alone();
        probe.status(402);
        probe.body("{}");
    });
    assert_verdict(&script, "SRV-REPL-001", Verdict::Skipped);
}

#[test]
fn requests_to_the_facilitator_have_their_shape() {
    let calling = |request: serde_json::Value| {
        Script::honest(Version::V2).edit(GOOD, |probe| {
            let mut verify = Call::verify(true);
            verify.request = Some(request.clone());
            probe.calls = vec![verify, Call::settle(true)];
        })
    };
    for wrong in [
        json!([]),
        json!({}),
        json!({"x402Version": 2, "paymentPayload": "x", "paymentRequirements": {}}),
    ] {
        assert_fails(&calling(wrong), "SRV-FAC-010");
    }
    for loose in [
        json!({"paymentPayload": {}, "paymentRequirements": {}}),
        json!({"x402Version": "2", "paymentPayload": {}, "paymentRequirements": {}}),
    ] {
        assert_verdict(&calling(loose), "SRV-FAC-010", Verdict::Warn);
    }
}

#[test]
fn a_rewritten_payment_warns() {
    let script = Script::honest(Version::V2).edit(GOOD, |probe| {
        let mut verify = Call::verify(true);
        verify.request = Some(json!({
            "x402Version": 2,
            "paymentPayload": {"x402Version": 2},
            "paymentRequirements": {},
        }));
        probe.calls = vec![verify, Call::settle(true)];
    });
    assert_verdict(&script, "SRV-FAC-011", Verdict::Warn);
}

#[test]
fn checks_of_the_facilitator_log_are_skipped_when_it_has_none() {
    let script = Script::honest(Version::V2).edit_paid(|probe| probe.calls.clear());
    let report = script.report();
    for id in [
        "SRV-HDR-005",
        "SRV-TERM-007",
        "SRV-FLOW-002",
        "SRV-FLOW-006",
        "SRV-FAC-010",
        "SRV-FAC-011",
    ] {
        assert_eq!(check(&report, id).verdict, Verdict::Skipped, "{id}");
    }
    assert!(
        report.summary.starts_with("black-box checks only"),
        "{}",
        report.summary
    );
    assert_eq!(report.target.uses_our_facilitator, Some(false));
}

#[test]
fn calls_about_other_payers_are_not_ours() {
    let mut settle = Call::settle(false);
    settle.request = Some(json!([]));
    let script = Script::honest(Version::V2)
        .setup(|run| run.payers.clear())
        .then(Probe {
            calls: vec![settle],
            ..Probe::new("free/health", Reply::answer(200, "ok"))
        });
    // The call names no authorization and belongs to no payment of ours.
    let report = script.report();
    assert_eq!(check(&report, "SRV-FAC-010").verdict, Verdict::Pass);
}
