//! Settling one deal, and what it comes to.

use serde_json::Value;

use super::deal::Deal;
use super::defects::Defect;
use super::facilitator::Settled;
use super::shop::Shop;

/// Reason code of a settlement that is under way.
const PENDING: &str = "settlement_pending";

/// What a settlement came to.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The money moved.
    Done(Settled),
    /// The money did not move and will not.
    Failed(Settled),
    /// Nobody here knows.
    Unknown(String),
}

/// Settles; a pending settlement is asked for once more with the identical body.
pub(super) async fn settle(shop: &Shop, deal: &Deal) -> Outcome {
    let outcome = attempt(shop, &deal.request, &deal.network).await;
    if shop.has(Defect::SettleTwice) {
        // Whatever the second one says is lost on this server.
        let _ = shop.facilitator.settle(&deal.request, &deal.network).await;
    }
    outcome
}

/// The same, for a purchase that is still open.
pub(super) async fn attempt(shop: &Shop, request: &Value, network: &str) -> Outcome {
    for _ in 0..2 {
        let settled = match shop.facilitator.settle(request, network).await {
            Ok(settled) => settled,
            Err(trouble) => return Outcome::Unknown(trouble.to_string()),
        };
        if settled.success {
            return Outcome::Done(settled);
        }
        if settled.reason.as_deref() != Some(PENDING) {
            return Outcome::Failed(settled);
        }
        if shop.has(Defect::PendingIsSuccess) {
            let success = true;
            return Outcome::Done(Settled { success, ..settled });
        }
    }
    Outcome::Unknown("the settlement is still pending".to_owned())
}
