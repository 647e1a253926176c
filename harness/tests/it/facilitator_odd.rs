//! Unusual facilitators: correct ones stay green, broken ones are told apart, and nothing makes the bench crash.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use x402_assay::http::{ProbeClient, ProbeClientOptions};

use crate::support::shop::{Shop, serve};
use crate::support::up::Up;
use crate::support::{Ran, assay};

/// Runs under way at once.
const WIDTH: usize = 3;

/// An answer of the facilitator behind: endpoint, status, body.
type Change = fn(&str, &mut u16, &mut Value);

/// Unusual, and correct.
const CORRECT: &[(&str, Change)] = &[
    ("verdicts with 400", |endpoint, status, body| {
        let flag = if endpoint == "verify" {
            "isValid"
        } else {
            "success"
        };
        if body.get(flag) == Some(&json!(false)) {
            *status = 400;
        }
    }),
    ("members that nobody knows", |_, _, body| {
        if let Some(members) = body.as_object_mut() {
            members.insert("zz".to_owned(), json!({ "deep": [1, null] }));
        }
    }),
    ("addresses in lower case", |_, _, body| {
        for name in ["payer"] {
            if let Some(text) = body.get(name).and_then(Value::as_str) {
                body[name] = json!(text.to_ascii_lowercase());
            }
        }
        let signers = body
            .pointer_mut("/signers/eip155:*")
            .and_then(Value::as_array_mut);
        for signer in signers.into_iter().flatten() {
            *signer = json!(signer.as_str().unwrap().to_ascii_lowercase());
        }
    }),
    ("several accounts", |endpoint, _, body| {
        if endpoint == "supported" {
            let signers = body["signers"]["eip155:*"].as_array_mut().unwrap();
            signers.push(json!("0x70997970C51812dc3A010C7d01b50e0d17dc79C8"));
        }
    }),
    (
        "reasons of its own, no messages, no payer",
        |endpoint, _, body| {
            let Some(members) = body.as_object_mut() else {
                return;
            };
            for name in ["invalidMessage", "errorMessage"] {
                members.remove(name);
            }
            if endpoint == "verify" {
                members.remove("payer");
            }
            for name in ["invalidReason", "errorReason"] {
                if members.contains_key(name) {
                    members.insert(name.to_owned(), json!("declined"));
                }
            }
        },
    ),
    (
        "unsupported kinds thrown as 500",
        |endpoint, status, body| {
            let reason = body
                .get("invalidReason")
                .or_else(|| body.get("errorReason"));
            let reason = reason.and_then(Value::as_str).unwrap_or_default();
            let unsupported = ["scheme", "network", "version"]
                .iter()
                .any(|part| reason.contains(part));
            if endpoint != "supported" && unsupported {
                *status = 500;
                *body = json!({ "error": "No facilitator registered for this scheme and network" });
            }
        },
    ),
];

/// What a facilitator behind answered; pending ones are kept for the second request.
struct Behind {
    url: String,
    client: ProbeClient,
    kept: Mutex<HashMap<Bytes, (u16, Value)>>,
}

impl Behind {
    async fn ask(&self, request: Request) -> (String, Bytes, u16, Value) {
        let path = request.uri().path().to_owned();
        let endpoint = path.rsplit('/').next().unwrap().to_owned();
        let method = request.method().clone();
        let body = axum::body::to_bytes(request.into_body(), 1 << 20)
            .await
            .unwrap();
        let url = format!("{}{path}", self.url).parse().unwrap();
        let mut asked = x402_assay::http::Request::new(method, url);
        asked = asked.with_header("content-type", "application/json");
        if !body.is_empty() {
            asked = asked.with_body(body.clone());
        }
        let exchange = self.client.send(asked).await;
        let answer = exchange.response().unwrap();
        let status = answer.status;
        let value = serde_json::from_slice(&answer.body).unwrap_or_default();
        (endpoint, body, status, value)
    }
}

fn answer(status: u16, body: &Value, content_type: &'static str) -> Response {
    let mut response = (StatusCode::from_u16(status).unwrap(), body.to_string()).into_response();
    let kind = HeaderValue::from_static(content_type);
    response.headers_mut().insert("content-type", kind);
    response
}

fn behind(url: &str) -> Arc<Behind> {
    Arc::new(Behind {
        url: url.trim_end_matches('/').to_owned(),
        client: ProbeClient::new(ProbeClientOptions::default()).unwrap(),
        kept: Mutex::default(),
    })
}

/// A gateway before a facilitator that changes its answers.
async fn gateway(url: &str, change: Change, content_type: &'static str) -> Shop {
    let behind = behind(url);
    let handler = move |request: Request| {
        let behind = Arc::clone(&behind);
        async move {
            let (endpoint, _, mut status, mut body) = behind.ask(request).await;
            change(&endpoint, &mut status, &mut body);
            answer(status, &body, content_type)
        }
    };
    serve(Router::new().fallback(handler)).await
}

/// Settles late, and calls every success pending at first, with its hash.
async fn slow_and_pending(url: &str) -> Shop {
    let behind = behind(url);
    let handler = move |request: Request| {
        let behind = Arc::clone(&behind);
        async move {
            let is_settle = request.uri().path().ends_with("/settle");
            if !is_settle {
                let (_, _, status, body) = behind.ask(request).await;
                return answer(status, &body, "application/json; charset=utf-8");
            }
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
            let kept = behind.kept.lock().unwrap().remove(&body);
            if let Some((status, body)) = kept {
                return answer(status, &body, "application/json");
            }
            let request = Request::from_parts(parts, Body::from(body));
            let (_, asked, status, body) = behind.ask(request).await;
            tokio::time::sleep(Duration::from_millis(30)).await;
            if body["success"] != true {
                return answer(status, &body, "application/json");
            }
            let mut pending = body.clone();
            pending["success"] = json!(false);
            pending["errorReason"] = json!("settlement_pending");
            behind.kept.lock().unwrap().insert(asked, (status, body));
            answer(200, &pending, "application/json")
        }
    };
    serve(Router::new().fallback(handler)).await
}

async fn run(url: &str, control: &str) -> Ran {
    let words = [
        "run",
        "--facilitator",
        url,
        "--attach",
        control,
        "--patience",
        "300ms",
    ];
    assay(&[&words[..], &["--timeout", "2s"]].concat()).await
}

fn reds(ran: &Ran) -> Vec<String> {
    ["fail", "warn", "inconclusive"]
        .iter()
        .flat_map(|verdict| ran.ids(verdict))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn unusual_and_correct_facilitators_stay_green() {
    let up = Up::start().await;
    let runs = CORRECT.iter().map(|(name, change)| {
        let up = &up;
        async move {
            let shop = gateway(&up.facilitator, *change, "application/json").await;
            let ran = run(&shop.url, &up.control).await;
            assert_eq!(reds(&ran), Vec::<String>::new(), "{name}: {}", ran.said());
            assert_eq!(ran.code, 0, "{name}: {}", ran.said());
        }
    });
    futures_util::stream::iter(runs)
        .buffer_unordered(WIDTH)
        .collect::<Vec<()>>()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn late_and_pending_settlements_stay_green() {
    let up = Up::start().await;
    let shop = slow_and_pending(&up.facilitator).await;
    let ran = run(&shop.url, &up.control).await;
    assert_eq!(reds(&ran), Vec::<String>::new(), "{}", ran.said());
    assert_eq!(ran.code, 0, "{}", ran.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn json_called_text_is_a_warning_alone() {
    let up = Up::start().await;
    let shop = gateway(&up.facilitator, |_, _, _| {}, "text/html").await;
    let ran = run(&shop.url, &up.control).await.exits(0);
    assert_eq!(reds(&ran), ["FAC-HTTP-006"], "{}", ran.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn negative_amounts_and_unknown_networks_in_answers_are_told() {
    let up = Up::start().await;
    let shop = gateway(
        &up.facilitator,
        |endpoint, _, body| {
            if endpoint == "settle" {
                body["amount"] = json!("-10000");
                body["network"] = json!("eip155:-7");
            }
        },
        "application/json",
    )
    .await;
    let ran = run(&shop.url, &up.control).await;
    assert_eq!(reds(&ran), ["FAC-SETTLE-013"], "{}", ran.said());
}

/// How something that is no facilitator answers everything, but for a list of kinds that one behind it has.
fn broken(name: &str, list_of: Option<Arc<Behind>>) -> Router {
    let name = name.to_owned();
    let handler = move |request: Request| {
        let (name, list_of) = (name.clone(), list_of.clone());
        async move {
            if let Some(behind) = list_of.filter(|_| request.uri().path().ends_with("/supported")) {
                let (_, _, status, body) = behind.ask(request).await;
                return answer(status, &body, "application/json");
            }
            match name.as_str() {
                "html" => answer_text(200, "<html><title>It works</title></html>"),
                "hang" => std::future::pending().await,
                "redirect" => {
                    let mut response = answer_text(308, "");
                    let to = HeaderValue::from_static("https://example.com/facilitator");
                    response.headers_mut().insert("location", to);
                    response
                }
                "half" => {
                    let first = futures_util::stream::iter([
                        Ok::<_, std::io::Error>(Bytes::from_static(b"{\"kinds\": [")),
                        Err(std::io::Error::other("cut")),
                    ]);
                    let mut response = Body::from_stream(first).into_response();
                    response
                        .headers_mut()
                        .insert("content-length", HeaderValue::from(4_000));
                    response
                }
                "ten megabytes" => answer_text(200, &"[".repeat(10 << 20)),
                "401" => answer_text(401, "{}"),
                "foreign kinds" => {
                    let body = json!({ "kinds": [
                        { "x402Version": 2, "scheme": "exact", "network": "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1" },
                        { "x402Version": 2, "scheme": "exact", "network": "eip155:-7" },
                    ] });
                    answer_text(200, &body.to_string())
                }
                _ => answer_text(500, "no"),
            }
        }
    };
    Router::new().fallback(handler)
}

fn answer_text(status: u16, text: &str) -> Response {
    (StatusCode::from_u16(status).unwrap(), text.to_owned()).into_response()
}

/// What is no facilitator, the cause that is told, and what FAC-SUP-001 says.
const BROKEN: &[(&str, &str, &str)] = &[
    ("html", "not-json", "fail"),
    ("hang", "time-out", "inconclusive"),
    ("redirect", "redirect", "fail"),
    ("half", "connection-closed", "inconclusive"),
    ("ten megabytes", "not-json", "fail"),
    ("401", "unauthorized", "inconclusive"),
    ("500", "server-error", "fail"),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_facilitator_is_told_with_its_bytes() {
    let up = Up::start().await;
    let runs = BROKEN.iter().map(|(name, cause, wanted)| {
        let up = &up;
        async move {
            let shop = serve(broken(name, None)).await;
            let ran = run(&shop.url, &up.control).await;
            let report = ran.report();
            assert_eq!(ran.code, 5, "{name}: {}", ran.said());
            let found = &report["controls"]["positive"]["cause"];
            assert_eq!(found, cause, "{name}: {}", ran.said());
            let checks = report["checks"].as_array().unwrap();
            let row = checks
                .iter()
                .find(|row| row["id"] == "FAC-SUP-001")
                .unwrap();
            assert_eq!(&row["verdict"], wanted, "{name}: {row}");
            assert_ne!(row["evidence"], json!([]), "{name}");
        }
    });
    futures_util::stream::iter(runs)
        .buffer_unordered(WIDTH)
        .collect::<Vec<()>>()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kinds_that_nobody_can_pay_are_named() {
    let up = Up::start().await;
    let shop = serve(broken("foreign kinds", None)).await;
    let ran = run(&shop.url, &up.control).await;
    // The memory ledger is not theirs: that is said first.
    assert_eq!(ran.code, 5, "{}", ran.said());
    assert!(ran.first_line().contains("needs a node"), "{}", ran.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_that_fail_behind_a_good_list_are_told() {
    let up = Up::start().await;
    for (name, cause) in [
        ("html", "not-json"),
        ("hang", "time-out"),
        ("half", "connection-closed"),
    ] {
        let list_of = Some(behind(&up.facilitator));
        let shop = serve(broken(name, list_of)).await;
        let ran = run(&shop.url, &up.control).await;
        let found = &ran.report()["controls"]["positive"]["cause"];
        assert_eq!(found, cause, "{name}: {}", ran.said());
        assert_ne!(ran.code, 0, "{name}");
        assert_ne!(ran.code, 1, "{name}");
    }
}
