//! Funds, pause, blocklist, cancellation, receive and permit, contract wallets.

use alloy_primitives::{Address, B256, Bytes, U256, address};
use alloy_provider::ext::AnvilApi;
use alloy_sol_types::{SolCall, SolStruct, sol};
use x402_assay::chain::{IAssayToken, TokenKind};
use x402_assay_protocol::Authorization;

use crate::bench::{Bench, RELAYER, SHOP, YES_WALLET, bytes_call, typed_digest};

sol! {
    struct CancelAuthorization {
        address authorizer;
        bytes32 nonce;
    }

    struct ReceiveWithAuthorization {
        address from;
        address to;
        uint256 value;
        uint256 validAfter;
        uint256 validBefore;
        bytes32 nonce;
    }

    struct Permit {
        address owner;
        address spender;
        uint256 value;
        uint256 nonce;
        uint256 deadline;
    }
}

#[tokio::test]
async fn funds_pause_blocklist_and_cancellation_stop_a_payment() {
    let Some(bench) = Bench::start(8453, TokenKind::FiatLike).await else {
        return;
    };
    let rich = bench.authorization(1_000_001).await;
    let refused = bench.settle(&rich, &bench.sign(&rich)).await.unwrap_err();
    assert!(
        refused.contains("transfer amount exceeds balance"),
        "{refused}"
    );

    let authorization = bench.authorization(7).await;
    let signature = bench.sign(&authorization);
    bench.token.set_paused(true).await.unwrap();
    let refused = bench.settle(&authorization, &signature).await.unwrap_err();
    assert!(refused.contains("Pausable: paused"), "{refused}");
    bench.token.set_paused(false).await.unwrap();

    bench.token.set_blocked(SHOP, true).await.unwrap();
    let refused = bench.settle(&authorization, &signature).await.unwrap_err();
    assert!(refused.contains("account is blacklisted"), "{refused}");
    bench.token.set_blocked(SHOP, false).await.unwrap();

    bench
        .submit(
            bench.token.spec().asset,
            cancel_call(&bench, &authorization),
        )
        .await
        .unwrap();
    let refused = bench.settle(&authorization, &signature).await.unwrap_err();
    assert!(refused.contains("used or canceled"), "{refused}");
    assert_eq!(bench.shop_balance().await, 0);
}

fn cancel_call(bench: &Bench, authorization: &Authorization) -> Vec<u8> {
    let cancel = CancelAuthorization {
        authorizer: authorization.from,
        nonce: authorization.nonce,
    };
    let digest = typed_digest(bench.token.separator(), cancel.eip712_hash_struct());
    IAssayToken::cancelAuthorization_1Call {
        authorizer: authorization.from,
        nonce: authorization.nonce,
        signature: Bytes::copy_from_slice(&bench.payer.sign(&digest).0),
    }
    .abi_encode()
}

#[tokio::test]
async fn receive_is_for_the_payee_only() {
    let Some(bench) = Bench::start(84532, TokenKind::FiatLike).await else {
        return;
    };
    let receive = async |to: Address| {
        let message = ReceiveWithAuthorization {
            from: bench.payer.address(),
            to,
            value: U256::from(3),
            validAfter: U256::ZERO,
            validBefore: U256::MAX,
            nonce: B256::random(),
        };
        let digest = typed_digest(bench.token.separator(), message.eip712_hash_struct());
        let call = IAssayToken::receiveWithAuthorization_1Call {
            from: message.from,
            to,
            value: message.value,
            validAfter: message.validAfter,
            validBefore: message.validBefore,
            nonce: message.nonce,
            signature: Bytes::copy_from_slice(&bench.payer.sign(&digest).0),
        };
        bench
            .submit(bench.token.spec().asset, call.abi_encode())
            .await
    };
    let refused = receive(SHOP).await.unwrap_err();
    assert!(refused.contains("caller must be the payee"), "{refused}");
    receive(RELAYER).await.unwrap();
    assert_eq!(
        bench.token.balance_of(RELAYER).await.unwrap(),
        U256::from(3)
    );
}

#[tokio::test]
async fn a_permit_sets_an_allowance_once() {
    let Some(bench) = Bench::start(84532, TokenKind::FiatLike).await else {
        return;
    };
    let (asset, payer) = (bench.token.spec().asset, bench.payer.address());
    let permit = Permit {
        owner: payer,
        spender: RELAYER,
        value: U256::from(50),
        nonce: U256::ZERO,
        deadline: U256::MAX,
    };
    let signature = bench.payer.sign(&typed_digest(
        bench.token.separator(),
        permit.eip712_hash_struct(),
    ));
    let call = IAssayToken::permit_0Call {
        account: payer,
        spender: RELAYER,
        value: permit.value,
        deadline: permit.deadline,
        v: signature.0[64],
        r: B256::from_slice(&signature.0[..32]),
        s: B256::from_slice(&signature.0[32..64]),
    }
    .abi_encode();
    bench.submit(asset, call.clone()).await.unwrap();
    let replay = bench.submit(asset, call).await.unwrap_err();
    assert!(replay.contains("EIP2612: invalid signature"), "{replay}");
    let pull = |value| {
        IAssayToken::transferFromCall {
            from: payer,
            to: SHOP,
            value: U256::from(value),
        }
        .abi_encode()
    };
    let refused = bench.submit(asset, pull(51)).await.unwrap_err();
    assert!(refused.contains("exceeds allowance"), "{refused}");
    bench.submit(asset, pull(50)).await.unwrap();
    assert_eq!(bench.shop_balance().await, 50);
}

#[tokio::test]
async fn a_contract_wallet_pays_with_its_own_signature() {
    let Some(bench) = Bench::start(84532, TokenKind::FiatLike).await else {
        return;
    };
    let wallet = address!("0000000000000000000000000000000000001271");
    bench.token.mint(wallet, U256::from(9)).await.unwrap();
    let mut authorization = bench.authorization(9).await;
    authorization.from = wallet;
    let call = bytes_call(&authorization, Bytes::from_static(b"any form"));
    let asset = bench.token.spec().asset;
    let refused = bench.submit(asset, call.clone()).await.unwrap_err();
    assert!(
        refused.contains("invalid signature length"),
        "no code, so a key: {refused}"
    );

    bench
        .provider
        .anvil_set_code(wallet, Bytes::from_static(&[0x5f, 0x5f, 0xf3]))
        .await
        .unwrap();
    let refused = bench.submit(asset, call.clone()).await.unwrap_err();
    assert!(
        refused.contains("FiatTokenV2: invalid signature"),
        "silent wallet: {refused}"
    );

    bench
        .provider
        .anvil_set_code(wallet, Bytes::from_static(&YES_WALLET))
        .await
        .unwrap();
    bench.submit(asset, call).await.unwrap();
    assert_eq!(bench.shop_balance().await, 9);
}
