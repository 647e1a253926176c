//! Routes of the control API for faults of chains and of the RPC.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::chains::{Chains, ChaosTarget};
use crate::chain::RpcFaultRule;
use crate::chain::chaos::{ChaosAction, ChaosAnswer, ChaosError, run_in_memory};

/// Longest wait for a hit.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// `/chain/{chain_id}/chaos`, `/chain/{chain_id}/clock`, `/rpc/faults`, `/rpc/hits`.
pub(super) fn routes(chains: Arc<Chains>) -> Router {
    Router::new()
        .route("/chain/{chain_id}/chaos", post(chaos))
        .route("/chain/{chain_id}/clock", get(clock))
        .route("/rpc/faults", post(arm).delete(clear))
        .route("/rpc/faults/{rule}", delete(disarm))
        .route("/rpc/hits", get(hits))
        .with_state(chains)
}

async fn chaos(
    State(chains): State<Arc<Chains>>,
    Path(chain_id): Path<u64>,
    Json(action): Json<ChaosAction>,
) -> Response {
    let target = match chains.chaos_target(chain_id).await {
        Ok(target) => target,
        Err(error) => return refuse(StatusCode::NOT_FOUND, &error),
    };
    match run(target, action).await {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => {
            let status = match error {
                ChaosError::NeedsEvm { .. } => StatusCode::UNPROCESSABLE_ENTITY,
                ChaosError::Rpc { .. } => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::CONFLICT,
            };
            refuse(status, &error)
        }
    }
}

async fn run(target: ChaosTarget, action: ChaosAction) -> Result<ChaosAnswer, ChaosError> {
    let (node, ledger) = match target {
        ChaosTarget::Memory(ledger) => return run_in_memory(&ledger, action).await,
        ChaosTarget::Node(node, ledger) => (node, ledger),
    };
    let action = match action {
        ChaosAction::EmptyGas { accounts } if accounts.is_empty() => ChaosAction::EmptyGas {
            accounts: ledger.signers(),
        },
        action => action,
    };
    let undoes = action.undoes();
    let done = node.run(action).await;
    if undoes {
        ledger.recount().await;
    }
    done
}

async fn clock(State(chains): State<Arc<Chains>>, Path(chain_id): Path<u64>) -> Response {
    match chains.clock(chain_id).await {
        Ok(now) => Json(json!({ "now": now })).into_response(),
        Err(error) => refuse(StatusCode::SERVICE_UNAVAILABLE, &error),
    }
}

async fn arm(State(chains): State<Arc<Chains>>, Json(rule): Json<RpcFaultRule>) -> Response {
    match chains.proxy().faults().arm(rule) {
        Ok(rule) => Json(json!({ "rule": rule })).into_response(),
        Err(error) => refuse(StatusCode::CONFLICT, &error),
    }
}

async fn clear(State(chains): State<Arc<Chains>>) -> Response {
    chains.proxy().faults().clear();
    Json(json!({})).into_response()
}

async fn disarm(State(chains): State<Arc<Chains>>, Path(rule): Path<u64>) -> Response {
    let ended = chains.proxy().faults().disarm(rule);
    Json(json!({ "ended": ended })).into_response()
}

#[derive(Deserialize)]
struct HitsQuery {
    #[serde(default)]
    after: u64,
    #[serde(default)]
    wait_ms: u64,
}

async fn hits(State(chains): State<Arc<Chains>>, Query(query): Query<HitsQuery>) -> Response {
    let wait = Duration::from_millis(query.wait_ms).min(WAIT_MAX);
    Json(chains.proxy().faults().hits(query.after, wait).await).into_response()
}

fn refuse(status: StatusCode, error: &dyn std::error::Error) -> Response {
    (status, Json(json!({ "error": error.to_string() }))).into_response()
}
