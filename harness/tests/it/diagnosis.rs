//! Every cause of a missing positive control is named, with what to do, on the first line.

use std::time::Duration;

use serde_json::json;

use crate::support::{FREE_SERVICES, Ran, assay, shop};

async fn run_against(url: &str, more: &[&str]) -> Ran {
    let mut args = vec!["run", "--server", url, "--patience", "300ms"];
    args.extend(FREE_SERVICES);
    args.extend(more);
    assay(&args).await
}

/// Runs against the server and asserts exit code, cause and that the first line says something about it.
async fn expect(url: &str, more: &[&str], code: i32, cause: &str, words: &str) {
    let ran = run_against(url, more).await.exits(code);
    let report = ran.report();
    let positive = &report["controls"]["positive"];
    assert_eq!(positive["held"], false);
    assert_eq!(positive["cause"], cause, "{}", ran.said());
    assert!(
        ran.first_line().contains(words),
        "{words:?} in {:?}",
        ran.first_line()
    );
    assert!(
        report["summary"].as_str().unwrap().contains(words),
        "{report:#}"
    );
    // A way out is named, not only the trouble.
    assert!(
        ran.first_line().len() > words.len() + 20,
        "{:?}",
        ran.first_line()
    );
}

fn paid(url: &str) -> String {
    format!("{url}/paid")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_port() {
    let held = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let url = format!("http://{}/paid", held.local_addr().unwrap());
    drop(held);
    expect(&url, &[], 5, "connection-refused", "nothing listens").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_error_at_boot() {
    let shop = shop::always(500, &[], "Internal Server Error").await;
    expect(&paid(&shop.url), &[], 5, "boot-time-500", "500").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_nobody_sells_at() {
    let shop = shop::always(404, &[], "no such page").await;
    expect(&paid(&shop.url), &[], 5, "not-found", "404").await;
    let shop = shop::always(405, &[], "").await;
    expect(&paid(&shop.url), &[], 5, "not-found", "405").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_before_the_paywall() {
    for status in [401, 403] {
        let shop = shop::always(status, &[], "").await;
        expect(
            &paid(&shop.url),
            &[],
            5,
            "unauthorized",
            &status.to_string(),
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limiter() {
    let shop = shop::always(429, &[("retry-after", "0")], "").await;
    expect(&paid(&shop.url), &[], 5, "rate-limited", "429").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect() {
    let shop = shop::always(307, &[("location", "https://shop.example/paid")], "").await;
    expect(&paid(&shop.url), &[], 5, "redirect", "shop.example").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_where_tls_is_spoken_and_a_server_that_hangs() {
    let shop = shop::always(402, &[], "").await;
    let tls = paid(&shop.url.replace("http://", "https://"));
    expect(&tls, &[], 5, "tls-error", "TLS").await;

    let silent = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let url = format!("http://{}/paid", silent.local_addr().unwrap());
    expect(
        &url,
        &["--timeout", "500ms"],
        5,
        "time-out",
        "no answer in time",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_is_too_large() {
    // Small enough for the HTTP library of the test's server, far above what clients take.
    let large = "A".repeat(600_000);
    let shop = shop::always(402, &[("payment-required", &large)], "").await;
    expect(&paid(&shop.url), &[], 5, "header-too-large", "header").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_nobody_here_can_pay() {
    let solana = shop::challenge(|offer| {
        offer["network"] = json!("solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1");
    });
    let shop = shop::always(402, &[("payment-required", &solana)], "{}").await;
    expect(&paid(&shop.url), &[], 5, "wrong-network-or-asset", "solana").await;

    let base = shop::challenge(|offer| offer["network"] = json!("eip155:8453"));
    let shop = shop::always(402, &[("payment-required", &base)], "{}").await;
    let pinned = ["--network", "base-sepolia"];
    expect(
        &paid(&shop.url),
        &pinned,
        5,
        "wrong-network-or-asset",
        "eip155:8453",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_everything_never_asked_us() {
    let shop = shop::always(402, &[("payment-required", &shop::challenge(|_| {}))], "{}").await;
    let ran = run_against(&paid(&shop.url), &[]).await.exits(5);
    let report = ran.report();
    assert_eq!(report["verdict"], "inconclusive");
    assert_eq!(report["controls"]["positive"]["cause"], "always-402");
    assert!(
        ran.first_line().contains("point it there"),
        "{}",
        ran.first_line()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_asks_only_what_we_support() {
    // It loads /supported from us and then refuses every payment by itself.
    let port = x402_assay::launch::free_port().unwrap();
    let facilitator = format!("http://127.0.0.1:{port}/supported");
    let challenge = shop::challenge(|_| {});
    let answer = move || {
        let (facilitator, challenge) = (facilitator.clone(), challenge.clone());
        async move {
            let supported = get(&facilitator).await;
            let status = if supported { 402 } else { 500 };
            axum::response::Response::builder()
                .status(status)
                .header("payment-required", challenge)
                .body(axum::body::Body::empty())
                .unwrap()
        }
    };
    let shop = shop::serve(axum::Router::new().fallback(answer)).await;
    let url = paid(&shop.url);
    let port = port.to_string();
    let args = [
        "run",
        "--server",
        &url,
        "--chain",
        "memory",
        "--facilitator-port",
        &port,
        "--control-port",
        "0",
        "--rpc-port",
        "0",
        "--patience",
        "300ms",
    ];
    let ran = assay(&args).await.exits(5);
    let cause = &ran.report()["controls"]["positive"]["cause"];
    assert_eq!(*cause, "only-supported-called", "{}", ran.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_trusts_another_facilitator() {
    // Any payment is served with a receipt that names a transaction our chain has never seen.
    use base64::Engine as _;
    let receipt = json!({
        "success": true, "network": "eip155:84532", "payer": "0x0000000000000000000000000000000000000001",
        "transaction": format!("0x{}", "ab".repeat(32)),
    });
    let receipt = base64::engine::general_purpose::STANDARD.encode(receipt.to_string());
    let challenge = shop::challenge(|_| {});
    let answer = move |request: axum::extract::Request| {
        let (receipt, challenge) = (receipt.clone(), challenge.clone());
        async move {
            let paid = request.headers().contains_key("payment-signature");
            let response = axum::response::Response::builder();
            let response = if paid {
                response.status(200).header("payment-response", receipt)
            } else {
                response.status(402).header("payment-required", challenge)
            };
            response
                .body(axum::body::Body::from(if paid {
                    "the goods"
                } else {
                    "{}"
                }))
                .unwrap()
        }
    };
    let shop = shop::serve(axum::Router::new().fallback(answer)).await;
    // Goods for nothing on our ledger, and for a flipped signature too: that is a finding, whoever settles.
    let ran = run_against(&paid(&shop.url), &[]).await.exits(3);
    let cause = &ran.report()["controls"]["positive"]["cause"];
    assert_eq!(*cause, "other-facilitator", "{}", ran.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_asks_for_nothing() {
    let shop = shop::always(200, &[], "free for all").await;
    let ran = run_against(&paid(&shop.url), &[]).await.exits(3);
    assert_eq!(
        ran.report()["controls"]["positive"]["cause"],
        "no-payment-required"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_402_that_cannot_be_read() {
    let shop = shop::always(402, &[], "pay me").await;
    expect(&paid(&shop.url), &[], 5, "no-challenge", "402").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_names_the_same_cause() {
    let shop = shop::always(403, &[], "").await;
    let url = paid(&shop.url);
    let args = [
        "doctor",
        "--server",
        &url,
        "--chain",
        "memory",
        "--facilitator-port",
        "0",
        "--control-port",
        "0",
        "--rpc-port",
        "0",
    ];
    let ran = tokio::time::timeout(Duration::from_secs(60), assay(&args))
        .await
        .unwrap()
        .exits(5);
    assert!(ran.stdout.contains("unauthorized"), "{}", ran.said());
}

async fn get(url: &str) -> bool {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let authority = url
        .trim_start_matches("http://")
        .trim_end_matches("/supported");
    let Ok(mut stream) = tokio::net::TcpStream::connect(authority).await else {
        return false;
    };
    let request =
        format!("GET /supported HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.is_ok() && answer.contains("\"kinds\"")
}
