//! Paid routes and their patterns.

use std::path::Path;

use http::Method;

use super::header::decode_headers;
use super::url_template::placeholder;
use super::{Header, Price};
use crate::config::yaml::{MapView, View};

/// A body file larger than this is refused (8 MiB).
const BODY_BYTES_MAX: u64 = 8 << 20;

/// One paid route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The path or pattern, as the server declares it; may hold a query.
    pub path: String,
    /// A path the pattern matches.
    pub example: Option<String>,
    /// How the path matches.
    pub kind: RouteKind,
    /// The method; POST if there is a body and none was given, else GET.
    pub method: Method,
    /// Headers of this route; values are secrets but for content-type and accept.
    pub headers: Vec<Header>,
    /// What is sent.
    pub body: Option<Vec<u8>>,
    /// What was meant to be charged; the offer must agree.
    pub price: Option<Price>,
}

/// How a route's path matches requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteKind {
    /// Exactly this path.
    Static,
    /// With `{name}` or `:name` segments.
    Parameter,
    /// With `*`.
    Wildcard,
}

impl Route {
    /// The path a request is sent to.
    pub fn request_path(&self) -> &str {
        self.example.as_deref().unwrap_or(&self.path)
    }

    /// Whether a path is one of this route's.
    pub fn matches(&self, path: &str) -> bool {
        matches_pattern(&self.path, path)
    }
}

/// Reads one route of a profile.
pub(super) fn decode_route(view: &View<'_>, base_dir: &Path) -> Option<Route> {
    let map = view.as_map()?;
    map.unknown_keys(&[
        "path",
        "example",
        "kind",
        "method",
        "headers",
        "body",
        "body_file",
        "price",
    ]);
    let body = decode_body(&map, base_dir);
    let method = map.optional("method").and_then(|view| decode_method(&view));
    let default = if body.is_some() {
        Method::POST
    } else {
        Method::GET
    };
    let headers = map
        .optional("headers")
        .map(|view| decode_headers(&view))
        .unwrap_or_default();
    let price = map.optional("price").and_then(|view| decode_price(&view));
    let path = decode_path(&map.required("path")?);
    let example = map.optional("example").and_then(|view| decode_path(&view));
    let kind = decode_kind(&map, path?, example);
    Some(Route {
        path: path?.into(),
        example: example.map(str::to_owned),
        kind,
        method: method.unwrap_or(default),
        headers,
        body,
        price,
    })
}

/// Checks a path: it starts with `/` and can be sent as it is.
pub(super) fn check_path(path: &str) -> Result<(), String> {
    if path.contains("://") {
        return Err(
            "is a whole URL; give the path only, it is appended to the target's URL".into(),
        );
    }
    if !path.starts_with('/') {
        return Err(format!("a path starts with `/`: \"/{path}\""));
    }
    if path.contains('#') || path.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("a path holds no `#` and no white space; percent-encode them".into());
    }
    Ok(())
}

pub(super) fn decode_path<'a>(view: &View<'a>) -> Option<&'a str> {
    let path = view.as_non_empty_str()?;
    view.check(check_path(path)).map(|()| path)
}

/// Reads an amount; unquoted numbers are refused because SDKs read them as dollars.
pub(super) fn decode_price(view: &View<'_>) -> Option<Price> {
    let text = view.as_text()?;
    let bare =
        matches!(&view.node().kind, crate::config::yaml::NodeKind::Scalar(s) if s.is_number());
    if bare {
        view.problem(super::price::wrong_form(text));
        return None;
    }
    view.check(Price::parse(text))
}

/// Checks a method, for profiles and for `-X`.
pub(super) fn parse_method(text: &str) -> Result<Method, String> {
    let method = Method::from_bytes(text.as_bytes())
        .map_err(|_| format!("`{text}` is not an HTTP method"))?;
    let upper = text.to_ascii_uppercase();
    let standard = [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE",
    ];
    if text != upper && standard.contains(&upper.as_str()) {
        return Err(format!("methods are case-sensitive; write {upper}"));
    }
    if matches!(method, Method::CONNECT) {
        return Err("CONNECT opens a tunnel and cannot be sold".into());
    }
    Ok(method)
}

fn decode_method(view: &View<'_>) -> Option<Method> {
    view.check(parse_method(view.as_non_empty_str()?))
}

fn decode_body(map: &MapView<'_>, base_dir: &Path) -> Option<Vec<u8>> {
    if map.optional("body").is_some() && map.optional("body_file").is_some() {
        map.problem_at_key(
            "body_file",
            "`body` and `body_file` exclude each other; keep one",
        );
        return None;
    }
    if let Some(view) = map.optional("body") {
        return view.as_str().map(|text| text.as_bytes().to_vec());
    }
    let view = map.optional("body_file")?;
    let path = base_dir.join(view.as_non_empty_str()?);
    view.check(read_body(&path))
}

/// Reads a body from a file, within bounds.
pub(super) fn read_body(path: &Path) -> Result<Vec<u8>, String> {
    let cannot = |error| format!("cannot read {}: {error}", path.display());
    let metadata = std::fs::metadata(path).map_err(cannot)?;
    if !metadata.is_file() {
        return Err(format!("{} is not a file", path.display()));
    }
    if metadata.len() > BODY_BYTES_MAX {
        return Err(format!(
            "{} is larger than {} MiB",
            path.display(),
            BODY_BYTES_MAX >> 20
        ));
    }
    std::fs::read(path).map_err(cannot)
}

fn decode_kind(map: &MapView<'_>, path: &str, example: Option<&str>) -> RouteKind {
    let found = pattern_kind(path);
    let choices = [
        ("static", RouteKind::Static),
        ("parameter", RouteKind::Parameter),
        ("wildcard", RouteKind::Wildcard),
    ];
    if let Some(view) = map.optional("kind")
        && let Some(kind) = view.one_of(&choices)
        && kind != found
    {
        let looks = choices
            .iter()
            .find(|(_, k)| *k == found)
            .map_or("", |(word, _)| word);
        view.problem(format!("does not fit the path `{path}`, which is {looks}"));
        return kind;
    }
    match example {
        None if found != RouteKind::Static && map.optional("example").is_none() => {
            map.view().problem(format!(
                "`{path}` is a pattern; add `example:` with a path it matches"
            ));
        }
        Some(example) if !matches_pattern(path, example) => {
            let message = format!("the example `{example}` does not match `{path}`");
            map.problem_at_key("example", &message);
        }
        _ => {}
    }
    found
}

fn pattern_kind(path: &str) -> RouteKind {
    let path = without_query(path);
    if path.contains('*') {
        RouteKind::Wildcard
    } else if placeholder(path).is_some() || path.split('/').any(|part| part.starts_with(':')) {
        RouteKind::Parameter
    } else {
        RouteKind::Static
    }
}

/// Whether a path fits a pattern; `*` takes the rest when it is the last segment, else one.
fn matches_pattern(pattern: &str, path: &str) -> bool {
    let mut wanted = without_query(pattern).split('/').peekable();
    let mut given = without_query(path).split('/').peekable();
    while let Some(part) = wanted.next() {
        let Some(segment) = given.next() else {
            return false;
        };
        if part.contains('*') && wanted.peek().is_none() {
            return segment.starts_with(part.split('*').next().unwrap_or_default());
        }
        let open = part.contains('*') || part.starts_with(':') || placeholder(part).is_some();
        if (open && segment.is_empty()) || (!open && part != segment) {
            return false;
        }
    }
    given.peek().is_none()
}

fn without_query(path: &str) -> &str {
    path.split('?').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_their_examples() {
        for (pattern, path) in [
            ("/paid", "/paid?x=1"),
            ("/items/{id}", "/items/7"),
            ("/items/:id/buy", "/items/7/buy"),
            ("/files/*", "/files/a/b.txt"),
            ("/*/x", "/a/x"),
            ("/f/img-*", "/f/img-1"),
        ] {
            assert!(matches_pattern(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("/items/{id}", "/items"),
            ("/items/{id}", "/items/"),
            ("/items/{id}", "/items/7/8"),
            ("/files/*", "/other/a"),
            ("/paid", "/paid/"),
            ("/f/img-*", "/f/doc-1"),
        ] {
            assert!(!matches_pattern(pattern, path), "{pattern} {path}");
        }
    }

    #[test]
    fn kinds_are_seen_in_the_path() {
        assert_eq!(pattern_kind("/a/{b}"), RouteKind::Parameter);
        assert_eq!(pattern_kind("/a/:b"), RouteKind::Parameter);
        assert_eq!(pattern_kind("/a/*"), RouteKind::Wildcard);
        assert_eq!(pattern_kind("/a?t=*"), RouteKind::Static);
    }

    #[test]
    fn methods_are_tokens_in_the_right_case() {
        assert_eq!(parse_method("PURGE").unwrap().as_str(), "PURGE");
        assert_eq!(
            parse_method("post").unwrap_err(),
            "methods are case-sensitive; write POST"
        );
        assert_eq!(
            parse_method("GE T").unwrap_err(),
            "`GE T` is not an HTTP method"
        );
        assert!(parse_method("CONNECT").is_err());
    }
}
