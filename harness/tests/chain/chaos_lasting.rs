//! Chain faults that last, and how they end; the facilitator's ledger after a reorg; the ledger in memory.

use alloy_primitives::{Address, B256, U256};
use alloy_provider::Provider;
use x402_assay::chain::TokenKind;
use x402_assay::chain::chaos::{
    ChaosAction, ChaosError, MiningOrder, SignedTransfer, TokenCode, run_in_memory, sign_cancel,
};
use x402_assay_protocol::{Authorization, PayerKey, TokenDomain};
use x402_mock_facilitator::{
    EvmLedger, EvmOptions, Ledger, MemoryLedger, SettleOutcome, SignedAuthorization, dev_signers,
};

use crate::bench::{Bench, RELAYER, SHOP};
use crate::chaos::{bench, mine};
use crate::support::chain::start_anvil;

#[tokio::test]
async fn tokens_accounts_and_gas_are_put_back() {
    let Some((bench, chaos)) = bench().await else {
        return;
    };
    let asset = bench.token.spec().asset;
    let payer = bench.payer.address();
    let attempt = async || {
        let authorization = bench.authorization(100).await;
        bench
            .settle(&authorization, &bench.sign(&authorization))
            .await
    };
    let token = async |code| chaos.run(ChaosAction::Token { asset, code }).await.unwrap();

    token(TokenCode::Paused).await;
    assert!(attempt().await.unwrap_err().contains("Pausable: paused"));
    token(TokenCode::FeeOnTransfer).await;
    attempt().await.unwrap();
    assert_eq!(bench.shop_balance().await, 99);
    token(TokenCode::NoCode).await;
    assert!(attempt().await.unwrap().inner.logs().is_empty());
    chaos.run(ChaosAction::Calm).await.unwrap();
    attempt().await.unwrap();
    assert_eq!(bench.shop_balance().await, 199);

    let block = |blocked| ChaosAction::Block {
        asset,
        account: payer,
        blocked,
    };
    chaos.run(block(true)).await.unwrap();
    assert!(attempt().await.unwrap_err().contains("blacklisted"));
    chaos.run(block(false)).await.unwrap();
    attempt().await.unwrap();
    chaos.run(block(true)).await.unwrap();
    token(TokenCode::Paused).await;
    let before = bench.provider.get_balance(RELAYER).await.unwrap();
    let accounts = vec![RELAYER];
    chaos.run(ChaosAction::EmptyGas { accounts }).await.unwrap();
    assert_eq!(
        bench.provider.get_balance(RELAYER).await.unwrap(),
        U256::ZERO
    );
    chaos.run(ChaosAction::Calm).await.unwrap();
    assert_eq!(bench.provider.get_balance(RELAYER).await.unwrap(), before);
    attempt().await.unwrap();
    assert_eq!(bench.shop_balance().await, 399);
}

async fn settle(ledger: &EvmLedger, bench: &Bench) -> SettleOutcome {
    let authorization = bench.authorization(1).await;
    let signature = bench.sign(&authorization).0.into();
    let payment = SignedAuthorization::new(bench.token.spec().asset, authorization, signature);
    ledger.settle(&payment, &|_| {}).await
}

#[tokio::test]
async fn a_facilitator_that_counts_again_after_a_reorg_leaves_no_gap() {
    let Some((bench, chaos)) = bench().await else {
        return;
    };
    let endpoint = bench.endpoint();
    let ledger = EvmLedger::connect(endpoint, dev_signers(1), EvmOptions::default());
    let ledger = ledger.await.unwrap();
    for _ in 0..3 {
        assert!(matches!(
            settle(&ledger, &bench).await,
            SettleOutcome::Mined { .. }
        ));
    }
    chaos.run(ChaosAction::Reorg { depth: 2 }).await.unwrap();
    ledger.recount().await;
    let after = settle(&ledger, &bench).await;
    assert!(matches!(after, SettleOutcome::Mined { .. }), "{after:?}");
    assert_eq!(bench.shop_balance().await, 2);
}

#[tokio::test]
async fn a_node_that_mines_by_the_clock_does_so_again() {
    let Some(chain) = start_anvil(84532).await else {
        return;
    };
    let provider = x402_assay::chain::connect(chain.endpoint());
    let (): () = provider
        .client()
        .request("evm_setIntervalMining", (7_u64,))
        .await
        .unwrap();
    let chaos = x402_assay::chain::chaos::Chaos::new(provider.clone());
    mine(&chaos, MiningOrder::Stop).await;
    chaos.run(ChaosAction::Calm).await.unwrap();
    let interval: Option<u64> = provider
        .client()
        .request("anvil_getIntervalMining", ())
        .await
        .unwrap();
    assert_eq!(interval, Some(7));
}

#[tokio::test]
async fn the_ledger_in_memory_does_what_needs_no_evm() {
    let (asset, shop) = (Address::repeat_byte(0xaa), SHOP);
    let domain = TokenDomain {
        name: "USDC".to_owned(),
        version: "2".to_owned(),
        chain_id: 84532,
        verifying_contract: asset,
    };
    let ledger = MemoryLedger::new(84532);
    ledger.register_token(domain.clone());
    let key = PayerKey::derived("chaos-memory", 1, 0);
    let payer = key.address();
    ledger.mint(asset, payer, U256::from(10)).unwrap();
    let now = ledger.now().await.unwrap();
    let authorization = |nonce: u8| Authorization {
        from: payer,
        to: shop,
        value: U256::from(3),
        valid_after: U256::ZERO,
        valid_before: U256::from(now + 600),
        nonce: B256::repeat_byte(nonce),
    };
    let separator = domain.separator();
    let preempt = |nonce| {
        let authorization = authorization(nonce);
        let signature = key.sign(&authorization.digest(&separator));
        let transfer = SignedTransfer::new(&authorization, &signature);
        ChaosAction::Preempt { asset, transfer }
    };
    let cancel = |nonce, signer: &PayerKey| ChaosAction::Cancel {
        asset,
        payer,
        nonce: B256::repeat_byte(nonce),
        signature: sign_cancel(signer, &separator, B256::repeat_byte(nonce))
            .0
            .into(),
    };
    let run = async |action| run_in_memory(&ledger, action).await;

    assert!(run(preempt(1)).await.unwrap().mined);
    assert_eq!(ledger.balance(asset, shop).await.unwrap(), U256::from(3));
    let stranger = PayerKey::derived("chaos-memory", 1, 1);
    let forged = run(cancel(2, &stranger)).await.unwrap_err();
    assert!(forged.to_string().contains("invalid signature"), "{forged}");
    run(cancel(2, &key)).await.unwrap();
    for spent in [preempt(1), preempt(2), cancel(1, &key), cancel(2, &key)] {
        let refused = run(spent).await.unwrap_err();
        assert!(
            refused.to_string().contains("used or canceled"),
            "{refused}"
        );
    }
    let drained = run(ChaosAction::Drain { asset, payer }).await.unwrap();
    assert_eq!(drained.head, ledger.head().await.unwrap());
    assert_eq!(ledger.balance(asset, payer).await.unwrap(), U256::ZERO);
    assert_eq!(
        run(ChaosAction::Drain { asset, payer })
            .await
            .unwrap()
            .transaction,
        None
    );
    run(ChaosAction::Warp { ms: 700_000 }).await.unwrap();
    let expired = run(preempt(3)).await.unwrap_err();
    assert!(expired.to_string().contains("expired"), "{expired}");
    let needs = run(ChaosAction::Reorg { depth: 1 }).await.unwrap_err();
    assert!(
        matches!(needs, ChaosError::NeedsEvm { action: "reorg" }),
        "{needs}"
    );
}

#[tokio::test]
async fn other_kinds_of_token_are_placed() {
    let Some((bench, chaos)) = bench().await else {
        return;
    };
    let asset = bench.token.spec().asset;
    for (code, kind) in [
        (TokenCode::ReturnsFalse, TokenKind::ReturnsFalse),
        (TokenCode::SilentOnUsedNonce, TokenKind::SilentNonce),
        (TokenCode::Honest, TokenKind::FiatLike),
    ] {
        chaos.run(ChaosAction::Token { asset, code }).await.unwrap();
        let placed = bench.provider.get_code_at(asset).await.unwrap();
        assert_eq!(placed, *kind.contract().runtime(), "{code:?}");
    }
}
