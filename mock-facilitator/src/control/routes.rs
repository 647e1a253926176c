//! Routes of the control port.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, B256};
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State as Shared};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;

use super::failure::Failure;
use super::faults::{fault_routes, read};
use super::shapes::{
    AccountNonce, AccountNonces, Balance, CallCounts, Health, NetworkState, RecordingSwitch,
    Records, Restart, Restarted, SERVICE, State,
};
use crate::event::{Endpoint, TransactionRecord};
use crate::facilitator::Facilitator;
use crate::ledger::Ledger;
use crate::log::EventPage;
use crate::tally::CallTally;

/// Events on one page unless the reader asks for fewer.
const PAGE_DEFAULT: usize = 1_000;
/// Most events on one page.
const PAGE_MAX: usize = 10_000;
/// Most accounts that are asked about at once.
const ACCOUNTS_MAX: usize = 64;
/// Longest wait for an event.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// The router of the control port; the caller may merge more routes into it.
pub fn control_router(facilitator: Arc<Facilitator>) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/state", get(state))
        .route("/events", get(events))
        .route("/ledger/{chain_id}/records", get(records))
        .route("/ledger/{chain_id}/transaction/{hash}", get(transaction))
        .route("/ledger/{chain_id}/balance", get(balance))
        .route("/ledger/{chain_id}/nonces", get(nonces))
        .route("/recording", get(recording).put(record))
        .route("/restart", post(restart))
        .merge(fault_routes())
        .with_state(facilitator)
}

type Answer<T> = Result<Json<T>, Failure>;

async fn health() -> Json<Health> {
    Json(Health {
        service: SERVICE.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

async fn state(Shared(facilitator): Shared<Arc<Facilitator>>) -> Json<State> {
    let ledgers = facilitator.ledgers();
    let mut signers: Vec<Address> = ledgers.iter().flat_map(|l| l.signers()).collect();
    signers.sort_unstable();
    signers.dedup();
    Json(State {
        networks: ledgers
            .iter()
            .map(|ledger| NetworkState {
                chain_id: ledger.chain_id(),
                kind: ledger.kind(),
            })
            .collect(),
        signers,
        calls: CallCounts {
            verify: facilitator.calls(Endpoint::Verify),
            settle: facilitator.calls(Endpoint::Settle),
            supported: facilitator.calls(Endpoint::Supported),
        },
        events: facilitator.log().total(),
        events_dropped: facilitator.log().dropped(),
    })
}

async fn recording(Shared(facilitator): Shared<Arc<Facilitator>>) -> Json<CallTally> {
    Json(facilitator.log().tally())
}

async fn record(
    Shared(facilitator): Shared<Arc<Facilitator>>,
    body: Result<Bytes, BytesRejection>,
) -> Answer<CallTally> {
    let wanted: RecordingSwitch = read(body)?;
    Ok(Json(facilitator.log().record(wanted.recording)))
}

async fn restart(
    Shared(facilitator): Shared<Arc<Facilitator>>,
    body: Result<Bytes, BytesRejection>,
) -> Answer<Restarted> {
    let wanted: Restart = read(body)?;
    Ok(Json(Restarted {
        broken_off: facilitator.restart(wanted.how).await,
    }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventsQuery {
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
    #[serde(default)]
    wait_ms: u64,
}

async fn events(
    Shared(facilitator): Shared<Arc<Facilitator>>,
    query: Result<Query<EventsQuery>, QueryRejection>,
) -> Answer<EventPage> {
    let Query(query) = query?;
    let limit = query.limit.unwrap_or(PAGE_DEFAULT).min(PAGE_MAX);
    let wait = Duration::from_millis(query.wait_ms).min(WAIT_MAX);
    let page = facilitator.log().wait_page(query.after, limit, wait).await;
    Ok(Json(page))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordsQuery {
    #[serde(default)]
    from_block: u64,
    to_block: Option<u64>,
}

async fn records(
    Shared(facilitator): Shared<Arc<Facilitator>>,
    chain_id: Result<Path<u64>, PathRejection>,
    query: Result<Query<RecordsQuery>, QueryRejection>,
) -> Answer<Records> {
    let ledger = ledger(&facilitator, chain_id?.0)?;
    let Query(query) = query?;
    // The head is read first and named in the query, so that head and records fit together.
    let head = ledger.head().await?;
    let last = query.to_block.map_or(head, |block| block.min(head));
    let records = if query.from_block > last {
        Vec::new()
    } else {
        ledger.records(query.from_block, Some(last)).await?
    };
    Ok(Json(Records { head, records }))
}

async fn transaction(
    Shared(facilitator): Shared<Arc<Facilitator>>,
    path: Result<Path<(u64, B256)>, PathRejection>,
) -> Answer<TransactionRecord> {
    let Path((chain_id, hash)) = path?;
    let ledger = ledger(&facilitator, chain_id)?;
    let found = ledger.transaction(hash).await?;
    found.map(Json).ok_or_else(|| {
        Failure::not_found(format!("no mined transaction {hash} on chain {chain_id}"))
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BalanceQuery {
    asset: Address,
    owner: Address,
}

async fn balance(
    Shared(facilitator): Shared<Arc<Facilitator>>,
    chain_id: Result<Path<u64>, PathRejection>,
    query: Result<Query<BalanceQuery>, QueryRejection>,
) -> Answer<Balance> {
    let ledger = ledger(&facilitator, chain_id?.0)?;
    let Query(query) = query?;
    let balance = ledger.balance(query.asset, query.owner).await?;
    Ok(Json(Balance {
        balance: balance.to_string(),
    }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoncesQuery {
    /// Addresses, with commas between them.
    of: Option<String>,
}

async fn nonces(
    Shared(facilitator): Shared<Arc<Facilitator>>,
    chain_id: Result<Path<u64>, PathRejection>,
    query: Result<Query<NoncesQuery>, QueryRejection>,
) -> Answer<AccountNonces> {
    let ledger = ledger(&facilitator, chain_id?.0)?;
    let Query(query) = query?;
    let mut accounts: Vec<Address> = match &query.of {
        None => ledger.signers(),
        Some(list) => addresses(list)?,
    };
    accounts.sort_unstable();
    accounts.dedup();
    let mut nonces = Vec::new();
    for signer in accounts {
        let nonce = ledger.account_nonce(signer).await?;
        nonces.push(AccountNonce { signer, nonce });
    }
    Ok(Json(AccountNonces { nonces }))
}

fn addresses(list: &str) -> Result<Vec<Address>, Failure> {
    let parts: Vec<&str> = list.split(',').take(ACCOUNTS_MAX + 1).collect();
    if parts.len() > ACCOUNTS_MAX {
        let why = format!("`of` names more than {ACCOUNTS_MAX} accounts");
        return Err(Failure::bad(why));
    }
    let read = parts.into_iter().map(|part| {
        let address = part.trim().parse();
        address.map_err(|_| Failure::bad(format!("`of`: {part:?} is no address")))
    });
    read.collect()
}

fn ledger(facilitator: &Facilitator, chain_id: u64) -> Result<Arc<dyn Ledger>, Failure> {
    facilitator
        .ledger(chain_id)
        .ok_or_else(|| Failure::not_found(format!("no ledger with chain id {chain_id}")))
}
