//! Looking for the defects of offers, free routes, message versions and payment identifiers.

use serde_json::{Value, json};
use x402_assay_protocol::{Version, header};

use super::super::Defect;
use super::front::Fault;
use super::rig::{Rig, granted};
use crate::client::{SignedPayment, identifier, read};

const V2: Version = Version::V2;
const ID: &str = "pay_0123456789abcdef";

/// `None` when the defect is not one of these.
pub(super) async fn observed(rig: &Rig, defect: Defect) -> Option<bool> {
    Some(match defect {
        Defect::OtherOfferForwarded => {
            let payment = rig.sign(V2, "/paid").await;
            rig.pay("/paid", &payment).await;
            let asked = rig.front.calls("verify").remove(0);
            asked["paymentRequirements"] != payment.message["accepted"]
        }
        Defect::StalePriceError => {
            let payment = rig.sign(V2, "/paid").await;
            rig.get("/paid").await;
            rig.pay("/paid", &payment).await.status == 500
        }
        Defect::FreeRouteCharges => {
            let payment = rig.sign(V2, "/paid").await;
            let answer = rig.send(rig.paying("/health", &payment)).await;
            answer.status == 200 && rig.moved().await.len() == 1
        }
        Defect::VersionOverwritten => {
            let mut payment = rig.sign(V2, "/paid").await;
            payment.message["x402Version"] = json!(99);
            granted(&rig.present(&header::encode(&payment.message)).await)
        }
        _ => return of_identifiers(rig, defect).await,
    })
}

async fn of_identifiers(rig: &Rig, defect: Defect) -> Option<bool> {
    Some(match defect {
        Defect::IdWithoutSchema => {
            let declared = extensions(rig).await;
            declared.pointer("/payment-identifier/schema").is_none()
        }
        Defect::IdIgnored => {
            let first = identified(rig).await;
            let bought = granted(&rig.pay("/paid", &first).await);
            let second = identified(rig).await;
            bought && granted(&rig.pay("/paid", &second).await) && rig.moved().await.len() == 2
        }
        Defect::IdRequiredUnenforced => {
            let required = identifier::requires_id(Some(&extensions(rig).await));
            let payment = rig.sign(V2, "/paid").await;
            required && granted(&rig.present(&header::encode(&payment.message)).await)
        }
        Defect::IdPoisoned => {
            let payment = identified(rig).await;
            rig.front.next("verify", Fault::Say(500, String::new()));
            let failed = rig.pay("/paid", &payment).await.status == 502;
            failed && rig.pay("/paid", &payment).await.status == 409
        }
        _ => return None,
    })
}

async fn extensions(rig: &Rig) -> Value {
    let challenge = read(V2, &rig.get("/paid").await).unwrap().challenge;
    challenge.raw["extensions"].clone()
}

async fn identified(rig: &Rig) -> SignedPayment {
    let extensions = extensions(rig).await;
    let mut payment = rig.sign(V2, "/paid").await;
    let value = identifier::with_id(&payment.header_value, Some(&extensions), ID);
    payment.header_value = value.unwrap();
    payment
}
