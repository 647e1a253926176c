//! Small servers that are wrong in one way.

use axum::Router;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A server that runs until it is dropped.
pub(crate) struct Shop {
    pub(crate) url: String,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves a router on a free port.
pub(crate) async fn serve(router: Router) -> Shop {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        axum::serve(listener, router).await.unwrap();
    });
    Shop { url, task }
}

/// Answers every request with this status, these headers and this body.
pub(crate) async fn always(status: u16, headers: &[(&str, &str)], body: &str) -> Shop {
    let headers: Vec<(String, String)> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let body = body.to_owned();
    let answer = move || {
        let (headers, body) = (headers.clone(), body.clone());
        async move {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            response.body(axum::body::Body::from(body)).unwrap()
        }
    };
    serve(Router::new().fallback(answer)).await
}

/// A v2 challenge whose offer can be changed.
pub(crate) fn challenge(change: impl FnOnce(&mut Value)) -> String {
    let mut offer = json!({
        "scheme": "exact",
        "network": "eip155:84532",
        "amount": "10000",
        "asset": "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
        "payTo": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        "maxTimeoutSeconds": 60,
        "extra": { "name": "USDC", "version": "2" },
    });
    change(&mut offer);
    let message = json!({
        "x402Version": 2,
        "error": "Payment required",
        "resource": { "url": "http://localhost/paid", "description": "", "mimeType": "" },
        "accepts": [offer],
    });
    STANDARD.encode(message.to_string())
}

/// The reference server, selling through a facilitator.
pub(crate) async fn reference(facilitator: &str) -> x402_assay::reference_server::ReferenceServer {
    use x402_assay::reference_server::{ReferenceServer, ReferenceServerOptions};
    let network = x402_assay_protocol::network::by_chain_id(84532).unwrap();
    let payee = alloy_primitives::Address::repeat_byte(0x77);
    let options = ReferenceServerOptions::new(facilitator, network, payee);
    ReferenceServer::start(options, ([127, 0, 0, 1], 0).into())
        .await
        .unwrap()
}
