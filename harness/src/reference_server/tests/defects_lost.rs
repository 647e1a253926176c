//! Looking for the defects that show when an answer is lost, a server restarted, or the facilitator slow to begin.

use std::net::TcpListener;
use std::time::Duration;

use x402_assay_protocol::Version;
use x402_assay_protocol::header::PAYMENT_REQUIRED;

use super::super::Defect;
use super::front::Fault;
use super::rig::{LOCAL, Rig, granted};

const USED: &str = r#"{"isValid":false,"invalidReason":"invalid_exact_evm_nonce_already_used"}"#;

/// `None` when the defect is not one of these.
pub(super) async fn observed(rig: &Rig, defect: Defect) -> Option<bool> {
    let v2 = Version::V2;
    Some(match defect {
        Defect::UsedNonceIsPaid => {
            rig.front.next("verify", Fault::Say(200, USED.to_owned()));
            granted(&rig.buy(v2, "/paid").await) && rig.moved().await.is_empty()
        }
        Defect::ChallengeOnUsed => {
            let payment = rig.sign(v2, "/paid").await;
            rig.pay("/paid", &payment).await;
            let again = rig.pay("/paid", &payment).await;
            again.status == 402 && again.headers.first(PAYMENT_REQUIRED).is_some()
        }
        Defect::UsedIs500 => {
            let payment = rig.sign(v2, "/paid").await;
            rig.pay("/paid", &payment).await;
            rig.pay("/paid", &payment).await.status == 500
        }
        Defect::OutageIsFinal => {
            rig.front.next("verify", Fault::Lose);
            rig.front.next("supported", Fault::Lose);
            let missed = rig.buy(v2, "/paid").await;
            missed.status == 502 && !granted(&rig.buy(v2, "/paid").await)
        }
        Defect::FreeAsksFacilitator => {
            let nobody = TcpListener::bind(LOCAL).unwrap().local_addr().unwrap();
            let url = format!("http://{nobody}");
            let dead = Rig::with(|options| {
                options.defects = rig.defects.clone();
                options.facilitator_url = url;
            });
            dead.await.get("/health").await.status == 502
        }
        Defect::PaidPublic => {
            let public = |answer: &crate::http::Response| {
                let value = answer.headers.first("cache-control").unwrap_or_default();
                value.starts_with(b"public")
            };
            public(&rig.buy(v2, "/paid").await) && !public(&rig.get("/paid").await)
        }
        Defect::FreeWithoutKinds => {
            // Bound and given up again: nobody listens there.
            let nobody = TcpListener::bind(LOCAL).unwrap().local_addr().unwrap();
            let dead = starting(rig, format!("http://{nobody}")).await;
            granted(&dead.get("/paid").await)
        }
        Defect::FreeUntilSupported => {
            // Accepts connections and never answers.
            let silent = TcpListener::bind(LOCAL).unwrap();
            let slow = starting(rig, format!("http://{}", silent.local_addr().unwrap())).await;
            granted(&slow.get("/paid").await)
        }
        _ => return None,
    })
}

/// The same server as it starts beside another facilitator.
async fn starting(rig: &Rig, facilitator_url: String) -> Rig {
    Rig::with(|options| {
        options.defects = rig.defects.clone();
        options.facilitator_url = facilitator_url;
        options.facilitator_timeout = Duration::from_secs(2);
        options.asks_supported = true;
    })
    .await
}

#[tokio::test]
async fn a_server_that_asks_what_is_supported_sells_when_it_is_told() {
    let rig = Rig::with(|options| options.asks_supported = true).await;
    assert!(granted(&rig.buy(Version::V2, "/paid").await));
    let silent = TcpListener::bind(LOCAL).unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let closed = starting(&rig, url).await.get("/paid").await;
    assert_eq!((closed.status, granted(&closed)), (502, false));
}
