//! A proxy before the real mock facilitator: records every call and misbehaves as told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde_json::Value;
use tokio::sync::Notify;

/// What happens to one call.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// This answer, without asking the facilitator.
    Say(u16, String),
    /// The facilitator is asked, and its answer carries this `EXTENSION-RESPONSES`.
    Aside(&'static str),
    /// The facilitator is asked and its answer lost.
    Lose,
    /// The call waits to be let through.
    Hold(Arc<Hold>),
    /// The facilitator is asked, and its answer waits to be let through.
    HoldAnswer(Arc<Hold>),
}

/// A call that is held back.
#[derive(Debug, Default)]
pub(super) struct Hold {
    /// The call is here.
    pub(super) arrived: Notify,
    /// It may go on.
    pub(super) release: Notify,
    /// The facilitator has answered it.
    pub(super) answered: Notify,
}

#[derive(Debug)]
pub(super) struct Front {
    upstream: String,
    http: reqwest::Client,
    calls: Mutex<Vec<(String, Value)>>,
    script: Mutex<VecDeque<(String, Fault)>>,
}

impl Front {
    pub(super) fn new(upstream: String) -> Self {
        let tls = crate::http::tls::client_config(None, false).unwrap();
        let http = reqwest::Client::builder().tls_backend_preconfigured(tls);
        Self {
            upstream,
            http: http.no_proxy().build().unwrap(),
            calls: Mutex::default(),
            script: Mutex::default(),
        }
    }

    pub(super) fn router(self: &Arc<Self>) -> Router {
        Router::new().fallback(handle).with_state(Arc::clone(self))
    }

    /// The next call of this endpoint (`verify`, `settle`) goes wrong.
    pub(super) fn next(&self, endpoint: &str, fault: Fault) {
        self.script
            .lock()
            .unwrap()
            .push_back((endpoint.to_owned(), fault));
    }

    /// Bodies of the calls of an endpoint.
    pub(super) fn calls(&self, endpoint: &str) -> Vec<Value> {
        let calls = self.calls.lock().unwrap();
        let of_endpoint = calls.iter().filter(|(name, _)| name == endpoint);
        of_endpoint.map(|(_, body)| body.clone()).collect()
    }

    fn take(&self, endpoint: &str) -> Option<Fault> {
        let mut script = self.script.lock().unwrap();
        let index = script.iter().position(|(name, _)| name == endpoint)?;
        script.remove(index).map(|(_, fault)| fault)
    }
}

async fn handle(State(front): State<Arc<Front>>, request: Request) -> Response {
    let endpoint = request.uri().path().trim_start_matches('/').to_owned();
    let method = request.method().clone();
    let body = axum::body::to_bytes(request.into_body(), 1 << 20)
        .await
        .unwrap();
    let value = serde_json::from_slice(&body).unwrap_or_default();
    front.calls.lock().unwrap().push((endpoint.clone(), value));
    let fault = front.take(&endpoint);
    if let Some(Fault::Say(status, text)) = fault {
        return (StatusCode::from_u16(status).unwrap(), text).into_response();
    }
    if let Some(Fault::Hold(hold)) = &fault {
        hold.arrived.notify_one();
        hold.release.notified().await;
    }
    let url = format!("{}/{endpoint}", front.upstream);
    let answer = front
        .http
        .request(method, url)
        .body(body)
        .send()
        .await
        .unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    if let Some(Fault::Hold(hold)) = &fault {
        hold.answered.notify_one();
    }
    if let Some(Fault::HoldAnswer(hold)) = &fault {
        hold.arrived.notify_one();
        hold.release.notified().await;
    }
    match fault {
        Some(Fault::Aside(text_aside)) => {
            (status, [("extension-responses", text_aside)], text).into_response()
        }
        Some(Fault::Lose) => (StatusCode::GATEWAY_TIMEOUT, "lost").into_response(),
        _ => (status, text).into_response(),
    }
}
