//! Defects of path matching: the router normalises a path that the paywall takes literally.

use super::ask::Target;
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
    if shop.has(Defect::BackslashUnpaid) {
        normal = normal.replace("%5C", "\\").replace('\\', "/");
        normal = normal.trim_end_matches('/').to_owned();
    }
    if shop.has(Defect::DoubleSlashUnpaid) {
        while normal.contains("//") {
            normal = normal.replace("//", "/");
        }
    }
    if shop.has(Defect::DotSegmentsUnpaid) {
        normal = without_dots(&normal);
    }
    if shop.has(Defect::PathParameterUnpaid) {
        normal = normal.split(';').next().unwrap_or_default().to_owned();
    }
    if normal == path {
        return None;
    }
    literal(&normal)
}

/// The paid content of a path, taken literally.
pub(super) fn literal(normal: &str) -> Option<Content> {
    match normal.strip_prefix('/')?.split_once('/') {
        None if normal == "/paid" => Some(Content::Paid),
        None if normal == "/premium" => Some(Content::Premium),
        Some(("items", id)) if !id.contains('/') => Some(Content::Item(id.to_owned())),
        Some(("files", file)) => Some(Content::File(file.to_owned())),
        _ => None,
    }
}

/// Whether the paywall, which reads paths in its own way, misses a request that the router sends to a paid route.
pub(super) fn is_missed(shop: &Shop, target: &Target) -> bool {
    if shop.options.defects.is_empty() {
        return false;
    }
    let path = target.path.to_ascii_lowercase();
    let holds = |defect: Defect, parts: &[&str]| {
        shop.has(defect) && parts.iter().any(|part| path.contains(part))
    };
    holds(Defect::BackslashUnpaid, &["\\", "%5c"])
        || holds(Defect::PathParameterUnpaid, &[";"])
        || holds(Defect::EncodedSlashUnpaid, &["%2f", "%252f"])
        || holds(
            Defect::EncodedNewlineUnpaid,
            &["%0a", "%0d", "%e2%80%a8", "%e2%80%a9"],
        )
        || (shop.has(Defect::BadEscapeUnpaid) && has_bad_escape(&path))
        || (shop.has(Defect::AbsoluteFormUnpaid) && target.absolute)
}

/// True when a percent sign begins no escape.
fn has_bad_escape(path: &str) -> bool {
    let mut after = path.split('%').skip(1);
    after.any(|rest| {
        let digits = rest.get(..2).unwrap_or_default();
        digits.len() != 2 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// The path with its `.` and `..` segments resolved.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for part in path.split('/').skip(1) {
        match part {
            "." => {}
            ".." => {
                kept.pop();
            }
            _ => kept.push(part),
        }
    }
    format!("/{}", kept.join("/"))
}

/// Percent sequences of ASCII decoded; others stay.
pub(super) fn decoded(path: &str) -> String {
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
    fn bad_escapes_and_dots_are_told() {
        for bad in ["/a%", "/a%4", "/a%zz", "/%61%g0"] {
            assert!(super::has_bad_escape(bad), "{bad}");
        }
        assert!(!super::has_bad_escape("/%61/%e2%80%a8"));
        assert_eq!(super::without_dots("/x/../paid"), "/paid");
        assert_eq!(super::without_dots("/../a/./b"), "/a/b");
    }

    #[test]
    fn percent_sequences_are_decoded_and_broken_ones_stay() {
        assert_eq!(super::decoded("/%70aid"), "/paid");
        assert_eq!(super::decoded("/p%zz%4"), "/p%zz%4");
        assert_eq!(super::decoded("/p%c3%a9"), "/p%c3%a9");
    }
}
