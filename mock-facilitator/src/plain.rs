//! Answers that need no payment: what there is here, and that something broke down.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::event::Endpoint;
use crate::refusal::reason;

/// The answer when the work itself broke down.
pub(crate) fn crashed(endpoint: Endpoint) -> Answer {
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

/// What a reader of an endpoint that wants a POST is told.
pub(crate) fn help(endpoint: Endpoint) -> Value {
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

/// `GET /health`
pub(crate) fn health() -> Value {
    json!({
        "service": "x402-mock-facilitator",
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
    })
}
