//! Signing, recovery, and the payment that carries them.

use alloy_primitives::{Address, B256, U256};
use proptest::prelude::*;
use serde_json::{Value, json};
use x402_assay_protocol::{
    Authorization, Challenge, PayerKey, Payment, Requirement, Signature, TokenDomain, Version,
    header, payment,
};

use crate::any_json::any_json;
use crate::samples;

prop_compose! {
    fn an_authorization()(
        to in any::<[u8; 20]>(),
        value in any::<[u64; 4]>(),
        valid_after in any::<u64>(),
        valid_before in any::<u64>(),
        nonce in any::<[u8; 32]>(),
    ) -> Authorization {
        Authorization {
            from: Address::ZERO,
            to: to.into(),
            value: U256::from_limbs(value),
            valid_after: U256::from(valid_after),
            valid_before: U256::from(valid_before),
            nonce: nonce.into(),
        }
    }
}

prop_compose! {
    fn a_domain()(
        name in any::<String>(),
        version in any::<String>(),
        chain_id in any::<u64>(),
        contract in any::<[u8; 20]>(),
    ) -> TokenDomain {
        TokenDomain { name, version, chain_id, verifying_contract: contract.into() }
    }
}

fn other(address: Address) -> Address {
    let mut bytes = address.0;
    bytes[0] ^= 1;
    Address::from(bytes.0)
}

fn key(index: u32) -> PayerKey {
    PayerKey::derived("property", 1, index)
}

proptest! {
    #[test]
    fn a_signature_recovers_to_its_signer_alone(
        mut authorization in an_authorization(),
        domain in a_domain(),
        index in any::<u32>(),
    ) {
        let key = key(index);
        authorization.from = key.address();
        let digest = authorization.digest(&domain.separator());
        let signature = key.sign(&digest);
        prop_assert!(signature.is_low_s());
        prop_assert_eq!(signature.recover(&digest), Some(key.address()));
        prop_assert_eq!(Signature::from_hex(&signature.to_hex()), Some(signature));
        prop_assert_eq!(key.sign(&digest).0, signature.0, "signing is deterministic");
        prop_assert_ne!(signature.with_flipped_byte().recover(&digest), Some(key.address()));
    }

    #[test]
    fn every_member_is_signed(authorization in an_authorization(), domain in a_domain()) {
        let digest = authorization.digest(&domain.separator());
        let next = U256::from_be_bytes(authorization.nonce.0).wrapping_add(U256::ONE);
        let one = U256::ONE;
        let changed = [
            Authorization { from: Address::repeat_byte(0xEE), ..authorization.clone() },
            Authorization { to: other(authorization.to), ..authorization.clone() },
            Authorization { value: authorization.value.wrapping_add(one), ..authorization.clone() },
            Authorization { valid_after: authorization.valid_after + one, ..authorization.clone() },
            Authorization {
                valid_before: authorization.valid_before + one,
                ..authorization.clone()
            },
            Authorization { nonce: next.into(), ..authorization.clone() },
        ];
        for changed in changed {
            prop_assert_ne!(changed.digest(&domain.separator()), digest);
        }
        let domains = [
            TokenDomain { name: format!("{}x", domain.name), ..domain.clone() },
            TokenDomain { version: format!("{}x", domain.version), ..domain.clone() },
            TokenDomain { chain_id: domain.chain_id.wrapping_add(1), ..domain.clone() },
            TokenDomain { verifying_contract: other(domain.verifying_contract), ..domain.clone() },
        ];
        for changed in domains {
            prop_assert_ne!(changed.separator(), domain.separator());
        }
    }

    #[test]
    fn an_authorization_survives_its_json(authorization in an_authorization()) {
        let mut problems = Vec::new();
        let read = Authorization::read(&authorization.to_json(), "", &mut problems);
        prop_assert_eq!(read, Some(authorization));
        prop_assert_eq!(problems, []);
    }

    #[test]
    fn no_bytes_make_recovery_panic(
        bytes in any::<[u8; 32]>(),
        rs in any::<[[u8; 32]; 2]>(),
        v in any::<u8>(),
    ) {
        let mut all = [v; 65];
        all[..32].copy_from_slice(&rs[0]);
        all[32..64].copy_from_slice(&rs[1]);
        let signature = Signature(all);
        let recovered = signature.recover(&bytes.into());
        prop_assert!(recovered.is_none() || [0, 1, 27, 28].contains(&v));
        let _ = signature.is_low_s();
    }

    #[test]
    fn a_signature_is_65_bytes_of_hex(
        text in prop_oneof![any::<String>(), "(0x){0,2}[0-9a-f]{126,134}"],
    ) {
        let shaped = text
            .strip_prefix("0x")
            .is_some_and(|hex| hex.len() == 130 && hex.bytes().all(|b| b.is_ascii_hexdigit()));
        prop_assert_eq!(Signature::from_hex(&text).is_some(), shaped);
    }

    /// Whatever a server puts into its offer, the client gives it back as it came: servers compare.
    #[test]
    fn a_payment_echoes_the_offer_unchanged(
        extra in any_json(),
        hint in any_json(),
        resource in any_json(),
        authorization in an_authorization(),
    ) {
        let mut raw = samples::offer_v2();
        raw["extra"]["hint"] = extra;
        raw["payTo"] = json!(samples::PAYEE.to_lowercase());
        raw["zz"] = hint;
        let message = payment::build(
            &Requirement::from_raw(Version::V2, raw.clone()),
            Some(&resource),
            &authorization,
            &key(0).sign(&B256::ZERO),
        );
        let sent = header::decode(header::encode(&message).as_bytes()).unwrap().value;
        prop_assert_eq!(sent["accepted"].to_string(), raw.to_string());
        prop_assert_eq!(sent["resource"].to_string(), resource.to_string());
        let read = Payment::read(sent);
        let others = read.problems.iter().filter(|problem| problem.path != "resource");
        prop_assert_eq!(others.count(), 0);
        prop_assert_eq!(read.authorization, Some(authorization));
    }
}

#[test]
fn a_v1_payment_names_scheme_and_network_as_the_offer_does() {
    let challenge = Challenge::read(Version::V1, samples::challenge_v1());
    let offer = &challenge.accepts[0];
    let mut problems = Vec::new();
    let raw = &samples::payment_v1()["payload"]["authorization"];
    let authorization = Authorization::read(raw, "", &mut problems).unwrap();
    let message = payment::build(
        offer,
        Some(&json!({})),
        &authorization,
        &key(0).sign(&B256::ZERO),
    );
    let members: Vec<_> = message.as_object().unwrap().keys().collect();
    assert_eq!(members, ["x402Version", "scheme", "network", "payload"]);
    let read = Payment::read(message);
    assert_eq!(
        read.scheme_and_network(),
        (Some("exact"), Some("base-sepolia"))
    );
    assert_eq!(read.problems, []);
}

#[test]
fn a_v2_payment_without_a_resource_has_no_such_member() {
    let offer = Requirement::from_raw(Version::V2, samples::offer_v2());
    let mut problems = Vec::new();
    let raw: &Value = &samples::payment_v2()["payload"]["authorization"];
    let authorization = Authorization::read(raw, "", &mut problems).unwrap();
    let message = payment::build(&offer, None, &authorization, &key(0).sign(&B256::ZERO));
    assert!(message.get("resource").is_none());
}

#[test]
fn derived_keys_differ_by_label_seed_and_index() {
    let keys = [
        PayerKey::derived("a", 1, 0),
        PayerKey::derived("b", 1, 0),
        PayerKey::derived("a", 2, 0),
        PayerKey::derived("a", 1, 1),
    ];
    let addresses: std::collections::HashSet<_> = keys.iter().map(PayerKey::address).collect();
    assert_eq!(addresses.len(), keys.len());
    assert_eq!(PayerKey::derived("a", 1, 0).address(), keys[0].address());
    assert_eq!(
        PayerKey::from_bytes(&[0; 32]).map(|key| key.address()),
        None
    );
    assert_eq!(
        PayerKey::from_bytes(&[0xFF; 32]).map(|key| key.address()),
        None
    );
}
