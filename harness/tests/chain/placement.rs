//! Placing the token, and the zoo.

use alloy_network::TransactionBuilder;
use alloy_primitives::{B256, U256};
use alloy_provider::Provider;
use alloy_provider::ext::AnvilApi;
use alloy_rpc_types_eth::TransactionRequest;
use alloy_sol_types::SolCall;
use x402_assay::chain::{
    AssayToken, ContractError, IAssayToken, Placement, TokenKind, TokenSpec, ensure_dev_node,
};
use x402_assay_protocol::PayerKey;

use crate::bench::{Bench, RELAYER};
use crate::support::chain::start_anvil;

#[tokio::test]
async fn placing_again_changes_nothing_and_another_identity_is_refused() {
    let Some(bench) = Bench::start(84532, TokenKind::FiatLike).await else {
        return;
    };
    assert_eq!(bench.token.placement(), Placement::Fresh);
    let block = bench.provider.get_block_number().await.unwrap();
    let again = AssayToken::place(&bench.provider, bench.token.spec().clone())
        .await
        .unwrap();
    assert_eq!(again.placement(), Placement::AlreadyThere);
    assert_eq!(
        bench.provider.get_block_number().await.unwrap(),
        block,
        "no transaction"
    );
    let payer = bench.payer.address();
    assert_eq!(
        again.balance_of(payer).await.unwrap(),
        U256::from(1_000_000)
    );

    let other = TokenSpec {
        name: "USD Coin".to_owned(),
        ..bench.token.spec().clone()
    };
    let error = AssayToken::place(&bench.provider, other).await.unwrap_err();
    assert!(matches!(error, ContractError::OtherToken { .. }), "{error}");

    let initialize = IAssayToken::initializeCall {
        name: "X".to_owned(),
        symbol: "X".to_owned(),
        version: "1".to_owned(),
        decimals: 0,
        owner: RELAYER,
    };
    let asset = bench.token.spec().asset;
    let refused = bench
        .submit(asset, initialize.abi_encode())
        .await
        .unwrap_err();
    assert!(refused.contains("already initialized"), "{refused}");
    let mint = IAssayToken::mintCall {
        to: RELAYER,
        value: U256::from(1),
    };
    let refused = bench.submit(asset, mint.abi_encode()).await.unwrap_err();
    assert!(refused.contains("caller is not the owner"), "{refused}");
}

/// Separators as published in section 4.2 of the wire-format reference.
#[tokio::test]
async fn domain_separators_are_the_published_ones() {
    for (chain_id, published) in [
        (
            8453,
            "0x02fa7265e7c5d81118673727957699e4d68f74cd74b7db77da710fe8a2c7834f",
        ),
        (
            84532,
            "0x71f17a3b2ff373b803d70a5a07c046c1a2bc8e89c09ef722fcb047abe94c9818",
        ),
    ] {
        let Some(bench) = Bench::start(chain_id, TokenKind::FiatLike).await else {
            return;
        };
        let call = IAssayToken::DOMAIN_SEPARATORCall {}.abi_encode();
        let request = TransactionRequest::default()
            .with_to(bench.token.spec().asset)
            .with_input(call);
        let answer = bench.provider.call(request).await.unwrap();
        assert_eq!(
            B256::from_slice(&answer),
            published.parse::<B256>().unwrap()
        );
        assert_eq!(bench.token.separator().to_string(), published);
    }
}

#[tokio::test]
async fn many_payers_are_funded_at_once_even_when_mining_is_off() {
    let Some(bench) = Bench::start(84532, TokenKind::FiatLike).await else {
        return;
    };
    bench.provider.anvil_set_auto_mine(false).await.unwrap();
    let payers: Vec<_> = (0..300)
        .map(|index| PayerKey::derived("many", 1, index).address())
        .collect();
    bench.token.mint_many(&payers, U256::from(5)).await.unwrap();
    for payer in [payers[0], payers[249], payers[250], payers[299]] {
        assert_eq!(bench.token.balance_of(payer).await.unwrap(), U256::from(5));
    }
}

#[tokio::test]
async fn the_zoo_misbehaves_as_told() {
    let Some(bench) = Bench::start(84532, TokenKind::FeeOnTransfer).await else {
        return;
    };
    let paid = bench.authorization(10_000).await;
    bench.settle(&paid, &bench.sign(&paid)).await.unwrap();
    assert_eq!(bench.shop_balance().await, 9_900);

    let spec = bench.token.spec().clone();
    let place = async |kind| {
        AssayToken::place_kind(&bench.provider, spec.clone(), kind)
            .await
            .unwrap()
            .placement()
    };
    assert_eq!(place(TokenKind::ReturnsFalse).await, Placement::Replaced);
    let nothing = bench.authorization(10_000).await;
    let receipt = bench.settle(&nothing, &bench.sign(&nothing)).await.unwrap();
    assert!(receipt.status());
    assert_eq!(
        receipt.inner.logs().len(),
        1,
        "the nonce is used, nothing is transferred"
    );
    assert_eq!(bench.shop_balance().await, 9_900);

    assert_eq!(place(TokenKind::SilentNonce).await, Placement::Replaced);
    let receipt = bench.settle(&paid, &bench.sign(&paid)).await.unwrap();
    assert!(
        receipt.status() && receipt.inner.logs().is_empty(),
        "a replay that succeeds"
    );
    let fresh = bench.authorization(100).await;
    bench.settle(&fresh, &bench.sign(&fresh)).await.unwrap();
    assert_eq!(bench.shop_balance().await, 10_000);
}

#[tokio::test]
async fn only_a_dev_node_may_be_written_to() {
    let Some(chain) = start_anvil(1).await else {
        return;
    };
    let node = ensure_dev_node(chain.endpoint()).await.unwrap();
    assert_eq!(node.chain_id, 1, "a mainnet's id proves nothing");
    assert_eq!(node.client_version, chain.version());
    assert!(
        node.client_version.starts_with("anvil/"),
        "{}",
        node.client_version
    );
}
