//! What browsers ask and get: preflights, pages, and long headers that no paywall reads.

use http::Method;
use x402_assay_protocol::Version;

use super::super::Defect;
use super::rig::{Rig, granted};
use crate::http::{Request, Response};

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64)";

/// Whether the deviation shows; `None` for defects of other kinds.
pub(super) async fn observed(rig: &Rig, defect: Defect) -> Option<bool> {
    let answer = match defect {
        Defect::LargeHeaderUnpaid => {
            assert!(!granted(&rig.present(&"A".repeat(16 << 10)).await));
            rig.present(&"A".repeat((16 << 10) + 1)).await
        }
        Defect::PreflightUnpaid => rig.send(preflight(rig)).await,
        Defect::PageReflectsUrl => {
            let page = page(rig, "/paid?q=%22%3Csvg%3E").await;
            return Some(page.text().contains("\"<svg>"));
        }
        _ => return None,
    };
    Some(granted(&answer) && rig.moved().await.is_empty())
}

fn preflight(rig: &Rig) -> Request {
    let mut request = rig
        .request("/paid")
        .with_header("Origin", "https://shop.example")
        .with_header("Access-Control-Request-Method", "GET");
    request.method = Method::OPTIONS;
    request
}

async fn page(rig: &Rig, target: &str) -> Response {
    let request = rig
        .request("/paid")
        .with_target(target)
        .with_header("Accept", "text/html,application/xhtml+xml")
        .with_header("User-Agent", BROWSER);
    rig.send(request).await
}

fn listed(response: &Response, header: &str, name: &str) -> bool {
    let list = response.headers.text(header).unwrap_or_default();
    list.split(',')
        .any(|item| item.trim().eq_ignore_ascii_case(name))
}

#[tokio::test]
async fn a_browser_gets_a_page_beside_the_challenge_and_a_client_gets_none() {
    let rig = Rig::honest().await;
    let answer = page(&rig, "/paid?q=%22%3Csvg%3E").await;
    assert_eq!(answer.status, 402);
    let typed = answer.headers.text("content-type");
    assert_eq!(typed.as_deref(), Some("text/html; charset=utf-8"));
    assert!(answer.headers.first("payment-required").is_some());
    let text = answer.text();
    assert!(text.contains("/paid?q=&quot;&lt;svg&gt;</code>"), "{text}");
    let plain = rig.get("/paid").await;
    let typed = plain.headers.text("content-type");
    assert_eq!(typed.as_deref(), Some("application/json"));
}

#[tokio::test]
async fn pages_of_other_origins_may_pay_and_read_the_receipt() {
    let rig = Rig::honest().await;
    let allowed = rig.send(preflight(&rig)).await;
    assert_eq!(allowed.status, 204);
    let payment = rig.sign(Version::V2, "/paid").await;
    let asked = rig
        .paying("/paid", &payment)
        .with_header("Origin", "https://shop.example");
    let paid = rig.send(asked).await;
    assert!(granted(&paid));
    for version in [Version::V1, Version::V2] {
        assert!(listed(
            &allowed,
            "access-control-allow-headers",
            version.payment_header()
        ));
        assert!(listed(
            &paid,
            "access-control-expose-headers",
            version.settlement_header()
        ));
    }
    let plain = rig.get("/paid").await;
    assert!(
        plain.headers.first("access-control-allow-origin").is_none(),
        "nobody asked from elsewhere"
    );
}
