//! Defects of whole routes: what stands between a client and the paywall.

use http::StatusCode;
use serde_json::json;
use x402_assay_protocol::Version;

use super::alias;
use super::ask::Ask;
use super::challenge::challenge;
use super::content::Content;
use super::defects::Defect;
use super::offers::Ware;
use super::page::Page;
use super::shop::Shop;

/// Payment headers above this are not read by the defect `large-header-unpaid`.
const UNREAD_BYTES: usize = 16 << 10;

/// Defect: an error page that shows what only the operator should see.
pub(super) fn bared(status: StatusCode, why: &str) -> Page {
    let stack = format!(
        "Error: {why}\n    at decodePayment (/srv/shop/node_modules/paywall/dist/index.js:412:17)\n    at async handle (/srv/shop/server.js:31:5)"
    );
    let rpc = "https://base-sepolia.g.alchemy.com/v2/Zx81mQkT7uPq0sLdVn3RyE4w";
    Page::json(status, &json!({ "error": why, "stack": stack, "rpc": rpc }))
}

/// The answer of a route that is out of order; `None` when it is not.
pub(super) async fn answer(shop: &Shop, ware: Ware<'_>) -> Option<Page> {
    if shop.options.defects.is_empty() {
        return None;
    }
    if shop.has(Defect::RouteHangs) {
        std::future::pending::<()>().await;
    }
    if shop.has(Defect::SupportedOnly) {
        let trouble = shop.facilitator.supported().await.err();
        let error = trouble.map_or_else(|| "Payment required".to_owned(), |t| t.to_string());
        return Some(challenge(shop, ware, &error));
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
pub(super) fn open_door(shop: &Shop, ask: &Ask, paying: bool) -> bool {
    shop.has(Defect::ServeUnpaid)
        || (shop.has(Defect::HeadUnpaid) && ask.method == http::Method::HEAD)
        || (shop.has(Defect::LargeHeaderUnpaid) && has_large_payment(ask))
        || alias::is_missed(shop, &ask.target)
        || (shop.has(Defect::AcceptAnyHeader) && paying)
}

fn has_large_payment(ask: &Ask) -> bool {
    let names = [Version::V1, Version::V2].map(Version::payment_header);
    let mut values = names.iter().filter_map(|name| ask.headers.get(*name));
    values.any(|value| value.len() > UNREAD_BYTES)
}

/// What is given away because the paywall could not read the request's body, or read one call of several.
pub(super) fn slipped_through(shop: &Shop, ask: &Ask) -> Option<Content> {
    let Content::Generate(order) = &ask.content else {
        return None;
    };
    let typed = ask.headers.get(http::header::CONTENT_TYPE);
    let is_json = typed.is_none_or(|value| value.as_bytes().starts_with(b"application/json"));
    let read = serde_json::from_slice::<serde_json::Value>(&order.body);
    let unread = read.is_err() || !is_json;
    let slips = (shop.has(Defect::BodyErrorUnpaid) && unread)
        || (shop.has(Defect::BatchUnpaid) && read.is_ok_and(|value| value.is_array()));
    slips.then(|| Content::Generate(order.with_body(bytes::Bytes::from_static(b"null"))))
}

/// Runs a handler for somebody who paid nothing.
pub(super) async fn give_away(shop: &Shop, content: &Content) -> Page {
    let mut page = shop.run(content).await;
    shop.cache(&mut page, "private");
    page
}
