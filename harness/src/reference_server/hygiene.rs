//! Defects that meet a request before anybody looks at its payment, and one that lets it name its own amount.

use http::{HeaderMap, StatusCode};
use serde_json::Value;
use x402_assay_protocol::write;

use super::ask::Ask;
use super::content::Content;
use super::deal::Deal;
use super::defects::Defect;
use super::page::Page;
use super::shop::Shop;

const LARGE_HEADER: usize = 8 << 10;
const LARGE_BODY: usize = 512 << 10;
const OVERRIDES: &str = "settlement-overrides";

/// What such a request is answered; `None` when the paywall is next.
pub(super) fn answer(shop: &Shop, ask: &Ask) -> Option<Page> {
    if shop.options.defects.is_empty() {
        return None;
    }
    let large_header = || {
        let mut values = ask.headers.values();
        values.any(|value| value.len() >= LARGE_HEADER)
    };
    let large_body =
        matches!(&ask.content, Content::Generate(order) if order.body.len() >= LARGE_BODY);
    if (shop.has(Defect::LargeHeaderError) && large_header())
        || (shop.has(Defect::LargeBodyError) && large_body)
    {
        return Some(Page::error(StatusCode::INTERNAL_SERVER_ERROR, "too much"));
    }
    let foreign = ask.headers.contains_key("access-control-expose-headers");
    (shop.has(Defect::RefuseResponseHeaders) && foreign)
        .then(|| Page::error(StatusCode::BAD_REQUEST, "this is a header of responses"))
}

/// The deal, with the amount that the request names where that counts.
pub(super) fn overridden(shop: &Shop, headers: &HeaderMap, mut deal: Deal) -> Deal {
    let named = headers
        .get(OVERRIDES)
        .filter(|_| shop.has(Defect::SettlementOverridesHonoured))
        .and_then(|value| serde_json::from_slice::<Value>(value.as_bytes()).ok());
    if let Some(amount) = named.and_then(|named| named.get("amount").cloned()) {
        let pointer = format!("/paymentRequirements/{}", deal.version.amount_field());
        write::set(&mut deal.settle_request, &pointer, Some(amount));
    }
    deal
}
