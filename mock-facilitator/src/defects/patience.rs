//! Defects of waiting: for a block, and for the node.

use std::time::Duration;

use alloy_primitives::U256;
use tokio::time::timeout;

use super::{Defect, DefectSet};
use crate::ledger::Ledger;
use crate::refusal::{Refusal, reason};
use crate::request::Claim;

/// A wait for the block that a busy chain outlasts.
const SHORT_WAIT: Duration = Duration::from_millis(100);
/// Seconds before `validBefore` at which the wait for the block ends.
const EARLY_S: u64 = 6;
/// How long the node may take before it is asked again.
const NODE_WAIT: Duration = Duration::from_millis(200);
/// How often a slow node is asked again.
const ASKED_AGAIN: u32 = 60;

/// How long settle waits for the block, where that is too short.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReceiptWait {
    wait: Duration,
    code: &'static str,
}

impl ReceiptWait {
    /// The wait for one payment; `None` for as long as it takes.
    pub(super) async fn of(
        defects: DefectSet,
        ledger: &dyn Ledger,
        claim: &Claim,
    ) -> Result<Option<Self>, Refusal> {
        if defects.has(Defect::ReceiptWaitTooShort) {
            return Ok(Some(Self {
                wait: SHORT_WAIT,
                code: reason::TRANSACTION,
            }));
        }
        if !defects.has(Defect::ReceiptWaitEndsEarly) {
            return Ok(None);
        }
        let end = claim.payment.authorization.valid_before;
        let now = ledger.now().await?.saturating_add(EARLY_S);
        let seconds: u32 = end.saturating_sub(U256::from(now)).saturating_to();
        Ok(Some(Self {
            wait: Duration::from_secs(seconds.into()),
            code: reason::VALID_BEFORE,
        }))
    }

    /// What the settlement came to; `None` when the wait was over before.
    pub(super) async fn outlast<T>(self, settling: impl Future<Output = T>) -> Option<T> {
        match self.wait.is_zero() {
            // Whatever is known by now: nobody looks.
            true => None,
            false => timeout(self.wait, settling).await.ok(),
        }
    }

    /// What is said when the wait is over.
    pub(super) fn refusal(self) -> Refusal {
        Refusal::new(self.code, "the transaction was not mined in time")
    }
}

/// Asks a node that is slow again and again, which makes it no faster.
pub(super) async fn ask_again(defects: DefectSet, ledger: &dyn Ledger) {
    if !defects.has(Defect::SlowNodeAskedAgain) {
        return;
    }
    for _ in 0..ASKED_AGAIN {
        if timeout(NODE_WAIT, ledger.now()).await.is_ok() {
            return;
        }
    }
}
