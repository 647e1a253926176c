//! What settles, and what the token refuses.

use alloy_network::TransactionBuilder;
use alloy_primitives::{Bytes, U256};
use alloy_provider::Provider;
use alloy_rpc_types_eth::TransactionRequest;
use alloy_sol_types::SolEvent;
use x402_assay::chain::{IAssayToken, TokenKind, TokenSpec};
use x402_assay_protocol::{PayerKey, Signature};

use crate::bench::{Bench, RELAYER, SHOP, bytes_call, split_call};

#[tokio::test]
async fn a_signed_payment_settles_once_with_both_events() {
    let Some(bench) = Bench::start(84532, TokenKind::FiatLike).await else {
        return;
    };
    let authorization = bench.authorization(10_000).await;
    let signature = bench.sign(&authorization);
    let receipt = bench.settle(&authorization, &signature).await.unwrap();
    assert!(receipt.status());
    let logs = receipt.inner.logs();
    assert_eq!(logs.len(), 2);
    let used = IAssayToken::AuthorizationUsed::decode_log(&logs[0].inner).unwrap();
    assert_eq!(
        (used.authorizer, used.nonce),
        (authorization.from, authorization.nonce)
    );
    let moved = IAssayToken::Transfer::decode_log(&logs[1].inner).unwrap();
    assert_eq!((moved.from, moved.to), (authorization.from, SHOP));
    assert_eq!(moved.value, U256::from(10_000));
    assert_eq!(bench.shop_balance().await, 10_000);
    assert!(
        bench
            .token
            .authorization_used(authorization.from, authorization.nonce)
            .await
            .unwrap()
    );

    let replay = bench.settle(&authorization, &signature).await.unwrap_err();
    assert!(
        replay.contains("authorization is used or canceled"),
        "{replay}"
    );
    let bytes = bytes_call(&authorization, Bytes::copy_from_slice(&signature.0));
    let replay = bench
        .submit(bench.token.spec().asset, bytes)
        .await
        .unwrap_err();
    assert!(
        replay.contains("authorization is used or canceled"),
        "{replay}"
    );

    let second = bench.authorization(5).await;
    let bytes = bytes_call(&second, Bytes::copy_from_slice(&bench.sign(&second).0));
    bench.submit(bench.token.spec().asset, bytes).await.unwrap();
    assert_eq!(bench.shop_balance().await, 10_005);
}

#[tokio::test]
async fn what_is_wrong_with_a_signature_is_refused() {
    let Some(bench) = Bench::start(84532, TokenKind::FiatLike).await else {
        return;
    };
    let authorization = bench.authorization(10_000).await;
    let good = bench.sign(&authorization);

    let stranger = PayerKey::derived("chain-token", 1, 1);
    let foreign = stranger.sign(&authorization.digest(&bench.token.separator()));
    let refused = bench.settle(&authorization, &foreign).await.unwrap_err();
    assert!(
        refused.contains("FiatTokenV2: invalid signature"),
        "{refused}"
    );

    let mut altered = authorization.clone();
    altered.value += U256::from(1);
    let refused = bench.settle(&altered, &good).await.unwrap_err();
    assert!(refused.contains("invalid signature"), "{refused}");

    let other_domain = TokenSpec {
        version: "1".to_owned(),
        ..bench.token.spec().clone()
    };
    let wrong = bench
        .payer
        .sign(&authorization.digest(&other_domain.domain(84532).separator()));
    let refused = bench.settle(&authorization, &wrong).await.unwrap_err();
    assert!(refused.contains("invalid signature"), "{refused}");

    let refused = bench
        .settle(&authorization, &high_s(&good))
        .await
        .unwrap_err();
    assert!(refused.contains("invalid signature 's' value"), "{refused}");

    let mut v = good;
    v.0[64] -= 27;
    let refused = bench.settle(&authorization, &v).await.unwrap_err();
    assert!(refused.contains("invalid signature 'v' value"), "{refused}");

    let short = bytes_call(&authorization, Bytes::copy_from_slice(&good.0[..64]));
    let refused = bench
        .submit(bench.token.spec().asset, short)
        .await
        .unwrap_err();
    assert!(refused.contains("invalid signature length"), "{refused}");

    assert_eq!(bench.shop_balance().await, 0);
    bench.settle(&authorization, &good).await.unwrap();
    assert_eq!(bench.shop_balance().await, 10_000);
}

/// The malleable twin: `n - s`, other parity.
fn high_s(signature: &Signature) -> Signature {
    let order = U256::from_str_radix(
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        16,
    )
    .unwrap();
    let mut twin = *signature;
    let s = U256::from_be_slice(&signature.0[32..64]);
    twin.0[32..64].copy_from_slice(&(order - s).to_be_bytes::<32>());
    twin.0[64] = if signature.0[64] == 27 { 28 } else { 27 };
    twin
}

#[tokio::test]
async fn the_time_window_is_open_at_both_ends() {
    let Some(bench) = Bench::start(84532, TokenKind::FiatLike).await else {
        return;
    };
    let at = bench.now().await + 1_000;
    let attempt = async |after: u64, before: u64| {
        let mut authorization = bench.authorization(1).await;
        authorization.valid_after = U256::from(after);
        authorization.valid_before = U256::from(before);
        let signature = bench.sign(&authorization);
        // A call sees the time the next block would have.
        let time = alloy_rpc_types_eth::BlockOverrides {
            time: Some(at),
            ..Default::default()
        };
        let request = TransactionRequest::default()
            .with_from(RELAYER)
            .with_to(bench.token.spec().asset)
            .with_input(split_call(&authorization, &signature));
        let answer = bench
            .provider
            .call(request)
            .with_block_overrides(time)
            .await;
        answer.map_err(|error| error.to_string())
    };
    let early = attempt(at, at + 10).await.unwrap_err();
    assert!(early.contains("authorization is not yet valid"), "{early}");
    attempt(at - 1, at + 10).await.unwrap();
    let late = attempt(0, at).await.unwrap_err();
    assert!(late.contains("authorization is expired"), "{late}");
    attempt(0, at + 1).await.unwrap();
}
