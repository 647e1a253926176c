use std::collections::BTreeSet;

use x402_assay_protocol::header::{self, HeaderError};
use x402_assay_protocol::{Payment, TokenDomain};

use super::*;
use crate::client::testing::{NOW, choice, payer};

fn all() -> impl Iterator<Item = &'static Variation> {
    VARIATIONS.iter().chain(MALFORMED)
}

fn named(name: &str) -> &'static Variation {
    all().find(|variation| variation.name == name).unwrap()
}

fn made(name: &str, version: Version) -> SignedPayment {
    vary(named(name), &payer(), &choice(version), None, NOW).unwrap()
}

fn sent(payment: &SignedPayment) -> Payment {
    Payment::read(
        header::decode(payment.header_value.as_bytes())
            .unwrap()
            .value,
    )
}

#[test]
fn names_are_unique() {
    let names: BTreeSet<_> = all().map(|variation| variation.name).collect();
    assert_eq!(names.len(), all().count());
}

#[test]
fn every_variation_differs_from_an_honest_payment() {
    for variation in all() {
        for version in variation.versions {
            let payer = payer();
            let choice = choice(*version);
            let wrong = vary(variation, &payer, &choice, None, NOW).unwrap();
            let options = SignOptions {
                nonce: Some(wrong.authorization.nonce),
                ..SignOptions::default()
            };
            let honest = sign(&payer, &choice, None, NOW, &options);
            assert_ne!(
                wrong.header_value, honest.header_value,
                "{}",
                variation.name
            );
            assert_eq!(wrong.terms, honest.terms, "{}", variation.name);
        }
    }
}

#[test]
fn every_variation_but_the_flipped_one_is_signed_for_what_it_claims() {
    for variation in all() {
        for version in variation.versions {
            let payment = made(variation.name, *version);
            let domain = TokenDomain {
                chain_id: payment.key.chain_id,
                verifying_contract: payment.key.asset,
                ..payment.terms.domain.clone()
            };
            let digest = payment.authorization.digest(&domain.separator());
            let good = payment.signature.recover(&digest) == Some(payment.key.payer);
            assert_eq!(
                good,
                variation.name != "signature-flipped",
                "{}",
                variation.name
            );
        }
    }
}

#[test]
fn claims_are_made_only_when_named() {
    let claimed = sent(&made("amount-low", Version::V2));
    assert_eq!(claimed.accepted().unwrap()["amount"], "5000");
    assert_eq!(claimed.authorization.unwrap().value, U256::from(5000));
    let unclaimed = sent(&made("amount-low-unclaimed", Version::V2));
    assert_eq!(unclaimed.accepted().unwrap()["amount"], "10000");
    assert_eq!(unclaimed.authorization.unwrap().value, U256::from(5000));
    let pay_to = sent(&made("pay-to-unclaimed", Version::V1));
    assert_eq!(pay_to.authorization.unwrap().to, STRANGER);
    let asset = made("asset", Version::V2);
    assert_eq!(
        sent(&asset).accepted().unwrap()["asset"],
        STRANGER.to_checksum(None)
    );
    assert_eq!(asset.key.asset, STRANGER);
}

#[test]
fn times_networks_and_schemes_are_wrong() {
    assert_eq!(
        made("expired", Version::V1).record(0, None).valid_before,
        NOW - 60
    );
    assert_eq!(
        made("not-yet-valid", Version::V2)
            .record(0, None)
            .valid_after,
        NOW + 3600
    );
    for version in [Version::V1, Version::V2] {
        let network = made("network", version);
        let claimed = sent(&network)
            .scheme_and_network()
            .1
            .and_then(network::chain_id);
        assert_eq!(claimed, Some(network.key.chain_id));
        assert_ne!(claimed, Some(84532));
        assert_eq!(
            sent(&made("scheme", version)).scheme_and_network().0,
            Some("bogus")
        );
    }
}

#[test]
fn malformed_values_are_broken_in_the_way_they_name() {
    let decoded = |name| header::decode(made(name, Version::V2).header_value.as_bytes());
    for name in ["not-base64", "truncated-base64"] {
        assert!(
            matches!(decoded(name), Err(HeaderError::NotBase64(_))),
            "{name}"
        );
    }
    assert!(matches!(decoded("not-json"), Err(HeaderError::NotJson(_))));
    for name in ["json-array", "json-null", "json-string"] {
        assert!(
            matches!(decoded(name), Err(HeaderError::NotObject(_))),
            "{name}"
        );
    }
    for (name, path) in [
        ("empty-object", "payload"),
        ("missing-accepted", "accepted"),
        ("missing-payload", "payload"),
        ("missing-authorization", "payload.authorization"),
        ("missing-signature", "payload.signature"),
        ("number-for-string", "payload.authorization.value"),
    ] {
        let problems = sent(&made(name, Version::V2)).problems;
        assert!(
            problems.iter().any(|problem| problem.path == path),
            "{name}: {problems:?}"
        );
    }
}

#[test]
fn what_does_not_apply_says_so() {
    let error = |name, choice: &Choice| vary(named(name), &payer(), choice, None, NOW).unwrap_err();
    let v1 = choice(Version::V1);
    assert_eq!(
        error("amount-low", &v1).to_string(),
        "amount-low does not apply to v1"
    );
    let mut free = choice(Version::V2);
    free.terms.amount = U256::ZERO;
    assert_eq!(error("amount-low", &free), CannotVary::AmountZero);
}
