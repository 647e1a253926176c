//! Looking for the defects of settlement and of receipts.

use x402_assay_protocol::{Settlement, Version};

use super::super::{Defect, MARKER, Variant};
use super::front::Fault;
use super::rig::{Rig, granted, receipt};
use crate::http::Response;

const V2: Version = Version::V2;
pub(super) const FAILED: &str =
    r#"{"success":false,"errorReason":"insufficient_funds","transaction":""}"#;
const PENDING: &str =
    r#"{"success":false,"errorReason":"settlement_pending","transaction":"0x11"}"#;

/// `None` when the defect is not one of these.
pub(super) async fn observed(rig: &Rig, defect: Defect) -> Option<bool> {
    if let Some(seen) = receipts(rig, defect).await {
        return Some(seen);
    }
    Some(match defect {
        Defect::VerifyOnly => {
            granted(&rig.buy(V2, "/paid").await) && rig.settles() == 0 && rig.verifies() == 1
        }
        Defect::SettleIgnored => granted(&after(rig, Fault::Say(200, FAILED.to_owned())).await),
        Defect::LeakOnSettleFailure => {
            let response = after(rig, Fault::Say(200, FAILED.to_owned())).await;
            response.status == 402 && response.text().contains(MARKER)
        }
        Defect::SettleTwice => rig.buy(V2, "/paid").await.status == 200 && rig.settles() == 2,
        Defect::SettleBeforeHandler | Defect::SettleOnHandlerError => {
            let response = rig.buy(V2, "/paid/status/500").await;
            let charged = rig.moved().await.len() == 1;
            let order = settled_before_it_ran(rig).await;
            let early = defect == Defect::SettleBeforeHandler;
            response.status == 500 && charged && order == early
        }
        Defect::ChargeWithoutService => {
            let response = rig.buy(V2, "/paid").await;
            response.status == 500 && rig.moved().await.len() == 1
        }
        Defect::PendingIsSuccess => {
            let response = after(rig, Fault::Say(200, PENDING.to_owned())).await;
            granted(&response) && rig.moved().await.is_empty()
        }
        Defect::ChallengeOnUnknown => {
            let response = after(rig, Fault::Lose).await;
            let challenged = response.headers.first("payment-required").is_some();
            response.status == 402 && challenged && rig.moved().await.len() == 1
        }
        Defect::UpfrontLate => {
            let defects = rig.defects.clone();
            let upfront = Rig::with(|options| {
                options.defects = defects;
                options.variants = [Variant::Upfront].into_iter().collect();
            });
            let upfront = upfront.await;
            granted(&upfront.buy(V2, "/paid").await) && upfront.verifies() == 1
        }
        Defect::SettlementOverridesLeak => {
            let response = rig.buy(V2, "/paid").await;
            granted(&response) && response.headers.first("settlement-overrides").is_some()
        }
        Defect::ExtensionResponsesForwarded => {
            let response = after(rig, Fault::Aside("e30=")).await;
            granted(&response) && response.headers.first("extension-responses") == Some(b"e30=")
        }
        Defect::StreamBeforeSettlement => {
            let payment = rig.sign(V2, "/paid/stream").await;
            rig.front.next("settle", Fault::Say(200, FAILED.to_owned()));
            granted(&rig.pay("/paid/stream", &payment).await)
        }
        _ => return None,
    })
}

/// The answer to an honest payment whose settlement goes wrong.
pub(super) async fn after(rig: &Rig, fault: Fault) -> Response {
    rig.front.next("settle", fault);
    rig.buy(V2, "/paid").await
}

/// A failed settlement tells the order: only a server that settles first does not run the handler.
async fn settled_before_it_ran(rig: &Rig) -> bool {
    let runs = rig.server.executions();
    after(rig, Fault::Say(200, FAILED.to_owned())).await;
    rig.server.executions() == runs
}

async fn receipts(rig: &Rig, defect: Defect) -> Option<bool> {
    let of_success: fn(&Rig, &Settlement) -> bool = match defect {
        Defect::ReceiptWrongPayer => {
            |rig, receipt| receipt.payer != Some(rig.payer.address().to_checksum(None))
        }
        Defect::ReceiptWrongNetwork => |_, receipt| {
            receipt
                .network
                .as_deref()
                .is_some_and(|network| network != "eip155:84532")
        },
        Defect::ReceiptWithoutNetwork => |_, receipt| receipt.network.is_none(),
        Defect::ReceiptErrorReason => |_, receipt| receipt.error_reason.is_some(),
        Defect::ReceiptMissing | Defect::ReceiptNotBase64 => {
            let response = rig.buy(V2, "/paid").await;
            let header = response.headers.first(V2.settlement_header()).is_some();
            let unread = granted(&response) && receipt(V2, &response).is_none();
            return Some(unread && header == (defect == Defect::ReceiptNotBase64));
        }
        Defect::ReceiptWrongTransaction => {
            let receipt = receipt(V2, &rig.buy(V2, "/paid").await).unwrap();
            return Some(!rig.mined(&receipt.transaction.unwrap()).await);
        }
        Defect::ReceiptInventsTransaction => {
            let response = after(rig, Fault::Say(200, FAILED.to_owned())).await;
            let named = receipt(V2, &response).unwrap().transaction;
            let invented = named.filter(|named| !named.is_empty());
            return Some(response.status == 402 && invented.is_some());
        }
        Defect::ReceiptClaimsSuccess => {
            let response = after(rig, Fault::Say(200, FAILED.to_owned())).await;
            let claimed = receipt(V2, &response).unwrap().success == Some(true);
            return Some(response.status == 402 && claimed);
        }
        _ => return None,
    };
    let response = rig.buy(V2, "/paid").await;
    let receipt = receipt(V2, &response).unwrap();
    Some(granted(&response) && of_success(rig, &receipt))
}
