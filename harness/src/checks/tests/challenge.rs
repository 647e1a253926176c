//! Section A, red.

use serde_json::{Value, json};
use x402_assay_protocol::{Version, header};
use x402_assay_reports::model::{RunVerdict, Verdict};

use super::{assert_fails, assert_verdict, check};
use crate::history::event::Trouble;
use crate::history::script::{CONTENT, Probe, Reply, Script, challenge_v1, challenge_v2, encode};

/// An honest v2 server whose unpaid answers carry this header instead.
fn with_header(value: &str) -> Script {
    Script::honest(Version::V2)
        .edit_unpaid(|probe| probe.header(header::PAYMENT_REQUIRED, Some(value)))
}

/// An honest v2 server whose challenge was changed.
fn v2(change: impl Fn(&mut Value)) -> Script {
    let mut challenge = challenge_v2();
    change(&mut challenge);
    with_header(&encode(&challenge))
}

/// An honest v1 server whose challenge was changed.
fn v1(change: impl Fn(&mut Value)) -> Script {
    let mut challenge = challenge_v1();
    change(&mut challenge);
    Script::honest(Version::V1).edit_unpaid(|probe| probe.body(&challenge.to_string()))
}

#[test]
fn serving_without_payment_fails_and_is_given() {
    for version in [Version::V1, Version::V2] {
        let script = Script::honest(version).edit_unpaid(|probe| probe.deliver());
        let id = if version == Version::V1 {
            "SRV-V1-402-001"
        } else {
            "SRV-V2-402-001"
        };
        let report = assert_fails(&script, id);
        assert_eq!(report.verdict, RunVerdict::Nonconformant);
        assert!(report.money.unpaid_grants > 0);
    }
}

#[test]
fn a_preflight_stands_in_when_no_generation_could_be_told() {
    let open = Probe::new("preflight", Reply::answer(200, CONTENT));
    let report = assert_fails(&Script::empty().then(open), "SRV-V2-402-001");
    assert_eq!(report.verdict, RunVerdict::Nonconformant);
    let missing = Probe::new("preflight", Reply::answer(404, "no"));
    let report = assert_verdict(
        &Script::empty().then(missing),
        "SRV-V2-402-001",
        Verdict::Skipped,
    );
    assert_eq!(report.verdict, RunVerdict::Inconclusive);
    let closed = Probe::new("preflight", Reply::Trouble(Trouble::Refused));
    assert_verdict(
        &Script::empty().then(closed),
        "SRV-V2-402-001",
        Verdict::Inconclusive,
    );
}

#[test]
fn another_status_than_402_fails_only_when_it_comes_from_the_paywall() {
    for status in [200, 401] {
        let script = Script::honest(Version::V2).edit_unpaid(|probe| probe.status(status));
        assert_fails(&script, "SRV-V2-402-001");
    }
    let behind_login = Script::honest(Version::V2).edit_unpaid(|probe| {
        probe.reply = Reply::answer(401, "log in");
    });
    assert_verdict(&behind_login, "SRV-V2-402-001", Verdict::Skipped);
    let broken = Script::honest(Version::V2).edit_unpaid(|probe| {
        probe.reply = Reply::answer(500, "oops");
    });
    assert_verdict(&broken, "SRV-V2-402-001", Verdict::Inconclusive);
}

#[test]
fn a_404_route_is_not_called_unprotected() {
    let script =
        Script::honest(Version::V2).edit_unpaid(|probe| probe.reply = Reply::answer(404, ""));
    assert_verdict(&script, "SRV-V2-402-001", Verdict::Skipped);
}

#[test]
fn a_402_without_or_with_two_headers_fails() {
    let missing = Script::honest(Version::V2)
        .edit_unpaid(|probe| probe.header(header::PAYMENT_REQUIRED, None));
    let report = assert_fails(&missing, "SRV-V2-402-002");
    assert_eq!(check(&report, "SRV-V2-402-003").verdict, Verdict::Skipped);
    let twice = Script::honest(Version::V2).edit_unpaid(|probe| {
        let reply = probe.reply.clone();
        probe.reply = reply.with("payment-required", &encode(&challenge_v2()));
    });
    assert_fails(&twice, "SRV-V2-402-002");
}

#[test]
fn an_undecodable_challenge_fails_and_odd_base64_warns() {
    for value in ["{\"x402Version\":2}", "W10=", "bm90IGpzb24="] {
        assert_fails(&with_header(value), "SRV-V2-402-003");
    }
    // Padding cut off, and the URL-safe alphabet.
    let mut challenge = challenge_v2();
    let mut encoded = encode(&challenge);
    while !encoded.ends_with('=') {
        challenge["error"] = json!(format!("{}!", challenge["error"].as_str().unwrap()));
        encoded = encode(&challenge);
    }
    let unpadded = encoded.trim_end_matches('=');
    assert_verdict(&with_header(unpadded), "SRV-V2-402-003", Verdict::Warn);
    challenge["error"] = json!("???>>>~~~");
    let url_safe = encode(&challenge).replace('+', "-").replace('/', "_");
    assert_ne!(url_safe, encode(&challenge));
    assert_verdict(&with_header(&url_safe), "SRV-V2-402-003", Verdict::Warn);
}

#[test]
fn the_version_is_the_number_2() {
    for wrong in [json!("2"), json!(1), json!(7), Value::Null] {
        assert_fails(&v2(|c| c["x402Version"] = wrong.clone()), "SRV-V2-402-004");
    }
    assert_fails(
        &v2(|c| {
            c.as_object_mut().unwrap().remove("x402Version");
        }),
        "SRV-V2-402-004",
    );
}

#[test]
fn accepts_is_a_list_and_an_empty_one_warns() {
    for wrong in [json!({}), json!("x"), json!([1])] {
        assert_fails(&v2(|c| c["accepts"] = wrong.clone()), "SRV-V2-402-005");
    }
    let empty = v2(|c| c["accepts"] = json!([]));
    let report = assert_verdict(&empty, "SRV-V2-402-005", Verdict::Warn);
    assert_eq!(check(&report, "SRV-V2-402-006").verdict, Verdict::Skipped);
}

#[test]
fn every_required_member_of_an_offer_is_missed() {
    for member in [
        "scheme",
        "network",
        "amount",
        "asset",
        "payTo",
        "maxTimeoutSeconds",
    ] {
        let absent = v2(|c| {
            c["accepts"][0].as_object_mut().unwrap().remove(member);
        });
        assert_fails(&absent, "SRV-V2-402-006");
        assert_fails(
            &v2(|c| c["accepts"][0][member] = json!([])),
            "SRV-V2-402-006",
        );
    }
    assert_fails(
        &v2(|c| c["accepts"][0]["amount"] = json!(10_000)),
        "SRV-V2-402-006",
    );
}

#[test]
fn networks_are_caip2() {
    assert_fails(
        &v2(|c| c["accepts"][0]["network"] = json!("base-sepolia")),
        "SRV-V2-402-007",
    );
    let long = v2(|c| c["accepts"][0]["network"] = json!("namespace-too-long:1"));
    assert_verdict(&long, "SRV-V2-402-007", Verdict::Warn);
}

#[test]
fn amounts_are_base_units() {
    for wrong in ["0.01", "-1", "1e4", "0x10", "", " 1"] {
        assert_fails(
            &v2(|c| c["accepts"][0]["amount"] = json!(wrong)),
            "SRV-V2-402-008",
        );
    }
}

#[test]
fn the_resource_has_a_url() {
    for wrong in [json!({}), json!({"url": 1}), json!("http://x"), Value::Null] {
        assert_fails(&v2(|c| c["resource"] = wrong.clone()), "SRV-V2-402-010");
    }
}

#[test]
fn a_v1_challenge_is_json_with_its_members() {
    let text = Script::honest(Version::V1).edit_unpaid(|probe| probe.body("pay me"));
    assert_fails(&text, "SRV-V1-402-001");
    let array = Script::honest(Version::V1).edit_unpaid(|probe| probe.body("[]"));
    assert_fails(&array, "SRV-V1-402-001");
    assert_fails(&v1(|c| c["x402Version"] = json!("1")), "SRV-V1-402-001");
    assert_fails(&v1(|c| c["accepts"] = json!({})), "SRV-V1-402-001");
    assert_fails(&v1(|c| c["error"] = json!(7)), "SRV-V1-402-001");
    let silent = v1(|c| {
        c.as_object_mut().unwrap().remove("error");
    });
    assert_verdict(&silent, "SRV-V1-402-001", Verdict::Warn);
}

#[test]
fn every_required_member_of_a_v1_offer_is_missed() {
    for member in [
        "scheme",
        "network",
        "maxAmountRequired",
        "asset",
        "payTo",
        "resource",
        "maxTimeoutSeconds",
    ] {
        let absent = v1(|c| {
            c["accepts"][0].as_object_mut().unwrap().remove(member);
        });
        assert_fails(&absent, "SRV-V1-402-002");
    }
    let undescribed = v1(|c| {
        c["accepts"][0]
            .as_object_mut()
            .unwrap()
            .remove("description");
    });
    assert_verdict(&undescribed, "SRV-V1-402-002", Verdict::Warn);
}

#[test]
fn v1_amounts_are_base_units() {
    assert_fails(
        &v1(|c| c["accepts"][0]["maxAmountRequired"] = json!("0.01")),
        "SRV-V1-402-003",
    );
}
