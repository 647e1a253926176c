//! SRV-FLOW-014, red, green and skipped.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use x402_assay_protocol::Version;
use x402_assay_reports::model::Verdict;

use super::{assert_verdict, check};
use crate::history::script::{Probe, Script};

const ID: &str = "SRV-FLOW-014";
const JSON: &str = "application/json";
const BODY: &str = r#"{"q":1}"#;

type Change = fn(&mut Value);

/// What the handler says that it was given, as `change` has it.
fn answer(body: &str, change: impl Fn(&mut Value)) -> String {
    let mut answer = json!({
        "secret": "paid-content-7f3a",
        "method": "POST",
        "contentType": JSON,
        "bodyBytes": body.len(),
        "bodySha256": alloy_primitives::hex::encode(Sha256::digest(body)),
    });
    change(&mut answer);
    answer.to_string()
}

fn posts(probe: &mut Probe, answer: &str) {
    "POST".clone_into(&mut probe.method);
    probe.request = Some((JSON, BODY));
    probe.body(answer);
}

/// Honest purchases, one of which has a body and is answered so.
fn answered(answer: &str) -> Script {
    Script::honest(Version::V2).edit("v2/good-2", |probe| posts(probe, answer))
}

#[test]
fn what_was_sent_is_what_the_handler_was_given() {
    let whole = answered(&answer(BODY, |_| {}));
    assert_verdict(&whole, ID, Verdict::Pass);
    // Written in another way, or not told at all.
    let others: [Change; 4] = [
        |told| told["bodySha256"] = json!(told["bodySha256"].as_str().unwrap().to_uppercase()),
        |told| told["contentType"] = json!("Application/JSON "),
        |told| told["method"] = json!(5),
        |told| {
            let members = told.as_object_mut().unwrap();
            members.remove("method");
            members.remove("contentType");
        },
    ];
    for change in others {
        assert_verdict(&answered(&answer(BODY, change)), ID, Verdict::Pass);
    }
}

#[test]
fn another_body_method_or_type_warns_with_both_values() {
    let emptied = answered(&answer("", |_| {}));
    let report = assert_verdict(&emptied, ID, Verdict::Warn);
    let detail = &check(&report, ID).detail;
    let digests = [BODY, ""].map(|body| alloy_primitives::hex::encode(Sha256::digest(body)));
    assert!(detail.contains(&digests[0][..16]), "{detail}");
    assert!(detail.contains(&digests[1]), "{detail}");
    // Written anew by the paywall: the same JSON, other bytes.
    assert_verdict(
        &answered(&answer(r#"{ "q": 1 }"#, |_| {})),
        ID,
        Verdict::Warn,
    );
    let changes: [(Change, &str); 3] = [
        (|told| told["method"] = json!("GET"), "given GET"),
        (
            |told| told["contentType"] = json!("text/plain"),
            "given text/plain",
        ),
        (|told| told["contentType"] = Value::Null, "given none"),
    ];
    for (change, said) in changes {
        let report = assert_verdict(&answered(&answer(BODY, change)), ID, Verdict::Warn);
        assert!(check(&report, ID).detail.contains(said), "{said}");
    }
}

#[test]
fn one_changed_request_of_several_is_enough() {
    let script =
        answered(&answer(BODY, |_| {})).edit("v2/good", |probe| posts(probe, &answer("", |_| {})));
    assert_verdict(&script, ID, Verdict::Warn);
}

#[test]
fn without_the_digest_nothing_is_judged() {
    let skipped = |script: &Script, reason: &str| {
        let report = assert_verdict(script, ID, Verdict::Skipped);
        let detail = &check(&report, ID).detail;
        assert!(detail.contains(reason), "{detail}");
    };
    skipped(&Script::honest(Version::V2), "request with a body");
    let untold: [Change; 3] = [
        |told| drop(told.as_object_mut().unwrap().remove("bodySha256")),
        // The digest in another form, and a member that means something else.
        |told| told["bodySha256"] = json!("RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o="),
        |told| {
            told["bodySha256"] = json!(7);
            told["method"] = json!("GET");
        },
    ];
    for change in untold {
        skipped(&answered(&answer(BODY, change)), "does not name bodySha256");
    }
    skipped(&answered("paid-content-7f3a as text"), "does not name");
    // What was refused tells nothing.
    let refused = answered(&answer("", |_| {})).edit("v2/good-2", |probe| {
        probe.alone();
        probe.status(402);
        probe.body("{}");
    });
    skipped(&refused, "request with a body");
}
