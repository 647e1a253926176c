//! A hosted facilitator under test: it wants a bearer of its own for each call, and its accounts get gas.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use crate::support::up::Up;
use crate::support::{assay, files_with, shop};

const SECRET: &str = "tok-5a4b3c2d1e-very-secret";
/// An account that `/supported` names.
const SIGNER: &str = "0x00000000000000000000000000000000005161e5";
/// An account that the profile names.
const FUNDED: &str = "0x0000000000000000000000000000000000f04ded";

/// Method, path and bearer of one call.
type Call = (Method, String, Option<String>);

/// In front of a facilitator: lets calls with the right bearer through.
#[derive(Clone)]
struct Gate {
    behind: String,
    client: reqwest::Client,
    seen: Arc<Mutex<Vec<Call>>>,
}

async fn pass(
    State(gate): State<Gate>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let bearer = headers.get("authorization").and_then(|v| v.to_str().ok());
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
    let path = uri.path().to_owned();
    let call = (method.clone(), path.clone(), bearer.map(str::to_owned));
    gate.seen.lock().unwrap().push(call);
    if !bearer.is_some_and(|bearer| bearer.starts_with(SECRET)) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let url = format!("{}{path}", gate.behind);
    let asked = gate.client.request(method, url);
    let asked = asked.header("content-type", "application/json").body(body);
    let answer = asked.send().await.unwrap();
    let status = answer.status();
    let mut body: Value = answer.json().await.unwrap();
    if let Some(signers) = body.pointer_mut("/signers/eip155:*") {
        signers.as_array_mut().unwrap().push(json!(SIGNER));
    }
    (status, axum::Json(body)).into_response()
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let builder = reqwest::Client::builder().no_proxy().tls_certs_only([]);
    builder.build().unwrap()
}

async fn wei(rpc: &str, account: &str) -> u128 {
    let body = json!({
        "jsonrpc": "2.0", "id": 1, "method": "eth_getBalance", "params": [account, "latest"],
    });
    let answer = client().post(rpc).json(&body).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    let balance = answer["result"].as_str().unwrap();
    u128::from_str_radix(balance.trim_start_matches("0x"), 16).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_brings_a_fresh_header_and_no_file_holds_it() {
    let up = Up::start_on("anvil").await;
    let gate = Gate {
        behind: up.facilitator.clone(),
        client: client(),
        seen: Arc::default(),
    };
    let seen = gate.seen.clone();
    let hosted = shop::serve(Router::new().fallback(pass).with_state(gate)).await;
    let folder = tempfile::tempdir().unwrap();
    // Prints a bearer of its own for each call, and notes what it was called with.
    let script = format!(
        "echo \"$*\" >> calls.txt\necho \"Authorization: Bearer {SECRET}-$(wc -l < calls.txt | tr -d ' ')\"\n"
    );
    std::fs::write(folder.path().join("bearer.sh"), script).unwrap();
    let profile = format!(
        "name: hosted\nfacilitator: {}\nauth: {{ command: sh bearer.sh, ttl: 10m }}\nfund: [\"{FUNDED}\"]\n",
        hosted.url
    );
    let file = folder.path().join("hosted.yaml");
    std::fs::write(&file, profile).unwrap();
    let args = [
        "run",
        "settle-other-terms",
        "--facilitator",
        file.to_str().unwrap(),
        "--attach",
        &up.control,
        "-vv",
    ];
    let ran = assay(&args).await.exits(0);
    let held = &ran.report()["controls"]["positive"]["held"];
    assert_eq!(held, true, "{}", ran.said());

    let seen = seen.lock().unwrap().clone();
    let asked = |path: &str| seen.iter().filter(|call| call.1 == path).count();
    assert!(asked("/supported") >= 1 && asked("/verify") >= 2 && asked("/settle") >= 2);
    for (method, path, bearer) in &seen {
        let bearer = bearer.as_deref().unwrap_or_default();
        assert!(bearer.starts_with(SECRET), "{method} {path} came without");
    }
    // Called with method, host and path; once for each while the headers are fresh.
    let calls = std::fs::read_to_string(folder.path().join("calls.txt")).unwrap();
    let mut calls: Vec<&str> = calls.lines().collect();
    calls.sort_unstable();
    let wanted = [
        "GET 127.0.0.1 /supported",
        "POST 127.0.0.1 /settle",
        "POST 127.0.0.1 /verify",
    ];
    assert_eq!(calls, wanted);

    assert_eq!(files_with(ran.dir.path(), SECRET), Vec::<String>::new());
    assert!(!ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET));
    let history = ran.dir.path().join("x402-assay-report/history.jsonl");
    let history = std::fs::read_to_string(history).unwrap();
    assert!(history.contains("<redacted>"), "the header was sent");

    let rpc = up.rpc.as_deref().unwrap();
    assert!(wei(rpc, SIGNER).await > 0, "no gas for a signer");
    assert!(wei(rpc, FUNDED).await > 0, "no gas for `fund`");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_fails_is_named_and_nothing_is_judged() {
    let up = Up::start_on("anvil").await;
    let folder = tempfile::tempdir().unwrap();
    let profile = format!(
        "name: hosted\nfacilitator: {}\nauth: {{ command: sh gone.sh, ttl: 10m }}\n",
        up.facilitator
    );
    let file = folder.path().join("hosted.yaml");
    std::fs::write(&file, profile).unwrap();
    let attach = [
        "--facilitator",
        file.to_str().unwrap(),
        "--attach",
        &up.control,
    ];
    let ran = assay(&[&["run", "settle-duplicates"], &attach[..]].concat()).await;
    assert_eq!(ran.code, 5, "{}", ran.said());
    assert!(
        ran.said().contains("auth.command `sh gone.sh`"),
        "{}",
        ran.said()
    );
}
