//! Every cause of a missing positive control, each on a history that shows it.

use serde_json::json;
use x402_assay_protocol::{Version, header};
use x402_assay_reports::Report;
use x402_assay_reports::model::{RunVerdict, Verdict};

use crate::history::event::Trouble;
use crate::history::script::{
    CONTENT, Call, Moves, Probe, Reply, Script, address, challenge_v2, encode,
};

use super::CAUSES;

fn honest() -> Script {
    Script::honest(Version::V2)
}

/// Asserts code, verdict and the form of the sentence.
fn assert_cause(script: &Script, code: &str) -> Report {
    let report = script.report();
    let positive = &report.controls.positive;
    assert_eq!(positive.cause.as_deref(), Some(code), "{}", positive.detail);
    assert!(!positive.held);
    assert!(
        CAUSES.iter().any(|cause| cause.code == code),
        "{code} is not in the table"
    );
    let detail = positive.detail.trim_start_matches("v2: ");
    assert!(detail.len() > 30 && !detail.ends_with('.'), "{detail:?}");
    report
}

fn assert_inconclusive(script: &Script, code: &str) -> Report {
    let report = assert_cause(script, code);
    assert_eq!(
        report.verdict,
        RunVerdict::Inconclusive,
        "{}",
        report.summary
    );
    assert!(
        report
            .summary
            .contains(report.controls.positive.detail.trim_start_matches("v2: "))
    );
    report
}

/// A target whose every answer is this one; nothing could be paid.
fn answering(reply: &Reply) -> Script {
    let mut script = Script::empty();
    script.asks_supported = false;
    script
        .then(Probe::new("preflight", reply.clone()))
        .then(Probe::new("v2/unpaid", reply.clone()))
}

/// Every good payment changed.
fn paying(change: impl Fn(&mut Probe)) -> Script {
    honest().edit("v2/good", &change).edit("v2/good-2", &change)
}

/// Every payment refused without a call, with this error in the challenge.
fn refusing(error: &str) -> Script {
    let mut challenge = challenge_v2();
    challenge["error"] = json!(error);
    let mut script = honest().edit_paid(|probe| {
        probe.alone();
        probe.reply = Reply::answer(402, "{}").with(header::PAYMENT_REQUIRED, &encode(&challenge));
    });
    script.asks_supported = false;
    script
}

#[test]
fn nothing_answers() {
    let troubles = [
        (Trouble::Refused, "connection-refused"),
        (Trouble::Unresolved, "name-not-found"),
        (Trouble::Tls, "tls-error"),
        (Trouble::TimedOut, "time-out"),
        (Trouble::TooLarge, "header-too-large"),
        (Trouble::Closed, "connection-closed"),
        (Trouble::Malformed, "not-http"),
    ];
    for (trouble, code) in troubles {
        assert_inconclusive(&answering(&Reply::Trouble(trouble)), code);
        let only_preflight = Script::empty().then(Probe::new("preflight", Reply::Trouble(trouble)));
        assert_inconclusive(&only_preflight, code);
    }
}

#[test]
fn a_payment_that_hangs_is_a_time_out() {
    let script = paying(|probe| {
        probe.alone();
        probe.reply = Reply::Trouble(Trouble::TimedOut);
    });
    assert_inconclusive(&script, "time-out");
}

#[test]
fn a_start_up_that_recovers_is_no_cause() {
    let mut script = honest();
    script
        .probes
        .insert(0, Probe::new("preflight", Reply::Trouble(Trouble::Refused)));
    assert!(script.report().controls.positive.held);
}

#[test]
fn something_stands_before_the_paywall() {
    let statuses = [
        (302, "redirect"),
        (401, "unauthorized"),
        (403, "unauthorized"),
        (404, "not-found"),
        (405, "not-found"),
        (429, "rate-limited"),
        (431, "header-too-large"),
        (500, "boot-time-500"),
        (503, "boot-time-500"),
        (400, "other-status"),
    ];
    for (status, code) in statuses {
        assert_inconclusive(&answering(&Reply::answer(status, "")), code);
    }
}

#[test]
fn the_same_statuses_on_the_payment_alone_count_too() {
    for (status, code) in [
        (302, "redirect"),
        (403, "unauthorized"),
        (429, "rate-limited"),
        (431, "header-too-large"),
    ] {
        let script = paying(|probe| {
            probe.alone();
            probe.reply = Reply::answer(status, "");
        });
        assert_inconclusive(&script, code);
    }
}

#[test]
fn the_redirects_place_is_told() {
    let script = answering(&Reply::answer(307, "").with("Location", "/login"));
    assert!(script.report().summary.contains("/login"));
}

#[test]
fn no_payment_is_required() {
    let report = assert_cause(
        &answering(&Reply::answer(200, CONTENT)),
        "no-payment-required",
    );
    assert_eq!(report.verdict, RunVerdict::Nonconformant);
    let elsewhere = answering(&Reply::answer(200, "welcome"));
    assert_inconclusive(&elsewhere, "no-payment-required");
}

#[test]
fn the_challenge_has_another_status_or_cannot_be_read() {
    let challenge = encode(&challenge_v2());
    let forbidden = Reply::answer(403, "").with(header::PAYMENT_REQUIRED, &challenge);
    assert_inconclusive(&answering(&forbidden), "challenge-status");
    assert_inconclusive(&answering(&Reply::answer(402, "pay")), "no-challenge");
    let garbled = Reply::answer(402, "").with(header::PAYMENT_REQUIRED, "{}");
    let report = assert_inconclusive(&answering(&garbled), "no-challenge");
    // Challenge failures are listed all the same.
    let failed = report
        .checks
        .iter()
        .find(|check| check.id == "SRV-V2-402-003")
        .unwrap();
    assert_eq!(failed.verdict, Verdict::Fail);
}

#[test]
fn the_offer_cannot_be_paid() {
    let offering = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut challenge = challenge_v2();
        change(&mut challenge);
        answering(&Reply::answer(402, "{}").with(header::PAYMENT_REQUIRED, &encode(&challenge)))
    };
    for network in ["solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "nowhere:1"] {
        let script = offering(&|c| c["accepts"][0]["network"] = json!(network));
        let report = assert_inconclusive(&script, "wrong-network-or-asset");
        assert!(report.summary.contains(network), "{}", report.summary);
    }
    assert_inconclusive(
        &offering(&|c| c["accepts"] = json!([])),
        "wrong-network-or-asset",
    );
    assert_inconclusive(
        &offering(&|c| c["accepts"][0]["asset"] = json!("USDC")),
        "wrong-network-or-asset",
    );
}

#[test]
fn the_tokens_domain_is_another() {
    let mut challenge = challenge_v2();
    challenge["accepts"][0]["extra"]["name"] = json!("USD Coin");
    let refused = |reason: &'static str| {
        let value = encode(&challenge);
        paying(|probe| {
            probe.calls = vec![Call::verify(false).because(reason)];
            probe.moves.clear();
            probe.reply = Reply::answer(402, "{}");
        })
        .edit_unpaid(|probe| probe.header(header::PAYMENT_REQUIRED, Some(&value)))
    };
    let report = assert_inconclusive(
        &refused("invalid_exact_evm_signature"),
        "wrong-network-or-asset",
    );
    assert!(report.summary.contains("\"USDC\""), "{}", report.summary);
    assert_inconclusive(
        &refused("invalid_exact_evm_token_name_mismatch"),
        "wrong-network-or-asset",
    );
    assert_inconclusive(&refused("invalid_network"), "wrong-network-or-asset");
    assert_inconclusive(
        &refused("asset_not_deployed_contract"),
        "wrong-network-or-asset",
    );
}

#[test]
fn no_payment_was_tried() {
    let mut script = honest();
    script.probes.retain(|probe| probe.payment.is_none());
    script.notes = vec![(
        "v2/good".to_owned(),
        "the budget of requests is used up".to_owned(),
    )];
    let report = assert_inconclusive(&script, "not-tried");
    assert!(
        report.summary.contains("budget of requests"),
        "{}",
        report.summary
    );
    script.notes.clear();
    assert_inconclusive(&script, "not-tried");
}

#[test]
fn the_run_could_not_go_on() {
    let mut script = honest();
    script.probes.retain(|probe| probe.payment.is_none());
    script.ending = Some((false, Some("chain: the node died".to_owned())));
    let report = assert_inconclusive(&script, "run-trouble");
    assert!(report.summary.contains("the node died"));
}

#[test]
fn the_ledger_was_not_read() {
    let mut script = honest();
    script.rests = false;
    assert_inconclusive(&script, "ledger-not-read");
}

#[test]
fn the_marker_is_another() {
    let script = honest().setup(|run| run.marker = Some("something else".to_owned()));
    assert_inconclusive(&script, "marker-missing");
}

#[test]
fn settled_and_not_served() {
    let script = paying(|probe| probe.reply = Reply::answer(500, "oops"));
    let report = assert_cause(&script, "settled-not-served");
    assert_eq!(report.verdict, RunVerdict::Nonconformant);
}

#[test]
fn our_facilitator_refuses() {
    let script = paying(|probe| {
        probe.calls = vec![Call::verify(false).because("invalid_exact_evm_insufficient_balance")];
        probe.moves.clear();
        probe.reply = Reply::answer(402, "{}");
    });
    let report = assert_inconclusive(&script, "facilitator-refused");
    assert!(report.summary.contains("insufficient_balance"));
}

#[test]
fn the_settlement_fails() {
    let script = paying(|probe| {
        probe.calls = vec![Call::verify(true), Call::settle(false)];
        probe.moves.clear();
        probe.reply = Reply::answer(402, "{}");
    });
    assert_inconclusive(&script, "settlement-failed");
}

#[test]
fn something_else_moved() {
    let script = paying(|probe| {
        probe.moves = vec![Moves {
            to: Some(address(0xcc)),
            ..Moves::default()
        }];
    });
    let report = assert_cause(&script, "wrong-transfer");
    assert_eq!(report.verdict, RunVerdict::Nonconformant);
}

#[test]
fn verified_and_never_settled() {
    let script = paying(|probe| {
        probe.calls = vec![Call::verify(true)];
        probe.moves.clear();
    });
    let report = assert_cause(&script, "never-settled");
    assert_eq!(report.verdict, RunVerdict::Nonconformant);
}

#[test]
fn the_handler_fails() {
    let script = paying(|probe| {
        probe.calls = vec![Call::verify(true)];
        probe.moves.clear();
        probe.reply = Reply::answer(400, "body wanted");
    });
    assert_inconclusive(&script, "handler-failed");
}

#[test]
fn another_facilitator_is_asked() {
    assert_inconclusive(&refusing("insufficient_funds"), "other-facilitator");
    let elsewhere = refusing("Payment required").edit("v2/good-2", |probe| {
        let receipt =
            encode(&json!({"success": false, "transaction": "0x01", "network": "eip155:84532"}));
        probe.header(header::PAYMENT_RESPONSE, Some(&receipt));
    });
    assert_inconclusive(&elsewhere, "other-facilitator");
}

#[test]
fn only_supported_was_called() {
    let mut script = refusing("No matching payment requirements");
    script.asks_supported = true;
    assert_inconclusive(&script, "only-supported-called");
}

#[test]
fn everything_is_answered_402() {
    let report = assert_inconclusive(&refusing("Payment required"), "always-402");
    assert!(
        report.summary.contains("http://127.0.0.1:4402"),
        "{}",
        report.summary
    );
}

#[test]
fn our_facilitator_is_never_called() {
    assert_inconclusive(
        &refusing("payment could not be processed"),
        "facilitator-never-called",
    );
}

#[test]
fn any_header_unlocks_without_a_facilitator() {
    let mut script = honest().edit_paid(|probe| {
        probe.alone();
        probe.deliver();
    });
    script.asks_supported = false;
    let report = assert_cause(&script, "facilitator-never-called");
    assert_eq!(report.verdict, RunVerdict::Nonconformant);
    assert!(!report.controls.mutation.held);
    assert_eq!(
        report.controls.mutation.cause.as_deref(),
        Some("mutation-served")
    );
}

#[test]
fn codes_are_unique() {
    let codes: std::collections::HashSet<_> = CAUSES.iter().map(|cause| cause.code).collect();
    assert_eq!(codes.len(), CAUSES.len());
}
