//! Routes of the control API about the accounts that settle: what they have pending, and what their transactions came to.

use std::sync::Arc;

use alloy_primitives::{Address, U64};
use alloy_provider::Provider;
use alloy_rpc_types_eth::BlockId;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::chains::Chains;
use super::error::ServiceError;
use crate::chain::DevProvider;

/// Accounts of one request at most.
const ACCOUNTS_MAX: usize = 256;
/// Blocks of one request at most.
const BLOCKS_MAX: u64 = 64;

/// One account that sends transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SenderState {
    /// The account.
    pub account: Address,
    /// Transactions it has had mined.
    pub latest: u64,
    /// The same, with those that wait and can be mined.
    pub pending: u64,
    /// Transactions of it that wait and cannot be mined: one before them is missing.
    pub stuck: u64,
}

/// What accounts have under way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Senders {
    /// The newest block.
    pub head: u64,
    /// The accounts that were asked about, in that order.
    pub senders: Vec<SenderState>,
}

/// What transactions of accounts came to, in a stretch of blocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Transactions that were mined.
    pub mined: u64,
    /// Of them, those with receipt status 0.
    pub reverted: u64,
    /// Gas of all of them.
    pub gas: u64,
    /// Gas of the reverted ones.
    pub gas_reverted: u64,
    /// The last block that was read, at most 64 after the first.
    pub to_block: u64,
    /// The newest block.
    pub head: u64,
}

/// `/chain/{chain_id}/senders`, `/chain/{chain_id}/spent`.
pub(super) fn routes(chains: Arc<Chains>) -> Router {
    Router::new()
        .route("/chain/{chain_id}/senders", get(senders))
        .route("/chain/{chain_id}/spent", get(spent))
        .with_state(chains)
}

#[derive(Deserialize)]
struct Asked {
    /// Accounts, separated by commas.
    #[serde(default)]
    of: String,
    #[serde(default)]
    from_block: u64,
}

async fn senders(
    State(chains): State<Arc<Chains>>,
    Path(chain_id): Path<u64>,
    Query(asked): Query<Asked>,
) -> Response {
    answer(&chains, chain_id, &asked, async |node, accounts, _| {
        read_senders(&node, &accounts).await
    })
    .await
}

async fn spent(
    State(chains): State<Arc<Chains>>,
    Path(chain_id): Path<u64>,
    Query(asked): Query<Asked>,
) -> Response {
    answer(&chains, chain_id, &asked, async |node, accounts, from| {
        read_spent(&node, &accounts, from).await
    })
    .await
}

async fn answer<T: Serialize>(
    chains: &Chains,
    chain_id: u64,
    asked: &Asked,
    read: impl AsyncFnOnce(DevProvider, Vec<Address>, u64) -> Result<T, String>,
) -> Response {
    let accounts = asked.of.split(',').filter(|text| !text.is_empty());
    let accounts: Result<Vec<Address>, _> = accounts.map(str::parse).collect();
    let accounts = match accounts {
        Ok(accounts) if accounts.len() <= ACCOUNTS_MAX => accounts,
        Ok(_) => {
            let why = format!("of: at most {ACCOUNTS_MAX} accounts");
            return refuse(StatusCode::BAD_REQUEST, &why);
        }
        Err(_) => {
            return refuse(
                StatusCode::BAD_REQUEST,
                "of: addresses, separated by commas",
            );
        }
    };
    let node = match chains.node(chain_id).await {
        Ok(Some(node)) => node,
        Ok(None) => {
            return refuse(
                StatusCode::UNPROCESSABLE_ENTITY,
                "the memory ledger has no transactions of accounts",
            );
        }
        Err(error @ ServiceError::Chain(_)) => {
            return refuse(StatusCode::NOT_FOUND, &error.to_string());
        }
        Err(error) => return refuse(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    };
    match read(node, accounts, asked.from_block).await {
        Ok(found) => Json(found).into_response(),
        Err(why) => refuse(StatusCode::SERVICE_UNAVAILABLE, &why),
    }
}

async fn read_senders(node: &DevProvider, accounts: &[Address]) -> Result<Senders, String> {
    let trouble = |error: crate::chain::RpcError| error.to_string();
    let head = node.get_block_number().await.map_err(trouble)?;
    let pool: Value = match accounts.is_empty() {
        true => Value::Null,
        false => node
            .client()
            .request("txpool_inspect", ())
            .await
            .unwrap_or(Value::Null),
    };
    let mut senders = Vec::with_capacity(accounts.len());
    for account in accounts {
        let count = node.get_transaction_count(*account);
        let latest = count.await.map_err(trouble)?;
        let count = node
            .get_transaction_count(*account)
            .block_id(BlockId::pending());
        let pending = count.await.map_err(trouble)?;
        senders.push(SenderState {
            account: *account,
            latest,
            pending,
            stuck: queued(&pool, *account),
        });
    }
    Ok(Senders { head, senders })
}

/// Transactions of an account that `txpool_inspect` lists as queued.
fn queued(pool: &Value, account: Address) -> u64 {
    let queued = pool.get("queued").and_then(Value::as_object);
    queued
        .into_iter()
        .flatten()
        .filter(|(name, _)| name.parse::<Address>().is_ok_and(|name| name == account))
        .filter_map(|(_, list)| Some(list.as_object()?.len() as u64))
        .sum()
}

/// The members of a receipt that count here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    from: Address,
    status: U64,
    gas_used: U64,
}

async fn read_spent(node: &DevProvider, accounts: &[Address], from: u64) -> Result<Spent, String> {
    let trouble = |error: crate::chain::RpcError| error.to_string();
    let head = node.get_block_number().await.map_err(trouble)?;
    let to_block = head.min(from.saturating_add(BLOCKS_MAX - 1));
    let mut spent = Spent {
        to_block,
        head,
        ..Spent::default()
    };
    for block in from..=to_block {
        let receipts: Vec<Receipt> = node
            .client()
            .request("eth_getBlockReceipts", (U64::from(block),))
            .await
            .map_err(trouble)?;
        for receipt in receipts.iter().filter(|r| accounts.contains(&r.from)) {
            let gas = receipt.gas_used.to::<u64>();
            spent.mined += 1;
            spent.gas += gas;
            if receipt.status.is_zero() {
                spent.reverted += 1;
                spent.gas_reverted += gas;
            }
        }
    }
    Ok(spent)
}

fn refuse(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({ "error": why }))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_queued_is_counted_by_account() {
        let account = Address::repeat_byte(7);
        let pool = json!({
            "pending": { account.to_string(): { "0": "…" } },
            "queued": { account.to_checksum(None): { "3": "…", "4": "…" } },
        });
        assert_eq!(queued(&pool, account), 2);
        assert_eq!(queued(&pool, Address::ZERO), 0);
        assert_eq!(queued(&Value::Null, account), 0);
    }
}
