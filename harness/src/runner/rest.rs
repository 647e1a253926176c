//! After the exchanges: wait until nothing moves any more, then read the ledger at a named block.

use std::collections::BTreeSet;

use alloy_primitives::Address;
use x402_mock_facilitator::event::{LedgerRecord, Movement};

use super::prepare::Prepared;
use super::session::Session;
use crate::history::What;
use crate::http::now_us;
use crate::service::ControlError;

/// Records what the ledger says of this run's payers since it was last read.
pub(crate) async fn read_ledger(
    session: &Session<'_>,
    prepared: &mut Prepared,
) -> Result<(), ControlError> {
    session.progress.stage("reading the ledger");
    if !session.settle_down().await? {
        session.note(
            None,
            format!(
                "not at rest: a facilitator call was still open after {:?} (--patience)",
                session.patience
            ),
        );
    }
    let payers = session.addresses().await;
    let receipts = session.take_receipts();
    let mut unknown = receipts.clone();
    for (&chain_id, head) in &mut prepared.heads {
        let page = session.control.records(chain_id, *head + 1).await?;
        let ours: BTreeSet<_> = page
            .records
            .iter()
            .filter(|record| names(record, &payers))
            .map(|record| record.transaction)
            .collect();
        for record in page.records {
            // Whole transactions: a Transfer and its AuthorizationUsed belong together.
            if ours.contains(&record.transaction) {
                session
                    .recorder
                    .append(now_us(), What::Ledger(Box::new(record)));
            }
        }
        for transaction in receipts.clone() {
            let found = session.control.transaction(chain_id, &transaction).await?;
            if found.is_some() {
                unknown.remove(&transaction);
            }
            session
                .recorder
                .append(now_us(), What::Transaction { transaction, found });
        }
        session.recorder.append(
            now_us(),
            What::AtRest {
                chain_id,
                block: page.head,
            },
        );
        *head = page.head;
    }
    for transaction in unknown {
        session.keep_receipt(transaction);
    }
    Ok(())
}

/// True when the record moves money of one of the payers, or consumes one of their authorizations.
fn names(record: &LedgerRecord, payers: &BTreeSet<Address>) -> bool {
    match &record.what {
        Movement::Transfer { from, .. } => payers.contains(from),
        Movement::AuthorizationUsed { payer, .. }
        | Movement::PermitUsed { payer, .. }
        | Movement::AuthorizationCanceled { payer, .. } => payers.contains(payer),
    }
}
