//! Section F: red on one deviation, and unmoved by what is unusual and right.

use x402_assay_protocol::{Version, header};
use x402_assay_reports::model::{RunVerdict, Verdict};

use super::{assert_fails, assert_verdict, check};
use crate::history::event::Trouble;
use crate::history::script::{CONTENT, Call, Moves, PENDING_HASH, Probe, Reply, Script};

fn shop() -> Script {
    Script::honest(Version::V2).and_troubled(Version::V2)
}

fn refused(change: impl Fn(&mut Probe)) -> Script {
    shop().edit("v2/settle/refused", change)
}

#[test]
fn what_was_not_settled_is_not_delivered_anywhere() {
    let body = refused(|probe| probe.deliver());
    let report = assert_fails(&body, "SRV-SETF-001");
    assert_eq!(report.verdict, RunVerdict::Nonconformant);
    assert_fails(&body, "SRV-SETF-002");
    // The status is right and the content leaves all the same.
    let leaks = refused(|probe| probe.body(CONTENT));
    let report = assert_fails(&leaks, "SRV-SETF-001");
    assert_eq!(check(&report, "SRV-SETF-002").verdict, Verdict::Pass);
    let preview = refused(|probe| probe.header("x-preview", Some("paid-content-7f3a")));
    let report = assert_fails(&preview, "SRV-SETF-001");
    assert!(check(&report, "SRV-SETF-001").detail.contains("x-preview"));
    let v1 = Script::honest(Version::V1)
        .and_troubled(Version::V1)
        .edit("v1/settle/refused", |probe| probe.deliver());
    assert_fails(&v1, "SRV-SETF-001");
}

#[test]
fn the_status_of_a_failed_settlement_is_402() {
    for status in [400, 500, 502] {
        let script = refused(|probe| probe.status(status));
        assert_verdict(&script, "SRV-SETF-002", Verdict::Warn);
        assert_verdict(&script, "SRV-SETF-001", Verdict::Pass);
    }
    let empty = refused(|probe| probe.reply = Reply::answer(200, ""));
    assert_fails(&empty, "SRV-SETF-002");
    assert_verdict(&empty, "SRV-SETF-001", Verdict::Warn);
    let limited = refused(|probe| probe.status(429));
    assert_verdict(&limited, "SRV-SETF-002", Verdict::Inconclusive);
    let cut = refused(|probe| probe.reply = Reply::Trouble(Trouble::TimedOut));
    assert_verdict(&cut, "SRV-SETF-001", Verdict::Inconclusive);
}

#[test]
fn a_failed_receipt_says_so() {
    let receipt =
        |value| refused(move |probe: &mut Probe| probe.header(header::PAYMENT_RESPONSE, value));
    for wrong in [
        None,
        Some("receipt"),
        Some("not base64"),
        Some(r#"receipt{"success":false}"#),
        Some(r#"receipt{"success":false,"errorReason":""}"#),
    ] {
        assert_verdict(&receipt(wrong), "SRV-SETF-003", Verdict::Warn);
    }
    let names = |hash: &str| {
        let text = format!(r#"receipt{{"success":false,"errorReason":"x","transaction":{hash}}}"#);
        refused(move |probe| probe.header(header::PAYMENT_RESPONSE, Some(&text)))
    };
    assert_verdict(&names("\"0xdead\""), "SRV-SETF-006", Verdict::Warn);
    assert_verdict(&names("null"), "SRV-SETF-006", Verdict::Warn);
    assert_verdict(&names("\"\""), "SRV-SETF-006", Verdict::Pass);
    // Without a receipt there is nothing to hold against it; the other failed settlement still has one.
    let bare = receipt(None).edit("v2/flow/late-failure", |probe| {
        probe.header(header::PAYMENT_RESPONSE, None);
    });
    assert_verdict(&bare, "SRV-SETF-006", Verdict::Skipped);
}

#[test]
fn the_hash_of_a_reverted_settlement_may_be_told() {
    let script = refused(|probe| {
        probe.calls[1].named = Some(PENDING_HASH);
        let receipt = format!(
            r#"receipt{{"success":false,"errorReason":"reverted","transaction":"{PENDING_HASH}"}}"#
        );
        probe.header(header::PAYMENT_RESPONSE, Some(&receipt));
    });
    assert_verdict(&script, "SRV-SETF-006", Verdict::Pass);
}

#[test]
fn what_v1_and_v2_leave_open_is_recorded() {
    let v1 = Script::honest(Version::V1).and_troubled(Version::V1);
    assert_verdict(&v1, "SRV-SETF-004", Verdict::Info);
    let bare = v1.edit("v1/settle/refused", |probe| {
        probe.header(header::X_PAYMENT_RESPONSE, None);
    });
    let report = assert_verdict(&bare, "SRV-SETF-004", Verdict::Info);
    assert!(check(&report, "SRV-SETF-004").detail.contains("without"));
    assert_verdict(&shop(), "SRV-SETF-005", Verdict::Info);
}

#[test]
fn trouble_is_no_success() {
    for probe in [
        "v2/settle/http-400-json",
        "v2/settle/http-503-empty",
        "v2/settle/junk-flag-string",
    ] {
        let script = shop().edit(probe, |probe| probe.deliver());
        let report = assert_fails(&script, "SRV-SETF-007");
        assert_eq!(report.verdict, RunVerdict::Nonconformant, "{probe}");
    }
    // Which status it has is not this row's to say.
    for status in [402, 500, 503, 504] {
        let script = shop().edit("v2/settle/http-500-json", |probe| probe.status(status));
        assert_verdict(&script, "SRV-SETF-007", Verdict::Pass);
    }
}

#[test]
fn a_refusal_shows_nothing_where_good_payments_are_refused() {
    let deny = shop()
        .edit("v2/good", |probe| probe.reply = Reply::answer(402, "{}"))
        .edit("v2/good-2", |probe| probe.reply = Reply::answer(402, "{}"));
    for id in ["SRV-SETF-001", "SRV-SETF-007", "SRV-FLOW-008"] {
        assert_verdict(&deny, id, Verdict::Skipped);
    }
    // No fault took effect.
    let quiet =
        refused(|probe| probe.calls[1].faulted = false).edit("v2/flow/late-failure", |probe| {
            probe.calls[1].faulted = false;
        });
    assert_verdict(&quiet, "SRV-SETF-001", Verdict::Skipped);
}

#[test]
fn pending_is_not_success() {
    let delivers = shop().edit("v2/settle/pending", |probe| probe.deliver());
    assert_verdict(&delivers, "SRV-SETF-008", Verdict::Warn);
    let forgets = shop().edit("v2/settle/pending", |probe| {
        probe.header(header::PAYMENT_RESPONSE, None);
    });
    assert_verdict(&forgets, "SRV-SETF-008", Verdict::Warn);
    // A server that does not ask again, and tells the transaction.
    let once = shop().edit("v2/settle/pending-once", |probe| {
        probe.calls.truncate(2);
        probe.moves = vec![Moves::default()];
        probe.status(402);
        probe.body("{}");
        let receipt = format!(
            r#"receipt{{"success":false,"errorReason":"settlement_pending","transaction":"{PENDING_HASH}"}}"#
        );
        probe.header(header::PAYMENT_RESPONSE, Some(&receipt));
    });
    assert_verdict(&once, "SRV-SETF-008", Verdict::Pass);
}

#[test]
fn a_settlement_is_asked_for_again_with_care() {
    let twice = shop().edit("v2/good", |probe| probe.calls.push(Call::settle(false)));
    assert_verdict(&twice, "SRV-SETF-009", Verdict::Warn);
    let without_end = shop().edit("v2/settle/pending", |probe| {
        let again = probe.calls[1].clone();
        probe.calls.extend(vec![again; 12]);
    });
    assert_verdict(&without_end, "SRV-SETF-009", Verdict::Warn);
    let another = shop().edit("v2/settle/pending", |probe| {
        probe.calls[2].requirements = vec![("amount", "1".into())];
    });
    assert_verdict(&another, "SRV-SETF-009", Verdict::Warn);
    assert_verdict(&shop(), "SRV-SETF-009", Verdict::Pass);
}

#[test]
fn a_settlement_for_somebody_else_is_recorded() {
    assert_verdict(&shop(), "SRV-SETF-010", Verdict::Pass);
    let trusts = shop().edit("v2/settle/other-payer", |probe| probe.deliver());
    let report = assert_verdict(&trusts, "SRV-SETF-010", Verdict::Info);
    assert_eq!(report.verdict, RunVerdict::Conformant, "{}", report.summary);
}
