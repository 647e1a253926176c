//! What is taken of a process that says anything.

use serde_json::{Value, json};

use super::collect::Collected;
use super::wire::Hdr;
use crate::load::times::times;

const NONCE: &str = "0x0101010101010101010101010101010101010101010101010101010101010101";
const ADDRESS: &str = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";

fn terms(number: u16) -> Value {
    json!({ "event": "terms", "number": number, "chain_id": 84532, "asset": ADDRESS, "pay_to": ADDRESS, "amount": "0x2710" })
}

fn signed(number: u32, payer: u16, terms: u16, journey: &str) -> Value {
    json!({
        "event": "signed", "number": number, "nonce": NONCE, "payer": payer, "terms": terms,
        "journey": journey, "due_us": 10, "sent_us": 20, "sent": 1,
    })
}

fn sold(number: u32) -> Value {
    json!({
        "event": "sold", "number": number, "done_us": 30, "status": 200, "sent": 1, "answered": 1,
        "grants": 1, "said": "settled", "transaction": NONCE,
    })
}

fn take(collected: &mut Collected, event: &Value) {
    let line = format!("{event}\n");
    let tick = collected.take(line.as_bytes(), 2);
    assert!(tick.is_ok_and(|tick| tick.is_none()), "{event}");
}

#[test]
fn records_of_a_process_that_never_said_done_are_kept() {
    let mut collected = Collected::default();
    let events = [
        json!({ "event": "begun", "users": 2 }),
        terms(0),
        signed(0, 1, 0, "pay"),
        signed(1, 0, 0, "retry"),
        sold(0),
    ];
    for event in &events {
        take(&mut collected, event);
    }
    assert!(!collected.is_done());
    assert_eq!(collected.strange_told(), None);
    let done = collected.finish();
    let sales: Vec<(u8, u8)> = done
        .sales
        .iter()
        .map(|sale| (sale.answered, sale.grants))
        .collect();
    assert_eq!(sales, [(1, 1), (0, 0)]);
    assert!(done.last_end.is_some());
}

#[test]
fn what_does_not_fit_is_counted_and_changes_nothing() {
    let mut collected = Collected::default();
    take(&mut collected, &json!({ "event": "begun", "users": 2 }));
    take(&mut collected, &terms(0));
    let strange = [
        Value::from("text"),
        json!({ "event": "fee" }),
        json!({ "event": "begun", "users": 3 }),
        terms(5),
        signed(1, 0, 0, "pay"),
        signed(0, 2, 0, "pay"),
        signed(0, 0, 1, "pay"),
        signed(0, 0, 0, "browse"),
        sold(0),
    ];
    for event in &strange {
        take(&mut collected, event);
    }
    let told = collected.strange_told().unwrap();
    assert!(told.starts_with("9 lines were not understood"), "{told}");
    assert!(collected.finish().sales.iter().next().is_none());
}

#[test]
fn a_process_that_only_says_nonsense_is_given_up() {
    let mut collected = Collected::default();
    let mut taken = 0;
    while collected.take(b"\xff\x00 nonsense\n", 2).is_ok() {
        taken += 1;
        assert!(taken < 1_000);
    }
    assert_eq!(taken, 99);
}

#[test]
fn a_tick_with_a_damaged_histogram_is_strange_and_one_that_is_whole_counts() {
    let good = Hdr::of(&times()).0;
    let tick = |hdr: &str| {
        json!({
            "event": "tick", "second": 0, "times": hdr, "classes": { "200": 1 }, "in_flight": 1,
            "all": counts(2), "measured": counts(1), "phases": [["sign", hdr]], "outcomes": [],
            "in_flight_high_water": 2, "cpu_us": 7,
        })
        .to_string()
    };
    let mut collected = Collected::default();
    assert!(
        collected
            .take(tick("AAAA").as_bytes(), 2)
            .unwrap()
            .is_none()
    );
    assert!(collected.strange_told().is_some());
    let taken = collected.take(tick(&good).as_bytes(), 2).unwrap().unwrap();
    assert_eq!((taken.counts.due, taken.in_flight), (2, 1));
    assert_eq!(collected.finish().tally.counts.due, 1);
}

fn counts(due: u64) -> Value {
    let counts = crate::load::tally::Counts {
        due,
        ..Default::default()
    };
    serde_json::to_value(counts).unwrap()
}
