//! Every golden vector of `scenarios/vectors/`; see the README there.

mod authorization;
mod file;
mod messages;
mod permit;
mod signing;

use std::collections::BTreeMap;

use file::{Kind, Seen, Vector};

/// What this crate makes of a vector.
fn seen(vector: &Vector) -> Seen {
    match vector.kind {
        Kind::Challenge => messages::challenge(vector),
        Kind::Payment => messages::payment(vector),
        Kind::Settlement => messages::settlement(vector),
        Kind::Header => messages::header(vector),
        Kind::FacilitatorRequest => messages::facilitator_request(vector),
        Kind::VerifyResponse => messages::verify_response(vector),
        Kind::SettleResponse => messages::settle_response(vector),
        Kind::Supported => messages::supported(vector),
        Kind::Authorization => authorization::seen(vector),
        Kind::Permit => permit::seen(vector),
    }
}

#[test]
fn every_vector_reads_as_it_says() {
    let mut differences = String::new();
    for (name, vector) in file::all() {
        if let Err(difference) = file::compare(&vector.expect, seen(&vector)) {
            differences.push_str(&format!("{name}: {}\n{difference}\n\n", vector.about));
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

/// A kind whose vectors went missing would be tested no more, and nobody would notice.
#[test]
fn every_kind_has_vectors_good_and_bad() {
    let mut kinds: BTreeMap<Kind, (usize, usize)> = BTreeMap::new();
    for (_, vector) in file::all() {
        let entry = kinds.entry(vector.kind).or_default();
        if vector.expect.is_clean() {
            entry.0 += 1;
        } else {
            entry.1 += 1;
        }
    }
    let total: usize = kinds.values().map(|(good, bad)| good + bad).sum();
    assert!(total >= 160, "{total} vectors: {kinds:?}");
    assert_eq!(kinds.len(), 10, "{kinds:?}");
    for (kind, (good, bad)) in kinds {
        assert!(good >= 2, "{kind:?} has {good} good vectors");
        let only_good = matches!(
            kind,
            Kind::FacilitatorRequest | Kind::Authorization | Kind::Permit
        );
        assert!(bad >= 1 || only_good, "{kind:?} has no bad vectors");
    }
}

/// Eight of the table's networks have a published domain separator for their USDC.
#[test]
fn the_network_table_has_the_published_domains() {
    let mut compared = 0;
    for (name, vector) in file::all() {
        if !name.starts_with("authorization/usdc-") {
            continue;
        }
        let chain_id = vector.message().pointer("/domain/chainId");
        let chain_id = chain_id.and_then(serde_json::Value::as_u64);
        let network = chain_id.and_then(x402_assay_protocol::network::by_chain_id);
        let separator = network.map(|n| n.usdc_domain().separator().to_string());
        let published = vector.expect.values.as_ref().map(|v| &v["separator"]);
        assert_eq!(
            separator.as_deref(),
            published.and_then(|v| v.as_str()),
            "{name}"
        );
        compared += 1;
    }
    assert_eq!(compared, 8);
}

/// The comparison itself can fail: each way of being wrong is noticed.
#[test]
fn a_wrong_expectation_is_noticed() {
    let vectors = file::all();
    let by_name = |wanted: &str| {
        let found = vectors.iter().find(|(name, _)| name == wanted);
        &found.expect("the vector is there").1
    };
    let good = by_name("payment/v2-base-sepolia.json");
    let bad = by_name("payment/v2-bad-value-is-hex.json");
    let broken = by_name("header/bad-null.json");
    for expected in [good, bad, broken] {
        for actual in [good, bad, broken] {
            let same = std::ptr::eq(expected, actual);
            let result = file::compare(&expected.expect, seen(actual));
            assert_eq!(
                result.is_ok(),
                same,
                "{} / {}",
                expected.about,
                actual.about
            );
        }
    }
}
