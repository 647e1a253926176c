//! Contract wallets on a real node: whose signature they take, deployed and not.

use alloy_network::TransactionBuilder as _;
use alloy_primitives::{Bytes, U256};
use alloy_provider::Provider as _;
use alloy_rpc_types_eth::TransactionRequest;
use alloy_sol_types::SolCall as _;
use x402_assay::chain::chaos::{Chaos, ChaosAction};
use x402_assay::chain::{ContractWallet, HELPERS, TokenKind, place_helpers};
use x402_assay_protocol::Signature;

use crate::bench::{Bench, bytes_call};
use crate::helpers::isValidSigCall;

#[tokio::test]
async fn a_wallet_takes_its_owners_signature_and_nobody_elses() {
    let Some(bench) = Bench::start(84532, TokenKind::FiatLike).await else {
        return;
    };
    let wallet = ContractWallet::of(bench.payer.address());
    bench
        .token
        .mint(wallet.address(), U256::from(9))
        .await
        .unwrap();
    let mut authorization = bench.authorization(9).await;
    authorization.from = wallet.address();
    let signature = bench.sign(&authorization);
    let asset = bench.token.spec().asset;
    let pay = |signature: Signature| {
        let signature = Bytes::copy_from_slice(&signature.0);
        bench.submit(asset, bytes_call(&authorization, signature))
    };
    pay(signature).await.unwrap_err();

    let code = wallet.deployment();
    let chaos = Chaos::new(bench.provider.clone());
    chaos.run(ChaosAction::Deploy { code }).await.unwrap();
    let code = bench.provider.get_code_at(wallet.address()).await.unwrap();
    assert!(!code.is_empty(), "it stands where it was said to");
    let forged = pay(signature.with_flipped_byte()).await.unwrap_err();
    assert!(
        forged.contains("FiatTokenV2: invalid signature"),
        "{forged}"
    );
    pay(signature).await.unwrap();
    assert_eq!(bench.shop_balance().await, 9);
}

#[tokio::test]
async fn a_wallet_that_is_not_deployed_is_judged_by_what_is_inside_its_signature() {
    let Some(bench) = Bench::start(84532, TokenKind::FiatLike).await else {
        return;
    };
    place_helpers(&bench.provider).await.unwrap();
    let wallet = ContractWallet::of(bench.payer.address());
    let hash = bench.token.separator();
    let signature = bench.payer.sign(&hash);
    let valid = async |signature: Signature| {
        let call = isValidSigCall {
            signer: wallet.address(),
            hash,
            signature: wallet.wrapped(&signature.0),
        };
        let request = TransactionRequest::default()
            .with_to(HELPERS[1].address)
            .with_input(call.abi_encode());
        let answer = bench.provider.call(request).await.unwrap();
        answer.last() == Some(&1)
    };
    assert!(valid(signature).await);
    assert!(!valid(signature.with_flipped_byte()).await);
}
