//! Defect: a paywall page for browsers that shows the request as it came.

use http::StatusCode;
use http::header::{ACCEPT, HeaderMap, USER_AGENT};
use url::form_urlencoded;

use super::ask::Ask;
use super::defects::Defect;
use super::page::Page;
use super::shop::Shop;

/// The challenge with a page in place of its body, when a browser asks.
pub(super) fn dressed(shop: &Shop, ask: &Ask, challenge: Page) -> Page {
    if !shop.has(Defect::PaywallReflects) || !is_browser(&ask.headers) {
        return challenge;
    }
    let (path, query) = ask.url.split_once('?').unwrap_or((&ask.url, ""));
    let mut shown = vec![decoded(path)];
    shown.extend(form_urlencoded::parse(query.as_bytes()).map(|(_, value)| value.into_owned()));
    let body = format!(
        "<!doctype html><title>Payment required</title><p>Pay for {}</p>",
        shown.join(" ")
    );
    let mut page = Page::new(StatusCode::PAYMENT_REQUIRED, "text/html", body);
    for (name, value) in &challenge.headers {
        if name != http::header::CONTENT_TYPE {
            page.headers.insert(name, value.clone());
        }
    }
    page
}

fn is_browser(headers: &HeaderMap) -> bool {
    let holds = |name, part: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.contains(part))
    };
    holds(ACCEPT, "text/html") && holds(USER_AGENT, "Mozilla")
}

/// A path without its percent escapes.
fn decoded(path: &str) -> String {
    let name = form_urlencoded::parse(path.as_bytes()).next();
    name.map(|(name, _)| name.into_owned()).unwrap_or_default()
}
