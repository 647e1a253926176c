//! What the requests of a `send` carry besides what their route says: headers, a query, text in the path, padding.

use std::ops::RangeInclusive;

use super::super::keys::{never_beside, number, only_with};
use super::Route;
use crate::config::yaml::{MapView, View};

/// More headers in one request are a mistake.
const HEADERS_MAX: usize = 20;
/// The longest header value, query or piece of a path, in bytes; `header_size` is for long ones.
const TEXT_MAX: usize = 4_096;
/// Bytes of a padded payment header.
const HEADER_SIZE: RangeInclusive<u32> = 1_024..=4_194_304;
/// Headers that make another message of the request, or pay for it unseen by the books.
const OURS: [&str; 6] = [
    "payment-signature",
    "x-payment",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
];

/// What a request carries besides what its route says. Sent as written, byte by byte.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carried {
    /// Request headers; they take the place of the route's own of the same name.
    pub headers: Vec<(String, String)>,
    /// Added to the query.
    pub query: Option<String>,
    /// Added at the end of the path, in the wildcard's tail.
    pub path_text: Option<String>,
    /// Bytes of the payment header: the payment with one more member, or JSON that is no payment.
    pub header_size: Option<u32>,
}

impl Carried {
    /// True when nothing is carried that a client library might write in its own way.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

/// Reads the four keys.
pub(super) fn decode_carried(map: &MapView<'_>, route: Option<&Route>) -> Carried {
    let in_wildcard = route == Some(&Route::Wildcard);
    only_with(map, "path_text", "`route: wildcard`", in_wildcard);
    let formed = map.optional("path_form").is_some();
    never_beside(map, "path_text", "`path_form`", formed);
    Carried {
        headers: map.optional_map("headers").map_or_else(Vec::new, headers),
        query: map.optional("query").and_then(|view| target_text(&view)),
        path_text: map
            .optional("path_text")
            .and_then(|view| target_text(&view)),
        header_size: map
            .optional("header_size")
            .and_then(|view| number(&view, HEADER_SIZE)),
    }
}

fn headers(map: MapView<'_>) -> Vec<(String, String)> {
    let entries: Vec<_> = map.entries().collect();
    if entries.is_empty() {
        map.view()
            .problem("is empty; name a header, like `{ Origin: https://shop.example }`");
    }
    if entries.len() > HEADERS_MAX {
        map.view()
            .problem(format!("has more than {HEADERS_MAX} headers"));
    }
    let mut read: Vec<(String, String)> = Vec::new();
    for (name, _, value) in entries.into_iter().take(HEADERS_MAX) {
        if let Some(why) = wrong_name(name, &read) {
            map.problem_at_key(name, &why);
        } else if let Some(text) = header_value(&value) {
            read.push((name.to_owned(), text));
        }
    }
    read
}

fn wrong_name(name: &str, read: &[(String, String)]) -> Option<String> {
    if OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours)) {
        return Some(match name.to_ascii_lowercase().as_str() {
            "payment-signature" | "x-payment" => {
                format!("`{name}` carries payments: use `payment`, or `header_size`")
            }
            _ => format!("`{name}` is written by the bench"),
        });
    }
    if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
        return Some(format!("`{name}` is no header name"));
    }
    let twice = read
        .iter()
        .any(|(known, _)| known.eq_ignore_ascii_case(name));
    twice.then(|| format!("`{name}` is given twice"))
}

fn header_value(view: &View<'_>) -> Option<String> {
    let text = view.as_text()?;
    if text.len() > TEXT_MAX || text.chars().any(|c| c.is_control()) {
        view.problem(format!(
            "a header value is one line of at most {TEXT_MAX} bytes without control characters"
        ));
        return None;
    }
    Some(text.to_owned())
}

/// Text that can stand in a request line.
fn target_text(view: &View<'_>) -> Option<String> {
    let text = view.as_non_empty_str()?;
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == '#';
    if text.len() > TEXT_MAX || text.contains(odd) {
        view.problem(format!(
            "text of a request line is at most {TEXT_MAX} bytes without white space, control characters and `#`; \
             percent-encode them"
        ));
        return None;
    }
    Some(text.to_owned())
}
