//! `/verify`: accepts what is honest, refuses every single change with the right code, moves nothing.

use alloy_primitives::{Address, B256, U256};
use serde_json::{Value, json};
use x402_assay_protocol::write::set;
use x402_assay_protocol::{PayerKey, Version};

use crate::bench::{Bench, Draft, FUNDS, unix_s};

const BOTH: [Version; 2] = [Version::V1, Version::V2];

#[tokio::test]
async fn an_honest_payment_is_valid_in_both_versions() {
    let bench = Bench::start().await;
    for version in BOTH {
        let answer = bench.verify(&bench.honest(version)).await;
        let payer = bench.payer.address().to_checksum(None);
        assert_eq!(
            answer,
            json!({ "isValid": true, "payer": payer }),
            "{version}"
        );
    }
}

#[tokio::test]
async fn verifying_changes_nothing() {
    let bench = Bench::start().await;
    let body = bench.honest(Version::V2);
    for _ in 0..3 {
        assert_eq!(bench.verify(&body).await["isValid"], true);
    }
    assert_eq!(bench.transfers().await, vec![]);
    assert_eq!(
        bench.balance(bench.payer.address()).await,
        U256::from(FUNDS)
    );
    assert_eq!(bench.settle(&body).await["success"], true);
}

/// One change to what is signed, and the code it must meet.
type Signed = (&'static str, fn(&mut Draft), [&'static str; 2]);

const fn same(code: &'static str) -> [&'static str; 2] {
    [code, code]
}

#[tokio::test]
async fn every_change_to_what_is_signed_is_refused() {
    let bench = Bench::start().await;
    let value = [
        "invalid_exact_evm_authorization_value",
        "invalid_exact_evm_payload_authorization_value_mismatch",
    ];
    let before = same("invalid_exact_evm_payload_authorization_valid_before");
    let after = same("invalid_exact_evm_payload_authorization_valid_after");
    let table: [Signed; 9] = [
        (
            "one unit more",
            |d| d.authorization.value += U256::ONE,
            value,
        ),
        (
            "one unit less",
            |d| d.authorization.value -= U256::ONE,
            value,
        ),
        (
            "the largest value",
            |d| d.authorization.value = U256::MAX,
            value,
        ),
        (
            "another recipient",
            |d| d.authorization.to = Address::repeat_byte(9),
            same("invalid_exact_evm_recipient_mismatch"),
        ),
        (
            "long expired",
            |d| d.authorization.valid_before = U256::ONE,
            before,
        ),
        (
            "about to expire",
            |d| d.authorization.valid_before = U256::from(unix_s() + 2),
            before,
        ),
        (
            "not yet valid",
            |d| {
                d.authorization.valid_after = U256::from(unix_s() + 30);
            },
            after,
        ),
        (
            "never valid",
            |d| d.authorization.valid_after = U256::MAX,
            after,
        ),
        (
            "somebody else's name",
            |d| d.authorization.from = Address::repeat_byte(7),
            same("invalid_exact_evm_signature"),
        ),
    ];
    for (what, change, codes) in table {
        for (version, code) in BOTH.into_iter().zip(codes) {
            let mut draft = bench.draft(version);
            change(&mut draft);
            refused(&bench, &bench.sign(&draft), what, code).await;
        }
    }
    assert_eq!(bench.transfers().await, vec![]);
}

#[tokio::test]
async fn an_authorization_that_begins_this_second_is_valid_and_settles() {
    let bench = Bench::start().await;
    let mut draft = bench.draft(Version::V2);
    draft.authorization.valid_after = U256::from(unix_s());
    let body = bench.sign(&draft);
    assert_eq!(bench.verify(&body).await["isValid"], true);
    let answer = bench.settle(&body).await;
    assert_eq!(answer["success"], true, "{answer}");
}

#[tokio::test]
async fn every_change_to_the_message_is_refused() {
    let bench = Bench::start().await;
    for Change {
        pointer,
        new,
        codes,
    } in changes_to_the_payment()
        .into_iter()
        .chain(changes_to_the_requirements())
    {
        for (version, code) in BOTH.into_iter().zip(codes) {
            if code.is_empty() {
                continue;
            }
            let mut body = bench.honest(version);
            let honest = body.clone();
            set(&mut body, &pointer, new.clone());
            assert_ne!(body, honest, "{pointer} changes nothing in {version}");
            refused(&bench, &body, &format!("{pointer} = {new:?}"), code).await;
        }
    }
}

/// One member replaced (or, with `None`, removed) after signing.
struct Change {
    pointer: String,
    new: Option<Value>,
    /// Codes in v1 and v2; empty where the version has no such member.
    codes: [&'static str; 2],
}

fn payment(member: &str, new: impl Into<Option<Value>>, codes: [&'static str; 2]) -> Change {
    Change {
        pointer: format!("/paymentPayload{member}"),
        new: new.into(),
        codes,
    }
}

fn required(member: &str, new: impl Into<Option<Value>>, codes: [&'static str; 2]) -> Change {
    Change {
        pointer: format!("/paymentRequirements/{member}"),
        new: new.into(),
        codes,
    }
}

const fn v1(code: &'static str) -> [&'static str; 2] {
    [code, ""]
}

const fn v2(code: &'static str) -> [&'static str; 2] {
    ["", code]
}

fn changes_to_the_payment() -> Vec<Change> {
    let version = same("invalid_x402_version");
    let malformed = same("invalid_payload");
    let signature = same("invalid_exact_evm_signature");
    let scheme = "invalid_exact_evm_scheme";
    let network = "invalid_exact_evm_network_mismatch";
    let auth = "/payload/authorization";
    vec![
        payment("/x402Version", json!(3), version),
        payment("/x402Version", json!("2"), version),
        payment("/x402Version", None, version),
        Change {
            pointer: "/x402Version".to_owned(),
            new: Some(json!(7)),
            codes: version,
        },
        payment("/scheme", json!("upto"), v1(scheme)),
        payment("/accepted/scheme", json!("upto"), v2(scheme)),
        payment("/network", json!("base"), v1(network)),
        payment("/accepted/network", json!("eip155:8453"), v2(network)),
        payment("/accepted", None, v2("invalid_payload")),
        payment("/payload", None, malformed),
        payment(&format!("{auth}/nonce"), None, malformed),
        payment(&format!("{auth}/nonce"), json!("0x12"), malformed),
        payment(&format!("{auth}/value"), json!(10_000), malformed),
        payment(&format!("{auth}/value"), json!("1e4"), malformed),
        payment(&format!("{auth}/validBefore"), json!(null), malformed),
        payment("/payload/signature", None, malformed),
        payment("/payload/signature", json!("0x12"), signature),
        payment("/payload/signature", json!("zz"), signature),
        payment(
            "/payload/permit2Authorization",
            json!({}),
            same("unsupported_payload_type"),
        ),
    ]
}

fn changes_to_the_requirements() -> Vec<Change> {
    let malformed = same("invalid_payment_requirements");
    let no_domain = same("invalid_exact_evm_missing_eip712_domain");
    let other = json!("0x00000000000000000000000000000000000000aa");
    let value_v1 = v1("invalid_exact_evm_authorization_value");
    let value_v2 = v2("invalid_exact_evm_payload_authorization_value_mismatch");
    let table = [
        ("scheme", json!("escrow"), same("unsupported_scheme")),
        (
            "scheme",
            json!("upto"),
            ["unsupported_scheme", "invalid_upto_evm_scheme"],
        ),
        (
            "network",
            json!("base"),
            same("invalid_exact_evm_network_mismatch"),
        ),
        (
            "extra/assetTransferMethod",
            json!("permit2"),
            same("unsupported_payload_type"),
        ),
        (
            "extra/name",
            json!("USD Coin"),
            same("invalid_exact_evm_token_name_mismatch"),
        ),
        (
            "extra/version",
            json!("1"),
            same("invalid_exact_evm_token_version_mismatch"),
        ),
        ("asset", other.clone(), same("asset_not_deployed_contract")),
        ("asset", json!("USD"), malformed),
        ("payTo", other, same("invalid_exact_evm_recipient_mismatch")),
        ("maxAmountRequired", json!("9999"), value_v1),
        ("amount", json!("9999"), value_v2),
        ("amount", json!(10_000), v2("invalid_payment_requirements")),
    ];
    let removed = [
        ("scheme", malformed),
        ("payTo", malformed),
        ("extra", no_domain),
        ("extra/name", no_domain),
        ("extra/version", no_domain),
    ];
    let replaced = table.map(|(member, new, codes)| required(member, new, codes));
    let removed = removed.map(|(member, codes)| required(member, None, codes));
    replaced.into_iter().chain(removed).collect()
}

/// Each version has its own spelling of networks, and this run has one chain.
#[tokio::test]
async fn networks_of_the_other_version_or_another_chain_are_refused() {
    let bench = Bench::start().await;
    let table = [
        (Version::V2, "base-sepolia", "CAIP-2"),
        (Version::V1, "eip155:84532", "x402 v1"),
        (Version::V2, "eip155:084532", "CAIP-2"),
        (
            Version::V2,
            "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp",
            "CAIP-2",
        ),
        (
            Version::V2,
            "eip155:8453",
            "this bench's chain is eip155:84532; it cannot settle on eip155:8453",
        ),
        (Version::V1, "base", "it cannot settle on eip155:8453"),
    ];
    for (version, name, message) in table {
        let mut draft = bench.draft(version);
        draft.requirement["network"] = json!(name);
        let answer = bench.verify(&bench.sign(&draft)).await;
        assert_eq!(
            answer["invalidReason"], "invalid_network",
            "{name}: {answer}"
        );
        let said = answer["invalidMessage"].as_str().unwrap();
        assert!(said.contains(message), "{name}: {said}");
    }
}

#[tokio::test]
async fn a_signature_changed_in_any_way_is_refused() {
    let bench = Bench::start().await;
    let body = bench.honest(Version::V2);
    let pointer = "/paymentPayload/payload/signature";
    let honest = body.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let bytes = alloy_primitives::hex::decode(&honest).unwrap();
    let mut flipped = bytes.clone();
    flipped[10] ^= 1;
    let mut zero_based = bytes.clone();
    zero_based[64] -= 27;
    let mut longer = bytes.clone();
    longer.push(0);
    for (what, changed) in [
        ("one bit flipped", flipped),
        ("v as 0 or 1", zero_based),
        ("high s", high_s(&bytes)),
        ("one byte more", longer),
        ("zeros", vec![0; 65]),
        ("nothing", vec![]),
    ] {
        let mut body = body.clone();
        set(
            &mut body,
            pointer,
            Some(json!(alloy_primitives::hex::encode_prefixed(changed))),
        );
        refused(&bench, &body, what, "invalid_exact_evm_signature").await;
    }
}

#[tokio::test]
async fn a_payer_without_funds_and_a_used_nonce_are_refused() {
    let bench = Bench::start().await;
    let mut poor = Bench::start().await;
    poor.payer = PayerKey::derived("facilitator tests", 0, 1);
    let body = poor.honest(Version::V2);
    refused(
        &poor,
        &body,
        "no funds",
        "invalid_exact_evm_insufficient_balance",
    )
    .await;

    let body = bench.honest(Version::V1);
    assert_eq!(bench.settle(&body).await["success"], true);
    refused(
        &bench,
        &body,
        "used",
        "invalid_exact_evm_nonce_already_used",
    )
    .await;
}

#[tokio::test]
async fn the_ledgers_clock_decides_and_not_ours() {
    let bench = Bench::start().await;
    let body = bench.honest(Version::V2);
    bench.ledger.advance_clock(3600);
    let code = "invalid_exact_evm_payload_authorization_valid_before";
    refused(&bench, &body, "an hour later", code).await;
    bench.ledger.advance_clock(-3600);
    assert_eq!(bench.verify(&body).await["isValid"], true);
}

/// Verify and settle must both refuse, with the same code.
async fn refused(bench: &Bench, body: &Value, what: &str, code: &str) {
    let moved = bench.transfers().await;
    let answer = bench.verify(body).await;
    assert_eq!(answer["isValid"], false, "{what}: {answer}");
    assert_eq!(answer["invalidReason"], code, "{what}: {answer}");
    assert!(
        answer["invalidMessage"]
            .as_str()
            .is_some_and(|m| m.len() > 8),
        "{what}: {answer}"
    );
    let answer = bench.settle(body).await;
    assert_eq!(answer["success"], false, "{what}: {answer}");
    assert_eq!(answer["errorReason"], code, "{what}: {answer}");
    assert_eq!(answer["transaction"], "", "{what}: {answer}");
    assert_eq!(bench.transfers().await, moved, "{what}");
}

/// The other signature of the same key over the same digest, which tokens refuse.
fn high_s(bytes: &[u8]) -> Vec<u8> {
    let order = U256::from_be_bytes(alloy_primitives::hex!(
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
    ));
    let s = U256::from_be_slice(&bytes[32..64]);
    let mut twin = bytes.to_vec();
    twin[32..64].copy_from_slice(B256::from(order - s).as_slice());
    twin[64] = if bytes[64] == 27 { 28 } else { 27 };
    twin
}
