//! Looking for the defects of pages, headers, bodies and connections around a purchase.

use http::Method;
use x402_assay_protocol::Version;
use x402_assay_protocol::header::PAYMENT_REQUIRED;

use super::super::Defect;
use super::rig::{Rig, granted};
use crate::http::Response;

/// Whether the deviation shows; `None` for defects of other kinds.
pub(super) async fn observed(rig: &Rig, defect: Defect) -> Option<bool> {
    let unchallenged = |response: &Response| {
        response.status == 402 && response.headers.first(PAYMENT_REQUIRED).is_none()
    };
    let browser = || {
        rig.request("/paid")
            .with_header("Accept", "text/html,*/*")
            .with_header("User-Agent", "Mozilla/5.0")
    };
    Some(match defect {
        Defect::BrowserPageStatus200 => rig.send(browser()).await.status == 200,
        Defect::BrowserPageWithoutHeader => unchallenged(&rig.send(browser()).await),
        Defect::PageForAnyAccept => {
            let request = rig.request("/paid");
            let request = request.with_header("Accept", "application/json, text/plain, */*");
            unchallenged(&rig.send(request).await)
        }
        Defect::RefusalWithoutChallenge => {
            unchallenged(&rig.cheat("signature-flipped", Version::V2).await)
        }
        Defect::LargeHeaderError => rig.present(&"A".repeat(8 << 10)).await.status == 500,
        Defect::LargeBodyError => {
            let mut request = rig.request("/generate");
            request.method = Method::POST;
            let request = request.with_body("x".repeat(512 << 10));
            rig.send(request).await.status == 500
        }
        Defect::RefuseResponseHeaders => {
            let request = rig.request("/paid");
            let request = request.with_header("Access-Control-Expose-Headers", "ETag");
            rig.send(request).await.status == 400
        }
        Defect::DropsKeptConnection => {
            let mut connection = rig.keep();
            let first = connection.send(rig.request("/paid")).await;
            assert_eq!(first.status(), Some(402));
            connection
                .send(rig.request("/paid"))
                .await
                .status()
                .is_none()
        }
        Defect::HeaderNameLowerCase => {
            let payment = rig.sign(Version::V2, "/paid").await;
            let upper = rig.paying("/paid", &payment).with_target("/paid");
            !granted(&rig.send(upper).await)
        }
        Defect::PaidBodyDropped => {
            let answer = rig.buy(Version::V2, "/generate").await;
            let told: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(told["method"], "POST");
            granted(&answer) && told["bodyBytes"] == 0
        }
        Defect::SettlementOverridesHonoured => {
            let payment = rig.sign(Version::V2, "/paid").await;
            let request = rig.paying("/paid", &payment);
            let request = request.with_header("Settlement-Overrides", r#"{"amount":"1"}"#);
            !granted(&rig.send(request).await) && rig.settles() == 1
        }
        _ => return None,
    })
}
