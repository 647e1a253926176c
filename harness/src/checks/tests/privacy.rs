//! Section L: red, green, and unusual but correct.

use serde_json::json;
use x402_assay_protocol::{Version, header};
use x402_assay_reports::model::Verdict;

use super::{assert_verdict, check};
use crate::history::canary;
use crate::history::event::Trouble;
use crate::history::script::{
    CONTENT, Call, Moves, Payment, Probe, Reply, Script, address, challenge_v2, encode,
};

const BOTH: [Version; 2] = [Version::V1, Version::V2];

#[test]
fn errors_that_show_the_inside_warn() {
    for leak in [
        "{\"stack\":\"Error\\n    at pay (/srv/app.js:4:12)\"}",
        "could not reach http://127.0.0.1:8545/",
        "Traceback (most recent call last):",
    ] {
        for version in BOTH {
            let script =
                Script::honest(version).edit(&format!("{version}/malformed/not-json"), |probe| {
                    probe.reply = Reply::answer(500, leak);
                });
            assert_verdict(&script, "SRV-PRIV-001", Verdict::Warn);
        }
    }
    let mut challenge = challenge_v2();
    challenge["error"] = json!("TypeError: x\n    at pay (/srv/app.js:4:12)");
    let script = Script::honest(Version::V2).edit("v2/mutation", |probe| {
        probe.header(header::PAYMENT_REQUIRED, Some(&encode(&challenge)));
    });
    assert_verdict(&script, "SRV-PRIV-001", Verdict::Warn);
}

#[test]
fn plain_errors_paid_content_and_the_facilitators_address_are_no_leak() {
    let served = Script::honest(Version::V2).edit("v2/good", |probe| {
        probe.body(&format!(
            "{CONTENT} how to read a Traceback (most recent call last):"
        ));
    });
    assert_verdict(&served, "SRV-PRIV-001", Verdict::Pass);
    let named = Script::honest(Version::V2).edit("v2/malformed/not-json", |probe| {
        probe.reply = Reply::answer(502, "connect ECONNREFUSED 127.0.0.1:4402");
    });
    assert_verdict(&named, "SRV-PRIV-001", Verdict::Info);
    // Headers that are hidden in histories show as such.
    let hidden = Script::honest(Version::V2).edit("v2/unpaid", |probe| {
        probe.header("set-cookie", Some("<redacted>"));
        probe.header("www-authenticate", Some("Bearer realm=\"shop\""));
    });
    assert_verdict(&hidden, "SRV-PRIV-001", Verdict::Pass);
}

#[test]
fn a_payment_that_comes_back_warns() {
    let echoing = |place: &str| {
        let script = Script::honest(Version::V2);
        script.edit("v2/mutation", |probe| {
            // What the script signs with.
            let signature = format!("0x{}", "11".repeat(65));
            match place {
                "body" => probe.body(&format!("bad signature {signature}")),
                "challenge" => {
                    let mut challenge = challenge_v2();
                    challenge["error"] = json!(format!("bad {signature}"));
                    probe.header(header::PAYMENT_REQUIRED, Some(&encode(&challenge)));
                }
                name => probe.header(name, Some(&format!("/login?p={signature}"))),
            }
        })
    };
    for place in ["body", "challenge", "location"] {
        assert_verdict(&echoing(place), "SRV-PRIV-002", Verdict::Warn);
    }
    let cors = |credentials: Option<&str>| {
        Script::honest(Version::V2).edit("v2/good", |probe| {
            probe.header("access-control-allow-origin", Some("*"));
            probe.header("access-control-allow-credentials", credentials);
        })
    };
    assert_verdict(&cors(Some("true")), "SRV-PRIV-002", Verdict::Warn);
    assert_verdict(&cors(None), "SRV-PRIV-002", Verdict::Pass);
    let unanswered = Script::honest(Version::V2)
        .edit_paid(|probe| probe.reply = Reply::Trouble(Trouble::Closed));
    assert_verdict(&unanswered, "SRV-PRIV-002", Verdict::Skipped);
}

#[test]
fn a_parser_that_quotes_junk_repeats_no_payment() {
    let script = Script::honest(Version::V2).edit("v2/malformed/not-json", |probe| {
        probe.body("Unexpected token in \"bm90IGpzb24=\"");
    });
    assert_verdict(&script, "SRV-PRIV-002", Verdict::Pass);
}

/// A purchase with a token in its query, and what the facilitator was told of it.
fn bought_with_a_token(resource: &str) -> Script {
    let request = json!({
        "x402Version": 2,
        "paymentPayload": {"resource": {"url": resource}},
        "paymentRequirements": {"extra": {"note": "plain"}},
    });
    let mut verify = Call::verify(true);
    verify.request = Some(request);
    let mut settle = Call::settle(true);
    settle.request = verify.request.clone();
    Script::honest(Version::V2).then(Probe {
        path: Some(format!("/paid?{}", canary::QUERY)),
        payment: Some(Payment::Fresh(None)),
        calls: vec![verify, settle],
        moves: vec![Moves::default()],
        ..Probe::new(
            "v2/privacy/query",
            Reply::answer(200, CONTENT).with(header::PAYMENT_RESPONSE, "receipt"),
        )
    })
}

#[test]
fn what_the_facilitator_is_told_of_a_query_is_recorded() {
    let told = bought_with_a_token(&format!("http://127.0.0.1/paid?{}", canary::QUERY));
    let report = assert_verdict(&told, "SRV-PRIV-002", Verdict::Info);
    let detail = &check(&report, "SRV-PRIV-002").detail;
    let exact =
        "paymentPayload.resource.url = http://127.0.0.1/paid?assay-canary=user-token-51c9d2";
    assert!(detail.contains(exact), "{detail}");
    assert_eq!(check(&report, "SRV-PRIV-002").evidence.len(), 2);
    let silent = bought_with_a_token("http://127.0.0.1/paid");
    assert_verdict(&silent, "SRV-PRIV-002", Verdict::Pass);
}

#[test]
fn caching_of_receipts_is_recorded() {
    for (cache, told) in [
        (Some("private, max-age=5"), "no shared cache"),
        (Some("public, max-age=60"), "hand it to others"),
        (None, "guessing"),
    ] {
        let script = Script::honest(Version::V2).edit("v2/good", |probe| {
            probe.header("cache-control", cache);
        });
        let report = assert_verdict(&script, "SRV-PRIV-003", Verdict::Info);
        let detail = &check(&report, "SRV-PRIV-003").detail;
        assert!(detail.contains(told), "{detail}");
    }
    let bare =
        Script::honest(Version::V2).edit_paid(|probe| probe.header(header::PAYMENT_RESPONSE, None));
    assert_verdict(&bare, "SRV-PRIV-003", Verdict::Skipped);
}

/// Answers to the request with markup in its query.
fn page(version: Version, kind: Option<&str>, body: &str) -> Script {
    Script::honest(version).edit(&format!("{version}/privacy/markup-query"), |probe| {
        probe.header("content-type", kind);
        probe.body(body);
    })
}

#[test]
fn markup_that_comes_back_in_a_page_warns() {
    let body = format!("<p>Pay for /paid?x={}", canary::MARKUP);
    for version in BOTH {
        let html = page(version, Some("text/html; charset=utf-8"), &body);
        assert_verdict(&html, "SRV-PRIV-004", Verdict::Warn);
    }
    let guessed = page(Version::V2, None, &body);
    assert_verdict(&guessed, "SRV-PRIV-004", Verdict::Warn);
    let in_script = format!("<script>window.url = \"{}\"</script>", canary::MARKUP);
    let script = page(Version::V2, Some("text/html"), &in_script);
    assert_verdict(&script, "SRV-PRIV-004", Verdict::Warn);
}

#[test]
fn escaped_markup_and_answers_that_are_no_page_are_fine() {
    for escaped in [
        "<p>&lt;/script&gt;&lt;script&gt;assay51c9",
        "<script>u = \"<\\/script><script>assay51c9<\\/script>\"</script>",
        "<script>u = \"\\u003c/script>\\u003cscript>assay51c9\"</script>",
        "<a href=\"/paid?x=%3C%2Fscript%3E%3Cscript%3Eassay51c9%3C%2Fscript%3E\">",
    ] {
        let script = page(Version::V2, Some("text/html"), escaped);
        assert_verdict(&script, "SRV-PRIV-004", Verdict::Pass);
    }
    let json = page(Version::V2, Some("application/json"), canary::MARKUP);
    assert_verdict(&json, "SRV-PRIV-004", Verdict::Skipped);
}

#[test]
fn markup_in_a_path_counts_when_the_path_is_sold() {
    let with_path = |status: u16, body: &str| {
        let answer = |name: &str, status, body: &str| {
            Probe::new(
                name,
                Reply::answer(status, body).with("content-type", "text/html"),
            )
        };
        Script::honest(Version::V2)
            .then(answer("v2/privacy/sibling-path", 402, "<p>pay"))
            .then(answer("v2/privacy/markup-path", status, body))
    };
    let body = format!("<p>Pay for {}", canary::PATH_MARKUP);
    assert_verdict(&with_path(402, &body), "SRV-PRIV-004", Verdict::Warn);
    let harmless = format!("<script>u = \"{}\"</script>", canary::PATH_MARKUP);
    assert_verdict(&with_path(402, &harmless), "SRV-PRIV-004", Verdict::Pass);
    assert_verdict(&with_path(404, &body), "SRV-PRIV-004", Verdict::Skipped);
}

/// Answers to the request with a spoofed host.
fn hosted(change: impl Fn(&mut Probe)) -> Script {
    Script::honest(Version::V2).edit("v2/privacy/host", change)
}

#[test]
fn another_host_must_not_get_other_terms() {
    for (member, other) in [
        ("payTo", json!(address(0xb2).to_string())),
        ("amount", json!("1")),
        ("asset", json!(address(0x77).to_string())),
    ] {
        let mut challenge = challenge_v2();
        challenge["accepts"][0][member] = other;
        let script = hosted(|probe| {
            probe.header(header::PAYMENT_REQUIRED, Some(&encode(&challenge)));
        });
        assert_verdict(&script, "SRV-PRIV-005", Verdict::Warn);
    }
    let given = hosted(Probe::deliver);
    assert_verdict(&given, "SRV-PRIV-005", Verdict::Warn);
}

#[test]
fn another_resource_url_a_refused_host_and_rotating_recipients_are_fine() {
    let mut challenge = challenge_v2();
    challenge["resource"]["url"] = json!("http://evil.example/paid");
    challenge["accepts"][0]["extra"]["quoteId"] = json!("8");
    let named = hosted(|probe| {
        probe.header(header::PAYMENT_REQUIRED, Some(&encode(&challenge)));
    });
    assert_verdict(&named, "SRV-PRIV-005", Verdict::Pass);
    for status in [400, 404, 421] {
        let refused = hosted(|probe| probe.reply = Reply::answer(status, "no such host"));
        assert_verdict(&refused, "SRV-PRIV-005", Verdict::Pass);
    }
    let rotating = |probe: &mut Probe, byte: u8| {
        let mut challenge = challenge_v2();
        challenge["accepts"][0]["payTo"] = json!(address(byte).to_string());
        probe.header(header::PAYMENT_REQUIRED, Some(&encode(&challenge)));
    };
    let script = hosted(|probe| rotating(probe, 0xb2)).edit("v2/unpaid", |p| rotating(p, 0xb3));
    assert_verdict(&script, "SRV-PRIV-005", Verdict::Skipped);
    let limited = hosted(|probe| probe.reply = Reply::answer(429, ""));
    assert_verdict(&limited, "SRV-PRIV-005", Verdict::Inconclusive);
}
