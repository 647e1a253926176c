//! Which Transfer belongs to which authorization.

use std::collections::{HashMap, HashSet};

use alloy_primitives::{Address, B256, U256};
use x402_assay_reports::model::Evidence;
use x402_mock_facilitator::event::{LedgerRecord, Movement};

use crate::history::Facts;

/// A Transfer of one of our payers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved<'h> {
    /// The log.
    pub record: &'h LedgerRecord,
    /// Payer.
    pub from: Address,
    /// Recipient.
    pub to: Address,
    /// Base units.
    pub value: U256,
}

impl Moved<'_> {
    /// The Transfer as evidence.
    pub fn evidence(&self) -> Evidence {
        Evidence {
            kind: "transaction".to_owned(),
            id: self.record.transaction.to_string(),
            text: format!(
                "Transfer of {} to {} (log {})",
                self.value, self.to, self.record.log_index
            ),
        }
    }
}

/// Transfers of our payers, by the authorization that was used for them.
#[derive(Debug, Default)]
pub struct Transfers<'h> {
    /// By payer and nonce, in ledger order.
    pub by_authorization: HashMap<(Address, B256), Vec<Moved<'h>>>,
    /// Transfers that no used authorization explains.
    pub unexplained: Vec<Moved<'h>>,
}

impl<'h> Transfers<'h> {
    /// Pairs every used authorization, or permit, with one Transfer of the same payer and token in the same transaction: the next
    /// log that is still free, else an earlier one. A batch holds many pairs under one hash, so logs are counted.
    pub fn read(facts: &Facts<'h>) -> Self {
        Self::of(&facts.ledger, &facts.payers())
    }

    /// The same of these records, which hold whole transactions in ledger order.
    pub fn of(records: &[&'h LedgerRecord], payers: &HashSet<Address>) -> Self {
        let mut free: HashMap<(u64, B256, Address, Address), Vec<Moved<'h>>> = HashMap::new();
        for moved in records.iter().filter_map(|record| transfer(record)) {
            if payers.contains(&moved.from) {
                free.entry(place(moved.record, moved.from))
                    .or_default()
                    .push(moved);
            }
        }
        let mut transfers = Self::default();
        for record in records {
            let (Movement::AuthorizationUsed { payer, nonce }
            | Movement::PermitUsed { payer, nonce }) = record.what
            else {
                continue;
            };
            let Some(candidates) = free.get_mut(&place(record, payer)) else {
                continue;
            };
            let next = candidates
                .iter()
                .position(|moved| moved.record.log_index > record.log_index)
                .unwrap_or(0);
            if next < candidates.len() {
                let moved = candidates.remove(next);
                let paired = transfers.by_authorization.entry((payer, nonce));
                paired.or_default().push(moved);
            }
        }
        transfers.unexplained = free.into_values().flatten().collect();
        transfers
            .unexplained
            .sort_by_key(|moved| (moved.record.block, moved.record.log_index));
        transfers
    }
}

fn transfer(record: &LedgerRecord) -> Option<Moved<'_>> {
    match record.what {
        Movement::Transfer { from, to, value } => Some(Moved {
            record,
            from,
            to,
            value,
        }),
        _ => None,
    }
}

const fn place(record: &LedgerRecord, payer: Address) -> (u64, B256, Address, Address) {
    (record.chain_id, record.transaction, record.asset, payer)
}
