//! Looking for the defects in what a challenge promises, and in what answers tell.

use serde_json::{Value, json};
use x402_assay_protocol::Version;

use super::super::{Defect, MARKER};
use super::rig::{Rig, granted};
use crate::client::read;
use crate::history::canary;
use crate::http::Response;

/// `None` when the defect is not one of these.
pub(super) async fn observed(rig: &Rig, defect: Defect) -> Option<bool> {
    if let Some(seen) = in_answers(rig, defect).await {
        return Some(seen);
    }
    let version = match defect {
        Defect::V1NetworkCaip2 => Version::V1,
        _ => Version::V2,
    };
    let first = challenge(version, &rig.get("/paid").await);
    let second = challenge(version, &rig.get("/paid").await);
    let odd = &first["accepts"][1];
    Some(match defect {
        Defect::OfferFree => odd["amount"] == "0",
        Defect::OfferWrongDomain => odd["extra"]["version"] == "1",
        Defect::OfferUnsupported => odd["network"]
            .as_str()
            .is_some_and(|n| n.starts_with("solana:")),
        Defect::OfferDrifts => {
            odd["amount"].is_string() && odd["amount"] != second["accepts"][1]["amount"]
        }
        Defect::V1NetworkCaip2 => odd["network"] == "eip155:84532",
        Defect::ResourceElsewhere => first["resource"]["url"] == "http://shop.example/catalogue",
        Defect::ExtensionBare => first["extensions"]["loyalty"] == json!({ "points": 3 }),
        Defect::ChallengePreview => first["preview"] == MARKER,
        _ => return None,
    })
}

fn challenge(version: Version, response: &Response) -> Value {
    read(version, response).unwrap().challenge.raw
}

async fn in_answers(rig: &Rig, defect: Defect) -> Option<bool> {
    Some(match defect {
        Defect::V1ContentType => {
            let kind = rig.get("/paid").await.headers.text("content-type");
            kind.is_some_and(|kind| kind == "text/plain")
        }
        Defect::UpfrontUndeclared => {
            let bought = rig.buy(Version::V2, "/paid").await;
            granted(&bought) && rig.verifies() == 0 && rig.settles() == 1
        }
        Defect::ErrorsLeak => {
            let refused = rig.present("not base64!").await;
            refused.status == 400 && refused.text().contains("node_modules")
        }
        Defect::EchoesPayment => {
            let payment = rig.wrong("signature-flipped", Version::V1, "/paid").await;
            let refused = rig.pay("/paid", &payment).await;
            refused.status == 402 && refused.text().contains(&payment.header_value)
        }
        Defect::TenantByHost => {
            let request = rig
                .request("/paid")
                .with_header("host", canary::SPOOFED_HOST);
            let spoofed = challenge(Version::V2, &rig.send(request).await);
            let plain = challenge(Version::V2, &rig.get("/paid").await);
            spoofed["accepts"][0]["payTo"] != plain["accepts"][0]["payTo"]
        }
        _ => return None,
    })
}
