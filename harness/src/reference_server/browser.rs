//! The 402 as browsers get it.

use bytes::Bytes;
use http::StatusCode;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use x402_assay_protocol::header;

use super::defects::Defect;
use super::page::Page;
use super::shop::Shop;
use super::variants::Variant;

const HTML: &[u8] = b"<!doctype html><title>Payment required</title><p>This page costs 0.01 USDC.";

/// The challenge in the clothes a client of these headers gets.
pub(super) fn dressed(shop: &Shop, headers: &HeaderMap, mut page: Page) -> Page {
    let text = |name| {
        let value = headers.get(name).map(HeaderValue::as_bytes);
        String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
    };
    let accepts = text(ACCEPT);
    let browser = accepts.contains("text/html") && text(USER_AGENT).starts_with("Mozilla/");
    let anything = accepts.contains("text/plain") && accepts.contains("*/*");
    let pages = [
        Defect::BrowserPageStatus200,
        Defect::BrowserPageWithoutHeader,
    ];
    let sends_pages =
        shop.does(Variant::BrowserPage) || pages.iter().any(|defect| shop.has(*defect));
    if browser && sends_pages {
        dress(&mut page);
        if shop.has(Defect::BrowserPageStatus200) {
            page.status = StatusCode::OK;
        }
        if shop.has(Defect::BrowserPageWithoutHeader) {
            page.headers.remove(header::PAYMENT_REQUIRED);
        }
    } else if anything && shop.has(Defect::PageForAnyAccept) {
        dress(&mut page);
        page.headers.remove(header::PAYMENT_REQUIRED);
    }
    page
}

fn dress(page: &mut Page) {
    page.headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    page.body = Bytes::from_static(HTML);
}
