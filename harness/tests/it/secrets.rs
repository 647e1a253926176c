//! A paid POST with a body, and secrets that appear in nothing that is written.

use crate::support::up::Up;
use crate::support::{assay, assay_in, files_with, shop};

const SECRET: &str = "tok-9f8e7d6c5b4a-very-secret";

/// A server in front of which stands a gate that wants the secret, and that echoes it everywhere.
async fn echoing() -> shop::Shop {
    use axum::extract::Request;
    use axum::http::StatusCode;
    use axum::response::{IntoResponse as _, Response};
    let answer = |request: Request| async move {
        let given = request
            .headers()
            .get("authorization")
            .and_then(|v| v.to_str().ok());
        if given != Some(&format!("Bearer {SECRET}")) {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        Response::builder()
            .status(402)
            .header("x-echo", format!("you are {SECRET}"))
            .header("payment-required", shop::challenge(|_| {}))
            .body(axum::body::Body::from(format!("hello {SECRET}")))
            .unwrap()
    };
    shop::serve(axum::Router::new().fallback(answer)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_header_reaches_the_target_and_no_file() {
    let target = echoing().await;
    let dir = tempfile::tempdir().unwrap();
    let profile = format!(
        "server: {}\nheaders: {{ Authorization: \"Bearer {SECRET}\" }}\nroutes:\n  - {{ path: /generate, method: POST, headers: {{ Content-Type: application/json }}, body: '{{\"q\":1}}' }}\n",
        target.url
    );
    let profile_dir = tempfile::tempdir().unwrap();
    let file = profile_dir.path().join("target.yaml");
    std::fs::write(&file, profile).unwrap();
    let args = [
        "run",
        "--server",
        file.to_str().unwrap(),
        "--chain",
        "memory",
        "-vv",
        "--facilitator-port",
        "0",
        "--control-port",
        "0",
        "--rpc-port",
        "0",
    ];
    // It never sells, so there is no positive control; the secret got it past the gate all the same.
    let ran = assay_in(dir, &args).await.exits(5);
    let history = std::fs::read_to_string(ran.dir.path().join("x402-assay-report/history.jsonl"));
    assert!(history.unwrap().contains("<redacted>"));
    assert_eq!(files_with(ran.dir.path(), SECRET), Vec::<String>::new());
    assert!(
        !ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET),
        "{}",
        ran.said()
    );
    assert_ne!(
        ran.report()["controls"]["positive"]["cause"],
        "unauthorized-401-403"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_post_is_bought_and_its_secret_is_in_no_file() {
    let up = Up::start().await;
    let server = shop::reference(&up.facilitator).await;
    let url = format!("{}/generate", server.url());
    let header = format!("Authorization: Bearer {SECRET}");
    let args = [
        "run",
        "--server",
        &url,
        "-X",
        "POST",
        "-H",
        "Content-Type: application/json",
        "-H",
        &header,
        "-d",
        "{\"q\":1}",
        "--attach",
        &up.control,
    ];
    let ran = assay(&args).await.exits(0);
    assert!(
        ran.report()["money"]["settled"].as_u64().unwrap() > 0,
        "{}",
        ran.said()
    );
    let report = std::fs::read_to_string(ran.dir.path().join("x402-assay-report/history.jsonl"));
    let history = report.unwrap();
    assert!(history.contains("{\\\"q\\\":1}"), "the body was sent");
    assert!(history.contains("<redacted>"), "the header was sent");
    assert_eq!(files_with(ran.dir.path(), SECRET), Vec::<String>::new());
    assert!(
        !ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET),
        "{}",
        ran.said()
    );
    server.stop().await;
}
