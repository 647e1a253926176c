//! I4 between routes: a payment signed for one and delivered on another, and what only looks like it.

use alloy_primitives::U256;
use serde_json::{Value, json};
use x402_assay_protocol::{Version, header};
use x402_assay_reports::model::Verdict;

use super::testing::in_one_round;
use crate::history::script::{
    CONTENT, Call, Moves, Payment, Probe, Reply, Script, address, challenge_v1, challenge_v2,
    encode, offer,
};

const PREMIUM: &str = "/premium";
const CROSSED: &str = "v2/crossed";

/// Verdict, observations and text of the first breach of I4 over a round in which all of it took place.
fn seen(script: &Script) -> (Verdict, usize, Option<String>) {
    let told = in_one_round(&script.events(), "I4");
    let text = told.breaches.first().map(|(_, breach)| breach.text.clone());
    (told.verdict, told.observed, text)
}

/// The challenge of a route with these offers.
fn quote(route: &str, offers: &[Value]) -> Probe {
    let mut challenge = challenge_v2();
    challenge["accepts"] = json!(offers);
    let reply = Reply::answer(402, "{}").with(header::PAYMENT_REQUIRED, &encode(&challenge));
    let mut quote = Probe::new("v2/quote-of", reply);
    route.clone_into(&mut quote.route);
    quote
}

fn at(amount: &str) -> Value {
    let mut offer = offer(Version::V2);
    offer["amount"] = json!(amount);
    offer
}

/// A payment for `/paid` (10 000), paid and delivered on the dear route.
fn sale_on(route: &str) -> Probe {
    let mut sale = Probe::new(CROSSED, Reply::answer(200, CONTENT));
    route.clone_into(&mut sale.route);
    sale.payment = Some(Payment::Fresh(None));
    sale.calls = vec![Call::verify(true), Call::settle(true)];
    sale.moves = vec![Moves::default()];
    sale.runs = 1;
    sale
}

/// `/paid` is quoted at its price and `/premium` with these offers; then the payment for the one buys the other.
fn crossed(premium: &[Value]) -> Script {
    Script::empty()
        .then(quote("/paid", &[at("10000")]))
        .then(quote(PREMIUM, premium))
        .then(sale_on(PREMIUM))
}

#[test]
fn a_cheap_payment_that_buys_the_dear_route_fails() {
    let (verdict, observed, text) = seen(&crossed(&[at("30000")]));
    assert_eq!((verdict, observed), (Verdict::Fail, 1));
    assert_eq!(
        text.as_deref(),
        Some("GET /premium was given for 10000, and is offered for 30000")
    );
}

#[test]
fn a_route_that_is_not_sold_for_that_token_fails() {
    let mut other = at("10000");
    other["asset"] = json!(address(0x77).to_string());
    let (verdict, _, text) = seen(&crossed(&[other]));
    assert_eq!(verdict, Verdict::Fail);
    assert!(text.unwrap().contains("is not offered for that token"));
}

#[test]
fn a_dear_route_that_refuses_is_observed() {
    let refused = crossed(&[at("30000")]).edit(CROSSED, |probe| {
        probe.alone();
        probe.reply = Reply::answer(402, "{}");
    });
    assert_eq!(seen(&refused), (Verdict::Pass, 1, None));
    // A refusal where the payment is enough shows nothing of the kind.
    let enough = refused.edit(CROSSED, |probe| "/paid".clone_into(&mut probe.route));
    assert_eq!(seen(&enough), (Verdict::Skipped, 0, None));
}

#[test]
fn routes_of_one_price_are_one_anothers_to_buy() {
    assert_eq!(seen(&crossed(&[at("10000")])), (Verdict::Pass, 1, None));
    // Whatever else the route may be paid with.
    let several = crossed(&[at("50000"), at("10000")]);
    assert_eq!(seen(&several), (Verdict::Pass, 1, None));
}

#[test]
fn fresh_extra_with_every_challenge_changes_no_price() {
    let fresh = |quote_id: &str| {
        let mut offer = at("10000");
        offer["extra"]["quoteId"] = json!(quote_id);
        offer
    };
    let script = crossed(&[fresh("one")]).then(quote(PREMIUM, &[fresh("two")]));
    assert_eq!(seen(&script), (Verdict::Pass, 1, None));
}

#[test]
fn prices_that_change_are_held_against_the_least_or_not_at_all() {
    let fell = crossed(&[at("30000")]).then(quote(PREMIUM, &[at("9000")]));
    assert_eq!(seen(&fell), (Verdict::Pass, 1, None));
    let declared = crossed(&[at("30000")]).setup(|run| run.dynamic_price = true);
    assert_eq!(seen(&declared), (Verdict::Pass, 1, None));
}

#[test]
fn offers_of_another_scheme_are_no_price() {
    let mut upto = at("50000");
    upto["scheme"] = json!("upto");
    // The maximum of an `upto` offer is not what the route costs.
    assert_eq!(seen(&crossed(&[upto.clone()])).0, Verdict::Pass);
    assert_eq!(
        seen(&crossed(&[upto.clone(), at("10000")])).0,
        Verdict::Pass
    );
    assert_eq!(seen(&crossed(&[upto, at("30000")])).0, Verdict::Fail);
}

#[test]
fn a_route_without_a_readable_price_is_left_alone() {
    let unquoted = Script::empty()
        .then(quote("/paid", &[at("10000")]))
        .then(sale_on(PREMIUM));
    assert_eq!(seen(&unquoted), (Verdict::Pass, 1, None));
}

#[test]
fn more_than_a_route_costs_is_no_loss_of_its_seller() {
    let overpaid = Script::empty()
        .then(quote("/paid", &[at("10000")]))
        .then(quote("/cheap", &[at("100")]))
        .then(sale_on("/cheap"));
    assert_eq!(seen(&overpaid), (Verdict::Pass, 1, None));
}

#[test]
fn v1_more_than_the_maximum_stays_open_and_less_fails() {
    let quoted = |route: &str, amount: &str| {
        let mut challenge = challenge_v1();
        challenge["accepts"][0]["maxAmountRequired"] = json!(amount);
        let mut quote = Probe::new("v1/quote-of", Reply::answer(402, &challenge.to_string()));
        route.clone_into(&mut quote.route);
        quote
    };
    let bought = |price: &str| {
        let mut sale = sale_on(PREMIUM);
        "v1/crossed".clone_into(&mut sale.name);
        Script::empty()
            .then(quoted("/paid", "10000"))
            .then(quoted(PREMIUM, price))
            .then(sale)
    };
    assert_eq!(seen(&bought("30000")).0, Verdict::Fail);
    assert_eq!(seen(&bought("10000")).0, Verdict::Pass);
    let more = bought("15000").edit("v1/crossed", |probe| {
        probe.moves[0].value = Some(U256::from(15_000));
    });
    assert_eq!(seen(&more), (Verdict::Pass, 1, None));
}

/// Bought on `/paid`, and the same payment once more on the dear route.
fn again(change: impl Fn(&mut Probe)) -> Script {
    let mut repeat = Probe::new(CROSSED, Reply::answer(200, CONTENT));
    PREMIUM.clone_into(&mut repeat.route);
    repeat.payment = Some(Payment::Again("v2/bought".to_owned()));
    change(&mut repeat);
    let mut bought = sale_on("/paid");
    "v2/bought".clone_into(&mut bought.name);
    Script::empty()
        .then(quote("/paid", &[at("10000")]))
        .then(quote(PREMIUM, &[at("30000")]))
        .then(bought)
        .then(repeat)
}

#[test]
fn a_repeat_that_gives_the_same_again_is_not_priced_anew() {
    let cached = again(|_| {}).setup(|run| run.idempotent_replay = true);
    assert_eq!(seen(&cached), (Verdict::Pass, 1, None));
    // The handler of the dear route ran for it: that is another sale.
    let served = again(|probe| probe.runs = 1);
    assert_eq!(seen(&served).0, Verdict::Fail);
}
