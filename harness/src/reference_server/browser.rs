//! The page for people who come with a browser: the challenge's header stays, its body becomes HTML.

use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use http::{HeaderMap, StatusCode};
use x402_assay_protocol::header::PAYMENT_REQUIRED;

use super::alias;
use super::defects::Defect;
use super::page::Page;
use super::shop::Shop;

/// The challenge in the clothes a client of these headers gets.
pub(super) fn dressed(shop: &Shop, headers: &HeaderMap, url: &str, page: Page) -> Page {
    if asks(headers) {
        let mut page = show(shop, url, page);
        if shop.has(Defect::BrowserPageStatus200) {
            page.status = StatusCode::OK;
        }
        if shop.has(Defect::BrowserPageWithoutHeader) {
            page.headers.remove(PAYMENT_REQUIRED);
        }
        return page;
    }
    if shop.has(Defect::PageForAnyAccept) && holds(headers, ACCEPT, "text/plain") {
        let mut page = show(shop, url, page);
        page.headers.remove(PAYMENT_REQUIRED);
        return page;
    }
    page
}

/// True for what browsers send, as SDKs tell them.
fn asks(headers: &HeaderMap) -> bool {
    holds(headers, ACCEPT, "text/html") && holds(headers, USER_AGENT, "Mozilla/")
}

fn holds(headers: &HeaderMap, name: HeaderName, word: &str) -> bool {
    let mut values = headers.get_all(name).iter();
    values.any(|value| String::from_utf8_lossy(value.as_bytes()).contains(word))
}

/// The challenge with a page that says what is to be paid for.
fn show(shop: &Shop, url: &str, mut page: Page) -> Page {
    let readable = alias::decoded(url);
    let named = match shop.has(Defect::PageReflectsUrl) {
        true => readable,
        false => escaped(&readable),
    };
    let html = format!(
        "<!doctype html><title>Payment required</title><p>Payment is required for <code>{named}</code>."
    );
    page.headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    page.body = html.into();
    page
}

/// Text as it may stand anywhere in HTML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_that_opens_markup_is_left() {
        let text = super::escaped("\"'</script><b>&amp;");
        assert_eq!(text, "&quot;&#39;&lt;/script&gt;&lt;b&gt;&amp;amp;");
    }
}
