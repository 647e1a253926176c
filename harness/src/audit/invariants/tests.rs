//! Every invariant, red on one deviation each; green is shown with the checks.

use alloy_primitives::U256;
use x402_assay_protocol::{Version, header};
use x402_assay_reports::model::{InvariantResult, RunVerdict, Verdict};

use crate::history::event::Trouble;
use crate::history::script::{CONTENT, Call, Moves, Probe, Reply, Script, address};

const GOOD: &str = "v2/good-2";

fn honest() -> Script {
    Script::honest(Version::V2)
}

fn result(script: &Script, id: &str) -> InvariantResult {
    let invariants = script.report().invariants;
    let found = invariants.into_iter().find(|result| result.id == id);
    found.unwrap_or_else(|| panic!("{id} is not in the report"))
}

#[test]
fn all_hold_on_an_honest_server_and_say_on_how_many() {
    let report = honest().report();
    let observed: Vec<_> = report
        .invariants
        .iter()
        .map(|i| (i.id.as_str(), i.observed))
        .collect();
    assert_eq!(
        observed,
        [
            ("I1", 2),
            ("I2", 2),
            ("I3", 2),
            ("I4", 2),
            ("I5", 2),
            ("I6", 0),
            ("I7", 18),
            ("I8", 0),
            ("I9", 0),
            ("I10", 2),
        ]
    );
    for row in &report.invariants {
        let verdict = match row.observed {
            0 => Verdict::Skipped,
            _ => Verdict::Pass,
        };
        assert_eq!(row.verdict, verdict, "{}", row.id);
    }
}

#[test]
fn i1_a_grant_without_a_transfer() {
    let unpaid = honest().edit(GOOD, |probe| probe.moves.clear());
    let broken = result(&unpaid, "I1");
    assert_eq!(broken.verdict, Verdict::Fail);
    assert_eq!(broken.violations[0].text, "1 delivered, 0 transferred");
    assert!(
        broken.violations[0]
            .authorization
            .as_deref()
            .is_some_and(|name| name.contains('/'))
    );
    assert!(!broken.violations[0].evidence.is_empty());
    assert_eq!(unpaid.report().verdict, RunVerdict::Nonconformant);
}

#[test]
fn i1_content_without_any_payment() {
    let leak = honest().then(Probe::new("v2/unpaid", Reply::answer(200, CONTENT)));
    let broken = result(&leak, "I1");
    assert_eq!(
        (broken.verdict, broken.violations[0].authorization.is_none()),
        (Verdict::Fail, true)
    );
}

#[test]
fn i1_content_in_a_refusal_is_a_grant() {
    let leak = honest().edit("v2/mutation", |probe| probe.body(CONTENT));
    assert_eq!(result(&leak, "I1").verdict, Verdict::Fail);
}

#[test]
fn i1_is_not_judged_where_the_ledger_was_not_read() {
    let mut unread = honest();
    unread.rests = false;
    let open = result(&unread, "I1");
    assert_eq!(open.verdict, Verdict::Inconclusive);
    assert_eq!(unread.report().verdict, RunVerdict::Inconclusive);
    assert_eq!(unread.report().money.unpaid_grants, 0);
}

#[test]
fn i2_charged_and_not_served() {
    let charged = honest().edit(GOOD, |probe| probe.reply = Reply::answer(500, "oops"));
    assert_eq!(result(&charged, "I2").verdict, Verdict::Fail);
    assert_eq!(charged.report().verdict, RunVerdict::Nonconformant);
}

#[test]
fn i2_a_lost_answer_is_our_trouble_and_a_dropped_connection_is_not() {
    let ending = |trouble| {
        result(
            &honest().edit(GOOD, |probe| probe.reply = Reply::Trouble(trouble)),
            "I2",
        )
        .verdict
    };
    assert_eq!(ending(Trouble::TimedOut), Verdict::Inconclusive);
    assert_eq!(ending(Trouble::Cancelled), Verdict::Inconclusive);
    assert_eq!(ending(Trouble::Closed), Verdict::Fail);
}

#[test]
fn i2_a_charge_under_an_injected_fault_warns() {
    let faulted = honest().edit(GOOD, |probe| {
        probe.calls[1] = Call {
            lied: true,
            ..Call::settle(false)
        };
        probe.reply = Reply::answer(402, "{}");
    });
    assert_eq!(result(&faulted, "I2").verdict, Verdict::Warn);
    assert_eq!(faulted.report().money.charged_without_service, 0);
}

#[test]
fn i2_a_redirect_may_be_the_service() {
    let redirect = honest().edit(GOOD, |probe| probe.reply = Reply::answer(303, ""));
    assert_eq!(result(&redirect, "I2").verdict, Verdict::Pass);
}

#[test]
fn i3_two_grants_for_one_authorization() {
    let twice = honest().edit("v2/replay", |probe| {
        probe.deliver();
        probe.moves = vec![Moves::default()];
    });
    assert_eq!(result(&twice, "I1").verdict, Verdict::Pass);
    let broken = result(&twice, "I3");
    assert_eq!(broken.verdict, Verdict::Fail);
    assert!(broken.violations[0].text.contains("2 times"));
}

#[test]
fn i4_each_term_is_compared() {
    let moves = [
        (
            Moves {
                to: Some(address(0xcc)),
                ..Moves::default()
            },
            "recipient",
        ),
        (
            Moves {
                value: Some(U256::from(9_999)),
                ..Moves::default()
            },
            "amount",
        ),
        (
            Moves {
                asset: Some(address(0xdd)),
                ..Moves::default()
            },
            "token",
        ),
    ];
    for (moved, word) in moves {
        let script = honest().edit(GOOD, |probe| probe.moves = vec![moved.clone()]);
        let broken = result(&script, "I4");
        assert_eq!(broken.verdict, Verdict::Fail, "{word}");
        assert!(
            broken.violations[0].text.starts_with(word),
            "{}",
            broken.violations[0].text
        );
    }
}

#[test]
fn i4_money_that_moves_without_an_authorization_warns() {
    let mut script = honest();
    let mut stray = script
        .events()
        .into_iter()
        .filter_map(|event| match event.what {
            crate::history::What::Ledger(record) => Some(record),
            _ => None,
        });
    let mut transfer = stray.nth(1).unwrap();
    transfer.transaction = alloy_primitives::B256::repeat_byte(0x77);
    script.more_ledger.push(transfer);
    assert_eq!(result(&script, "I4").verdict, Verdict::Warn);
}

#[test]
fn i5_a_success_that_is_not_on_the_ledger() {
    for changes in [
        r#"receipt{"transaction":"0xdead"}"#,
        r#"receipt{"transaction":""}"#,
    ] {
        let script = honest().edit(GOOD, |probe| {
            probe.header(header::PAYMENT_RESPONSE, Some(changes));
        });
        assert_eq!(result(&script, "I5").verdict, Verdict::Fail, "{changes}");
    }
}

#[test]
fn i5_a_success_that_names_another_payments_transaction() {
    let script = honest().edit(GOOD, |probe| {
        let first = alloy_primitives::B256::from(U256::from(1_004));
        let receipt = format!(r#"receipt{{"transaction":"{first}"}}"#);
        probe.header(header::PAYMENT_RESPONSE, Some(&receipt));
    });
    let broken = result(&script, "I5");
    assert_eq!(broken.verdict, Verdict::Fail);
    assert!(
        broken.violations[0]
            .text
            .contains("no transfer of this payment")
    );
}

#[test]
fn i5_a_final_failure_whose_transfer_lands() {
    let lying = |reason: &str| {
        honest().edit(GOOD, |probe| {
            let receipt = format!(r#"receipt{{"success":false,"errorReason":"{reason}"}}"#);
            probe.reply = Reply::answer(402, "{}").with(header::PAYMENT_RESPONSE, &receipt);
        })
    };
    assert_eq!(result(&lying("failed"), "I5").verdict, Verdict::Fail);
    let pending = lying("settlement_pending");
    assert_eq!(result(&pending, "I5").verdict, Verdict::Pass);
    assert_eq!(result(&pending, "I2").verdict, Verdict::Pass);
}

#[test]
fn many_violations_are_counted_and_not_all_told() {
    let mut script = honest();
    for _ in 0..60 {
        script = script.then(Probe::new("v2/unpaid", Reply::answer(200, CONTENT)));
    }
    let broken = result(&script, "I1");
    assert_eq!(broken.violations.len(), 51);
    assert_eq!(broken.violations[50].text, "and 10 more of the kind");
}
