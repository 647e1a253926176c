//! Invariants inside a round of a scenario: red on one deviation each, green on what honest servers do, and silent where
//! nothing could have been broken.

use x402_assay_protocol::Version;
use x402_assay_reports::model::Verdict;

use super::testing::in_disturbed_round;
use crate::history::event::Trouble;
use crate::history::script::{CONTENT, Call, Payment, Probe, Reply, Script, address};
use crate::history::{Event, What};

const GOOD: &str = "v2/good";

/// Only these exchanges took place.
fn only(names: &[&str]) -> Script {
    let mut script = Script::honest(Version::V2);
    script
        .probes
        .retain(|probe| names.contains(&probe.name.as_str()));
    script
}

fn seen(script: &Script, id: &str) -> (Verdict, usize) {
    seen_in(&script.events(), id)
}

/// Verdict and observations of one invariant over a round in which all of it took place, and an outage.
fn seen_in(events: &[Event], id: &str) -> (Verdict, usize) {
    let told = in_disturbed_round(events, id, vec!["an outage".to_owned()]);
    (told.verdict, told.observed)
}

fn refused(settle: bool) -> Script {
    only(&[GOOD]).edit(GOOD, |probe| {
        probe.calls = match settle {
            true => vec![Call::verify(true), Call::settle(false)],
            false => Vec::new(),
        };
        probe.moves.clear();
        probe.reply = Reply::answer(402, "{}");
    })
}

#[test]
fn i1_counts_grants_and_requests_without_a_payment() {
    assert_eq!(seen(&only(&[GOOD]), "I1"), (Verdict::Pass, 1));
    let unpaid = only(&[GOOD]).edit(GOOD, |probe| probe.moves.clear());
    assert_eq!(seen(&unpaid, "I1").0, Verdict::Fail);
    let stray = only(&[GOOD]).then(Probe::new("v2/unpaid", Reply::answer(200, CONTENT)));
    assert_eq!(seen(&stray, "I1"), (Verdict::Fail, 2));
    assert_eq!(seen(&only(&[]), "I1"), (Verdict::Skipped, 0));
}

#[test]
fn i2_a_refusal_that_could_have_been_charged_is_observed() {
    assert_eq!(seen(&refused(true), "I2"), (Verdict::Pass, 1));
    assert_eq!(seen(&refused(false), "I2"), (Verdict::Skipped, 0));
}

#[test]
fn i3_needs_a_delivery_or_a_repeat() {
    assert_eq!(seen(&refused(true), "I3"), (Verdict::Skipped, 0));
    let mut again = Probe::new("v2/again", Reply::answer(402, "{}"));
    again.payment = Some(Payment::Again(GOOD.to_owned()));
    let twice = refused(true).then(again.clone());
    assert_eq!(seen(&twice, "I3"), (Verdict::Pass, 1));
    again.deliver();
    let served = only(&[GOOD]).then(again);
    assert_eq!(seen(&served, "I3"), (Verdict::Fail, 1));
}

#[test]
fn i4_another_recipient_fails_and_a_refused_lie_is_observed() {
    assert_eq!(seen(&only(&[GOOD]), "I4"), (Verdict::Pass, 1));
    let elsewhere = only(&[GOOD]).edit(GOOD, |probe| {
        probe.moves[0].to = Some(address(0x77));
    });
    assert_eq!(seen(&elsewhere, "I4").0, Verdict::Fail);
    let mut lie = refused(false);
    lie.probes[0].payment = Some(Payment::Fresh(Some("amount-low".to_owned())));
    assert_eq!(seen(&lie, "I4"), (Verdict::Pass, 1));
    assert_eq!(seen(&refused(false), "I4"), (Verdict::Skipped, 0));
}

#[test]
fn i5_a_receipt_of_nothing_fails() {
    assert_eq!(seen(&only(&[GOOD]), "I5"), (Verdict::Pass, 1));
    let nothing = only(&[GOOD]).edit(GOOD, |probe| probe.moves.clear());
    assert_eq!(seen(&nothing, "I5").0, Verdict::Fail);
    assert_eq!(seen(&refused(false), "I5"), (Verdict::Skipped, 0));
}

#[test]
fn i6_a_verify_that_sends_a_transaction_fails() {
    let traced = |call_of: u64| -> Vec<Event> {
        let recorder = crate::history::Recorder::in_memory(std::sync::Arc::new(str::to_owned));
        for event in only(&[GOOD]).events() {
            let call = match &event.what {
                What::FacilitatorReceived { call, .. } => Some(*call),
                _ => None,
            };
            recorder.append(event.at_us, event.what);
            if call == Some(call_of) {
                let transaction = alloy_primitives::B256::repeat_byte(7);
                recorder.append(
                    event.at_us,
                    What::Broadcast {
                        call: call_of,
                        transaction,
                    },
                );
            }
        }
        recorder.snapshot()
    };
    // Call 1 is the verify call of the good purchase, call 2 its settle call.
    assert_eq!(seen_in(&traced(1), "I6"), (Verdict::Fail, 1));
    assert_eq!(seen_in(&traced(2), "I6"), (Verdict::Pass, 1));
    assert_eq!(seen(&refused(false), "I6"), (Verdict::Skipped, 0));
}

#[test]
fn i7_a_later_settlement_does_not_explain_an_earlier_delivery() {
    assert_eq!(seen(&refused(true), "I7"), (Verdict::Pass, 1));
    let given = refused(true).edit(GOOD, |probe| probe.reply = Reply::answer(200, CONTENT));
    assert_eq!(seen(&given, "I7").0, Verdict::Fail);
    let mut again = Probe::new("v2/again", Reply::answer(200, CONTENT));
    again.payment = Some(Payment::Again(GOOD.to_owned()));
    again.calls = vec![Call::verify(true), Call::settle(true)];
    assert_eq!(
        seen(&given.clone().then(again.clone()), "I7").0,
        Verdict::Fail
    );
    // Refused, then settled and served: the refusal failed closed.
    assert_eq!(seen(&refused(true).then(again), "I7"), (Verdict::Pass, 1));
    assert_eq!(seen(&only(&[GOOD]), "I7"), (Verdict::Skipped, 0));
}

/// The answer to the good purchase breaks off after these bytes; settlement was refused.
fn broken_off(begun: &str) -> Vec<Event> {
    let script = refused(true).edit(GOOD, |probe| probe.reply = Reply::Trouble(Trouble::Closed));
    let recorder = crate::history::Recorder::in_memory(std::sync::Arc::new(str::to_owned));
    for event in script.events() {
        let mut what = event.what;
        if let What::Unanswered {
            exchange, partial, ..
        } = &mut what
        {
            *partial = Some(Box::new(crate::history::event::Answered {
                exchange: *exchange,
                status: 200,
                headers: Vec::new(),
                body: recorder.body(event.at_us, begun.as_bytes()),
                headers_us: 100,
                total_us: 200,
            }));
        }
        recorder.append(event.at_us, what);
    }
    recorder.snapshot()
}

#[test]
fn i7_and_i10_paid_bytes_in_an_answer_that_broke_off() {
    let leaked = broken_off(CONTENT);
    assert_eq!(seen_in(&leaked, "I10"), (Verdict::Fail, 1));
    assert_eq!(seen_in(&leaked, "I7").0, Verdict::Fail);
    // It is no grant: nobody could use it.
    assert_eq!(seen_in(&leaked, "I1").0, Verdict::Skipped);
    let kept = broken_off("not yet");
    assert_eq!(seen_in(&kept, "I10"), (Verdict::Pass, 1));
    assert_eq!(seen_in(&kept, "I7").0, Verdict::Pass);
}
