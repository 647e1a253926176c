//! The service's own routes of the control API, beside the facilitator's.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::chains::Chains;
use super::error::ServiceError;
use super::wire::{FundRequest, GasRequest, NetworkRequest, ServiceState};

/// What the routes share.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) chains: Arc<Chains>,
    pub(crate) state: ServiceState,
    pub(crate) stop: CancellationToken,
}

/// `/service`, `/networks`, `/fund`, `/gas`, `/shutdown`, and those of [`super::chaos`] and [`super::senders`].
pub(crate) fn routes(shared: Shared) -> Router {
    let chaos = super::chaos::routes(Arc::clone(&shared.chains));
    let senders = super::senders::routes(Arc::clone(&shared.chains));
    Router::new()
        .route(
            "/service",
            get(async |State(shared): State<Shared>| Json(shared.state)),
        )
        .route("/networks", post(ensure_network))
        .route("/fund", post(fund))
        .route("/gas", post(give_gas))
        .route("/shutdown", post(shut_down))
        .with_state(shared)
        .merge(chaos)
        .merge(senders)
}

async fn ensure_network(
    State(shared): State<Shared>,
    Json(wanted): Json<NetworkRequest>,
) -> Response {
    match shared.chains.ensure(&wanted).await {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => refuse(&error),
    }
}

async fn fund(State(shared): State<Shared>, Json(wanted): Json<FundRequest>) -> Response {
    match shared.chains.fund(&wanted).await {
        Ok(()) => Json(wanted.amount).into_response(),
        Err(error) => refuse(&error),
    }
}

async fn give_gas(State(shared): State<Shared>, Json(wanted): Json<GasRequest>) -> Response {
    match shared.chains.give_gas(&wanted).await {
        Ok(()) => Json(json!({})).into_response(),
        Err(error) => refuse(&error),
    }
}

async fn shut_down(State(shared): State<Shared>) -> Response {
    shared.stop.cancel();
    Json(json!({})).into_response()
}

fn refuse(error: &ServiceError) -> Response {
    let status = if error.is_usage() {
        StatusCode::CONFLICT
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(json!({ "error": error.to_string() }))).into_response()
}
