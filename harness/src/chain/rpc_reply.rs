//! The proxy's own JSON-RPC answers, for calls it cannot pass on.

use axum::body::{Body, Bytes};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    CONTENT_TYPE,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Implementation-defined server error.
const SERVER_ERROR: i32 = -32000;

/// Answers every call of `request` with one error: an object for a single call, an array for a
/// batch, each with the call's own id.
pub(super) fn error(status: StatusCode, request: &[u8], message: &str) -> Response<Body> {
    let body = match ids(request) {
        Ids::Single(id) => error_object(id, message),
        Ids::Batch(ids) => ids
            .into_iter()
            .map(|id| error_object(id, message))
            .collect(),
    };
    let mut response = Response::new(Body::from(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    allow_any_origin(response.headers_mut());
    response
}

/// Web pages under test call the RPC from any origin.
pub(super) fn allow_any_origin(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("POST, OPTIONS"),
    );
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*"));
}

fn error_object(id: Value, message: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": SERVER_ERROR, "message": message}})
}

enum Ids {
    Single(Value),
    Batch(Vec<Value>),
}

#[derive(Deserialize)]
struct Call {
    #[serde(default)]
    id: Value,
}

fn ids(request: &[u8]) -> Ids {
    let id_of = |call: Call| call.id;
    match serde_json::from_slice::<Vec<&RawValue>>(request) {
        Ok(calls) if !calls.is_empty() => Ids::Batch(
            calls
                .into_iter()
                .map(|raw| serde_json::from_str(raw.get()).map_or(Value::Null, id_of))
                .collect(),
        ),
        _ => Ids::Single(serde_json::from_slice(request).map_or(Value::Null, id_of)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn body(request: &str) -> Value {
        let response = error(StatusCode::BAD_GATEWAY, request.as_bytes(), "no");
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
        assert_eq!(response.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        let bytes = axum::body::to_bytes(response.into_body(), 4096)
            .await
            .unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[tokio::test]
    async fn repeats_the_id_of_a_call() {
        let expected =
            json!({"jsonrpc": "2.0", "id": "a", "error": {"code": -32000, "message": "no"}});
        assert_eq!(body(r#"{"id":"a","method":"eth_chainId"}"#).await, expected);
    }

    #[tokio::test]
    async fn answers_each_call_of_a_batch() {
        let answer = body(r#"[{"id":1,"method":"a"},{"method":"b"},7]"#).await;
        let ids: Vec<_> = answer
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["id"])
            .collect();
        assert_eq!(ids, [&json!(1), &Value::Null, &Value::Null]);
    }

    #[tokio::test]
    async fn answers_what_is_no_json() {
        assert_eq!(body("hello").await["id"], Value::Null);
        assert_eq!(body("[]").await["id"], Value::Null);
    }
}
