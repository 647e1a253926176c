//! Requests that come before it is known what the facilitator supports.

use std::time::Duration;

use super::content::Content;
use super::defects::Defect;
use super::outage;
use super::page::Page;
use super::shop::Shop;

/// How long the impatient server waits for `/supported`.
const IMPATIENT: Duration = Duration::from_millis(500);

/// What is answered instead of selling: a page, or why nothing is sold; `None` when it sells.
pub(super) async fn answer(shop: &Shop, content: &Content) -> Option<Result<Page, &'static str>> {
    if !shop.options.asks_supported {
        return None;
    }
    let asked = shop.kinds.ready(shop);
    if shop.has(Defect::FreeUntilSupported) {
        return match tokio::time::timeout(IMPATIENT, asked).await {
            Ok(true) => None,
            Ok(false) => Some(Err(NOT_SOLD)),
            Err(_) => Some(Ok(outage::give_away(shop, content).await)),
        };
    }
    match asked.await {
        true => None,
        false if shop.has(Defect::FreeWithoutKinds) => {
            Some(Ok(outage::give_away(shop, content).await))
        }
        false => Some(Err(NOT_SOLD)),
    }
}

const NOT_SOLD: &str = "the facilitator does not say that it settles what is offered here";
