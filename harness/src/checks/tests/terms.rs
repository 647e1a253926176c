//! Sections C and D, red.

use alloy_primitives::U256;
use serde_json::json;
use x402_assay_protocol::Version;
use x402_assay_reports::model::{RunVerdict, Verdict};

use super::{assert_fails, assert_verdict};
use crate::history::event::Trouble;
use crate::history::script::{Call, Moves, Reply, Script, address};

const REFUSALS: &[(Version, &str, &str)] = &[
    (Version::V1, "v1/wrong/scheme", "SRV-VER-003"),
    (Version::V2, "v2/wrong/scheme", "SRV-VER-003"),
    (Version::V1, "v1/wrong/network", "SRV-VER-004"),
    (Version::V2, "v2/wrong/network", "SRV-VER-004"),
    (Version::V2, "v2/wrong/amount-low", "SRV-TERM-001"),
    (Version::V2, "v2/wrong/pay-to", "SRV-TERM-003"),
    (Version::V2, "v2/wrong/asset", "SRV-TERM-004"),
    (Version::V1, "v1/wrong/amount-low-unclaimed", "SRV-TERM-009"),
    (Version::V1, "v1/wrong/pay-to-unclaimed", "SRV-TERM-009"),
    (Version::V1, "v1/wrong/asset-unclaimed", "SRV-TERM-009"),
    (Version::V1, "v1/mutation", "SRV-FLOW-001"),
    (Version::V2, "v2/mutation", "SRV-FLOW-001"),
    (Version::V2, "v2/wrong/expired", "SRV-FLOW-001"),
    (Version::V2, "v2/wrong/not-yet-valid", "SRV-FLOW-001"),
    (Version::V2, "v2/wrong/amount-low-unclaimed", "SRV-FLOW-001"),
    (Version::V1, "v1/wrong/pay-to-unclaimed", "SRV-FLOW-001"),
];

#[test]
fn delivering_for_wrong_terms_fails_and_is_given() {
    for (version, probe, id) in REFUSALS {
        let script = Script::honest(*version).edit(probe, |probe| probe.deliver());
        let report = assert_fails(&script, id);
        assert_eq!(report.verdict, RunVerdict::Nonconformant, "{probe}");
        assert_eq!(report.money.unpaid_grants, 1, "{probe}");
    }
}

#[test]
fn charging_for_wrong_terms_fails_though_nothing_is_delivered() {
    for (version, probe, id) in REFUSALS {
        let script =
            Script::honest(*version).edit(probe, |probe| probe.moves = vec![Moves::default()]);
        let report = assert_fails(&script, id);
        assert_eq!(report.verdict, RunVerdict::Nonconformant, "{probe}");
        assert_eq!(report.money.charged_without_service, 1, "{probe}");
    }
}

#[test]
fn a_2xx_without_the_content_warns_and_no_answer_is_inconclusive() {
    for (version, probe, id) in REFUSALS {
        let kind = Script::honest(*version).edit(probe, |probe| {
            probe.reply = Reply::answer(200, r#"{"error":"no"}"#)
        });
        assert_verdict(&kind, id, Verdict::Warn);
        let silent = Script::honest(*version).edit(probe, |probe| {
            probe.reply = Reply::Trouble(Trouble::TimedOut)
        });
        assert_verdict(&silent, id, Verdict::Inconclusive);
    }
}

#[test]
fn a_probe_that_was_not_made_is_skipped_with_its_name() {
    for (version, name, id) in REFUSALS {
        let mut script = Script::honest(*version);
        script.probes.retain(|probe| probe.name != *name);
        let report = assert_verdict(&script, id, Verdict::Skipped);
        let detail = &super::check(&report, id).detail;
        assert!(
            detail.contains(name.trim_start_matches("v1/").trim_start_matches("v2/")),
            "{detail}"
        );
    }
}

#[test]
fn asking_the_facilitator_about_other_terms_fails() {
    let changes = [
        ("amount", json!("1")),
        ("amount", json!(10_000)),
        ("payTo", json!(address(0xcc).to_string())),
        ("asset", json!(address(0xdd).to_string())),
        ("network", json!("eip155:8453")),
    ];
    for change in changes {
        let script = Script::honest(Version::V2).edit("v2/wrong/amount-low", |probe| {
            let mut verify = Call::verify(false);
            verify.requirements = vec![change.clone()];
            probe.calls = vec![verify];
        });
        assert_fails(&script, "SRV-TERM-007");
    }
}

#[test]
fn trusting_the_clients_terms_moves_other_terms() {
    let script = Script::honest(Version::V2).edit("v2/wrong/amount-low", |probe| {
        let mut verify = Call::verify(true);
        verify.requirements = vec![("amount", json!("1"))];
        let mut settle = Call::settle(true);
        settle.requirements.clone_from(&verify.requirements);
        probe.calls = vec![verify, settle];
        probe.moves = vec![Moves {
            value: Some(U256::from(1)),
            ..Moves::default()
        }];
        probe.deliver();
    });
    let report = assert_fails(&script, "SRV-TERM-001");
    let invariant = report.invariants.iter().find(|i| i.id == "I4").unwrap();
    assert_eq!(invariant.verdict, Verdict::Fail);
    assert!(
        invariant.violations[0]
            .text
            .contains("amount 1 instead of 10000")
    );
}
