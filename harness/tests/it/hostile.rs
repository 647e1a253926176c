//! Targets that want out of the report: every text they can send is theirs.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::browser::{is_sound, look};
use crate::support::shop::{challenge, serve};
use crate::support::{FREE_SERVICES, assay};

/// Markup, script in every form that runs by itself, direction marks, control characters.
pub(crate) const POISON: &str = "</script><script>window.pwned=1;alert(1)</script>\
    <img src=x onerror=\"window.pwned=1\"><svg onload=\"window.pwned=1\"></svg>\
    <iframe srcdoc=\"<script>parent.pwned=1</script>\"></iframe>\
    \" onmouseover=\"window.pwned=1\" autofocus onfocus=\"window.pwned=1\" x=\"\
    <a href=\"javascript:window.pwned=1\">x</a><style>*{display:none}</style>\
    <meta http-equiv=refresh content=\"0;url=http://127.0.0.1:9/\"><base href=//127.0.0.1:9/>\
    --><!--]]>\u{202e}\u{200b}\u{0}\u{1b}[2J\r\n";

/// Puts the poison into every text of a report but its verdicts and kinds of evidence, which are words of ours.
pub(crate) fn poison(value: &mut Value) {
    match value {
        Value::String(text) => *text = format!("{POISON}{text}"),
        Value::Array(items) => items.iter_mut().for_each(poison),
        Value::Object(members) => {
            let texts = members.iter_mut().filter(|(name, _)| {
                !matches!(name.as_str(), "verdict" | "kind" | "model" | "phase" | "by")
            });
            texts.for_each(|(_, member)| poison(member));
        }
        _ => {}
    }
}

/// Poison, a megabyte of it, and bytes that are no UTF-8.
fn bytes() -> Vec<u8> {
    let mut bytes = POISON.as_bytes().to_vec();
    bytes.extend_from_slice(b"\xff\xfe\xc3\x28\xed\xa0\x80");
    bytes.extend_from_slice(&POISON.repeat(3_000).as_bytes()[..1 << 20]);
    bytes
}

/// Whatever a header can carry of it: no line breaks and no NUL, but bytes that are no text.
fn header_value() -> HeaderValue {
    let fits = |byte: &u8| *byte >= 0x20 && *byte != 0x7f;
    let mut bytes: Vec<u8> = POISON.bytes().filter(fits).collect();
    bytes.extend_from_slice(b"\xff\xfe");
    HeaderValue::from_bytes(&bytes).unwrap()
}

/// Every text of a challenge that can still be paid.
fn poisoned_challenge() -> String {
    let text = challenge(|offer| {
        offer["extra"]["note"] = json!(POISON);
        offer[POISON] = json!(POISON);
    });
    let mut message: Value = serde_json::from_slice(&STANDARD.decode(text).unwrap()).unwrap();
    message["error"] = json!(POISON);
    for name in ["description", "mimeType"] {
        message["resource"][name] = json!(POISON);
    }
    message["extensions"] = json!({ POISON: { "info": { POISON: POISON }, "schema": POISON } });
    STANDARD.encode(message.to_string())
}

/// A receipt full of it.
fn receipt() -> String {
    let receipt = json!({
        "success": true, "transaction": POISON, "network": POISON, "payer": POISON, "errorReason": POISON,
    });
    STANDARD.encode(receipt.to_string())
}

async fn answer(request: Request) -> Response {
    let paid = |headers: &HeaderMap| {
        headers.contains_key("payment-signature") || headers.contains_key("x-payment")
    };
    let mut response = match paid(request.headers()) {
        true => Response::builder().header("payment-response", receipt()),
        false => Response::builder()
            .status(402)
            .header("payment-required", poisoned_challenge()),
    };
    for name in [
        "x-poison",
        "content-type",
        "server",
        "cache-control",
        "vary",
        "etag",
    ] {
        response = response.header(name, header_value());
    }
    response.body(Body::from(bytes())).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_hostile_server_sends_stays_text_in_every_file() {
    let shop = serve(Router::new().fallback(answer)).await;
    let url = format!("{}/paid", shop.url);
    let mut args = vec![
        "run",
        "--server",
        &url,
        "--patience",
        "300ms",
        "--also",
        "sarif,csv,har",
    ];
    args.extend(FREE_SERVICES);
    let ran = assay(&args).await;
    assert!(matches!(ran.code, 3 | 5), "{}", ran.said());
    assert!(!ran.said().contains("panicked"), "{}", ran.said());
    let folder = ran.dir.path().join("x402-assay-report");
    // The poison reached the bench: its history holds it.
    let history = std::fs::read_to_string(folder.join("history.jsonl")).unwrap();
    assert!(history.contains("window.pwned=1"), "{}", ran.said());
    let mut texts = vec![
        ("stdout", ran.stdout.clone()),
        ("stderr", ran.stderr.clone()),
    ];
    for name in [
        "report.md",
        "report.html",
        "junit.xml",
        "report.sarif",
        "books.csv",
    ] {
        texts.push((name, std::fs::read_to_string(folder.join(name)).unwrap()));
    }
    for (name, text) in texts {
        let bad = text.chars().find(|c| {
            c.is_control() && !matches!(c, '\n' | '\r')
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        });
        assert_eq!(bad, None, "{name}");
        assert!(text.len() < 1_000_000, "{name}: {} bytes", text.len());
    }
    for name in ["report.json", "report.sarif", "report.har"] {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        serde_json::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    if let Some(seen) = look(&folder.join("report.html")).await {
        is_sound(&seen);
    }
}
