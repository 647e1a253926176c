//! The page for people who come with a browser: the challenge's header stays, its body becomes HTML.

use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};

use super::alias;
use super::defects::Defect;
use super::page::Page;
use super::shop::Shop;

/// True for what browsers send, as SDKs tell them.
pub(super) fn asks(headers: &HeaderMap) -> bool {
    let holds = |name: HeaderName, word: &[u8]| {
        let mut values = headers.get_all(name).iter();
        values.any(|value| {
            value
                .as_bytes()
                .windows(word.len())
                .any(|part| part == word)
        })
    };
    holds(ACCEPT, b"text/html") && holds(USER_AGENT, b"Mozilla/")
}

/// The challenge with a page that says what is to be paid for.
pub(super) fn show(shop: &Shop, url: &str, mut page: Page) -> Page {
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
