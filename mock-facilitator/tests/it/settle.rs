//! `/settle`: moves the money exactly once, whoever asks how often.

use std::collections::HashSet;

use alloy_primitives::{Address, U256};
use futures_util::future::join_all;
use serde_json::json;
use x402_assay_protocol::{Version, network};
use x402_mock_facilitator::{CallStep, Endpoint, Ledger as _, Movement};

use crate::bench::{Bench, CHAIN, FUNDS, PAYEE, PRICE, hash};

#[tokio::test]
async fn the_money_moves_exactly_once() {
    let bench = Bench::start().await;
    for (version, spelled) in [(Version::V1, "base-sepolia"), (Version::V2, "eip155:84532")] {
        let before = bench.balance(PAYEE).await;
        let body = bench.honest(version);
        let answer = bench.settle(&body).await;
        let payer = bench.payer.address();
        assert_eq!(
            answer,
            json!({
                "success": true,
                "transaction": answer["transaction"],
                "network": spelled,
                "payer": payer.to_checksum(None),
            })
        );
        assert_eq!(bench.balance(PAYEE).await - before, U256::from(PRICE));
        let record = bench
            .ledger
            .transaction(hash(&answer))
            .await
            .unwrap()
            .unwrap();
        assert!(record.success);
        let transfer = bench.transfers().await.pop().unwrap();
        assert_eq!(
            (transfer.transaction, transfer.block),
            (hash(&answer), record.block)
        );
        let moved = Movement::Transfer {
            from: payer,
            to: PAYEE,
            value: U256::from(PRICE),
        };
        assert_eq!(transfer.what, moved);

        let again = bench.settle(&body).await;
        assert_eq!(again["errorReason"], "invalid_exact_evm_nonce_already_used");
        assert_eq!(bench.balance(PAYEE).await - before, U256::from(PRICE));
    }
    assert_eq!(bench.transfers().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_concurrent_duplicates_exactly_one_succeeds() {
    let bench = Bench::start().await;
    let body = bench.honest(Version::V2);
    let answers = join_all((0..20).map(|_| bench.settle(&body))).await;
    let (good, bad): (Vec<_>, Vec<_>) = answers.iter().partition(|a| a["success"] == true);
    assert_eq!(good.len(), 1, "{answers:?}");
    for answer in bad {
        let reason = answer["errorReason"].as_str().unwrap();
        let known = [
            "duplicate_settlement",
            "invalid_exact_evm_nonce_already_used",
        ];
        assert!(known.contains(&reason), "{answer}");
        assert_eq!(answer["transaction"], "");
    }
    assert_eq!(bench.transfers().await.len(), 1);
    let broadcasts = bench
        .events()
        .into_iter()
        .filter(|event| matches!(event.what, CallStep::Broadcast { .. }));
    assert_eq!(broadcasts.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn distinct_concurrent_settlements_all_succeed() {
    let bench = Bench::start().await;
    let bodies: Vec<_> = (0..50).map(|_| bench.honest(Version::V2)).collect();
    let answers = join_all(bodies.iter().map(|body| bench.settle(body))).await;
    assert!(answers.iter().all(|a| a["success"] == true), "{answers:?}");
    let hashes: HashSet<_> = answers.iter().map(hash).collect();
    assert_eq!(
        hashes.len(),
        50,
        "every settlement has a transaction of its own"
    );
    assert_eq!(bench.transfers().await.len(), 50);
    assert_eq!(bench.balance(PAYEE).await, U256::from(50 * PRICE));
    let left = bench.balance(bench.payer.address()).await;
    assert_eq!(left, U256::from(FUNDS - 50 * PRICE));
}

/// The last payment that funds allow, asked for many times over with different nonces.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_settlements_never_overdraw() {
    let bench = Bench::start().await;
    let mut drain = bench.draft(Version::V2);
    drain.authorization.value = U256::from(FUNDS - 3 * PRICE);
    drain.requirement["amount"] = json!((FUNDS - 3 * PRICE).to_string());
    assert_eq!(bench.settle(&bench.sign(&drain)).await["success"], true);

    let bodies: Vec<_> = (0..20).map(|_| bench.honest(Version::V2)).collect();
    let answers = join_all(bodies.iter().map(|body| bench.settle(body))).await;
    let good = answers.iter().filter(|a| a["success"] == true).count();
    assert_eq!(good, 3, "{answers:?}");
    assert_eq!(bench.balance(bench.payer.address()).await, U256::ZERO);
}

#[tokio::test]
async fn settling_verifies_again_with_the_requirements_it_is_given() {
    let bench = Bench::start().await;
    let mut body = bench.honest(Version::V2);
    assert_eq!(bench.verify(&body).await["isValid"], true);
    body["paymentRequirements"]["payTo"] = json!(Address::repeat_byte(5).to_checksum(None));
    let answer = bench.settle(&body).await;
    assert_eq!(
        answer["errorReason"],
        "invalid_exact_evm_recipient_mismatch"
    );
    assert_eq!(bench.transfers().await, vec![]);
}

#[tokio::test]
async fn every_step_of_a_settlement_is_logged_in_order() {
    let bench = Bench::start().await;
    let draft = bench.draft(Version::V2);
    let body = bench.sign(&draft);
    let answer = bench.settle(&body).await;
    let events = bench.events();
    assert!(events.iter().all(|event| event.call == events[0].call));
    let CallStep::Received {
        endpoint,
        authorization,
        body: text,
    } = &events[0].what
    else {
        panic!("{events:?}");
    };
    assert_eq!(
        (*endpoint, text.as_str()),
        (Endpoint::Settle, body.to_string().as_str())
    );
    let key = authorization.unwrap();
    assert_eq!(
        (key.payer, key.nonce),
        (bench.payer.address(), draft.authorization.nonce)
    );
    assert_eq!(key.chain_id, CHAIN);
    assert_eq!(key.asset, network::by_chain_id(CHAIN).unwrap().usdc);
    let transaction = hash(&answer);
    assert_eq!(events[1].what, CallStep::Broadcast { transaction });
    assert_eq!(
        events[2].what,
        CallStep::Mined {
            transaction,
            success: true
        }
    );
    let CallStep::Answered { status, body, lied } = &events[3].what else {
        panic!("{events:?}");
    };
    assert_eq!((*status, *lied), (200, false));
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(body).unwrap(),
        answer
    );
    assert_eq!(events.len(), 4);
}
