//! Each proof is wrong in its one way, and in nothing else.

use std::collections::BTreeSet;

use super::*;

const NOW_S: i64 = 1_795_255_200;

fn declaring(declared: &Value) -> Challenge {
    let raw = json!({
        "x402Version": 2,
        "accepts": [{ "scheme": "exact", "network": "eip155:8453" }],
        "extensions": { EXTENSION: declared },
    });
    Challenge::read(Version::V2, raw)
}

fn info() -> Value {
    json!({
        "domain": "127.0.0.1:4021", "uri": "http://127.0.0.1:4021/paid", "version": "1",
        "nonce": "0123456789abcdef0123456789abcdef", "issuedAt": rfc3339(NOW_S),
        "expirationTime": rfc3339(NOW_S + 300),
    })
}

fn invitation() -> Invitation {
    let chains = json!([{ "chainId": "eip155:84532", "type": "eip191" }]);
    let declared = json!({ "info": info(), "supportedChains": chains });
    invited(&declaring(&declared), 0).unwrap()
}

fn payer() -> PayerKey {
    PayerKey::derived("battery", 1, 0)
}

/// Members in which a proof is not what the challenge declares.
fn differences(proof: &Value) -> BTreeSet<&str> {
    let invited = info();
    let members = proof.as_object().unwrap().iter();
    let differs = members.filter(|(name, value)| invited.get(name) != Some(value));
    differs.map(|(name, _)| name.as_str()).collect()
}

/// The times of a proof against the server's clock: issued, expires.
fn times(proof: &Value) -> [i64; 2] {
    ["issuedAt", "expirationTime"].map(|name| {
        let moment = DateTime::parse_from_rfc3339(proof[name].as_str().unwrap());
        moment.unwrap().timestamp() - NOW_S
    })
}

#[test]
fn each_proof_is_wrong_in_its_one_way() {
    let added = ["address", "chainId", "signature", "type"];
    for (row, (changed, wanted)) in PROOFS.iter().zip([
        (vec!["domain"], [0, 300]),
        (vec!["uri"], [0, 300]),
        (vec!["issuedAt"], [-600, 300]),
        (vec!["issuedAt", "expirationTime"], [600, 1_200]),
        (vec!["issuedAt", "expirationTime"], [-120, -60]),
        (vec![], [0, 300]),
        (vec![], [0, 300]),
    ]) {
        let proof = row.make(&invitation(), &payer());
        let expected: BTreeSet<&str> = added.into_iter().chain(changed).collect();
        assert_eq!(differences(&proof), expected, "{}", row.name);
        assert_eq!(times(&proof), wanted, "{}", row.name);
    }
    assert_eq!(PROOFS.len(), 7);
}

#[test]
fn only_the_bad_signature_is_bad_and_only_the_stranger_is_strange() {
    let (label, seed, index) = STRANGER;
    let stranger = PayerKey::derived(label, seed, index);
    for row in PROOFS {
        let proof = row.make(&invitation(), &payer());
        let signer = match row.name {
            "sign-in/never-paid" => &stranger,
            _ => &payer(),
        };
        assert_eq!(proof["address"], signer.address().to_checksum(None));
        // Signatures are deterministic: signing what the proof says gives the same one.
        let again = prove(&proof, 84_532, signer);
        let is_good = again["signature"] == proof["signature"];
        assert_eq!(is_good, row.name != "sign-in/bad-signature", "{}", row.name);
        assert_eq!(proof["signature"].as_str().unwrap().len(), 132);
    }
}

#[test]
fn only_evm_accounts_are_invited() {
    let chain = |declared: &Value| invited(&declaring(declared), 7).map(|it| it.chain_id);
    let listed = |chains: Value| chain(&json!({ "info": info(), "supportedChains": chains }));
    let solana = json!({ "chainId": "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1", "type": "ed25519" });
    let contract = json!({ "chainId": "eip155:1", "type": "eip191", "signatureScheme": "eip1271" });
    let plain = json!({ "chainId": "eip155:84532", "type": "eip191" });
    assert_eq!(listed(json!([solana, contract, plain])), Some(84_532));
    assert_eq!(listed(json!([solana, contract])), None);
    assert_eq!(listed(json!([])), None);
    // Without a list: the chain that is paid on.
    assert_eq!(chain(&json!({ "info": info() })), Some(8_453));
    for odd in [json!({}), json!({ "info": "x" }), json!(null)] {
        assert_eq!(chain(&odd), None);
    }
}

#[test]
fn the_servers_clock_counts_where_it_tells_it() {
    assert_eq!(invitation().now_s, NOW_S);
    let clock = |issued: Value| {
        let declared = json!({ "info": { "issuedAt": issued } });
        invited(&declaring(&declared), 7).map(|it| it.now_s)
    };
    assert_eq!(clock(json!("yesterday")), Some(7));
    assert_eq!(clock(Value::Null), Some(7));
}
