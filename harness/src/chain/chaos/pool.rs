//! The node's pool of pending transactions.

use alloy_primitives::{B256, hex};
use alloy_provider::Provider;
use serde_json::Value;

use super::error::ChaosError;
use crate::chain::DevProvider;

/// Hash of the pending transaction whose call data holds this nonce, in a batch as well as alone.
pub(super) async fn carrying(
    provider: &DevProvider,
    nonce: B256,
) -> Result<Option<B256>, ChaosError> {
    let needle = hex::encode(nonce);
    let found = transactions(provider).await?.into_iter().find(|pending| {
        let input = pending.get("input").and_then(Value::as_str);
        input.is_some_and(|input| input.contains(&needle))
    });
    Ok(found.and_then(|pending| pending.get("hash")?.as_str()?.parse().ok()))
}

/// True when no transaction waits for a block.
pub(super) async fn is_empty(provider: &DevProvider) -> Result<bool, ChaosError> {
    let status: Value = provider
        .client()
        .request("txpool_status", ())
        .await
        .map_err(ChaosError::rpc("reading the pool"))?;
    Ok(status.get("pending").and_then(Value::as_str) == Some("0x0"))
}

async fn transactions(provider: &DevProvider) -> Result<Vec<Value>, ChaosError> {
    let content: Value = provider
        .client()
        .request("txpool_content", ())
        .await
        .map_err(ChaosError::rpc("reading the pool"))?;
    // { pending: { sender: { nonce: transaction } }, queued: … }
    let groups = content
        .as_object()
        .into_iter()
        .flat_map(|content| content.values());
    let senders = groups
        .filter_map(Value::as_object)
        .flat_map(|group| group.values());
    let transactions = senders
        .filter_map(Value::as_object)
        .flat_map(|sender| sender.values());
    Ok(transactions.cloned().collect())
}
