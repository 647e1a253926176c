//! Settlement headers the target sent, next to the payments they are about.

use x402_assay_protocol::{Settlement, Version};

use super::books::Book;
use crate::history::{Exchange, Facts};

/// A settlement header that could be read.
#[derive(Debug, Clone, Copy)]
pub struct Receipt<'f, 'h> {
    /// The exchange it came in.
    pub exchange: &'f Exchange<'h>,
    /// What it says.
    pub settlement: &'f Settlement,
}

impl<'f> Receipt<'f, '_> {
    /// The transaction it names, unless that is empty.
    pub fn transaction(&self) -> Option<&'f str> {
        let named = self.settlement.transaction.as_deref();
        named.filter(|hash| !hash.is_empty())
    }

    /// True when it says that the payment failed for good; `settlement_pending` does not.
    pub fn is_final_failure(&self) -> bool {
        self.settlement.success == Some(false)
            && self.settlement.error_reason.as_deref() != Some("settlement_pending")
    }

    /// True when it refuses because the authorization is used or under way: that says nothing of whether money moved.
    pub fn says_used(&self) -> bool {
        let reason = self.settlement.error_reason.as_deref();
        self.settlement.success == Some(false)
            && reason.is_some_and(|reason| {
                reason.contains("nonce_already_used")
                    || reason == "duplicate_settlement"
                    || reason == "permit2_invalid_nonce"
            })
    }
}

/// The receipts of one authorization, in order.
pub fn receipts<'f, 'h>(facts: &'f Facts<'h>, book: &'f Book<'h>) -> Vec<Receipt<'f, 'h>> {
    facts
        .carrying(book.signed.authorization)
        .filter_map(|exchange| {
            let settlement = of_exchange(exchange, book.signed.version)?;
            Some(Receipt {
                exchange,
                settlement,
            })
        })
        .collect()
}

/// The settlement header of an exchange, when it can be read.
pub fn of_exchange<'f>(exchange: &'f Exchange<'_>, version: Version) -> Option<&'f Settlement> {
    exchange.settlement(version)?.as_ref().ok()
}
