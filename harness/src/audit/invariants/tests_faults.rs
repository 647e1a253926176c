//! I6 to I10 and the bookings of faults: red on one deviation each, and quiet where they must be.

use x402_assay_protocol::Version;
use x402_assay_reports::model::{InvariantResult, Report, RunVerdict, Verdict};

use crate::history::event::{Event, What};
use crate::history::script::{Call, Reply, Script};
use crate::history::{Facts, Recorder};
use crate::verdict::{Judging, build_report};

const GOOD: &str = "v2/good";
const LATER: &str = "v2/good-2";

fn honest() -> Script {
    Script::honest(Version::V2)
}

fn report(events: &[Event]) -> Report {
    build_report(&Facts::new(events, None), &Judging::default())
}

fn of(report: Report, id: &str) -> InvariantResult {
    let found = report.invariants.into_iter().find(|row| row.id == id);
    found.unwrap_or_else(|| panic!("{id} is not in the report"))
}

fn result(script: &Script, id: &str) -> InvariantResult {
    of(script.report(), id)
}

/// The events with more put in after those that `place` picks; numbers are given anew.
fn with_more(script: &Script, place: impl Fn(&What) -> Vec<What>) -> Vec<Event> {
    let recorder = Recorder::in_memory(std::sync::Arc::new(str::to_owned));
    for event in script.events() {
        let more = place(&event.what);
        recorder.append(event.at_us, event.what);
        for what in more {
            recorder.append(event.at_us, what);
        }
    }
    recorder.snapshot()
}

fn fault(call: Option<u64>, name: &str) -> What {
    What::FaultInjected {
        call,
        exchange: None,
        authorization: None,
        fault: name.to_owned(),
    }
}

/// An injected fault in the n-th call.
fn with_fault(script: &Script, number: u64) -> Vec<Event> {
    with_more(script, |what| match what {
        What::FacilitatorReceived { call, .. } if *call == number => {
            vec![fault(Some(*call), "latency")]
        }
        _ => Vec::new(),
    })
}

fn broadcast_in(script: &Script, number: u64) -> Vec<Event> {
    with_more(script, |what| match what {
        What::FacilitatorReceived { call, .. } if *call == number => vec![What::Broadcast {
            call: *call,
            transaction: alloy_primitives::B256::repeat_byte(7),
        }],
        _ => Vec::new(),
    })
}

#[test]
fn what_was_not_observed_changes_nothing() {
    let report = honest().report();
    assert_eq!(report.verdict, RunVerdict::Conformant);
    for id in ["I6", "I8", "I9"] {
        let row = of(report.clone(), id);
        assert_eq!((row.verdict, row.observed), (Verdict::Skipped, 0), "{id}");
    }
    for (id, observed) in [("I7", 18), ("I10", 2)] {
        let row = of(report.clone(), id);
        assert_eq!(
            (row.verdict, row.observed),
            (Verdict::Pass, observed),
            "{id}"
        );
    }
}

#[test]
fn i2_a_charge_under_a_fault_of_its_own_warns_and_names_it() {
    let charged = honest().edit(GOOD, |probe| probe.reply = Reply::answer(500, "oops"));
    // Calls 1 and 2 are the good purchase's, call 0 asked for /supported.
    let row = of(report(&with_fault(&charged, 2)), "I2");
    assert_eq!(row.verdict, Verdict::Warn);
    assert!(
        row.violations[0].text.contains("latency"),
        "{:?}",
        row.violations[0]
    );
    let elsewhere = of(report(&with_fault(&charged, 4)), "I2");
    assert_eq!(elsewhere.verdict, Verdict::Fail);
}

#[test]
fn i2_a_fault_at_large_touches_what_was_under_way() {
    let charged = honest().edit(GOOD, |probe| probe.reply = Reply::answer(500, "oops"));
    let during = |probe: &'static str| {
        let events = with_more(&charged, |what| match what {
            What::Sent(sent) if sent.probe == probe => vec![fault(None, "node-down")],
            _ => Vec::new(),
        });
        of(report(&events), "I2").verdict
    };
    assert_eq!(during(GOOD), Verdict::Warn);
    assert_eq!(during(LATER), Verdict::Fail);
}

#[test]
fn what_we_lied_about_is_counted_apart() {
    let lied = honest().edit(GOOD, |probe| {
        probe.calls[1].lied = true;
        probe.moves.clear();
    });
    let report = lied.report();
    assert_eq!((report.money.faulted, report.money.granted), (1, 1));
    assert_eq!(of(report, "I1").verdict, Verdict::Pass);
    assert_eq!(honest().report().money.faulted, 0);
}

#[test]
fn a_cut_call_does_not_keep_the_ledger_from_its_rest() {
    let unpaid = honest().edit(GOOD, |probe| probe.moves.clear());
    let cut = |cuts: bool| {
        let mut events = unpaid.events();
        for event in &mut events {
            if let What::FacilitatorAnswered { call: 2, .. } = event.what {
                event.what = match cuts {
                    true => What::FacilitatorCut { call: 2 },
                    false => What::Note {
                        probe: None,
                        text: String::new(),
                    },
                };
            }
        }
        of(report(&events), "I1").verdict
    };
    assert_eq!(cut(true), Verdict::Fail);
    assert_eq!(cut(false), Verdict::Inconclusive);
}

#[test]
fn i6_a_transaction_of_a_verify_call() {
    let row = of(report(&broadcast_in(&honest(), 1)), "I6");
    assert_eq!((row.verdict, row.observed), (Verdict::Fail, 1));
    assert!(row.violations[0].text.contains("verify call 1"));
    let settled = of(report(&broadcast_in(&honest(), 2)), "I6");
    assert_eq!((settled.verdict, settled.observed), (Verdict::Pass, 1));
}

#[test]
fn i6_money_that_moves_without_a_settle_call() {
    let only_verified = honest().edit(GOOD, |probe| {
        probe.calls.pop();
    });
    // A server may settle by other means; a facilitator under test may not.
    let server = result(&only_verified, "I6");
    assert_eq!((server.verdict, server.observed), (Verdict::Pass, 1));
    let blamed = only_verified.setup(|run| run.target_kind = "facilitator".to_owned());
    assert_eq!(result(&blamed, "I6").verdict, Verdict::Fail);
    let abandoned = honest().edit(GOOD, |probe| {
        probe.calls.pop();
        probe.moves.clear();
        probe.reply = Reply::answer(500, "oops");
    });
    let row = result(&abandoned, "I6");
    assert_eq!((row.verdict, row.observed), (Verdict::Pass, 1));
}

#[test]
fn i7_content_after_a_refusal() {
    let ignored = honest().edit("v2/mutation", |probe| probe.deliver());
    let row = result(&ignored, "I7");
    assert_eq!(row.verdict, Verdict::Fail);
    assert!(row.violations[0].text.contains("refused the payment"));
    let timeline = row.violations[0].evidence.iter();
    assert!(timeline.filter(|piece| piece.kind == "timeline").count() >= 4);
}

#[test]
fn i7_content_after_a_settlement_that_failed() {
    let leaked = honest().edit(GOOD, |probe| {
        probe.calls[1] = Call::settle(false);
        probe.moves.clear();
    });
    let row = result(&leaked, "I7");
    assert_eq!(row.verdict, Verdict::Fail);
    assert!(
        row.violations[0]
            .text
            .contains("every settlement was refused")
    );
}

#[test]
fn i7_content_after_a_lie_that_says_no() {
    let lied = |probe: &mut crate::history::script::Probe| {
        probe.calls = vec![Call {
            lied: true,
            ..Call::verify(false)
        }];
        probe.moves.clear();
    };
    let fooled = honest().edit(GOOD, lied);
    assert_eq!(result(&fooled, "I7").verdict, Verdict::Fail);
    let believed = honest().edit(GOOD, |probe| {
        lied(probe);
        probe.reply = Reply::answer(402, "{}");
    });
    assert_eq!(result(&believed, "I7").verdict, Verdict::Pass);
}

#[test]
fn i7_a_lie_that_says_yes_is_a_yes() {
    let fooled = honest().edit(GOOD, |probe| {
        probe.calls[1].lied = true;
        probe.moves.clear();
    });
    assert_eq!(result(&fooled, "I7").verdict, Verdict::Pass);
}

#[test]
fn i7_money_that_moved_all_the_same_warns() {
    let unknown = honest().edit(GOOD, |probe| probe.calls[1] = Call::settle(false));
    assert_eq!(result(&unknown, "I7").verdict, Verdict::Warn);
}

#[test]
fn i7_a_header_that_holds_no_payment() {
    let leak = honest().edit("v2/malformed/not-json", |probe| probe.deliver());
    let row = result(&leak, "I7");
    assert_eq!(row.verdict, Verdict::Fail);
    assert!(row.violations[0].text.contains("v2/malformed/not-json"));
}

#[test]
fn i9_a_server_that_does_not_recover_warns() {
    let dead = honest().edit(LATER, |probe| {
        probe.alone();
        probe.reply = Reply::answer(503, "circuit open");
    });
    let row = of(report(&with_fault(&dead, 2)), "I9");
    assert_eq!((row.verdict, row.observed), (Verdict::Warn, 1));
    let quiet = of(report(&dead.events()), "I9");
    assert_eq!(quiet.verdict, Verdict::Skipped);
}

#[test]
fn i9_a_server_that_recovers_is_observed() {
    let row = of(report(&with_fault(&honest(), 2)), "I9");
    assert_eq!((row.verdict, row.observed), (Verdict::Pass, 1));
}

#[test]
fn i9_a_refusal_of_the_facilitator_is_not_the_servers() {
    let refused = honest().edit(LATER, |probe| {
        probe.alone();
        probe.calls = vec![Call::verify(false)];
        probe.reply = Reply::answer(402, "{}");
    });
    let row = of(report(&with_fault(&refused, 2)), "I9");
    assert_eq!((row.verdict, row.observed), (Verdict::Skipped, 0));
}

#[test]
fn i10_an_answer_that_begins_before_the_settlement() {
    let mut events = honest().events();
    let early = |event: &mut Event| {
        if let What::Answered(answered) = &mut event.what
            && event.seq > 0
            && answered.status == 200
        {
            answered.headers_us = 500;
            answered.total_us = 5_000;
        }
    };
    events.iter_mut().for_each(early);
    let row = of(report(&events), "I10");
    assert_eq!((row.verdict, row.observed), (Verdict::Fail, 2));
    assert!(
        row.violations[0].text.contains("3 ms before"),
        "{}",
        row.violations[0].text
    );
}

#[test]
fn i10_waits_for_no_answer_where_the_block_is_known() {
    let events = with_more(&honest(), |what| match what {
        What::FacilitatorReceived { call, .. } if matches!(call, 2 | 4) => vec![What::Mined {
            call: *call,
            transaction: alloy_primitives::B256::repeat_byte(7),
            success: true,
        }],
        _ => Vec::new(),
    });
    assert_eq!(of(report(&events), "I10").verdict, Verdict::Pass);
}
