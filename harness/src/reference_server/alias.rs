//! Defects of path matching: the router normalises a path that the paywall takes literally.

use super::content::Content;
use super::defects::Defect;
use super::shop::Shop;

/// The paid content behind a path that no route matched, as far as the defects go.
pub(super) fn content(shop: &Shop, path: &str) -> Option<Content> {
    let mut normal = path.to_owned();
    if shop.has(Defect::EncodedPathUnpaid) {
        normal = decoded(&normal);
    }
    if shop.has(Defect::UpperCasePathUnpaid) {
        normal = normal.to_ascii_lowercase();
    }
    if shop.has(Defect::TrailingSlashUnpaid) && normal.len() > 1 {
        normal = normal.trim_end_matches('/').to_owned();
    }
    if normal == path {
        return None;
    }
    match normal.strip_prefix('/')?.split_once('/') {
        None if normal == "/paid" => Some(Content::Paid),
        Some(("items", id)) if !id.contains('/') => Some(Content::Item(id.to_owned())),
        Some(("files", file)) => Some(Content::File(file.to_owned())),
        _ => None,
    }
}

/// Percent sequences of ASCII decoded; others stay.
fn decoded(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let byte = after
            .get(..2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match byte.filter(u8::is_ascii) {
            Some(byte) => {
                out.push(char::from(byte));
                rest = &after[2..];
            }
            None => {
                out.push('%');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn percent_sequences_are_decoded_and_broken_ones_stay() {
        assert_eq!(super::decoded("/%70aid"), "/paid");
        assert_eq!(super::decoded("/p%zz%4"), "/p%zz%4");
        assert_eq!(super::decoded("/p%c3%a9"), "/p%c3%a9");
    }
}
