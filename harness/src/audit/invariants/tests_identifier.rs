//! Repeats with a payment identifier: answered from memory, or sold once more.

use std::sync::Arc;

use serde_json::json;
use x402_assay_protocol::header;
use x402_assay_reports::model::Verdict;

use super::testing::in_one_round;
use crate::audit::Books;
use crate::history::script::{CONTENT, Call, Moves, Payment, Probe, Reply, Script, encode};
use crate::history::{Event, Facts, Recorder, What};

const OTHER: &str = r#"{"secret":"paid-content-7f3a","serial":"0002"}"#;

/// Bought once, and the same payment again.
fn twice(change: impl Fn(&mut Probe)) -> Script {
    let mut bought = Probe::new("v2/bought", Reply::answer(200, CONTENT));
    bought.payment = Some(Payment::Fresh(None));
    bought.calls = vec![Call::verify(true), Call::settle(true)];
    bought.moves = vec![Moves::default()];
    let mut again = Probe::new("v2/again", Reply::answer(200, CONTENT));
    again.payment = Some(Payment::Again("v2/bought".to_owned()));
    change(&mut again);
    Script::empty().then(bought).then(again)
}

/// The events with an identifier in every payment.
fn with_id(script: &Script) -> Vec<Event> {
    let recorder = Recorder::in_memory(Arc::new(str::to_owned));
    for mut event in script.events() {
        if let What::Body { text, .. } = &mut event.what
            && let Ok(mut decoded) = header::decode(text.as_bytes())
            && decoded.value.get("payload").is_some()
        {
            decoded.value["extensions"] =
                json!({ "payment-identifier": { "info": { "id": "pay_0123456789abcdef" } } });
            *text = encode(&decoded.value);
        }
        recorder.append(event.at_us, event.what);
    }
    recorder.snapshot()
}

fn seen(events: &[Event]) -> Verdict {
    in_one_round(events, "I3").verdict
}

#[test]
fn without_an_identifier_a_repeat_is_a_second_sale() {
    assert_eq!(seen(&twice(|_| {}).events()), Verdict::Fail);
}

#[test]
fn the_identical_request_may_be_answered_again() {
    assert_eq!(seen(&with_id(&twice(|_| {}))), Verdict::Pass);
    // What is answered may say when it was made.
    let later = twice(|again| again.reply = Reply::answer(200, OTHER));
    assert_eq!(seen(&with_id(&later)), Verdict::Pass);
}

#[test]
fn another_request_is_given_nothing_but_the_first_answer() {
    // Odd, and nothing that was not paid for.
    let cached = twice(|again| "/other".clone_into(&mut again.route));
    assert_eq!(seen(&with_id(&cached)), Verdict::Pass);
    let sold = twice(|again| {
        "/other".clone_into(&mut again.route);
        again.reply = Reply::answer(200, OTHER);
    });
    assert_eq!(seen(&with_id(&sold)), Verdict::Fail);
}

#[test]
fn two_payments_with_one_identifier_are_two_payments() {
    let fresh = twice(|again| again.payment = Some(Payment::Fresh(None)));
    // The second one moved nothing: that is I1's, and no repeat of the first.
    let events = with_id(&fresh);
    let facts = Facts::new(&events, None);
    let books = Books::keep(&facts);
    let grants: Vec<usize> = books
        .books
        .iter()
        .map(|book| book.distinct_grants())
        .collect();
    assert_eq!(grants, [1, 1]);
}
