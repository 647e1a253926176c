//! A request as bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use crate::http::exchange::{Failure, Request};
use crate::http::failure::unsendable;

/// The bytes of a request: what it names stands as it was given, what HTTP needs besides is added.
///
/// # Errors
/// When target or headers hold a line end, which would make another message of it.
pub(super) fn bytes(request: &Request, user_agent: &str) -> Result<Vec<u8>, Failure> {
    let target = request.path_and_query();
    if target.is_empty() || breaks_line(&target) {
        return Err(unsendable(
            "the request target is empty or holds a line end",
        ));
    }
    let mut out = format!("{} {target} HTTP/1.1\r\n", request.method);
    let mut line = |name: &str, value: &str| {
        out.push_str(name);
        out.push_str(": ");
        out.push_str(value);
        out.push_str("\r\n");
    };
    let given = |name: &str| {
        let mut names = request.headers.iter();
        names.any(|(given, _)| given.trim().eq_ignore_ascii_case(name))
    };
    if !given("host") {
        line("Host", &authority(&request.url));
    }
    for (name, value) in &request.headers {
        if name.is_empty() || breaks_line(name) || breaks_line(value) {
            return Err(unsendable(&format!(
                "header {name:?} has no name or holds a line end"
            )));
        }
        line(name, value);
    }
    if !given("user-agent") {
        line("User-Agent", user_agent);
    }
    if !given("accept") {
        line("Accept", "*/*");
    }
    if let Some(credentials) = credentials(&request.url).filter(|_| !given("authorization")) {
        line("Authorization", &credentials);
    }
    if let Some(body) = &request.body
        && !given("content-length")
        && !given("transfer-encoding")
    {
        line("Content-Length", &body.len().to_string());
    }
    if !given("connection") {
        line("Connection", "close");
    }
    out.push_str("\r\n");
    let mut out = out.into_bytes();
    if let Some(body) = &request.body {
        out.extend_from_slice(body);
    }
    Ok(out)
}

/// Bytes of the body at the end of [`bytes`].
pub(super) fn body_len(request: &Request) -> usize {
    request.body.as_ref().map_or(0, bytes::Bytes::len)
}

/// True when the body is to be kept back until the server wants it.
pub(super) fn expects_continue(request: &Request) -> bool {
    request.body.is_some()
        && request.headers.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("expect") && value.eq_ignore_ascii_case("100-continue")
        })
}

fn breaks_line(text: &str) -> bool {
    text.contains(['\r', '\n', '\0'])
}

/// Host, and the port where it is not the scheme's own.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Basic credentials of a URL that holds some, as every HTTP client sends them.
fn credentials(url: &Url) -> Option<String> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut pair = decoded(url.username());
    pair.push(b':');
    pair.extend(decoded(url.password().unwrap_or_default()));
    Some(format!("Basic {}", STANDARD.encode(pair)))
}

fn decoded(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match byte.filter(|_| *first == b'%') {
            Some(byte) => {
                out.push(byte);
                rest = &after[2..];
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(request: &Request) -> Result<String, Failure> {
        bytes(request, "test").map(|bytes| String::from_utf8(bytes).unwrap())
    }

    fn get(target: &str) -> Request {
        let url = Url::parse("http://shop.example:8080/base").unwrap();
        Request::get(url).with_target(target)
    }

    #[test]
    fn what_is_given_stands_and_what_is_missing_is_added() {
        let request = get("//a\\b/%zz?x=%2F")
            .with_header("X-PayMent", "1 ")
            .with_header("x-payment", "2")
            .with_body("{}");
        assert_eq!(
            written(&request).unwrap(),
            "GET //a\\b/%zz?x=%2F HTTP/1.1\r\nHost: shop.example:8080\r\nX-PayMent: 1 \r\nx-payment: 2\r\n\
             User-Agent: test\r\nAccept: */*\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
        );
        let own = get("*")
            .with_header("HOST", "other")
            .with_header("Content-Length", "9")
            .with_header("accept", "a/b")
            .with_header("User-agent", "me")
            .with_header("connection", "keep-alive")
            .with_body("abc");
        let text = written(&own).unwrap();
        assert!(
            text.ends_with("connection: keep-alive\r\n\r\nabc"),
            "{text}"
        );
        assert_eq!(text.matches("\r\n").count(), 7, "{text}");
    }

    #[test]
    fn credentials_of_the_url_are_sent_as_every_client_does() {
        let url = Url::parse("http://us%20er:p%40ss@shop.example/").unwrap();
        let text = written(&Request::get(url.clone())).unwrap();
        let expected = STANDARD.encode("us er:p@ss");
        assert!(text.contains(&format!("Authorization: Basic {expected}\r\n")));
        let own = Request::get(url).with_header("Authorization", "Bearer x");
        assert!(!written(&own).unwrap().contains("Basic"));
    }

    #[test]
    fn what_would_be_another_message_is_not_sent() {
        for request in [
            get("/a\r\nX: 1"),
            get(""),
            get("/").with_header("X", "a\nb"),
            get("/").with_header("X\r", "a"),
            get("/").with_header("", "a"),
        ] {
            let failure = written(&request).unwrap_err();
            assert!(failure.message.contains("cannot be sent"), "{failure:?}");
        }
    }
}
