//! What the chain made of a transaction, and of all transactions of a block.

use std::collections::HashMap;
use std::sync::Arc;

use alloy_primitives::{Address, B256};
use alloy_rpc_types_eth::{Log, TransactionReceipt};

use super::records;
use crate::event::Movement;

/// A mined transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mined {
    /// Status 1.
    pub(super) success: bool,
    /// Number of its block; 0 when the node does not say.
    pub(super) block: u64,
    /// What its logs moved, each with the token, in order.
    pub(super) moved: Vec<(Address, Movement)>,
}

/// Transactions of a block; with what became of them where the logs of the block tell it.
pub(super) type Block = HashMap<B256, Option<Arc<Mined>>>;

impl From<TransactionReceipt> for Mined {
    fn from(receipt: TransactionReceipt) -> Self {
        Self {
            success: receipt.status(),
            block: receipt.block_number.unwrap_or_default(),
            moved: receipt.logs().iter().filter_map(moved).collect(),
        }
    }
}

fn moved(log: &Log) -> Option<(Address, Movement)> {
    Some((log.address(), records::movement(&log.inner)?))
}

/// Joins the logs of a block to its transactions. One that left a log succeeded, for a revert undoes its logs; of one
/// without logs nothing is known.
pub(super) fn block_of(number: u64, hashes: impl Iterator<Item = B256>, logs: &[Log]) -> Block {
    let mut known: HashMap<B256, Mined> = HashMap::new();
    for log in logs {
        let (Some(hash), Some(moved)) = (log.transaction_hash, moved(log)) else {
            continue;
        };
        let mined = known.entry(hash).or_insert_with(|| Mined {
            success: true,
            block: number,
            moved: Vec::with_capacity(2),
        });
        mined.moved.push(moved);
    }
    hashes
        .map(|hash| (hash, known.remove(&hash).map(Arc::new)))
        .collect()
}
