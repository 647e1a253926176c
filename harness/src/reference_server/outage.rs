//! Defects of whole routes: what stands between a client and the paywall.

use http::StatusCode;

use super::challenge::challenge;
use super::content::Content;
use super::defects::Defect;
use super::page::Page;
use super::shop::Shop;

/// The answer of a route that is out of order; `None` when it is not.
pub(super) async fn answer(shop: &Shop, url: &str) -> Option<Page> {
    if shop.options.defects.is_empty() {
        return None;
    }
    if shop.has(Defect::RouteHangs) {
        std::future::pending::<()>().await;
    }
    if shop.has(Defect::SupportedOnly) {
        let trouble = shop.facilitator.supported().await.err();
        let error = trouble.map_or_else(|| "Payment required".to_owned(), |t| t.to_string());
        return Some(challenge(shop, url, &error));
    }
    let failing = [
        (Defect::RouteError, StatusCode::INTERNAL_SERVER_ERROR),
        (Defect::RouteUnauthorized, StatusCode::UNAUTHORIZED),
        (Defect::RouteForbidden, StatusCode::FORBIDDEN),
        (Defect::RouteNotFound, StatusCode::NOT_FOUND),
        (Defect::RouteMethod, StatusCode::METHOD_NOT_ALLOWED),
        (Defect::RouteLimited, StatusCode::TOO_MANY_REQUESTS),
        (Defect::RouteRedirect, StatusCode::FOUND),
    ];
    let (defect, status) = failing.into_iter().find(|(defect, _)| shop.has(*defect))?;
    let reason = status.canonical_reason().unwrap_or("error");
    let page = Page::error(status, reason);
    Some(match defect {
        Defect::RouteUnauthorized => page.with("www-authenticate", "Bearer"),
        Defect::RouteMethod => page.with("allow", "PUT"),
        Defect::RouteLimited => page.with("retry-after", "1"),
        Defect::RouteRedirect => page.with("location", "/login"),
        _ => page,
    })
}

/// Whether a request is served without looking at its payment.
pub(super) fn open_door(shop: &Shop, method: &http::Method, paying: bool) -> bool {
    shop.has(Defect::ServeUnpaid)
        || (shop.has(Defect::HeadUnpaid) && method == http::Method::HEAD)
        || (shop.has(Defect::AcceptAnyHeader) && paying)
}

/// Whether the paywall stumbles over a request's body and lets the request through.
pub(super) fn fails_open(shop: &Shop, body: &[u8]) -> bool {
    let reads = || serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body);
    shop.has(Defect::UnreadableBodyUnpaid) && !body.is_empty() && reads().is_err()
}

/// Runs a handler for somebody who paid nothing.
pub(super) async fn give_away(shop: &Shop, content: &Content) -> Page {
    let mut page = shop.run(content).await;
    shop.cache(&mut page, "private");
    page
}
