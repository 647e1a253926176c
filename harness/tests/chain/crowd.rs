//! Hundreds of settlements that wait for one block.

use std::sync::Arc;

use alloy_primitives::U256;
use alloy_provider::Provider;
use alloy_provider::ext::AnvilApi;
use serde_json::Value;
use tokio::task::JoinSet;
use x402_assay::chain::TokenKind;
use x402_assay_protocol::{Authorization, PayerKey};
use x402_mock_facilitator::{
    EvmLedger, EvmOptions, Ledger as _, SettleOutcome, SignedAuthorization, dev_signers,
};

use crate::bench::Bench;

/// Settlements that succeed; with those that do not, more than ask for their own receipts.
const GOOD: usize = 150;
/// Settlements of a payer without money: their transactions revert, and leave no log.
const POOR: usize = 5;

#[tokio::test]
async fn each_of_a_crowd_learns_what_became_of_its_own_transaction() {
    let Some(bench) = Bench::start(84532, TokenKind::FiatLike).await else {
        return;
    };
    let options = EvmOptions::default();
    let ledger = EvmLedger::connect(bench.endpoint(), dev_signers(4), options);
    let ledger = Arc::new(ledger.await.unwrap());
    let (asset, separator) = (bench.token.spec().asset, bench.token.separator());
    bench.provider.anvil_set_auto_mine(false).await.unwrap();

    let poor = PayerKey::derived("chain-crowd", 1, 0);
    let template = bench.authorization(1).await;
    let mut settling = JoinSet::new();
    for number in 0..GOOD + POOR {
        let payer = if number < GOOD { &bench.payer } else { &poor };
        let authorization = Authorization {
            from: payer.address(),
            nonce: U256::from(number + 1).into(),
            ..template.clone()
        };
        let signature = payer.sign(&authorization.digest(&separator)).0.into();
        let payment = SignedAuthorization::new(asset, authorization, signature);
        let ledger = Arc::clone(&ledger);
        settling.spawn(async move { (number, ledger.settle(&payment, &|_| {}).await) });
    }
    let waiting = async || -> usize {
        let status: Value = bench
            .provider
            .client()
            .request("txpool_status", ())
            .await
            .unwrap();
        let pending = status["pending"].as_str().unwrap().trim_start_matches("0x");
        usize::from_str_radix(pending, 16).unwrap()
    };
    while waiting().await < GOOD + POOR {
        tokio::task::yield_now().await;
    }
    bench.provider.anvil_mine(Some(1), None).await.unwrap();

    let mut blocks = Vec::new();
    let mut transactions = Vec::new();
    for (number, outcome) in settling.join_all().await {
        match outcome {
            SettleOutcome::Mined { transaction, block } if number < GOOD => {
                blocks.push(block);
                transactions.push(transaction);
            }
            SettleOutcome::Reverted { reason, .. } if number >= GOOD => {
                assert!(reason.contains("exceeds balance"), "{reason}");
            }
            other => panic!("settlement {number} ended as {other:?}"),
        }
    }
    assert_eq!(blocks.len(), GOOD);
    blocks.dedup();
    assert_eq!(blocks.len(), 1, "one block holds them all");
    transactions.sort_unstable();
    transactions.dedup();
    assert_eq!(
        transactions.len(),
        GOOD,
        "each has a transaction of its own"
    );
    assert_eq!(bench.shop_balance().await, GOOD as u64);
}
