//! The RPC proxy in front of a real Anvil, and in front of nodes that misbehave.

use std::net::SocketAddr;

use crate::support::chain::start_anvil;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;
use x402_assay::chain::{DevNodeError, RpcProxy, RpcProxyError, ensure_dev_node};

async fn proxy() -> RpcProxy {
    // The first client that needs it brings the TLS provider; so do the proxy's own.
    RpcProxy::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .unwrap()
}

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

async fn post(url: &Url, body: &Value) -> (StatusCode, Value) {
    let response = client().post(url.clone()).json(body).send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

fn call(id: u64, method: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": []})
}

/// A node that answers every connection with the same bytes.
async fn canned_node(answer: &'static str) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    url
}

#[tokio::test]
async fn single_calls_and_batches_pass_on_every_path() {
    let Some(chain) = start_anvil(84532).await else {
        return;
    };
    let proxy = proxy().await;
    proxy.set_upstream(Some(chain.endpoint().clone()));
    for path in ["", "v2/some-key", "84532x"] {
        let url = proxy.url().join(path).unwrap();
        let (status, answer) = post(&url, &call(1, "eth_chainId")).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(
            answer,
            json!({"jsonrpc": "2.0", "id": 1, "result": "0x14a34"})
        );
    }
    let batch = json!([call(7, "eth_chainId"), call(8, "no_such_method")]);
    let (status, answer) = post(&proxy.url(), &batch).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        answer[0],
        json!({"jsonrpc": "2.0", "id": 7, "result": "0x14a34"})
    );
    assert_eq!(answer[1]["id"], 8);
    assert_eq!(answer[1]["error"]["code"], -32601);
}

#[tokio::test]
async fn chains_have_their_own_paths() {
    let (Some(primary), Some(other)) = (start_anvil(84532).await, start_anvil(8453).await) else {
        return;
    };
    let proxy = proxy().await;
    proxy.set_upstream(Some(primary.endpoint().clone()));
    proxy.add_chain(84532, primary.endpoint().clone());
    proxy.add_chain(8453, other.endpoint().clone());
    for (path, id) in [
        ("", "0x14a34"),
        ("84532", "0x14a34"),
        ("8453", "0x2105"),
        ("8453/", "0x2105"),
    ] {
        let (_, answer) = post(&proxy.url().join(path).unwrap(), &call(1, "eth_chainId")).await;
        assert_eq!(answer["result"], id, "{path:?}");
    }
    proxy.remove_chain(8453);
    let (status, answer) = post(&proxy.url().join("8453").unwrap(), &call(3, "eth_chainId")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(answer["id"], 3);
    assert_eq!(
        answer["error"]["message"],
        "no chain 8453 here; chains: 84532"
    );
}

#[tokio::test]
async fn bytes_pass_unchanged() {
    let node = canned_node(
        "HTTP/1.1 418 I'm a teapot\r\ncontent-type: text/odd\r\ncontent-length: 9\r\n\
         connection: close\r\n\r\n{ \"a\" :1}",
    )
    .await;
    let proxy = proxy().await;
    proxy.set_upstream(Some(node));
    let response = client().post(proxy.url()).body("{}").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
    assert_eq!(response.headers()["content-type"], "text/odd");
    assert_eq!(
        response
            .headers()
            .get_all("access-control-allow-origin")
            .iter()
            .count(),
        1
    );
    assert_eq!(response.bytes().await.unwrap(), "{ \"a\" :1}");
}

#[tokio::test]
async fn without_a_chain_every_call_of_a_batch_is_refused() {
    let proxy = proxy().await;
    let (status, answer) = post(&proxy.url(), &json!([call(1, "a"), call(2, "b")])).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    for (index, id) in [(0, 1), (1, 2)] {
        assert_eq!(answer[index]["id"], id);
        assert_eq!(answer[index]["error"]["code"], -32000);
        let message = answer[index]["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("no chain yet"), "{message}");
    }
}

#[tokio::test]
async fn a_dead_or_rude_node_is_a_bad_gateway() {
    let proxy = proxy().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dead = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let rude = canned_node("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"cut\":").await;
    for node in [dead, rude] {
        proxy.set_upstream(Some(node));
        let (status, answer) = post(&proxy.url(), &call(5, "eth_chainId")).await;
        assert_eq!(status, StatusCode::BAD_GATEWAY);
        assert_eq!(answer["id"], 5);
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("the node does not answer"), "{message}");
    }
}

#[tokio::test]
async fn browsers_may_ask_and_others_may_only_post() {
    let proxy = proxy().await;
    let ask = async |method| client().request(method, proxy.url()).send().await.unwrap();
    let preflight = ask(Method::OPTIONS).await;
    assert_eq!(preflight.status(), StatusCode::NO_CONTENT);
    assert_eq!(preflight.headers()["access-control-allow-origin"], "*");
    assert_eq!(
        ask(Method::GET).await.status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test]
async fn an_oversized_request_is_refused() {
    let proxy = proxy().await;
    let body = vec![b' '; 16 * 1024 * 1024 + 1];
    let response = client().post(proxy.url()).body(body).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let first = proxy().await;
    let error = RpcProxy::bind(first.addr()).await.unwrap_err();
    let RpcProxyError::Bind { addr, .. } = &error;
    assert_eq!(*addr, first.addr());
    assert!(
        error.to_string().contains(&first.addr().to_string()),
        "{error}"
    );
}

#[tokio::test]
async fn shutdown_frees_the_port() {
    let proxy = proxy().await;
    let addr = proxy.addr();
    let (status, _) = post(&proxy.url(), &call(1, "a")).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    proxy.shutdown().await;
    RpcProxy::bind(addr).await.unwrap();
}

#[tokio::test]
async fn other_clients_are_no_dev_nodes() {
    let geth = canned_node(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 62\r\n\
         connection: close\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":\"Geth/v1.16.0-stable/linux\"} ",
    )
    .await;
    let error = ensure_dev_node(&geth).await.unwrap_err();
    assert!(matches!(error, DevNodeError::NotDev { .. }), "{error}");
    assert!(
        error.to_string().contains("Geth/v1.16.0-stable/linux"),
        "{error}"
    );
}
