//! Section A, the softer rows: red, green, and unusual but correct.

use serde_json::{Value, json};
use x402_assay_protocol::{Version, header};
use x402_assay_reports::model::Verdict;

use super::{assert_verdict, check};
use crate::history::script::{
    CONTENT, Call, Probe, Reply, Script, address, challenge_v1, challenge_v2, encode, offer,
};

/// An honest v2 server whose challenge was changed.
fn v2(change: impl Fn(&mut Value)) -> Script {
    let mut challenge = challenge_v2();
    change(&mut challenge);
    with_challenge(&["v2/unpaid", "v2/unpaid-again"], &challenge)
}

/// An honest v2 server that answers these probes with this challenge.
fn with_challenge(probes: &[&str], challenge: &Value) -> Script {
    let value = encode(challenge);
    probes
        .iter()
        .fold(Script::honest(Version::V2), |script, name| {
            script.edit(name, |probe| {
                probe.header(header::PAYMENT_REQUIRED, Some(&value));
            })
        })
}

/// An honest v1 server whose challenge was changed.
fn v1(change: impl Fn(&mut Value)) -> Script {
    let mut challenge = challenge_v1();
    change(&mut challenge);
    Script::honest(Version::V1).edit("v1/unpaid", |probe| probe.body(&challenge.to_string()))
}

fn more_offers(change: impl Fn(&mut Value)) -> Script {
    let mut second = offer(Version::V2);
    change(&mut second);
    v2(|challenge| {
        let offers = challenge["accepts"].as_array_mut().unwrap();
        offers.push(second.clone());
    })
}

#[test]
fn an_exact_offer_for_nothing_warns() {
    for zero in ["0", "000"] {
        let free = more_offers(|offer| offer["amount"] = json!(zero));
        assert_verdict(&free, "SRV-V2-402-009", Verdict::Warn);
    }
    // Up to nothing, and an amount that is no number at all: other rows.
    let upto = more_offers(|offer| {
        offer["scheme"] = json!("upto");
        offer["amount"] = json!("0");
    });
    assert_verdict(&upto, "SRV-V2-402-009", Verdict::Pass);
    let none = v2(|challenge| challenge["accepts"] = json!([]));
    assert_verdict(&none, "SRV-V2-402-009", Verdict::Skipped);
}

#[test]
fn the_resource_is_what_was_asked_for() {
    let named = |url: &str| v2(|challenge| challenge["resource"]["url"] = json!(url));
    for same in [
        "https://api.example/paid",
        "https://api.example/v1/paid?x=1",
        "http://127.0.0.1/PAID/",
        "/paid",
    ] {
        assert_verdict(&named(same), "SRV-V2-402-011", Verdict::Pass);
    }
    for other in ["https://api.example/", "http://127.0.0.1/prepaid", "/other"] {
        assert_verdict(&named(other), "SRV-V2-402-011", Verdict::Warn);
    }
    assert_verdict(&named("mcp://tool/x"), "SRV-V2-402-011", Verdict::Info);
}

#[test]
fn a_pattern_or_a_path_without_the_proxys_prefix_names_the_resource_too() {
    let on = |route: &str, path: &str, url: &str| {
        let mut challenge = challenge_v2();
        challenge["resource"]["url"] = json!(url);
        let probe = Probe {
            route: route.to_owned(),
            path: Some(path.to_owned()),
            ..Probe::new(
                "v2/unpaid",
                Reply::answer(402, "{}").with(header::PAYMENT_REQUIRED, &encode(&challenge)),
            )
        };
        Script::empty().then(probe)
    };
    let pattern = on(
        "/items/{id}",
        "/items/7?q=1",
        "https://a.example/items/{id}",
    );
    assert_verdict(&pattern, "SRV-V2-402-011", Verdict::Pass);
    let cut = on("/api/paid", "/api/paid", "http://10.0.0.1/paid");
    assert_verdict(&cut, "SRV-V2-402-011", Verdict::Pass);
    let root = on("/api/paid", "/api/paid", "http://10.0.0.1/");
    assert_verdict(&root, "SRV-V2-402-011", Verdict::Warn);
}

#[test]
fn token_domains_are_the_real_ones() {
    for (member, wrong) in [("name", "USD Coin"), ("version", "1")] {
        let script = more_offers(|offer| offer["extra"][member] = json!(wrong));
        assert_verdict(&script, "SRV-V2-402-012", Verdict::Warn);
    }
    let bare = more_offers(|offer| offer["extra"] = json!({}));
    assert_verdict(&bare, "SRV-V2-402-012", Verdict::Warn);
}

#[test]
fn domains_of_unknown_tokens_and_other_methods_are_not_compared() {
    let unknown = v2(|challenge| {
        challenge["accepts"][0]["asset"] = json!(address(0x77).to_string());
        challenge["accepts"][0]["extra"] = json!({"name": "Shop Dollar", "version": "9"});
    });
    assert_verdict(&unknown, "SRV-V2-402-012", Verdict::Skipped);
    let permit2 = more_offers(|offer| offer["extra"] = json!({"assetTransferMethod": "permit2"}));
    assert_verdict(&permit2, "SRV-V2-402-012", Verdict::Pass);
    let solana = more_offers(|offer| {
        offer["network"] = json!("solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1");
        offer["extra"] = json!({"feePayer": "x"});
    });
    assert_verdict(&solana, "SRV-V2-402-012", Verdict::Pass);
}

#[test]
fn extensions_have_info_and_schema() {
    let with =
        |extensions: Value| v2(move |challenge| challenge["extensions"] = extensions.clone());
    for bare in [
        json!({"a": {"info": {}}}),
        json!({"a": {"schema": {}}}),
        json!({"a": "x"}),
        json!({"a": {"info": [], "schema": {}}}),
        json!({"http-message-signatures": {"schema": {}}}),
        json!({"http-message-signatures": {"info": {}, "schema": 1}}),
    ] {
        assert_verdict(&with(bare), "SRV-V2-402-015", Verdict::Warn);
    }
    for whole in [
        json!({"a": {"info": {}, "schema": {}, "supportedChains": []}}),
        json!({"http-message-signatures": {"info": {}}}),
    ] {
        assert_verdict(&with(whole), "SRV-V2-402-015", Verdict::Pass);
    }
    for none in [Value::Null, json!({})] {
        assert_verdict(&with(none), "SRV-V2-402-015", Verdict::Skipped);
    }
}

/// A server that settles `good` without verifying it.
fn settling_first(flow: Option<&str>) -> Script {
    Script::honest(Version::V2).edit("v2/good", |probe| {
        probe.calls = vec![Call::settle(true)];
        probe.accepted = vec![(
            "/extra/paymentFlow",
            flow.map_or(Value::Null, |flow| json!(flow)),
        )];
    })
}

#[test]
fn settling_first_must_be_declared() {
    assert_verdict(&settling_first(None), "SRV-V2-402-016", Verdict::Warn);
    let wrong = settling_first(Some("authorization"));
    assert_verdict(&wrong, "SRV-V2-402-016", Verdict::Warn);
    for declared in ["upfront", "escrow"] {
        let script = settling_first(Some(declared));
        assert_verdict(&script, "SRV-V2-402-016", Verdict::Pass);
    }
    let backwards = Script::honest(Version::V2).edit("v2/good", |probe| probe.calls.reverse());
    assert_verdict(&backwards, "SRV-V2-402-016", Verdict::Warn);
    // One automatic second settle comes after the verification all the same.
    let pending = Script::honest(Version::V2).edit("v2/good", |probe| {
        let again = Call::settle(false).because("settlement_pending");
        probe.calls.insert(1, again);
    });
    assert_verdict(&pending, "SRV-V2-402-016", Verdict::Pass);
}

#[test]
fn body_error_and_size_are_recorded() {
    let report = Script::honest(Version::V2).report();
    for id in [
        "SRV-V2-402-017",
        "SRV-V2-402-018",
        "SRV-V2-402-020",
        "SRV-BOTH-402-001",
    ] {
        assert_eq!(check(&report, id).verdict, Verdict::Info, "{id}");
        assert!(!check(&report, id).evidence.is_empty(), "{id}");
    }
    assert!(check(&report, "SRV-V2-402-017").detail.contains("{}"));
    let silent = v2(|challenge| {
        challenge.as_object_mut().unwrap().remove("error");
    });
    let report = assert_verdict(&silent, "SRV-V2-402-018", Verdict::Info);
    assert!(check(&report, "SRV-V2-402-018").detail.contains("no error"));
    for (bytes, advice) in [(4_000, "some proxies"), (8_000, "most proxies")] {
        let large = v2(|challenge| challenge["padding"] = json!("x".repeat(bytes)));
        let report = assert_verdict(&large, "SRV-V2-402-020", Verdict::Info);
        let detail = &check(&report, "SRV-V2-402-020").detail;
        assert!(detail.contains(advice), "{detail}");
    }
}

#[test]
fn paid_content_in_a_challenge_warns() {
    let in_challenge = v2(|challenge| challenge["preview"] = json!(CONTENT));
    assert_verdict(&in_challenge, "SRV-V2-402-019", Verdict::Warn);
    let in_body = Script::honest(Version::V2).edit("v2/unpaid", |probe| probe.body(CONTENT));
    assert_verdict(&in_body, "SRV-V2-402-019", Verdict::Warn);
    let learned = |script: Script| script.setup(|run| run.marker = None);
    assert_verdict(&learned(in_body), "SRV-V2-402-019", Verdict::Warn);
    let honest = learned(Script::honest(Version::V2));
    assert_verdict(&honest, "SRV-V2-402-019", Verdict::Pass);
    let unknown = learned(Script::honest(Version::V2)).edit_paid(|probe| {
        probe.reply = Reply::answer(402, "{}");
        probe.alone();
    });
    assert_verdict(&unknown, "SRV-V2-402-019", Verdict::Skipped);
}

#[test]
fn a_price_that_moves_between_two_challenges_warns() {
    let mut dearer = challenge_v2();
    dearer["accepts"][0]["amount"] = json!("10001");
    let script = with_challenge(&["v2/unpaid-again"], &dearer);
    assert_verdict(&script, "SRV-V2-402-021", Verdict::Warn);
    let meant = script.setup(|run| run.dynamic_price = true);
    assert_verdict(&meant, "SRV-V2-402-021", Verdict::Skipped);
    let mut renamed = challenge_v2();
    renamed["accepts"][0]["extra"]["version"] = json!("1");
    let script = with_challenge(&["v2/unpaid-again"], &renamed);
    assert_verdict(&script, "SRV-V2-402-021", Verdict::Warn);
    let mut other = challenge_v2();
    other["accepts"][0]["asset"] = json!(address(0x77).to_string());
    let script = with_challenge(&["v2/unpaid-again"], &other);
    assert_verdict(&script, "SRV-V2-402-021", Verdict::Warn);
    let once = Script::empty().then(Script::honest(Version::V2).probes[0].clone());
    assert_verdict(&once, "SRV-V2-402-021", Verdict::Skipped);
}

#[test]
fn order_nonces_and_rotating_recipients_are_no_other_terms() {
    let mut two = challenge_v2();
    let mut second = offer(Version::V2);
    second["network"] = json!("eip155:8453");
    second["amount"] = json!("20000");
    two["accepts"] = json!([offer(Version::V2), second.clone()]);
    let mut turned = two.clone();
    turned["accepts"] = json!([second, offer(Version::V2)]);
    turned["accepts"][1]["extra"]["quoteId"] = json!("7");
    turned["extensions"] = json!({"offer-receipt": {"info": {"offers": ["x"]}, "schema": {}}});
    let lower = turned["accepts"][1]["asset"]
        .as_str()
        .unwrap()
        .to_lowercase();
    turned["accepts"][1]["asset"] = json!(lower);
    let script = with_challenge(&["v2/unpaid"], &two).edit("v2/unpaid-again", |probe| {
        probe.header(header::PAYMENT_REQUIRED, Some(&encode(&turned)));
    });
    assert_verdict(&script, "SRV-V2-402-021", Verdict::Pass);
    let mut rotated = challenge_v2();
    rotated["accepts"][0]["payTo"] = json!(address(0xb2).to_string());
    let script = with_challenge(&["v2/unpaid"], &rotated);
    assert_verdict(&script, "SRV-V2-402-021", Verdict::Info);
    let script = with_challenge(&["v2/unpaid"], &two);
    assert_verdict(&script, "SRV-V2-402-021", Verdict::Info);
}

#[test]
fn offers_the_facilitator_cannot_settle_warn() {
    let on = |scheme: &str, network: &str| {
        more_offers(|offer| {
            offer["scheme"] = json!(scheme);
            offer["network"] = json!(network);
        })
    };
    let elsewhere = on("exact", "eip155:1329");
    assert_verdict(&elsewhere, "SRV-V2-402-022", Verdict::Warn);
    let solana = on("exact", "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1");
    assert_verdict(&solana, "SRV-V2-402-022", Verdict::Pass);
    // The bench's facilitator stands in for one that may know more schemes.
    let upto = on("upto", "eip155:84532");
    assert_verdict(&upto, "SRV-V2-402-022", Verdict::Info);
    let pattern = elsewhere.clone().edit("v2/challenge/supported", |probe| {
        probe.body(r#"{"kinds":[{"x402Version":2,"scheme":"exact","network":"eip155:*"}]}"#);
    });
    assert_verdict(&pattern, "SRV-V2-402-022", Verdict::Pass);
    let broken = elsewhere
        .clone()
        .edit("v2/challenge/supported", |probe| probe.status(500));
    assert_verdict(&broken, "SRV-V2-402-022", Verdict::Inconclusive);
    let mut unasked = elsewhere;
    unasked
        .probes
        .retain(|probe| !probe.name.ends_with("/supported"));
    assert_verdict(&unasked, "SRV-V2-402-022", Verdict::Skipped);
}

#[test]
fn v1_networks_are_short_names() {
    let on = |network: &str| v1(|challenge| challenge["accepts"][0]["network"] = json!(network));
    assert_verdict(&on("eip155:84532"), "SRV-V1-402-004", Verdict::Warn);
    for known in ["base", "sei-testnet", "solana-devnet"] {
        assert_verdict(&on(known), "SRV-V1-402-004", Verdict::Pass);
    }
    assert_verdict(&on("my-rollup"), "SRV-V1-402-004", Verdict::Info);
}

#[test]
fn v1_challenges_are_typed_as_json() {
    let typed = |kind: Option<&str>| {
        Script::honest(Version::V1).edit("v1/unpaid", |probe| probe.header("content-type", kind))
    };
    for wrong in [None, Some("text/html"), Some("text/plain; charset=utf-8")] {
        assert_verdict(&typed(wrong), "SRV-V1-402-005", Verdict::Warn);
    }
    for right in [
        "application/json; charset=utf-8",
        "Application/Problem+JSON",
    ] {
        assert_verdict(&typed(Some(right)), "SRV-V1-402-005", Verdict::Pass);
    }
}

#[test]
fn which_generations_an_answer_offers_is_recorded() {
    let both = Script::honest(Version::V2).edit("v2/unpaid", |probe| {
        probe.body(&challenge_v1().to_string());
    });
    let report = assert_verdict(&both, "SRV-BOTH-402-001", Verdict::Info);
    let detail = &check(&report, "SRV-BOTH-402-001").detail;
    assert!(
        detail.contains("a v1 body with 1 offer(s) and a v2 header with 1"),
        "{detail}"
    );
    let mirrored = Script::honest(Version::V2).edit_unpaid(|probe| {
        probe.body(&challenge_v2().to_string());
    });
    let report = assert_verdict(&mirrored, "SRV-BOTH-402-001", Verdict::Info);
    let detail = &check(&report, "SRV-BOTH-402-001").detail;
    assert!(detail.contains("no v1 body"), "{detail}");
}

#[test]
fn a_cloudflare_network_is_recorded() {
    let script = more_offers(|offer| offer["network"] = json!("cloudflare:402"));
    assert_verdict(&script, "SRV-V2-402-007", Verdict::Info);
}
