//! The protocol port: `/verify`, `/settle`, `/supported`, `/health` under any base path.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest as _, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::{Value, json};
use x402_assay_protocol::Version;
use x402_assay_protocol::facilitator::{SettleResponse, VerifyResponse};

use crate::event::{CallStep, Endpoint};
use crate::facilitator::Facilitator;
use crate::log::bounded_text;
use crate::refusal::{Refusal, reason};
use crate::request::Parts;
use crate::settle::Unsettled;
use crate::supported::supported;

/// Longest wait for a request body to arrive whole.
const BODY_WAIT_MAX: Duration = Duration::from_secs(30);

/// The router of the protocol port. Paths match on their last segment, so any base path works.
pub fn router(facilitator: Arc<Facilitator>) -> Router {
    let limit = facilitator.options().body_max_bytes;
    Router::new()
        .fallback(dispatch)
        .layer(DefaultBodyLimit::max(limit))
        .with_state(facilitator)
}

/// A status with a JSON body, before it becomes bytes.
struct Answer {
    status: StatusCode,
    body: Value,
    allow: Option<&'static str>,
}

impl Answer {
    fn new(status: StatusCode, body: &impl Serialize) -> Self {
        Self {
            status,
            body: serde_json::to_value(body).unwrap_or_default(),
            allow: None,
        }
    }

    fn into_response(self, text: String) -> Response {
        let mut response = (self.status, text).into_response();
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        response
    }
}

/// One call: received, done, answered, each logged in that order.
///
/// The work runs in its own task: a caller that hangs up must not stop a settlement half-way.
async fn dispatch(State(facilitator): State<Arc<Facilitator>>, request: Request) -> Response {
    let path = request.uri().path().trim_end_matches('/');
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    let method = request.method().clone();
    if name == "health" && reads(&method) {
        let answer = Answer::new(StatusCode::OK, &health());
        let text = answer.body.to_string();
        return answer.into_response(text);
    }
    let endpoint = match name.as_str() {
        "verify" => Endpoint::Verify,
        "settle" => Endpoint::Settle,
        "supported" => Endpoint::Supported,
        _ => Endpoint::Other,
    };
    let body = read_body(request, facilitator.options().body_max_bytes).await;
    let call = facilitator.begin_call(endpoint);
    let work = tokio::spawn({
        let facilitator = Arc::clone(&facilitator);
        async move {
            let answer = answer(&facilitator, call, endpoint, &method, body).await;
            answered(&facilitator, call, answer)
        }
    });
    match work.await {
        Ok(response) => response,
        Err(_) => answered(&facilitator, call, crashed(endpoint)),
    }
}

/// Logs the answer, then hands it over.
fn answered(facilitator: &Facilitator, call: u64, answer: Answer) -> Response {
    let text = answer.body.to_string();
    facilitator.log().append(
        call,
        CallStep::Answered {
            status: answer.status.as_u16(),
            body: bounded_text(text.as_bytes()),
            lied: false,
        },
    );
    answer.into_response(text)
}

async fn read_body(request: Request, max: usize) -> Result<Bytes, (StatusCode, Refusal)> {
    let read = tokio::time::timeout(BODY_WAIT_MAX, Bytes::from_request(request, &()));
    match read.await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => Err((
            StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::new(
                reason::BODY_TOO_LARGE,
                format!("the body is larger than {max} bytes"),
            ),
        )),
        Ok(Err(rejection)) => Err((
            StatusCode::BAD_REQUEST,
            Refusal::new(reason::INVALID_JSON, rejection.body_text()),
        )),
        Err(_) => Err((
            StatusCode::REQUEST_TIMEOUT,
            Refusal::new(
                reason::INVALID_JSON,
                format!("the body did not arrive in {} s", BODY_WAIT_MAX.as_secs()),
            ),
        )),
    }
}

async fn answer(
    facilitator: &Facilitator,
    call: u64,
    endpoint: Endpoint,
    method: &Method,
    body: Result<Bytes, (StatusCode, Refusal)>,
) -> Answer {
    let parts = match &body {
        Ok(bytes) => Parts::read(bytes).map_err(|refusal| (StatusCode::BAD_REQUEST, refusal)),
        Err((status, refusal)) => Err((*status, refusal.clone())),
    };
    facilitator.log().append(
        call,
        CallStep::Received {
            endpoint,
            authorization: parts.as_ref().ok().and_then(Parts::key),
            body: body.map_or_else(|_| String::new(), |bytes| bounded_text(&bytes)),
        },
    );
    match (endpoint, method) {
        (Endpoint::Verify, &Method::POST) => verified(facilitator, parts).await,
        (Endpoint::Settle, &Method::POST) => settled(facilitator, call, parts).await,
        (Endpoint::Verify | Endpoint::Settle, method) if reads(method) => {
            Answer::new(StatusCode::OK, &help(endpoint))
        }
        (Endpoint::Supported, method) if reads(method) => {
            Answer::new(StatusCode::OK, &supported(facilitator))
        }
        (Endpoint::Verify | Endpoint::Settle, _) => not_allowed("GET, HEAD, POST"),
        (Endpoint::Supported, _) => not_allowed("GET, HEAD"),
        (Endpoint::Other, _) => Answer::new(
            StatusCode::NOT_FOUND,
            &json!({ "error": "unknown path; this facilitator has /verify, /settle, /supported and /health" }),
        ),
    }
}

async fn verified(
    facilitator: &Facilitator,
    parts: Result<Parts, (StatusCode, Refusal)>,
) -> Answer {
    let (parts, verdict) = match parts {
        Ok(parts) => {
            let verdict = verify(facilitator, &parts).await;
            (
                Some(parts),
                verdict.map_err(|refusal| (status_of(&refusal), refusal)),
            )
        }
        Err(refused) => (None, Err(refused)),
    };
    let (status, refusal) = match verdict {
        Ok(()) => (StatusCode::OK, None),
        Err((status, refusal)) => (status, Some(refusal)),
    };
    let (code, message) = refusal.map(|r| (r.code.to_owned(), r.message)).unzip();
    let response = VerifyResponse {
        is_valid: code.is_none(),
        invalid_reason: code,
        invalid_message: message,
        payer: parts.as_ref().and_then(Parts::payer),
    };
    Answer::new(status, &response)
}

async fn verify(facilitator: &Facilitator, parts: &Parts) -> Result<(), Refusal> {
    let claim = parts.claim()?;
    let ledger = facilitator.ledger_or_refusal(claim.domain.chain_id)?;
    crate::verify::verify(ledger.as_ref(), claim).await?;
    Ok(())
}

async fn settled(
    facilitator: &Facilitator,
    call: u64,
    parts: Result<Parts, (StatusCode, Refusal)>,
) -> Answer {
    let (parts, outcome) = match parts {
        Ok(parts) => {
            let outcome = match parts.claim() {
                Ok(claim) => crate::settle::settle(facilitator, call, claim).await,
                Err(refusal) => Err(refusal.into()),
            };
            (Some(parts), outcome.map_err(|u| (status_of(&u.refusal), u)))
        }
        Err((status, refusal)) => (None, Err((status, refusal.into()))),
    };
    let (status, transaction, refusal) = match outcome {
        Ok(transaction) => (StatusCode::OK, Some(transaction), None),
        Err((
            status,
            Unsettled {
                refusal,
                transaction,
            },
        )) => (status, transaction, Some(refusal)),
    };
    let (code, message) = refusal.map(|r| (r.code.to_owned(), r.message)).unzip();
    let response = SettleResponse {
        success: code.is_none(),
        error_reason: code,
        error_message: message,
        transaction: transaction.map(|hash| hash.to_string()).unwrap_or_default(),
        network: parts.as_ref().map(Parts::network).unwrap_or_default(),
        payer: parts.as_ref().and_then(settlement_payer),
    };
    Answer::new(status, &response)
}

/// v1 requires the member, so an unknown payer is empty there and absent in v2.
fn settlement_payer(parts: &Parts) -> Option<String> {
    parts
        .payer()
        .or_else(|| (parts.version() == Some(Version::V1)).then(String::new))
}

/// A verdict on the payment is 200; our own trouble is 500, with the shape kept.
fn status_of(refusal: &Refusal) -> StatusCode {
    if refusal.is_own_trouble() {
        StatusCode::INTERNAL_SERVER_ERROR
    } else {
        StatusCode::OK
    }
}

/// The answer when the work itself broke down.
fn crashed(endpoint: Endpoint) -> Answer {
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    let message = "the facilitator broke down over this request; see its log";
    match endpoint {
        Endpoint::Verify => Answer::new(
            status,
            &json!({ "isValid": false, "invalidReason": reason::UNEXPECTED_VERIFY, "invalidMessage": message }),
        ),
        Endpoint::Settle => Answer::new(
            status,
            &json!({
                "success": false,
                "errorReason": reason::UNEXPECTED_SETTLE,
                "errorMessage": message,
                "transaction": "",
                "network": "",
            }),
        ),
        Endpoint::Supported | Endpoint::Other => Answer::new(status, &json!({ "error": message })),
    }
}

fn reads(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn not_allowed(allow: &'static str) -> Answer {
    Answer {
        allow: Some(allow),
        ..Answer::new(
            StatusCode::METHOD_NOT_ALLOWED,
            &json!({ "error": format!("method not allowed; use {allow}") }),
        )
    }
}

fn help(endpoint: Endpoint) -> Value {
    json!({
        "endpoint": endpoint,
        "description": "POST a payment here",
        "body": {
            "x402Version": "1 or 2",
            "paymentPayload": "PaymentPayload",
            "paymentRequirements": "PaymentRequirements",
        },
    })
}

fn health() -> Value {
    json!({
        "service": "x402-mock-facilitator",
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
    })
}
