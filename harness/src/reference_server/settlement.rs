//! Settling one deal, and what it comes to.

use serde_json::Value;

use super::deal::Deal;
use super::defects::Defect;
use super::facilitator::Settled;
use super::guard_policy::believes_used;
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
    Unknown(Unsettled),
}

/// What is known of a settlement that may have happened.
#[derive(Debug)]
pub(super) struct Unsettled {
    /// Why no more is known.
    pub(super) why: String,
    /// The answer that called it pending, if one did.
    pub(super) pending: Option<Settled>,
}

/// Settles; a pending settlement is asked for once more with the identical body.
pub(super) async fn settle(shop: &Shop, deal: &Deal) -> Outcome {
    let outcome = attempt(shop, &deal.settle_request, &deal.network).await;
    if shop.has(Defect::SettleTwice) {
        // Whatever the second one says is lost on this server.
        let _ = shop
            .facilitator
            .settle(&deal.settle_request, &deal.network)
            .await;
    }
    outcome
}

/// The same, for a purchase that is still open.
pub(super) async fn attempt(shop: &Shop, request: &Value, network: &str) -> Outcome {
    let mut pending = None;
    for _ in 0..2 {
        let settled = match shop.facilitator.settle(request, network).await {
            Ok(settled) => settled,
            Err(trouble) => {
                let why = trouble.to_string();
                return Outcome::Unknown(Unsettled { why, pending });
            }
        };
        if settled.success {
            return Outcome::Done(settled);
        }
        if settled.reason.as_deref() != Some(PENDING) {
            return match believes_used(&shop.options) && settled.is_used() {
                true => Outcome::Done(believed(settled)),
                false => Outcome::Failed(settled),
            };
        }
        if shop.has(Defect::PendingIsSuccess) {
            return Outcome::Done(believed(settled));
        }
        pending = Some(settled);
    }
    let why = "the settlement is still pending".to_owned();
    Outcome::Unknown(Unsettled { why, pending })
}

/// What the facilitator did not call a success, taken for one.
fn believed(settled: Settled) -> Settled {
    Settled {
        success: true,
        reason: None,
        ..settled
    }
}
