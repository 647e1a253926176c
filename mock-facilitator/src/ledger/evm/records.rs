//! Token logs as ledger records.

use alloy_primitives::B256;
use alloy_rpc_types_eth::{Filter, Log};
use alloy_sol_types::SolEvent as _;

use super::abi::Token;
use crate::event::{LedgerRecord, Movement};

/// The logs that tell what moved, in a range of blocks.
pub(super) fn filter(from_block: u64, to_block: u64) -> Filter {
    movements().from_block(from_block).to_block(to_block)
}

/// The same in one block.
pub(super) fn filter_of(block: B256) -> Filter {
    movements().at_block_hash(block)
}

fn movements() -> Filter {
    let signatures: Vec<B256> = vec![
        Token::Transfer::SIGNATURE_HASH,
        Token::AuthorizationUsed::SIGNATURE_HASH,
        Token::AuthorizationCanceled::SIGNATURE_HASH,
    ];
    Filter::new().event_signature(signatures)
}

/// What a log says; `None` for logs of another shape, such as an NFT's `Transfer`.
pub(super) fn movement(log: &alloy_primitives::Log) -> Option<Movement> {
    match *log.topics().first()? {
        Token::Transfer::SIGNATURE_HASH => {
            let log = Token::Transfer::decode_log(log).ok()?;
            Some(Movement::Transfer {
                from: log.from,
                to: log.to,
                value: log.value,
            })
        }
        Token::AuthorizationUsed::SIGNATURE_HASH => {
            let log = Token::AuthorizationUsed::decode_log(log).ok()?;
            Some(Movement::AuthorizationUsed {
                payer: log.authorizer,
                nonce: log.nonce,
            })
        }
        Token::AuthorizationCanceled::SIGNATURE_HASH => {
            let log = Token::AuthorizationCanceled::decode_log(log).ok()?;
            Some(Movement::AuthorizationCanceled {
                payer: log.authorizer,
                nonce: log.nonce,
            })
        }
        _ => None,
    }
}

/// A mined log as a record.
pub(super) fn record(chain_id: u64, log: &Log) -> Option<LedgerRecord> {
    Some(LedgerRecord {
        chain_id,
        block: log.block_number?,
        transaction: log.transaction_hash?,
        log_index: log.log_index?,
        asset: log.address(),
        what: movement(&log.inner)?,
    })
}
