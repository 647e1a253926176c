//! Section K, and other schemes: nobody sells by these here, so hand-written histories alone show the judges.

use serde_json::{Value, json};
use x402_assay_protocol::offer_receipt::Artifact;
use x402_assay_protocol::{PayerKey, Version, header, sign_in};
use x402_assay_reports::model::Verdict;

use super::{assert_fails, assert_verdict, check};
use crate::history::Facts;
use crate::history::event::{Event, What};
use crate::history::script::{
    CONTENT, Payment, Probe, Reply, Script, address, challenge_v2, encode, offer,
};
use crate::verdict::{Judging, build_report};

fn key(index: u32) -> PayerKey {
    PayerKey::derived("extensions", 1, index)
}

/// An honest run whose challenges are changed, each with its number.
fn challenged(change: impl Fn(usize, &mut Value)) -> Script {
    let mut script = Script::honest(Version::V2);
    let unpaid = script
        .probes
        .iter_mut()
        .filter(|probe| probe.payment.is_none());
    for (index, probe) in unpaid.enumerate() {
        let mut challenge = challenge_v2();
        change(index, &mut challenge);
        probe.header(header::PAYMENT_REQUIRED, Some(&encode(&challenge)));
    }
    script
}

/// An honest run in which every challenge offers something more.
fn offering(more: Value) -> Script {
    challenged(move |_, challenge| {
        challenge["accepts"]
            .as_array_mut()
            .unwrap()
            .push(more.clone());
    })
}

fn declaring(name: &'static str, value: impl Fn(usize) -> Value) -> Script {
    challenged(move |index, challenge| challenge["extensions"] = json!({ name: value(index) }))
}

fn svm(extra: Value) -> Value {
    json!({"scheme": "exact", "network": "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1", "amount": "5", "asset": "a",
           "payTo": "b", "maxTimeoutSeconds": 60, "extra": extra})
}

#[test]
fn solana_offers_need_a_fee_payer() {
    assert_fails(&offering(svm(json!({}))), "SRV-V2-402-013");
    let named = offering(svm(json!({"feePayer": "x", "memo": "y"})));
    assert_verdict(&named, "SRV-V2-402-013", Verdict::Pass);
    let none = Script::honest(Version::V2);
    assert_verdict(&none, "SRV-V2-402-013", Verdict::Skipped);
}

#[test]
fn upto_offers_need_facilitator_name_and_version() {
    let upto = |extra: Value| {
        let mut more = offer(Version::V2);
        more["scheme"] = json!("upto");
        more["extra"] = extra;
        offering(more)
    };
    let plain = upto(json!({"name": "USDC", "version": "2"}));
    assert_fails(&plain, "SRV-V2-402-014");
    let whole =
        upto(json!({"name": "USDC", "version": "2", "facilitatorAddress": address(1).to_string()}));
    assert_verdict(&whole, "SRV-V2-402-014", Verdict::Pass);
}

/// A signed offer; its terms are those of the challenge but for what `change` changes before signing.
fn signed_offer(index: usize, signer: &PayerKey, change: impl Fn(&mut Value)) -> Value {
    let terms = offer(Version::V2);
    let mut payload = json!({
        "version": 1, "resourceUrl": "http://127.0.0.1/paid", "scheme": "exact", "network": "eip155:84532",
        "asset": terms["asset"], "payTo": key(0).address().to_string(), "amount": terms["amount"],
        "validUntil": 4_000_000_000u64 + index as u64,
    });
    change(&mut payload);
    let digest = Artifact::Offer.digest(&payload).unwrap();
    json!({"format": "eip712", "payload": payload, "signature": signer.sign(&digest).to_hex(), "acceptIndex": 0})
}

/// A run whose offers are payable to the signing key, with these signed offers.
fn with_offers(make: impl Fn(usize) -> Value) -> Script {
    challenged(move |index, challenge| {
        challenge["accepts"][0]["payTo"] = json!(key(0).address().to_string());
        challenge["extensions"] =
            json!({"offer-receipt": {"info": {"offers": [make(index)]}, "schema": {}}});
    })
}

const OFFER_ROWS: [&str; 5] = [
    "SRV-EXT-OR-001",
    "SRV-EXT-OR-002",
    "SRV-EXT-OR-003",
    "SRV-EXT-OR-004",
    "SRV-EXT-OR-005",
];

#[test]
fn honest_signed_offers_are_clean() {
    let script = with_offers(|index| signed_offer(index, &key(0), |_| {}));
    let report = script.report();
    for id in OFFER_ROWS {
        assert_eq!(check(&report, id).verdict, Verdict::Pass, "{id}");
    }
}

#[test]
fn an_offer_of_no_known_form_fails() {
    let broken: [fn(&mut Value); 5] = [
        |offer| offer["format"] = json!("eip191"),
        |offer| offer["signature"] = json!("0x11"),
        |offer| drop(offer.as_object_mut().unwrap().remove("payload")),
        |offer| offer["format"] = json!("jws"),
        |offer| *offer = json!({"format": "jws", "signature": "e30.e30.e30"}),
    ];
    for change in broken {
        let script = with_offers(|index| {
            let mut offer = signed_offer(index, &key(0), |_| {});
            change(&mut offer);
            offer
        });
        assert_fails(&script, "SRV-EXT-OR-001");
    }
    // {"alg":"ES256K","kid":"did:key:z"}: whose key that is the bench does not find out.
    let jws = "eyJhbGciOiJFUzI1NksiLCJraWQiOiJkaWQ6a2V5OnoifQ.e30.c2ln";
    let script = with_offers(|_| json!({"format": "jws", "signature": jws}));
    assert_verdict(&script, "SRV-EXT-OR-001", Verdict::Pass);
    assert_verdict(&script, "SRV-EXT-OR-002", Verdict::Skipped);
}

#[test]
fn a_signature_for_another_domain_or_payload_fails() {
    let under = |name: &'static str, chain: u64| {
        with_offers(move |index| {
            let mut offer = signed_offer(index, &key(0), |_| {});
            let digest = Artifact::Offer
                .digest_under(&offer["payload"], name, chain)
                .unwrap();
            offer["signature"] = json!(key(0).sign(&digest).to_hex());
            offer
        })
    };
    let wrong_chain = under("x402 offer", 84_532);
    let report = assert_fails(&wrong_chain, "SRV-EXT-OR-002");
    assert!(check(&report, "SRV-EXT-OR-002").detail.contains("84532"));
    assert_fails(&under("x402 receipt", 1), "SRV-EXT-OR-002");
    let tampered = with_offers(|index| {
        let mut offer = signed_offer(index, &key(0), |_| {});
        offer["payload"]["resourceUrl"] = json!("http://127.0.0.1/other");
        offer
    });
    assert_fails(&tampered, "SRV-EXT-OR-002");
}

#[test]
fn another_key_warns_where_it_is_one_and_the_same() {
    let script = with_offers(|index| signed_offer(index, &key(7), |_| {}));
    assert_verdict(&script, "SRV-EXT-OR-002", Verdict::Pass);
    assert_verdict(&script, "SRV-EXT-OR-005", Verdict::Warn);
    let one = with_offers(|_| signed_offer(0, &key(7), |_| {}));
    assert_verdict(&one, "SRV-EXT-OR-002", Verdict::Skipped);
}

#[test]
fn signed_terms_that_nobody_advertises_fail() {
    let changes: [fn(&mut Value); 4] = [
        |payload| payload["amount"] = json!("9999"),
        |payload| payload["network"] = json!("base-sepolia"),
        |payload| payload["version"] = json!(2),
        |payload| payload["payTo"] = json!(address(9).to_string()),
    ];
    for change in changes {
        let script = with_offers(|index| signed_offer(index, &key(0), change));
        assert_fails(&script, "SRV-EXT-OR-003");
    }
    let lower = with_offers(|index| {
        signed_offer(index, &key(0), |payload| {
            payload["payTo"] = json!(payload["payTo"].as_str().unwrap().to_lowercase());
        })
    });
    assert_verdict(&lower, "SRV-EXT-OR-003", Verdict::Pass);
}

#[test]
fn typed_data_sent_whole_fails() {
    for place in ["/types", "/payload/primaryType", "/payload/signature"] {
        let script = with_offers(|index| {
            let mut offer = signed_offer(index, &key(0), |_| {});
            x402_assay_protocol::write::set(&mut offer, place, Some(json!("x")));
            offer
        });
        assert_fails(&script, "SRV-EXT-OR-004");
    }
}

/// An honest run in which every receipt carries a signed one.
fn with_receipts(signer: &PayerKey, success: bool, change: impl Fn(&mut Value)) -> Script {
    let mut script = Script::honest(Version::V2);
    let events = script.events();
    let start_s = events[0].at_us / 1_000_000;
    for (index, name) in ["v2/good", "v2/good-2"].into_iter().enumerate() {
        let mut payload = json!({
            "version": 1, "network": "eip155:84532", "resourceUrl": "http://127.0.0.1/paid",
            "payer": address(0xaa).to_string(), "issuedAt": start_s + index as u64,
        });
        change(&mut payload);
        let digest = Artifact::Receipt.digest(&payload).unwrap();
        let receipt = json!({"format": "eip712", "payload": payload, "signature": signer.sign(&digest).to_hex()});
        let members = json!({"success": success, "extensions": {"offer-receipt": {"info": {"receipt": receipt}}}});
        script = script.edit(name, |probe| {
            let text = format!("receipt{members}");
            probe.header(header::PAYMENT_RESPONSE, Some(&text));
        });
    }
    script
}

#[test]
fn receipts_are_for_this_payer_and_this_moment() {
    let id = "SRV-EXT-OR-006";
    assert_verdict(&with_receipts(&key(3), true, |_| {}), id, Verdict::Pass);
    assert_fails(&with_receipts(&key(3), false, |_| {}), id);
    let changes: [fn(&mut Value); 3] = [
        |payload| payload["issuedAt"] = json!(1_600_000_000u64),
        |payload| payload["network"] = json!("base-sepolia"),
        |payload| payload["payer"] = json!(address(0x77).to_string()),
    ];
    for change in changes {
        assert_fails(&with_receipts(&key(3), true, change), id);
    }
    assert_verdict(&Script::honest(Version::V2), id, Verdict::Skipped);
}

#[test]
fn a_receipt_with_or_without_transaction_is_recorded() {
    let script = with_receipts(&key(3), true, |payload| {
        payload["transaction"] = json!("0xabc")
    });
    let report = assert_verdict(&script, "SRV-EXT-OR-007", Verdict::Info);
    assert!(
        check(&report, "SRV-EXT-OR-007")
            .detail
            .contains("names its")
    );
}

#[test]
fn a_payment_after_valid_until_is_recorded() {
    let ended = with_offers(|index| {
        signed_offer(index, &key(0), |payload| {
            payload["validUntil"] = json!(1_000)
        })
    });
    assert_verdict(&ended, "SRV-EXT-OR-008", Verdict::Info);
    let open = with_offers(|index| signed_offer(index, &key(0), |_| {}));
    assert_verdict(&open, "SRV-EXT-OR-008", Verdict::Skipped);
}

fn sign_in_info(index: usize) -> Value {
    json!({"info": {
        "domain": "127.0.0.1:3000", "uri": "http://127.0.0.1:3000/paid", "version": "1",
        "nonce": format!("{index:032x}"), "issuedAt": "2026-11-21T10:00:00Z",
    }, "supportedChains": [{"chainId": "eip155:84532", "type": "eip191"}]})
}

#[test]
fn sign_in_challenges_are_fresh_and_for_this_host() {
    let id = "SRV-EXT-SIWX-001";
    let with = |change: fn(&mut Value)| {
        declaring(sign_in::EXTENSION, move |index| {
            let mut info = sign_in_info(index);
            change(&mut info["info"]);
            info
        })
    };
    assert_verdict(&with(|_| {}), id, Verdict::Pass);
    assert_verdict(
        &with(|info| info["domain"] = json!("127.0.0.1")),
        id,
        Verdict::Pass,
    );
    let broken: [fn(&mut Value); 6] = [
        |info| info["nonce"] = json!("0".repeat(32)),
        |info| info["nonce"] = json!("short"),
        |info| info["domain"] = json!("evil.example"),
        |info| info["domain"] = json!("127.0.0.1:9"),
        |info| info["version"] = json!(1),
        |info| info["issuedAt"] = json!("yesterday"),
    ];
    for change in broken {
        assert_fails(&with(change), id);
    }
}

fn proof(name: &str, reply: Reply) -> Probe {
    Probe::new(&format!("v2/sign-in/{name}"), reply)
}

#[test]
fn wrong_proofs_and_strangers_get_nothing() {
    let refused = || Reply::answer(402, "{}");
    let served = || Reply::answer(200, CONTENT);
    for (id, name) in [
        ("SRV-EXT-SIWX-002", "expired"),
        ("SRV-EXT-SIWX-002", "bad-signature"),
        ("SRV-EXT-SIWX-004", "never-paid"),
    ] {
        let run = |reply| Script::honest(Version::V2).then(proof(name, reply));
        assert_fails(&run(served()), id);
        assert_verdict(&run(refused()), id, Verdict::Pass);
        assert_verdict(&run(refused()), "SRV-EXT-SIWX-005", Verdict::Info);
        assert_verdict(&run(served()), "SRV-EXT-SIWX-005", Verdict::Skipped);
        // Where a good payment is refused too, a refusal shows nothing.
        let closed = run(refused()).edit_paid(|probe| {
            probe.alone();
            probe.reply = refused();
        });
        assert_verdict(&closed, id, Verdict::Skipped);
        assert_verdict(&Script::honest(Version::V2), id, Verdict::Skipped);
    }
    let identity = declaring(sign_in::EXTENSION, sign_in_info).edit_unpaid(|probe| {
        let mut challenge = challenge_v2();
        challenge["accepts"] = json!([]);
        probe.header(header::PAYMENT_REQUIRED, Some(&encode(&challenge)));
    });
    let identity = identity.then(proof("never-paid", served()));
    assert_verdict(&identity, "SRV-EXT-SIWX-004", Verdict::Skipped);
}

/// The verdict on events that a script cannot write by itself.
fn verdict_of(events: &[Event], id: &str) -> Verdict {
    let report = build_report(&Facts::new(events, None), &Judging::default());
    check(&report, id).verdict
}

#[test]
fn a_sign_in_nonce_works_once() {
    let run = |second: Reply, nonces: [&str; 2]| {
        let script = Script::honest(Version::V2)
            .then(proof("again", Reply::answer(200, CONTENT)))
            .then(proof("again", second));
        let mut events = script.events();
        let sent = events.iter_mut().filter_map(|event| match &mut event.what {
            What::Sent(sent) if sent.probe == "v2/sign-in/again" => Some(sent),
            _ => None,
        });
        for (sent, nonce) in sent.zip(nonces) {
            let proof = sign_in::prove(&json!({"nonce": nonce}), 84_532, &key(5));
            let header = (sign_in::HEADER.to_owned(), sign_in::encode(&proof));
            sent.headers.push(header);
        }
        verdict_of(&events, "SRV-EXT-SIWX-003")
    };
    assert_eq!(run(Reply::answer(200, CONTENT), ["a", "a"]), Verdict::Warn);
    assert_eq!(run(Reply::answer(402, "{}"), ["a", "a"]), Verdict::Pass);
    assert_eq!(
        run(Reply::answer(200, CONTENT), ["a", "b"]),
        Verdict::Skipped
    );
}

#[test]
fn bazaar_information_satisfies_its_schema() {
    let id = "SRV-EXT-BAZ-001";
    let with = |change: fn(&mut Value)| {
        declaring("bazaar", move |_| {
            let mut declared = json!({
                "info": {"input": {"type": "http", "method": "GET"}},
                "schema": {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
                           "required": ["input"]},
            });
            change(&mut declared);
            declared
        })
    };
    assert_verdict(&with(|_| {}), id, Verdict::Pass);
    let mcp: fn(&mut Value) =
        |declared| declared["info"]["input"] = json!({"type": "mcp", "toolName": "t"});
    assert_verdict(&with(mcp), id, Verdict::Pass);
    let broken: [fn(&mut Value); 5] = [
        |declared| declared["schema"]["required"] = json!(["output"]),
        |declared| declared["schema"]["$schema"] = json!("http://json-schema.org/draft-07/schema#"),
        |declared| declared["schema"]["type"] = json!(5),
        |declared| declared["info"]["input"]["type"] = json!("ftp"),
        |declared| declared["schema"] = json!({"$ref": "http://127.0.0.1:9/schema.json"}),
    ];
    for change in broken {
        assert_verdict(&with(change), id, Verdict::Warn);
    }
}

#[test]
fn extensions_that_are_not_echoed_are_recorded() {
    let declared = declaring(
        "payment-identifier",
        |_| json!({"info": {"required": false}, "schema": {}}),
    );
    let report = assert_verdict(&declared, "SRV-EXT-001", Verdict::Info);
    assert!(check(&report, "SRV-EXT-001").detail.contains("served"));
    assert_verdict(
        &Script::honest(Version::V2),
        "SRV-EXT-001",
        Verdict::Skipped,
    );
    let mut probe = Probe::new("v2/extension/changed", Reply::answer(402, "{}"));
    probe.payment = Some(Payment::Fresh(None));
    assert_verdict(&declared.then(probe), "SRV-EXT-002", Verdict::Info);
}

/// An exchange that pays in a way the bench does not sign for.
fn foreign(name: &str, payment: &Value, reply: Reply) -> Probe {
    let mut probe = Probe::new(&format!("v2/{name}"), reply);
    probe.payment = Some(Payment::Raw(encode(payment)));
    probe
}

#[test]
fn a_solana_transaction_that_is_served_twice_warns() {
    let id = "SRV-REPL-008";
    let pay = |reply| {
        let payment = json!({"x402Version": 2, "accepted": svm(json!({})), "payload": {"transaction": "AQID"}});
        foreign("svm", &payment, reply)
    };
    let run = |second| {
        Script::honest(Version::V2)
            .then(pay(Reply::answer(200, CONTENT)))
            .then(pay(second))
    };
    assert_verdict(&run(Reply::answer(200, CONTENT)), id, Verdict::Warn);
    assert_verdict(&run(Reply::answer(402, "{}")), id, Verdict::Pass);
    assert_verdict(&Script::honest(Version::V2), id, Verdict::Skipped);
}

fn voucher(reply: Reply) -> Probe {
    let payment = json!({
        "x402Version": 2, "accepted": {"scheme": "batch-settlement", "network": "eip155:84532"},
        "payload": {"type": "voucher", "voucher": {"channelId": "0x01", "maxClaimableAmount": "100"}},
    });
    foreign("batch", &payment, reply)
}

fn stale(extra: Value) -> Reply {
    let mut challenge = challenge_v2();
    challenge["error"] = json!("invalid_batch_settlement_evm_cumulative_amount_mismatch");
    challenge["accepts"][0]["extra"] = extra;
    Reply::answer(402, "{}").with(header::PAYMENT_REQUIRED, &encode(&challenge))
}

#[test]
fn a_stale_voucher_is_corrected() {
    let id = "SRV-BATCH-001";
    let run = |extra| Script::honest(Version::V2).then(voucher(stale(extra)));
    assert_verdict(&run(json!({})), id, Verdict::Warn);
    assert_verdict(
        &run(json!({"channelState": {"balance": "1"}})),
        id,
        Verdict::Pass,
    );
    assert_verdict(&Script::honest(Version::V2), id, Verdict::Skipped);
}

#[test]
fn a_failed_handler_leaves_the_voucher_usable() {
    let id = "SRV-BATCH-002";
    let run = |second| {
        Script::honest(Version::V2)
            .then(voucher(Reply::answer(500, "handler")))
            .then(voucher(second))
    };
    assert_fails(&run(stale(json!({}))), id);
    assert_verdict(&run(Reply::answer(200, CONTENT)), id, Verdict::Pass);
    assert_verdict(&run(Reply::answer(503, "busy")), id, Verdict::Inconclusive);
}

#[test]
fn one_voucher_in_parallel_is_charged_once() {
    let run = |second, overlap: bool| {
        let script = Script::honest(Version::V2)
            .then(voucher(Reply::answer(200, CONTENT)))
            .then(voucher(second));
        let mut events = script.events();
        let mut sent = events
            .iter_mut()
            .filter(|event| matches!(&event.what, What::Sent(sent) if sent.probe == "v2/batch"));
        let first = sent.next().unwrap().at_us;
        let second = sent.next().unwrap();
        if overlap {
            second.at_us = first;
        }
        verdict_of(&events, "SRV-BATCH-003")
    };
    assert_eq!(run(Reply::answer(200, CONTENT), true), Verdict::Fail);
    assert_eq!(run(Reply::answer(402, "{}"), true), Verdict::Pass);
    assert_eq!(run(Reply::answer(200, CONTENT), false), Verdict::Skipped);
}

#[test]
fn a_batch_receipt_is_recorded() {
    let receipt = encode(
        &json!({"success": true, "transaction": "", "network": "eip155:84532",
                                 "extra": {"channelState": {}}}),
    );
    let reply = Reply::answer(200, CONTENT).with(header::PAYMENT_RESPONSE, &receipt);
    let script = Script::honest(Version::V2).then(voucher(reply));
    assert_verdict(&script, "SRV-BATCH-004", Verdict::Info);
}

#[test]
fn members_of_other_types_are_no_panic() {
    let odd = with_offers(|_| json!({"format": "eip712", "payload": {"payTo": 5}, "signature": 7}));
    assert_fails(&odd, "SRV-EXT-OR-001");
    assert_verdict(&odd, "SRV-EXT-OR-002", Verdict::Skipped);
}
