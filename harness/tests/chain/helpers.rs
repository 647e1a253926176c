//! The helper contracts.

use alloy_network::TransactionBuilder;
use alloy_primitives::{Address, B256, Bytes, U256, address};
use alloy_provider::Provider;
use alloy_provider::ext::AnvilApi;
use alloy_rpc_types_eth::TransactionRequest;
use alloy_sol_types::{SolCall, SolValue, sol};
use x402_assay::chain::{Contract, HELPERS, IAssayToken, TokenKind, connect, place_helpers};
use x402_assay_protocol::PayerKey;

use crate::bench::{Bench, SHOP, YES_WALLET};
use crate::support::chain::start_anvil;

sol! {
    function isValidSig(address signer, bytes32 hash, bytes signature) external returns (bool);
    function isValidSigWithSideEffects(address signer, bytes32 hash, bytes signature) external returns (bool);

    struct Call3 {
        address target;
        bool allowFailure;
        bytes callData;
    }

    struct Outcome {
        bool success;
        bytes returnData;
    }

    function aggregate3(Call3[] calls) external payable returns (Outcome[] returnData);
}

#[tokio::test]
async fn helper_contracts_are_in_place_and_foreign_code_stays() {
    let Some(chain) = start_anvil(84532).await else {
        return;
    };
    let provider = connect(chain.endpoint());
    let permit2 = HELPERS
        .iter()
        .find(|helper| helper.name == "Permit2")
        .unwrap()
        .address;
    let real = Bytes::from_static(&[0x60, 0x00]);
    provider
        .anvil_set_code(permit2, real.clone())
        .await
        .unwrap();
    for _ in 0..2 {
        place_helpers(&provider).await.unwrap();
    }
    for helper in &HELPERS {
        let code = provider.get_code_at(helper.address).await.unwrap();
        match helper.contract {
            Some(contract) => assert_eq!(code, *contract.runtime(), "{}", helper.name),
            None if helper.address == permit2 => assert_eq!(code, real),
            None => assert_eq!(code.len(), 1, "{}", helper.name),
        }
    }
}

#[tokio::test]
async fn the_validator_tells_keys_wallets_and_undeployed_wallets_apart() {
    let Some(chain) = start_anvil(84532).await else {
        return;
    };
    let provider = connect(chain.endpoint());
    place_helpers(&provider).await.unwrap();
    let validator = HELPERS
        .iter()
        .find(|helper| helper.contract == Some(Contract::SignatureValidator))
        .unwrap()
        .address;
    let key = PayerKey::derived("validator", 1, 0);
    let hash = B256::repeat_byte(7);
    let plain = Bytes::copy_from_slice(&key.sign(&hash).0);
    let ask = async |signer: Address, signature: &Bytes| {
        let mut answers = Vec::new();
        let signature = signature.clone();
        for input in [
            isValidSigCall {
                signer,
                hash,
                signature: signature.clone(),
            }
            .abi_encode(),
            isValidSigWithSideEffectsCall {
                signer,
                hash,
                signature,
            }
            .abi_encode(),
        ] {
            let request = TransactionRequest::default()
                .with_to(validator)
                .with_input(input);
            let answer = provider.call(request).await;
            answers.push(
                answer
                    .map(|bytes| bytes.last() == Some(&1))
                    .map_err(|e| e.to_string()),
            );
        }
        assert_eq!(answers[0].is_err(), answers[1].is_err());
        assert_eq!(answers[0].as_ref().ok(), answers[1].as_ref().ok());
        answers.remove(0)
    };
    assert_eq!(ask(key.address(), &plain).await, Ok(true));
    assert_eq!(ask(SHOP, &plain).await, Ok(false));

    let wallet = address!("0000000000000000000000000000000000001271");
    provider
        .anvil_set_code(wallet, Bytes::from_static(&YES_WALLET))
        .await
        .unwrap();
    assert_eq!(
        ask(wallet, &Bytes::from_static(b"anything")).await,
        Ok(true)
    );

    let (factory, counterfactual) = wallet_factory();
    provider.anvil_set_code(FACTORY, factory).await.unwrap();
    assert_eq!(
        ask(counterfactual, &wrapped(FACTORY, b"anything")).await,
        Ok(true)
    );
    let code = provider.get_code_at(counterfactual).await.unwrap();
    assert!(code.is_empty(), "a call deploys nothing for good");
    let refused = ask(counterfactual, &wrapped(validator, b"anything"))
        .await
        .unwrap_err();
    assert!(refused.contains("deployment failed"), "{refused}");
}

const FACTORY: Address = address!("0000000000000000000000000000000000fac704");

/// Code that deploys [`YES_WALLET`] with CREATE2 and salt 0 on any call, and the wallet's address.
fn wallet_factory() -> (Bytes, Address) {
    // PUSH14 wallet, PUSH0, MSTORE; RETURN(18, 14): the wallet's init code, 22 bytes.
    let mut init = vec![0x6d];
    init.extend_from_slice(&YES_WALLET);
    init.extend_from_slice(&[0x5f, 0x52, 0x60, 0x0e, 0x60, 0x12, 0xf3]);
    assert_eq!(init.len(), 22);
    // PUSH22 init, PUSH0, MSTORE; CREATE2(value 0, offset 10, size 22, salt 0); STOP.
    let mut code = vec![0x75];
    code.extend_from_slice(&init);
    code.extend_from_slice(&[0x5f, 0x52, 0x5f, 0x60, 0x16, 0x60, 0x0a, 0x5f, 0xf5, 0x00]);
    (code.into(), FACTORY.create2_from_code(B256::ZERO, init))
}

/// An ERC-6492 signature.
fn wrapped(factory: Address, inner: &'static [u8]) -> Bytes {
    let content = (
        factory,
        Bytes::from_static(&[0xff; 4]),
        Bytes::from_static(inner),
    );
    let mut bytes = content.abi_encode_params();
    bytes.extend([0x64, 0x92].repeat(16));
    bytes.into()
}

#[tokio::test]
async fn multicall_batches_reads_and_survives_a_failing_one() {
    let Some(bench) = Bench::start(84532, TokenKind::FiatLike).await else {
        return;
    };
    place_helpers(&bench.provider).await.unwrap();
    let multicall = HELPERS[0].address;
    let asset = bench.token.spec().asset;
    let payer = bench.payer.address();
    let calls = |strict: bool| {
        let balance = IAssayToken::balanceOfCall { account: payer }.abi_encode();
        let doomed = IAssayToken::pauseCall {}.abi_encode();
        let call = |data: Vec<u8>| Call3 {
            target: asset,
            allowFailure: !strict,
            callData: data.into(),
        };
        let input = aggregate3Call {
            calls: vec![call(doomed), call(balance)],
        }
        .abi_encode();
        TransactionRequest::default()
            .with_to(multicall)
            .with_input(input)
    };
    let answer = bench.provider.call(calls(false)).await.unwrap();
    let results = aggregate3Call::abi_decode_returns(&answer).unwrap();
    assert_eq!([results[0].success, results[1].success], [false, true]);
    assert_eq!(
        U256::from_be_slice(&results[1].returnData),
        U256::from(1_000_000)
    );
    let refused = bench
        .provider
        .call(calls(true))
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("Multicall3: call failed"), "{refused}");
}
