//! I5 for a facilitator that is called directly: what it says of a settlement, and what the ledger shows.

use std::sync::Arc;

use alloy_primitives::{B256, U256};
use serde_json::json;
use x402_assay_reports::model::Verdict;

use super::judge_all;
use crate::audit::{Books, Round, Span};
use crate::history::direct::ROUTE;
use crate::history::event::Trouble;
use crate::history::script::{Call, Moves, Payment, Probe, Reply, Script};
use crate::history::{Facts, Recorder, What};

/// The transaction that every Transfer here is in.
const HASH: u8 = 0x5e;

fn settle(name: &str, success: bool, transaction: &str) -> Probe {
    let reason = (!success).then_some("invalid_exact_evm_nonce_already_used");
    let said = json!({ "success": success, "transaction": transaction, "errorReason": reason });
    let mut call = Probe::new(name, Reply::answer(200, &said.to_string()));
    ROUTE.clone_into(&mut call.route);
    "POST".clone_into(&mut call.method);
    call.payment = Some(Payment::Fresh(None));
    call.calls = vec![Call::settle(success)];
    call
}

fn hash() -> String {
    B256::repeat_byte(HASH).to_string()
}

fn moved() -> Moves {
    Moves {
        transaction: Some(HASH),
        ..Moves::default()
    }
}

fn paid(mut call: Probe) -> Probe {
    call.moves = vec![moved()];
    call
}

/// Verdict and observations of I5 over a round of these calls.
fn seen(calls: Vec<Probe>, round: Round<'_, '_>) -> (Verdict, usize) {
    let mut script = Script::empty();
    script.probes = calls;
    let recorder = Recorder::in_memory(Arc::new(str::to_owned));
    for mut event in script.events() {
        if let What::Sent(sent) = &mut event.what {
            "/settle".clone_into(&mut sent.path);
        }
        recorder.append(event.at_us, event.what);
    }
    let events = recorder.snapshot();
    let facts = Facts::new(&events, None);
    let books = Books::keep(&facts);
    let round = Round {
        window_us: (facts.started_us, facts.last_us),
        reorganised: round.reorganised,
        preempted: round.preempted,
        ..Round::default()
    };
    let span = Span {
        facts: &facts,
        books: &books,
        round: Some(&round),
    };
    let told = judge_all(&span).into_iter().find(|told| told.id == "I5");
    let told = told.expect("I5 is judged");
    (told.verdict, told.observed)
}

fn quiet(calls: Vec<Probe>) -> (Verdict, usize) {
    seen(calls, Round::default())
}

#[test]
fn a_success_must_name_the_transfer() {
    let good = || paid(settle("v2/call", true, &hash()));
    assert_eq!(quiet(vec![good()]), (Verdict::Pass, 1));
    let nothing = settle("v2/call", true, &hash());
    assert_eq!(quiet(vec![nothing]), (Verdict::Fail, 1));
    let other = paid(settle("v2/call", true, &B256::repeat_byte(1).to_string()));
    assert_eq!(quiet(vec![other]), (Verdict::Fail, 1));
    let unnamed = paid(settle("v2/call", true, ""));
    assert_eq!(quiet(vec![unnamed]), (Verdict::Fail, 1));
    let mut too_little = good();
    too_little.moves[0].value = Some(U256::from(9_999));
    assert_eq!(quiet(vec![too_little]), (Verdict::Fail, 1));
}

#[test]
fn a_success_before_its_block_went_away_is_told_only() {
    let gone = vec![settle("v2/call", true, &hash())];
    let round = Round {
        reorganised: vec![0],
        ..Round::default()
    };
    assert_eq!(seen(gone, round).0, Verdict::Pass);
}

#[test]
fn a_failure_that_moved_the_money_fails() {
    assert_eq!(
        quiet(vec![settle("v2/call", false, "")]),
        (Verdict::Pass, 1)
    );
    let charged = || paid(settle("v2/call", false, ""));
    assert_eq!(quiet(vec![charged()]), (Verdict::Fail, 1));
    // A third party landed it.
    let round = Round {
        preempted: vec![0],
        ..Round::default()
    };
    assert_eq!(seen(vec![charged()], round).0, Verdict::Pass);
    // The token moved too little: nothing was paid.
    let mut fee = charged();
    fee.moves[0].value = Some(U256::from(9_900));
    assert_eq!(quiet(vec![fee]).0, Verdict::Pass);
}

#[test]
fn a_repeat_that_is_refused_says_nothing_of_the_first_call() {
    let mut again = settle("v2/again", false, "");
    again.payment = Some(Payment::Again("v2/call".to_owned()));
    let first = paid(settle("v2/call", true, &hash()));
    assert_eq!(quiet(vec![first, again.clone()]), (Verdict::Pass, 1));
    // Whose answer was lost, as when the facilitator was restarted over it.
    let mut lost = paid(settle("v2/call", true, &hash()));
    lost.reply = Reply::Trouble(Trouble::Closed);
    assert_eq!(quiet(vec![lost, again]), (Verdict::Pass, 1));
}
