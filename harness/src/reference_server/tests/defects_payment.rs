//! Looking for the defects in which payments are honoured, and on whose terms.

use alloy_primitives::U256;
use serde_json::json;
use x402_assay_protocol::{Version, header, network};

use super::super::Defect;
use super::front::Fault;
use super::rig::{PAY_TO, PRICE, Rig, granted};
use crate::client::STRANGER;

/// `None` when the defect is not one of these.
pub(super) async fn observed(rig: &Rig, defect: Defect) -> Option<bool> {
    if let Some(seen) = terms(rig, defect).await {
        return Some(seen);
    }
    let v2 = Version::V2;
    Some(match defect {
        Defect::AcceptAnyHeader => {
            let well_formed = rig.cheat("signature-flipped", v2).await;
            granted(&well_formed) && granted(&rig.present("anything").await) && rig.verifies() == 0
        }
        Defect::RefuseEverything => rig.buy(v2, "/paid").await.status == 402 && rig.verifies() == 0,
        Defect::ServeUndecodable => granted(&rig.present("!!!").await) && rig.settles() == 0,
        Defect::SettleUndecodable => rig.present("!!!").await.status == 400 && rig.settles() == 1,
        Defect::Status500OnMalformed => rig.present("!!!").await.status == 500,
        Defect::VerifyIgnored => unpaid_grants(rig, &["signature-flipped", "expired"]).await,
        Defect::ServeExpired => {
            unpaid_grants(rig, &["expired"]).await && !unpaid_grants(rig, &["not-yet-valid"]).await
        }
        Defect::ServeNotYetValid => {
            unpaid_grants(rig, &["not-yet-valid"]).await && !unpaid_grants(rig, &["expired"]).await
        }
        Defect::ServeBadSignature => {
            let flipped = unpaid_grants(rig, &["signature-flipped"]).await;
            flipped && !unpaid_grants(rig, &["expired"]).await
        }
        Defect::ServeOnFacilitatorError => {
            rig.front.next("verify", Fault::Say(500, String::new()));
            granted(&rig.buy(v2, "/paid").await) && rig.moved().await.is_empty()
        }
        Defect::ReplayCache => {
            let payment = rig.sign(v2, "/paid").await;
            let first = rig.pay("/paid", &payment).await;
            let again = rig.pay("/paid", &payment).await;
            let once = rig.moved().await.len() == 1;
            granted(&first) && granted(&again) && once && rig.server.executions() == 2
        }
        Defect::DedupeByPayer => {
            let first = rig.buy(v2, "/paid").await;
            granted(&first) && rig.buy(v2, "/paid").await.status == 402
        }
        Defect::SettleDespiteInvalid => {
            let refused = rig.cheat("signature-flipped", v2).await.status == 402;
            refused && rig.settles() == 1 && rig.moved().await.is_empty()
        }
        Defect::FacilitatorRequestWithoutVersion => {
            rig.buy(v2, "/paid").await;
            rig.front.calls("verify")[0].get("x402Version").is_none()
        }
        Defect::PayloadRewritten => {
            let payment = rig.sign(v2, "/paid").await;
            rig.pay("/paid", &payment).await;
            rig.front.calls("verify")[0]["paymentPayload"] != payment.message
        }
        Defect::GuardBurnsNonce => {
            let payment = rig.sign(v2, "/paid").await;
            rig.front.next("verify", Fault::Say(503, String::new()));
            rig.pay("/paid", &payment).await;
            rig.pay("/paid", &payment).await.status == 409
        }
        _ => return None,
    })
}

/// True when every one of these wrong payments is served and nothing moves.
pub(super) async fn unpaid_grants(rig: &Rig, names: &[&str]) -> bool {
    for name in names {
        for version in [Version::V1, Version::V2] {
            if !granted(&rig.cheat(name, version).await) {
                return false;
            }
        }
    }
    rig.moved().await.is_empty()
}

async fn terms(rig: &Rig, defect: Defect) -> Option<bool> {
    let (half, full) = (U256::from(PRICE / 2), U256::from(PRICE));
    let usdc = network::by_chain_id(network::DEFAULT_CHAIN_ID)?.usdc;
    let (wrong, expected) = match defect {
        Defect::AnyRoutePrice => {
            for version in [Version::V1, Version::V2] {
                let cheap = rig.sign(version, "/paid").await;
                if !granted(&rig.pay("/premium", &cheap).await) {
                    return Some(false);
                }
            }
            let moved = rig.moved().await;
            return Some(moved.iter().all(|(_, _, value)| *value == full) && moved.len() == 2);
        }
        Defect::TrustClientTerms => {
            for (name, version) in [
                ("pay-to", Version::V2),
                ("amount-low-unclaimed", Version::V1),
            ] {
                if !granted(&rig.cheat(name, version).await) {
                    return Some(false);
                }
            }
            ("amount-low", (usdc, PAY_TO, half))
        }
        Defect::IgnoreAmount => ("amount-low-unclaimed", (usdc, PAY_TO, half)),
        Defect::IgnoreRecipient => ("pay-to-unclaimed", (usdc, STRANGER, full)),
        Defect::IgnoreAsset => ("asset", (STRANGER, PAY_TO, full)),
        Defect::SettleWithClientTerms => {
            let mut payment = rig.sign(Version::V2, "/paid").await;
            payment.message["accepted"]["amount"] = json!("1");
            rig.present(&header::encode(&payment.message)).await;
            let asked = |endpoint| {
                let calls = rig.front.calls(endpoint);
                calls
                    .first()
                    .map(|call| call["paymentRequirements"]["amount"].clone())
            };
            let own = asked("verify") == Some(json!(full.to_string()));
            return Some(own && asked("settle") == Some(json!("1")));
        }
        Defect::OtherAmountForwarded => {
            rig.buy(Version::V2, "/paid").await;
            let asked = &rig.front.calls("verify")[0]["paymentRequirements"]["amount"];
            return Some(*asked == json!(half.to_string()));
        }
        _ => return None,
    };
    let served = granted(&rig.cheat(wrong, Version::V2).await);
    Some(served && rig.moved().await.last() == Some(&expected))
}
