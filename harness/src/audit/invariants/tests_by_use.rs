//! Payments by use: what settle was asked for, what moved, and what the receipt tells.

use alloy_primitives::U256;
use serde_json::{Value, json};
use x402_assay_reports::model::Verdict;

use super::testing::in_one_round;
use crate::history::script::{CONTENT, Call, Moves, Payment, Probe, Reply, Script};

const METERED: &str = "v2/metered";

/// Verdict and texts of one invariant over a round in which all of it took place.
fn seen(script: &Script, id: &str) -> (Verdict, Vec<String>) {
    let told = in_one_round(&script.events(), id);
    let texts = told.breaches.iter().map(|(_, breach)| breach.text.clone());
    (told.verdict, texts.collect())
}

fn settled(asked: &str) -> Call {
    let mut call = Call::settle(true);
    call.requirements = vec![("amount", json!(asked))];
    call
}

/// A payment with a ceiling of 10 000 that buys for what it used, and a receipt that tells so.
fn metered(asked: &str, moved: u64, told: &Value) -> Script {
    let receipt = format!("receipt{told}");
    let reply = Reply::answer(200, CONTENT).with("PAYMENT-RESPONSE", &receipt);
    let mut sale = Probe::new(METERED, reply);
    "/metered".clone_into(&mut sale.route);
    sale.payment = Some(Payment::ByUse(Some(4_000)));
    sale.calls = vec![Call::verify(true), settled(asked)];
    sale.moves = vec![Moves {
        value: Some(U256::from(moved)),
        ..Moves::default()
    }];
    sale.runs = 1;
    Script::empty().then(sale)
}

fn honest() -> Script {
    metered("4000", 4_000, &json!({ "amount": "4000" }))
}

#[test]
fn a_charge_below_the_ceiling_is_right() {
    for id in ["I1", "I3", "I4", "I5"] {
        assert_eq!(seen(&honest(), id), (Verdict::Pass, vec![]), "{id}");
    }
}

#[test]
fn without_a_declared_price_the_whole_ceiling_is_legal() {
    let whole = metered("10000", 10_000, &json!({ "amount": "10000" }));
    let told = "10000 moved, and by the profile's `price` the use costs 4000";
    assert_eq!(seen(&whole, "I4"), (Verdict::Fail, vec![told.to_owned()]));
    let free = whole.edit(METERED, |probe| probe.payment = Some(Payment::ByUse(None)));
    assert_eq!(seen(&free, "I4"), (Verdict::Pass, vec![]));
}

#[test]
fn more_than_the_ceiling_fails_asked_or_moved() {
    let moved = metered("4000", 10_001, &json!({ "amount": "10001" }));
    let (verdict, texts) = seen(&moved, "I4");
    assert_eq!(verdict, Verdict::Fail);
    assert!(texts.contains(&"10001 moved, above the signed ceiling of 10000".to_owned()));
    assert!(texts.contains(&"10001 moved, and settle was asked for 4000".to_owned()));
    // The facilitator refused it: the server asked all the same.
    let refused = honest().edit(METERED, |probe| {
        let mut call = settled("14000");
        call.yes = false;
        probe.calls = vec![Call::verify(true), call];
        probe.moves.clear();
        probe.reply = Reply::answer(402, "{}");
    });
    let told = "settle was asked for 14000, above the signed ceiling of 10000";
    assert_eq!(seen(&refused, "I4"), (Verdict::Fail, vec![told.to_owned()]));
}

#[test]
fn another_amount_than_was_asked_for_fails() {
    let ceiling = metered("4000", 10_000, &json!({ "amount": "10000" }));
    let (verdict, texts) = seen(&ceiling, "I4");
    assert_eq!(verdict, Verdict::Fail);
    assert_eq!(texts[0], "10000 moved, and settle was asked for 4000");
}

#[test]
fn a_receipt_tells_what_moved() {
    let other = metered("4000", 4_000, &json!({ "amount": "10000" }));
    let told = "the receipt tells an amount of 10000, and 4000 moved";
    assert_eq!(seen(&other, "I5"), (Verdict::Fail, vec![told.to_owned()]));
    let silent = metered("4000", 4_000, &json!({}));
    let told = "the receipt of a payment by use tells no amount";
    assert_eq!(seen(&silent, "I5"), (Verdict::Fail, vec![told.to_owned()]));
}

#[test]
fn what_used_nothing_is_paid_by_a_settlement_of_nothing() {
    let told = json!({ "amount": "0", "transaction": "" });
    let free = metered("0", 0, &told).edit(METERED, |probe| {
        probe.payment = Some(Payment::ByUse(Some(0)));
        probe.moves.clear();
    });
    for id in ["I1", "I3", "I4", "I5"] {
        assert_eq!(seen(&free, id), (Verdict::Pass, vec![]), "{id}");
    }
    // It is paid once only, and not by a settlement that was refused.
    let mut again = Probe::new("v2/again", Reply::answer(200, CONTENT));
    again.payment = Some(Payment::Again(METERED.to_owned()));
    again.calls = vec![settled("0")];
    again.runs = 1;
    assert_eq!(seen(&free.then(again), "I1").0, Verdict::Fail);
    let refused = metered("0", 0, &told).edit(METERED, |probe| {
        probe.moves.clear();
        probe.calls[1].yes = false;
    });
    assert_eq!(seen(&refused, "I1").0, Verdict::Fail);
    assert_eq!(seen(&refused, "I5").0, Verdict::Fail);
}

#[test]
fn two_draws_on_one_ceiling_are_two_deliveries() {
    let mut again = Probe::new("v2/again", Reply::answer(200, CONTENT));
    again.payment = Some(Payment::Again(METERED.to_owned()));
    again.calls = vec![settled("4000")];
    again.moves = vec![Moves {
        value: Some(U256::from(4_000)),
        ..Moves::default()
    }];
    again.runs = 1;
    let drawn = honest().then(again);
    assert_eq!(seen(&drawn, "I3").0, Verdict::Fail);
    assert_eq!(seen(&drawn, "I1").0, Verdict::Pass, "both were paid");
}
