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

#[cfg(test)]
mod tests {
    use alloy_primitives::{LogData, U256};
    use alloy_sol_types::SolEvent as _;

    use super::*;
    use crate::ledger::evm::abi::Token;

    fn log(transaction: u8, data: LogData) -> Log {
        Log {
            inner: alloy_primitives::Log {
                address: Address::repeat_byte(0xaa),
                data,
            },
            transaction_hash: Some(B256::repeat_byte(transaction)),
            ..Log::default()
        }
    }

    fn transfer(value: u64) -> LogData {
        let event = Token::Transfer {
            from: Address::repeat_byte(1),
            to: Address::repeat_byte(2),
            value: U256::from(value),
        };
        event.encode_log_data()
    }

    #[test]
    fn logs_go_to_their_transactions_and_nothing_is_said_of_those_without() {
        let another = LogData::new_unchecked(vec![B256::repeat_byte(9)], Default::default());
        let logs = [
            log(1, transfer(10)),
            log(2, transfer(20)),
            log(3, another),
            log(9, transfer(90)),
        ];
        let hashes = [1, 2, 3, 4].map(B256::repeat_byte);
        let block = block_of(7, hashes.into_iter(), &logs);
        assert_eq!(
            block.len(),
            4,
            "a log of no transaction of the block is no part of it"
        );
        for (transaction, value) in [(1, 10), (2, 20)] {
            let mined = block[&B256::repeat_byte(transaction)].as_deref().unwrap();
            let moved = Movement::Transfer {
                from: Address::repeat_byte(1),
                to: Address::repeat_byte(2),
                value: U256::from(value),
            };
            assert!(mined.success);
            assert_eq!(mined.block, 7);
            assert_eq!(mined.moved, [(Address::repeat_byte(0xaa), moved)]);
        }
        for transaction in [3, 4] {
            assert_eq!(block[&B256::repeat_byte(transaction)], None);
        }
    }
}
