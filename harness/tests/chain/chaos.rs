//! Chain faults on a real Anvil: blocks, transactions and history.

use std::time::Duration;

use alloy_network::TransactionBuilder;
use alloy_primitives::{B256, U256};
use alloy_provider::Provider;
use alloy_rpc_types_eth::{BlockNumberOrTag, TransactionReceipt, TransactionRequest};
use x402_assay::chain::TokenKind;
use x402_assay::chain::chaos::{
    Chaos, ChaosAction, ChaosAnswer, ChaosError, MiningOrder, SignedTransfer, sign_cancel,
};
use x402_assay_protocol::Authorization;

use crate::bench::{Bench, RELAYER, SHOP, split_call};

const LIMIT: Duration = Duration::from_secs(20);

pub(crate) async fn bench() -> Option<(Bench, Chaos)> {
    let bench = Bench::start(84532, TokenKind::FiatLike).await?;
    let chaos = Chaos::new(bench.provider.clone());
    // Nothing of the set-up is within reach of a reorg.
    let deep = ChaosAction::MineBlocks { count: 12 };
    chaos.run(deep).await.unwrap();
    Some((bench, chaos))
}

pub(crate) async fn mine(chaos: &Chaos, order: MiningOrder) -> ChaosAnswer {
    chaos.run(ChaosAction::Mine { order }).await.unwrap()
}

/// Sends a settlement and does not wait for it.
pub(crate) async fn send(bench: &Bench, authorization: &Authorization) -> B256 {
    let request = TransactionRequest::default()
        .with_from(RELAYER)
        .with_to(bench.token.spec().asset)
        .with_input(split_call(authorization, &bench.sign(authorization)))
        .with_gas_limit(500_000);
    let sent = bench
        .provider
        .client()
        .request("eth_sendTransaction", (request,));
    sent.await.unwrap()
}

pub(crate) async fn receipt(bench: &Bench, hash: B256) -> Option<TransactionReceipt> {
    bench.provider.get_transaction_receipt(hash).await.unwrap()
}

pub(crate) async fn mined(bench: &Bench, hash: B256) -> TransactionReceipt {
    let wait = async {
        loop {
            if let Some(receipt) = receipt(bench, hash).await {
                return receipt;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, wait).await.unwrap()
}

fn cancel(bench: &Bench, authorization: &Authorization) -> ChaosAction {
    let (payer, nonce) = (authorization.from, authorization.nonce);
    let signature = sign_cancel(&bench.payer, &bench.token.separator(), nonce);
    ChaosAction::Cancel {
        asset: bench.token.spec().asset,
        payer,
        nonce,
        signature: signature.0.into(),
    }
}

fn preempt(bench: &Bench, authorization: &Authorization) -> ChaosAction {
    ChaosAction::Preempt {
        asset: bench.token.spec().asset,
        transfer: SignedTransfer::new(authorization, &bench.sign(authorization)),
    }
}

#[tokio::test]
async fn mining_stops_goes_on_and_makes_one_block() {
    let Some((bench, chaos)) = bench().await else {
        return;
    };
    let stopped = mine(&chaos, MiningOrder::Stop).await;
    let first = send(&bench, &bench.authorization(1).await).await;
    let one = mine(&chaos, MiningOrder::One).await;
    assert_eq!(one.head, stopped.head + 1);
    assert!(receipt(&bench, first).await.unwrap().status());
    let second = send(&bench, &bench.authorization(2).await).await;
    assert!(receipt(&bench, second).await.is_none());
    mine(&chaos, MiningOrder::Resume).await;
    assert!(mined(&bench, second).await.status());
    assert_eq!(bench.shop_balance().await, 3);

    chaos.run(ChaosAction::BlockTime { ms: 30 }).await.unwrap();
    let third = send(&bench, &bench.authorization(4).await).await;
    let block = mined(&bench, third).await.block_number.unwrap();
    let more = async {
        while bench.provider.get_block_number().await.unwrap() < block + 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, more).await.unwrap();
    chaos.run(ChaosAction::Calm).await.unwrap();
    let automine: bool = bench
        .provider
        .client()
        .request("anvil_getAutomine", ())
        .await
        .unwrap();
    assert!(automine);
}

#[tokio::test]
async fn a_pending_settlement_is_dropped() {
    let Some((bench, chaos)) = bench().await else {
        return;
    };
    mine(&chaos, MiningOrder::Stop).await;
    let authorization = bench.authorization(1).await;
    let hash = send(&bench, &authorization).await;
    let drop = ChaosAction::DropTransaction {
        nonce: authorization.nonce,
    };
    assert_eq!(
        chaos.run(drop.clone()).await.unwrap().transaction,
        Some(hash)
    );
    mine(&chaos, MiningOrder::Resume).await;
    mine(&chaos, MiningOrder::One).await;
    assert!(receipt(&bench, hash).await.is_none());
    assert_eq!(bench.shop_balance().await, 0);
    let again = chaos.run(drop).await.unwrap_err();
    assert!(matches!(again, ChaosError::NotPending { .. }), "{again}");
}

#[tokio::test]
async fn a_settlement_reverts_though_its_simulation_succeeds_and_others_do_not() {
    let Some((bench, chaos)) = bench().await else {
        return;
    };
    let (struck, other) = (bench.authorization(1).await, bench.authorization(2).await);
    let revert = ChaosAction::RevertSettlement {
        asset: bench.token.spec().asset,
        payer: struck.from,
        nonce: struck.nonce,
    };
    chaos.run(revert).await.unwrap();
    bench.settle(&other, &bench.sign(&other)).await.unwrap();
    assert_eq!(bench.shop_balance().await, 2);
    // `settle` simulates first, and fails when that does.
    let receipt = bench.settle(&struck, &bench.sign(&struck)).await.unwrap();
    assert!(!receipt.status());
    // The node shows the block a moment before the fault gives the authorization back.
    let given_back = async {
        while bench
            .token
            .authorization_used(struck.from, struck.nonce)
            .await
            .unwrap()
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, given_back).await.unwrap();
    let again = bench.settle(&struck, &bench.sign(&struck)).await.unwrap();
    assert!(again.status(), "only the next one reverts");
    assert_eq!(bench.shop_balance().await, 3);
}

#[tokio::test]
async fn a_reorg_undoes_what_was_settled() {
    let Some((bench, chaos)) = bench().await else {
        return;
    };
    let authorization = bench.authorization(5).await;
    let signature = bench.sign(&authorization);
    let settled = bench.settle(&authorization, &signature).await.unwrap();
    let before = bench.provider.get_block_number().await.unwrap();
    let answer = chaos.run(ChaosAction::Reorg { depth: 1 }).await.unwrap();
    assert_eq!(answer.head, before, "empty blocks stand in their place");
    assert!(receipt(&bench, settled.transaction_hash).await.is_none());
    assert_eq!(bench.shop_balance().await, 0);
    bench.settle(&authorization, &signature).await.unwrap();
    assert_eq!(bench.shop_balance().await, 5);
    chaos.run(ChaosAction::Reorg { depth: 12 }).await.unwrap();
    assert_eq!(bench.shop_balance().await, 0);
    assert_eq!(
        bench.token.balance_of(bench.payer.address()).await.unwrap(),
        U256::from(1_000_000),
        "what lies deeper stays"
    );
    for depth in [0, 13] {
        let refused = chaos.run(ChaosAction::Reorg { depth }).await.unwrap_err();
        assert!(
            matches!(refused, ChaosError::Depth { max: 12, .. }),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn a_remembered_state_comes_back_once() {
    let Some((bench, chaos)) = bench().await else {
        return;
    };
    let taken = chaos.run(ChaosAction::Snapshot).await.unwrap();
    let authorization = bench.authorization(5).await;
    bench
        .settle(&authorization, &bench.sign(&authorization))
        .await
        .unwrap();
    let snapshot = taken.snapshot.unwrap();
    let restored = chaos.run(ChaosAction::Restore { snapshot }).await.unwrap();
    assert_eq!(restored.head, taken.head);
    assert_eq!(bench.shop_balance().await, 0);
    let again = chaos
        .run(ChaosAction::Restore { snapshot })
        .await
        .unwrap_err();
    assert!(matches!(again, ChaosError::NoSnapshot), "{again}");
}

#[tokio::test]
async fn the_clock_and_the_base_fee_jump() {
    let Some((bench, chaos)) = bench().await else {
        return;
    };
    let authorization = bench.authorization(1).await;
    let before = bench.now().await;
    chaos.run(ChaosAction::Warp { ms: 599_500 }).await.unwrap();
    assert!((600..620).contains(&(bench.now().await - before)));
    let expired = bench
        .settle(&authorization, &bench.sign(&authorization))
        .await
        .unwrap_err();
    assert!(expired.contains("authorization is expired"), "{expired}");

    let fee = async || {
        let newest = bench
            .provider
            .get_block_by_number(BlockNumberOrTag::Latest)
            .await;
        newest.unwrap().unwrap().header.base_fee_per_gas.unwrap()
    };
    let usual = fee().await;
    chaos
        .run(ChaosAction::BaseFee { gwei: 5_000 })
        .await
        .unwrap();
    mine(&chaos, MiningOrder::One).await;
    assert_eq!(fee().await, 5_000_000_000_000);
    chaos.run(ChaosAction::Calm).await.unwrap();
    mine(&chaos, MiningOrder::One).await;
    assert_eq!(fee().await, usual);
    let refused = chaos
        .run(ChaosAction::BaseFee { gwei: 0 })
        .await
        .unwrap_err();
    assert!(
        matches!(refused, ChaosError::Range { given: 0, .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn drain_cancel_and_preemption_come_before_the_settlement() {
    let Some((bench, chaos)) = bench().await else {
        return;
    };
    let asset = bench.token.spec().asset;
    let [cancelled, preempted, poor] = [
        bench.authorization(1).await,
        bench.authorization(2).await,
        bench.authorization(4).await,
    ];
    assert!(chaos.run(cancel(&bench, &cancelled)).await.unwrap().mined);
    let refused = bench
        .settle(&cancelled, &bench.sign(&cancelled))
        .await
        .unwrap_err();
    assert!(refused.contains("used or canceled"), "{refused}");

    let landed = chaos.run(preempt(&bench, &preempted)).await.unwrap();
    assert!(
        receipt(&bench, landed.transaction.unwrap())
            .await
            .unwrap()
            .status()
    );
    assert_eq!(bench.shop_balance().await, 2);
    let twice = chaos.run(preempt(&bench, &preempted)).await.unwrap_err();
    assert!(twice.to_string().contains("used or canceled"), "{twice}");

    let payer = bench.payer.address();
    let drained = chaos
        .run(ChaosAction::Drain { asset, payer })
        .await
        .unwrap();
    assert!(drained.mined);
    assert_eq!(bench.token.balance_of(payer).await.unwrap(), U256::ZERO);
    let refused = bench.settle(&poor, &bench.sign(&poor)).await.unwrap_err();
    assert!(refused.contains("exceeds balance"), "{refused}");
    let nothing = chaos
        .run(ChaosAction::Drain { asset, payer })
        .await
        .unwrap();
    assert_eq!(nothing.transaction, None);
}

#[tokio::test]
async fn while_mining_is_stopped_the_third_party_waits_and_is_first() {
    let Some((bench, chaos)) = bench().await else {
        return;
    };
    let authorization = bench.authorization(7).await;
    mine(&chaos, MiningOrder::Stop).await;
    let settlement = send(&bench, &authorization).await;
    let landed = chaos.run(preempt(&bench, &authorization)).await.unwrap();
    assert!(!landed.mined);
    mine(&chaos, MiningOrder::Resume).await;
    let settlement = mined(&bench, settlement).await;
    let landed = mined(&bench, landed.transaction.unwrap()).await;
    assert!(landed.status() && !settlement.status());
    assert_eq!(landed.block_number, settlement.block_number);
    assert_eq!(bench.token.balance_of(SHOP).await.unwrap(), U256::from(7));
}
