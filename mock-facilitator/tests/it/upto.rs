//! `upto` on the memory ledger: the ceiling is signed, what is asked for moves, and each permit once.

use std::sync::Arc;

use alloy_primitives::{Address, U256};
use futures_util::future::join_all;
use serde_json::{Value, json};
use x402_assay_protocol::permit2::{self, UPTO_PROXY};
use x402_assay_protocol::write::set;
use x402_assay_protocol::{
    PayerKey, Requirement, UptoPermit, UptoTerms, Version, facilitator, upto,
};
use x402_mock_facilitator::{CallStep, Defect, DefectSet, Ledger as _, Movement, Options};

use crate::bench::{Bench, CHAIN, PAYEE, PRICE, hash, requirement, unix_s, usdc};
use crate::odd_ledger::OddLedger;

const EXCEEDS: &str = "invalid_upto_evm_payload_settlement_exceeds_amount";

async fn offered(bench: &Bench) -> Value {
    let (_, supported) = bench.get(&format!("{}/supported", bench.url)).await;
    let kinds = supported["kinds"].as_array().unwrap();
    let kind = kinds.iter().find(|kind| kind["scheme"] == "upto").unwrap();
    assert_eq!(kind["network"], "eip155:84532");
    let mut offer = requirement(Version::V2);
    offer["scheme"] = json!("upto");
    offer["extra"]["facilitatorAddress"] = kind["extra"]["facilitatorAddress"].clone();
    offer
}

fn permit(payer: &PayerKey, offer: &Value) -> UptoPermit {
    let read = Requirement::from_raw(Version::V2, offer.clone());
    let terms = UptoTerms::of(&read).unwrap();
    UptoPermit {
        from: payer.address(),
        token: usdc().usdc,
        amount: terms.terms.amount,
        spender: UPTO_PROXY,
        nonce: U256::from_be_bytes(x402_assay_protocol::payment::fresh_nonce().0),
        deadline: U256::from(unix_s() + 60),
        to: PAYEE,
        facilitator: terms.facilitator,
        valid_after: U256::ZERO,
    }
}

fn signed(payer: &PayerKey, offer: &Value, permit: &UptoPermit) -> Value {
    let read = Requirement::from_raw(Version::V2, offer.clone());
    let signature = payer.sign(&permit.digest(&permit2::separator(CHAIN)));
    let payment = upto::build(&read, None, permit, &signature);
    facilitator::request(Version::V2, &payment, offer)
}

/// The honest request to verify, for the ceiling.
async fn honest(bench: &Bench) -> Value {
    let offer = offered(bench).await;
    signed(&bench.payer, &offer, &permit(&bench.payer, &offer))
}

/// The same payment, and this amount to settle.
fn charging(body: &Value, amount: u64) -> Value {
    let mut body = body.clone();
    set(
        &mut body,
        "/paymentRequirements/amount",
        Some(json!(amount.to_string())),
    );
    body
}

#[tokio::test]
async fn what_is_asked_for_moves_and_the_permit_is_used_up() {
    let bench = Bench::start().await;
    let body = honest(&bench).await;
    assert_eq!(bench.verify(&body).await["isValid"], true);
    let answer = bench.settle(&charging(&body, 4_000)).await;
    assert_eq!(
        answer,
        json!({
            "success": true,
            "transaction": answer["transaction"],
            "network": "eip155:84532",
            "payer": bench.payer.address().to_checksum(None),
            "amount": "4000",
        })
    );
    assert_eq!(bench.balance(PAYEE).await, U256::from(4_000));
    let records = bench.ledger.records(0, None).await.unwrap();
    let logs: Vec<&Movement> = records
        .iter()
        .filter(|record| record.transaction == hash(&answer))
        .map(|record| &record.what)
        .collect();
    assert!(
        matches!(logs[..], [Movement::PermitUsed { .. }, Movement::Transfer { value, .. }] if *value == U256::from(4_000)),
        "{logs:?}"
    );
    // Not even the rest of the ceiling can be drawn.
    for amount in [1, 6_000] {
        let again = bench.settle(&charging(&body, amount)).await;
        assert_eq!(again["errorReason"], "permit2_invalid_nonce");
    }
    let again = bench.verify(&body).await;
    assert_eq!(again["invalidReason"], "permit2_invalid_nonce");
    assert_eq!(bench.transfers().await.len(), 1);
}

#[tokio::test]
async fn the_ceiling_is_the_most_and_nothing_is_the_least() {
    let bench = Bench::start().await;
    let body = honest(&bench).await;
    let above = bench.settle(&charging(&body, PRICE + 1)).await;
    assert_eq!(above["errorReason"], EXCEEDS);
    assert_eq!(above["transaction"], "");
    // A refusal leaves the permit as it was.
    let whole = bench.settle(&charging(&body, PRICE)).await;
    assert_eq!(
        (&whole["success"], &whole["amount"]),
        (&json!(true), &json!("10000"))
    );

    let free = honest(&bench).await;
    let zero = bench.settle(&charging(&free, 0)).await;
    assert_eq!(zero["success"], true, "{zero}");
    assert_eq!(
        (&zero["transaction"], &zero["amount"]),
        (&json!(""), &json!("0"))
    );
    let again = bench.settle(&charging(&free, 1)).await;
    assert_eq!(again["errorReason"], "permit2_invalid_nonce");
    assert_eq!(bench.balance(PAYEE).await, U256::from(PRICE));
}

#[tokio::test]
async fn permits_with_other_terms_are_refused_by_their_reason() {
    type Change = fn(&mut UptoPermit);
    let table: [(Change, &str); 9] = [
        (|p| p.spender = PAYEE, "invalid_permit2_spender"),
        (
            |p| p.to = Address::repeat_byte(9),
            "invalid_permit2_recipient_mismatch",
        ),
        (|p| p.facilitator = PAYEE, "upto_facilitator_mismatch"),
        (
            |p| p.deadline = U256::from(unix_s() + 2),
            "permit2_deadline_expired",
        ),
        (
            |p| p.valid_after = U256::from(unix_s() + 60),
            "permit2_not_yet_valid",
        ),
        (|p| p.amount += U256::from(1), "permit2_amount_mismatch"),
        (|p| p.amount -= U256::from(1), "permit2_amount_mismatch"),
        (|p| p.token = PAYEE, "permit2_token_mismatch"),
        (|p| p.from = PAYEE, "invalid_permit2_signature"),
    ];
    let bench = Bench::start().await;
    let offer = offered(&bench).await;
    for (change, reason) in table {
        let mut permit = permit(&bench.payer, &offer);
        change(&mut permit);
        let body = signed(&bench.payer, &offer, &permit);
        let answer = bench.verify(&body).await;
        assert_eq!(answer["invalidReason"], reason, "{answer}");
        // A ceiling above the charge is what settle expects.
        let answer = bench.settle(&charging(&body, 4_000)).await;
        let moves = reason == "permit2_amount_mismatch";
        assert_eq!(answer["success"], moves, "{reason}: {answer}");
    }
    assert_eq!(bench.transfers().await.len(), 2);
}

#[tokio::test]
async fn messages_of_another_kind_are_refused_by_their_reason() {
    let bench = Bench::start().await;
    let body = honest(&bench).await;
    let exact = bench.honest(Version::V2);
    let payload = exact["paymentPayload"]["payload"].clone();
    let extra = "/paymentRequirements/extra/assetTransferMethod";
    let table = [
        (
            "/paymentPayload/payload",
            payload,
            "unsupported_payload_type",
        ),
        (
            "/paymentPayload/payload/signature",
            json!("0x12"),
            "invalid_permit2_signature",
        ),
        (
            "/paymentPayload/payload/permit2Authorization/nonce",
            json!(1),
            "invalid_payload",
        ),
        (
            "/paymentPayload/accepted/scheme",
            json!("exact"),
            "invalid_upto_evm_scheme",
        ),
        (
            "/paymentPayload/accepted/network",
            json!("eip155:8453"),
            "invalid_upto_evm_network_mismatch",
        ),
        (
            "/paymentRequirements/amount",
            json!(10_000),
            "invalid_payment_requirements",
        ),
        (extra, json!("eip3009"), "unsupported_payload_type"),
    ];
    for (pointer, value, reason) in table {
        let mut changed = body.clone();
        set(&mut changed, pointer, Some(value));
        let answer = bench.verify(&changed).await;
        assert_eq!(answer["invalidReason"], reason, "{pointer}: {answer}");
        assert_eq!(bench.settle(&changed).await["errorReason"], reason);
    }
    assert_eq!(bench.transfers().await, vec![]);
}

#[tokio::test]
async fn whoever_holds_less_than_is_asked_pays_nothing() {
    let bench = Bench::start().await;
    let poor = PayerKey::derived("facilitator tests", 9, 9);
    bench
        .ledger
        .mint(usdc().usdc, poor.address(), U256::from(5_000))
        .unwrap();
    let offer = offered(&bench).await;
    let body = signed(&poor, &offer, &permit(&poor, &offer));
    let refused = bench.verify(&body).await;
    assert_eq!(refused["invalidReason"], "permit2_insufficient_balance");
    let more = bench.settle(&charging(&body, 5_001)).await;
    assert_eq!(more["errorReason"], "permit2_insufficient_balance");
    assert_eq!(bench.settle(&charging(&body, 5_000)).await["success"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_concurrent_draws_exactly_one_succeeds() {
    let bench = Bench::start().await;
    let body = charging(&honest(&bench).await, 1_000);
    let answers = join_all((0..20).map(|_| bench.settle(&body))).await;
    let (good, bad): (Vec<_>, Vec<_>) = answers.iter().partition(|a| a["success"] == true);
    assert_eq!(good.len(), 1, "{answers:?}");
    for answer in bad {
        let reason = answer["errorReason"].as_str().unwrap();
        let known = ["duplicate_settlement", "permit2_invalid_nonce"];
        assert!(known.contains(&reason), "{answer}");
    }
    assert_eq!(bench.transfers().await.len(), 1);
    let steps = bench.events();
    let broadcast = |event: &&_| matches!(event, CallStep::Broadcast { .. });
    assert_eq!(
        steps
            .iter()
            .map(|event| &event.what)
            .filter(broadcast)
            .count(),
        1
    );
}

/// What moves when these amounts are settled with one permit, by a facilitator with these defects.
async fn moved(defects: DefectSet, amounts: &[u64]) -> u64 {
    let bench = Bench::start().await;
    bench.facilitator.faults().set_defects(defects);
    let body = honest(&bench).await;
    assert_eq!(bench.verify(&body).await["isValid"], true);
    for amount in amounts {
        bench.settle(&charging(&body, *amount)).await;
    }
    bench.balance(PAYEE).await.to::<u64>()
}

/// True when a facilitator that has the defect, or has not, does what only the defective one does.
pub(crate) async fn deviates(wrong: bool, defect: Defect) -> bool {
    let defects = [defect].into_iter().filter(|_| wrong).collect();
    match defect {
        Defect::UptoCeilingIgnored => moved(defects, &[PRICE + 7]).await == PRICE + 7,
        Defect::UptoPermitsReused => moved(defects, &[4_000, 4_000]).await == 8_000,
        _ => moved(defects, &[4_000]).await == PRICE,
    }
}

#[tokio::test]
async fn no_defect_shows_in_another_ones_way() {
    let (reused, ignored) = (Defect::UptoPermitsReused, Defect::UptoCeilingIgnored);
    assert_eq!(moved(reused.into(), &[PRICE + 7]).await, 0);
    assert_eq!(moved(ignored.into(), &[4_000, 4_000]).await, 4_000);
}

#[tokio::test]
async fn a_ledger_without_permit2_says_so_and_offers_no_upto() {
    let memory = Bench::start().await;
    let body = honest(&memory).await;
    let chain = Bench::start_with(Options::default(), |ledger| {
        Arc::new(OddLedger::new(ledger))
    })
    .await;
    let (_, supported) = chain.get(&format!("{}/supported", chain.url)).await;
    let mut kinds = supported["kinds"].as_array().unwrap().iter();
    assert!(kinds.all(|kind| kind["scheme"] == "exact"));
    for (answer, reason) in [
        (chain.verify(&body).await, "invalidReason"),
        (chain.settle(&body).await, "errorReason"),
    ] {
        assert_eq!(answer[reason], "unsupported_scheme");
        assert!(
            answer.to_string().contains("memory ledger only"),
            "{answer}"
        );
    }
}
