//! HAR of hand-written histories.

use serde_json::Value;
use x402_assay_protocol::Version;

use super::event::{Event, What};
use super::har;
use super::script::Script;

fn entries(events: &[Event]) -> Vec<Value> {
    let log: Value = serde_json::from_str(&har::render(events)).expect("HAR is JSON");
    assert_eq!(log["log"]["version"], "1.2");
    log["log"]["entries"].as_array().expect("entries").clone()
}

fn header<'e>(message: &'e Value, name: &str) -> &'e str {
    let headers = message["headers"].as_array().expect("headers");
    let named = |header: &&Value| {
        header["name"]
            .as_str()
            .is_some_and(|other| other.eq_ignore_ascii_case(name))
    };
    let found = headers.iter().find(named).expect(name);
    found["value"].as_str().expect("a value is text")
}

#[test]
fn every_exchange_and_every_call_is_an_entry_in_the_order_of_time() {
    let events = Script::honest(Version::V2).events();
    let count = |wanted: fn(&What) -> bool| events.iter().filter(|e| wanted(&e.what)).count();
    let sent = count(|what| matches!(what, What::Sent(_)));
    let calls = count(|what| matches!(what, What::FacilitatorReceived { .. }));
    let entries = entries(&events);
    assert!(sent > 0 && calls > 0);
    assert_eq!(entries.len(), sent + calls);
    let times: Vec<&str> = entries
        .iter()
        .map(|entry| entry["startedDateTime"].as_str().expect("a date"))
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    for entry in &entries {
        // Members that HAR 1.2 requires.
        for name in [
            "startedDateTime",
            "time",
            "request",
            "response",
            "cache",
            "timings",
        ] {
            assert!(!entry[name].is_null(), "{name} in {entry}");
        }
        let url = entry["request"]["url"].as_str().expect("a URL");
        assert!(url.starts_with("http://"), "{url}");
        assert!(entry["response"]["status"].is_u64(), "{entry}");
        assert!(entry["response"]["content"]["mimeType"].is_string());
    }
}

#[test]
fn a_payment_header_is_whole_and_its_answer_too() {
    let entries = entries(&Script::honest(Version::V2).events());
    let paid = entries
        .iter()
        .find(|entry| {
            let headers = entry["request"]["headers"].as_array().expect("headers");
            headers.iter().any(|h| h["name"] == "PAYMENT-SIGNATURE")
                && entry["response"]["status"] == 200
        })
        .expect("a served purchase");
    let value = header(&paid["request"], "payment-signature");
    assert!(!value.starts_with("body:") && value.len() > 200, "{value}");
    assert!(paid["response"]["content"]["text"].is_string());
}

#[test]
fn an_exchange_without_an_answer_has_status_zero_and_says_why() {
    let mut events = Script::honest(Version::V2).events();
    let last = events
        .iter()
        .position(|event| matches!(event.what, What::Answered(_)))
        .expect("an answer");
    let What::Answered(answered) = events[last].what.clone() else {
        unreachable!("found as an answer");
    };
    events[last].what = What::Unanswered {
        exchange: answered.exchange,
        trouble: super::event::Trouble::Closed,
        partial: None,
        message: "connection reset".to_owned(),
    };
    let entries = entries(&events);
    let cut = entries
        .iter()
        .find(|entry| entry["response"]["status"] == 0)
        .expect("the exchange without an answer");
    let comment = cut["comment"].as_str().expect("a comment");
    assert!(comment.ends_with("; connection reset"), "{comment}");
}

#[test]
fn a_history_without_its_beginning_is_no_panic() {
    let events = Script::honest(Version::V2).events();
    assert!(entries(&events[..0]).is_empty());
    for cut in 1..events.len() {
        entries(&events[cut..]);
    }
}
