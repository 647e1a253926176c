//! Looking for the defects in believing the facilitator, its silence, or a request's body.

use std::sync::Arc;
use std::time::Duration;

use x402_assay_protocol::Version;

use super::super::{Defect, MARKER};
use super::defects_payment::unpaid_grants;
use super::defects_settlement::{FAILED, after};
use super::front::{Fault, Hold};
use super::rig::{Rig, granted, receipt};

const V2: Version = Version::V2;
/// Longer than the impatient server waits, and shorter than the others do.
const PATIENCE: Duration = Duration::from_secs(5);

/// `None` when the defect is not one of these.
pub(super) async fn observed(rig: &Rig, defect: Defect) -> Option<bool> {
    if let Some(seen) = in_settlements(rig, defect).await {
        return Some(seen);
    }
    Some(match defect {
        Defect::VerdictsCoerced => {
            let flags = ["\"true\"", "1", "{}"];
            let mut served = true;
            for flag in flags {
                let verdict = format!("{{\"isValid\":{flag}}}");
                rig.front.next("verify", Fault::Say(200, verdict));
                served &= granted(&rig.buy(V2, "/paid").await);
            }
            served
        }
        Defect::VerifyAny200IsValid => {
            let mut served = true;
            for body in ["<h1>OK</h1>", "", r#"{"isValid":false}"#] {
                rig.front.next("verify", Fault::Say(200, body.to_owned()));
                served &= granted(&rig.buy(V2, "/paid").await);
            }
            rig.front.next("verify", Fault::Say(500, String::new()));
            served && !granted(&rig.buy(V2, "/paid").await)
        }
        Defect::LocalCheckOnRefusal => {
            unpaid_grants(rig, &["signature-flipped"]).await
                && !unpaid_grants(rig, &["amount-low-unclaimed"]).await
        }
        _ => return None,
    })
}

async fn in_settlements(rig: &Rig, defect: Defect) -> Option<bool> {
    Some(match defect {
        Defect::SettleAny200IsSuccess => {
            let refused = granted(&after(rig, Fault::Say(200, FAILED.to_owned())).await);
            let html = granted(&after(rig, Fault::Say(200, "<h1>OK</h1>".to_owned())).await);
            let error = granted(&after(rig, Fault::Say(500, FAILED.to_owned())).await);
            refused && html && !error && rig.moved().await.is_empty()
        }
        Defect::ServeOnSettleTrouble => {
            let served = granted(&after(rig, Fault::Say(500, String::new())).await);
            rig.front.next("verify", Fault::Say(500, String::new()));
            served && !granted(&rig.buy(V2, "/paid").await)
        }
        Defect::SettleInBackground => {
            let response = after(rig, Fault::Say(200, FAILED.to_owned())).await;
            granted(&response) && receipt(V2, &response).is_none()
        }
        Defect::ImpatientWithFacilitator => {
            let hold = Arc::new(Hold::default());
            rig.front.next("settle", Fault::Hold(Arc::clone(&hold)));
            let payment = rig.sign(V2, "/paid").await;
            let pay = tokio::time::timeout(PATIENCE, rig.pay("/paid", &payment)).await;
            hold.release.notify_one();
            pay.is_ok_and(|answer| {
                answer.status == 402 && answer.headers.first("payment-required").is_some()
            })
        }
        Defect::LeakInHeader => {
            let response = after(rig, Fault::Say(200, FAILED.to_owned())).await;
            let mut values = response.headers.iter();
            response.status == 402
                && values.any(|(_, value)| String::from_utf8_lossy(value).contains(MARKER))
        }
        _ => return None,
    })
}
