//! Rules of one round: a path form and its sibling, and what a request with two payments bought.

use std::sync::Arc;

use x402_assay_protocol::Version;
use x402_assay_reports::model::{CaseResult, Verdict};

use super::judge;
use crate::history::case_ran::CaseRan;
use crate::history::script::{CONTENT, Call, Moves, Payment, Probe, Reply, Script};
use crate::history::{Facts, Recorder, What};
use crate::scenario::BUILTIN;

/// The first case of a built-in scenario over these exchanges, and an honest purchase after them.
fn judged(name: &str, probes: Vec<Probe>, payments: &[(&str, u32)]) -> CaseResult {
    let control = format!("scenario/{name}/1/control");
    let mut script = Script::empty();
    for probe in probes {
        script = script.then(probe);
    }
    let script = script
        .then(Probe::new(&control, Reply::answer(402, "{}")))
        .then(sale(&control));
    let recorder = Recorder::in_memory(Arc::new(str::to_owned));
    let mut last_us = 0;
    for event in script.events() {
        last_us = event.at_us;
        recorder.append(event.at_us, event.what);
    }
    let (_, text) = BUILTIN.iter().find(|(known, _)| *known == name).unwrap();
    let body = recorder.body(last_us, text.as_bytes());
    let scenario = What::Scenario {
        name: name.to_owned(),
        body,
    };
    recorder.append(last_us, scenario);
    let ran = CaseRan {
        scenario: name.to_owned(),
        case: 1,
        round: 1,
        repeat: 1,
        payments: payments
            .iter()
            .map(|(name, number)| ((*name).to_owned(), vec![*number]))
            .collect(),
        ended_us: last_us,
        ..CaseRan::default()
    };
    recorder.append(last_us, What::CaseRan(Box::new(ran)));
    let events = recorder.snapshot();
    let mut results = judge(&Facts::new(&events, None)).results;
    results.remove(0).cases.remove(0)
}

fn sale(name: &str) -> Probe {
    let mut sale = Probe::new(name, Reply::answer(200, CONTENT));
    sale.payment = Some(Payment::Fresh(None));
    sale.calls = vec![Call::verify(true), Call::settle(true)];
    sale.moves = vec![Moves::default()];
    sale
}

fn form(delivered: bool, sibling: bool) -> CaseResult {
    let answer = |name: &str, delivered: bool| {
        let name = format!("scenario/path-forms/1/{name}");
        match delivered {
            true => Probe::new(&name, Reply::answer(200, CONTENT)),
            false => Probe::new(&name, Reply::answer(402, "{}")),
        }
    };
    let probes = vec![answer("1", delivered), answer("1/sibling", sibling)];
    judged("path-forms", probes, &[])
}

#[test]
fn a_form_that_is_served_fails_where_its_sibling_is_not() {
    let case = form(true, false);
    assert_eq!(case.verdict, Verdict::Fail, "{}", case.detail);
    assert!(case.findings.iter().all(|f| f.expectation != "sibling"));
}

#[test]
fn a_form_that_is_refused_passes_whatever_its_sibling_gets() {
    assert_eq!(form(false, false).verdict, Verdict::Pass);
    // A free page that answers every other path with the same text is no leak of the paid one.
    let case = form(false, true);
    assert_eq!(case.verdict, Verdict::Info, "{}", case.detail);
}

#[test]
fn a_server_that_gives_the_body_on_every_path_shows_nothing() {
    let case = form(true, true);
    assert_eq!(case.verdict, Verdict::Info, "{}", case.detail);
    assert_eq!(case.findings[0].expectation, "sibling");
}

/// Two payments in one header: `bad` comes first, and the request is booked under it.
fn doubled(served: bool, settled: bool, again: bool) -> CaseResult {
    let reply = |served: bool| match served {
        true => Reply::answer(200, CONTENT),
        false => Reply::answer(402, "{}"),
    };
    let mut bad_first = Probe::new("scenario/repeated-header/1/4", reply(served));
    bad_first.payment = Some(Payment::Fresh(Some("signature-flipped".to_owned())));
    let mut good_first = Probe::new("scenario/repeated-header/1/5", reply(again));
    good_first.payment = Some(Payment::Fresh(None));
    if settled {
        good_first.moves = vec![Moves::default()];
    }
    judged(
        "repeated-header",
        vec![bad_first, good_first],
        &[("bad", 0), ("good", 1)],
    )
}

#[test]
fn what_two_payments_bought_is_the_settled_ones() {
    // The server took the second payment of the header and settled it.
    let case = doubled(true, true, false);
    assert_eq!(case.verdict, Verdict::Pass, "{}", case.detail);
    assert_eq!(doubled(false, false, false).verdict, Verdict::Pass);
    assert_eq!(doubled(false, true, true).verdict, Verdict::Pass);
}

#[test]
fn a_second_payment_covers_one_delivery_only() {
    let unsettled = doubled(true, false, false);
    assert_eq!(unsettled.verdict, Verdict::Fail, "{}", unsettled.detail);
    let twice = doubled(true, true, true);
    assert_eq!(twice.verdict, Verdict::Fail, "{}", twice.detail);
}

/// A settlement without a verdict is answered with a bare 402.
fn priced_anew(version: Version) -> CaseResult {
    let name = "scenario/settle-outcome-unknown/1/4";
    let mut first = Probe::new(name, Reply::answer(402, "{}"));
    first.version = Some(version);
    first.payment = Some(Payment::Fresh(None));
    let mut cut = Call::settle(true).faulted();
    cut.odd_answer = Some((500, ""));
    first.calls = vec![Call::verify(true), cut];
    judged("settle-outcome-unknown", vec![first], &[("first", 0)])
}

#[test]
fn a_bare_402_after_an_unknown_settlement_is_a_warning_where_the_version_has_no_receipt() {
    let verdict = |version| {
        let case = priced_anew(version);
        let mut findings = case.findings.iter();
        let fresh =
            findings.find(|f| f.expectation == "no_fresh_402_after_settle" && f.why.is_some());
        fresh.map(|finding| finding.verdict)
    };
    assert_eq!(verdict(Version::V2), Some(Verdict::Fail));
    assert_eq!(verdict(Version::V1), Some(Verdict::Warn));
}
