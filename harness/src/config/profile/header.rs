//! Headers the target wants on every request, or on one route.

use http::{HeaderName, HeaderValue, header};

use super::Secret;
use crate::config::yaml::View;

/// A header to send; its value is a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The name, lower case.
    pub name: HeaderName,
    /// The value; always a valid header value.
    pub value: Secret,
}

/// Headers the bench writes itself; a profile's value would break the request or the payment.
const OWN: [&str; 7] = [
    "connection",
    "content-length",
    "transfer-encoding",
    "upgrade",
    "x-payment",
    "payment-signature",
    "te",
];

impl Header {
    /// Checks a name and a value; the error never shows the value.
    pub fn new(name: &str, value: &str) -> Result<Self, String> {
        let parsed: HeaderName = name.parse().map_err(|_| {
            format!("`{name}` is not a header name; use letters, digits and `-` only")
        })?;
        if OWN.contains(&parsed.as_str()) {
            return Err(format!("the bench sends `{name}` itself; remove it"));
        }
        HeaderValue::from_str(value).map_err(|_| {
            format!("the value of `{name}` holds a line break or control character")
        })?;
        Ok(Self {
            name: parsed,
            value: Secret::new(value),
        })
    }

    /// Reads `Name: value`, as `-H` takes it.
    pub fn parse(line: &str) -> Result<Self, String> {
        let Some((name, value)) = line.split_once(':') else {
            return Err("a header is written `Name: value`; there is no colon in it".into());
        };
        Self::new(name.trim(), value.trim())
    }

    /// Whether the value says only what kind of body is sent or wanted.
    pub fn is_plain(&self) -> bool {
        self.name == header::CONTENT_TYPE || self.name == header::ACCEPT
    }

    /// The value, and for `Scheme credentials` the credentials alone too.
    pub(super) fn secret_texts(&self) -> Vec<String> {
        let value = self.value.expose();
        let credentials = value.split_once(' ').map(|(_, rest)| rest.trim());
        std::iter::once(value)
            .chain(credentials)
            .map(str::to_owned)
            .collect()
    }
}

/// Reads a map of headers; names that differ only in case count as twice the same.
pub(super) fn decode_headers(view: &View<'_>) -> Vec<Header> {
    let Some(map) = view.as_map() else {
        return Vec::new();
    };
    let mut headers: Vec<Header> = Vec::new();
    for (name, _, value) in map.entries() {
        let Some(text) = value.as_text() else {
            continue;
        };
        match Header::new(name, text) {
            Ok(header) if headers.iter().any(|given| given.name == header.name) => {
                value.problem("is given twice; header names ignore case");
            }
            Ok(header) => headers.push(header),
            Err(message) => value.problem(message),
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_split_at_the_first_colon() {
        let header = Header::parse("Referer: http://x/y").unwrap();
        assert_eq!(header.name, "referer");
        assert_eq!(header.value.expose(), "http://x/y");
        assert_eq!(Header::parse("X-Empty:").unwrap().value.expose(), "");
    }

    #[test]
    fn bad_headers_are_refused_without_showing_the_value() {
        assert!(
            Header::parse("Authorization Bearer s3cret")
                .unwrap_err()
                .contains("no colon")
        );
        assert!(
            Header::parse("bad name: x")
                .unwrap_err()
                .contains("not a header name")
        );
        assert!(
            Header::parse(": x")
                .unwrap_err()
                .contains("not a header name")
        );
        assert!(
            Header::new("X-PAYMENT", "x")
                .unwrap_err()
                .contains("itself")
        );
        let message = Header::new("X-Token", "s3cret\nX-Evil: 1").unwrap_err();
        assert!(
            message.contains("line break") && !message.contains("s3cret"),
            "{message}"
        );
    }

    #[test]
    fn debug_output_hides_the_value() {
        let header = Header::parse("Authorization: Bearer s3cret").unwrap();
        assert!(!format!("{header:?}").contains("s3cret"));
        assert_eq!(header.secret_texts(), ["Bearer s3cret", "s3cret"]);
    }
}
