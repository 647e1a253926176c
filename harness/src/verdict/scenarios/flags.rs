//! Expectations that are said with one word.

use serde_json::Value;
use x402_assay_protocol::{Version, network};
use x402_mock_facilitator::event::Endpoint;

use super::expectation::Miss;
use super::responses::receipt;
use super::scene::Scene;
use super::{answers, supported};
use crate::history::event::Signed;
use crate::history::{Exchange, FacilitatorCall};
use crate::scenario::expect::{Flag, Flagged};

pub(super) fn judge(scene: &Scene<'_, '_>, flagged: &Flagged) -> Vec<Miss> {
    let of = flagged.of.as_deref();
    match flagged.flag {
        Flag::NoFresh402AfterSettle => no_fresh_402(scene, of),
        Flag::TermsFromServer => terms_from_server(scene, of),
        Flag::NoPaidBytes => no_paid_bytes(scene, of),
        Flag::VerifyPredictsSettle => answers::verify_predicts_settle(scene, of),
        Flag::SupportedIsTrue => supported::is_true(scene, of),
        Flag::PayerIsNotBlamed => answers::payer_is_not_blamed(scene, of),
    }
}

fn no_fresh_402(scene: &Scene<'_, '_>, of: Option<&str>) -> Vec<Miss> {
    let fresh = |exchange: &&&Exchange<'_>| {
        exchange.status() == Some(402) && receipt(exchange).is_none() && owes(scene, exchange)
    };
    let all = scene.responses(of);
    let misses = all.iter().filter(fresh).map(|exchange| {
        let text = "answered with a fresh 402 although the settlement may have happened".to_owned();
        let evidence = scene.evidence(&[*exchange]);
        // Version 1 has no receipt for what failed (wire-format section 2.3): its 402 cannot say more.
        let in_v1 = scene
            .books
            .book_of(exchange)
            .is_some_and(|book| book.signed.version == Version::V1);
        Miss {
            at_most_warn: in_v1,
            ..Miss::new("no_fresh_402_after_settle", text, evidence)
        }
    });
    misses.collect()
}

/// The payment's settlement was asked for before this answer, may have happened, and nothing was delivered for it yet.
fn owes(scene: &Scene<'_, '_>, exchange: &Exchange<'_>) -> bool {
    let Some(book) = scene.books.book_of(exchange) else {
        return false;
    };
    let served = book
        .grants
        .iter()
        .filter_map(|grant| scene.facts.exchange(grant.exchange));
    let served_before = served
        .into_iter()
        .any(|grant| grant.ended_at_us <= exchange.ended_at_us);
    let mut calls = scene.facts.calls_about(book.signed.key);
    !served_before
        && calls.any(|call| {
            call.endpoint == Endpoint::Settle
                && call.received_at_us <= exchange.ended_at_us
                && is_unknown(call)
        })
}

/// The answer, as the server got it, does not say that the settlement failed for good.
fn is_unknown(call: &FacilitatorCall<'_>) -> bool {
    call.success() != Some(false) || call.reason() == Some("settlement_pending")
}

fn terms_from_server(scene: &Scene<'_, '_>, of: Option<&str>) -> Vec<Miss> {
    let mut misses = Vec::new();
    for exchange in scene.responses(of) {
        let Some(book) = scene.books.book_of(exchange) else {
            continue;
        };
        let calls = scene.facts.calls_about(book.signed.key);
        for call in calls.filter(|call| !call.direct && exchange.spans(call.received_at_us)) {
            let required = call
                .request()
                .and_then(|request| request.get("paymentRequirements"));
            let Some(wrong) = required.and_then(|required| differs(required, book.signed)) else {
                continue;
            };
            let text = format!(
                "{} was asked about another {wrong} than was advertised",
                call.path()
            );
            misses.push(Miss::new(
                "terms_from_server",
                text,
                vec![exchange.evidence(), call.evidence()],
            ));
        }
    }
    misses
}

/// The first member that is not what was advertised.
fn differs(required: &Value, signed: &Signed) -> Option<&'static str> {
    let offered = &signed.offered;
    let text = |name: &str| {
        required
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let same = |name: &str, address: &alloy_primitives::Address| {
        text(name).eq_ignore_ascii_case(&address.to_string())
    };
    let amount = match text("amount") {
        "" => text("maxAmountRequired"),
        amount => amount,
    };
    let known = network::by_chain_id(offered.chain_id);
    let v1_name = known.and_then(|known| known.v1_name);
    let network = text("network");
    if amount != offered.amount.to_string() {
        Some("amount")
    } else if !same("payTo", &offered.pay_to) {
        Some("recipient")
    } else if !same("asset", &offered.asset) {
        Some("token")
    } else if network != network::caip2(offered.chain_id) && Some(network) != v1_name {
        Some("network")
    } else {
        None
    }
}

fn no_paid_bytes(scene: &Scene<'_, '_>, of: Option<&str>) -> Vec<Miss> {
    let Some(marker) = scene.facts.run.and_then(|run| run.marker.as_deref()) else {
        return vec![Miss::unseen("no_paid_bytes", "no marker tells a paid body")];
    };
    let holds = |exchange: &&&Exchange<'_>| {
        let texts = [exchange.body_text(), exchange.partial_text()];
        let in_body = texts.iter().flatten().any(|body| body.contains(marker));
        let headers = exchange
            .answer()
            .or(exchange.partial)
            .into_iter()
            .flat_map(|answer| &answer.headers);
        !scene.is_blind(exchange)
            && (in_body || headers.into_iter().any(|(_, value)| value.contains(marker)))
    };
    let all = scene.responses(of);
    let miss = |exchange: &&Exchange<'_>| {
        let text = format!("{} carries the paid body", exchange.ending());
        Miss::new("no_paid_bytes", text, scene.evidence(&[*exchange]))
    };
    all.iter().filter(holds).map(miss).collect()
}
