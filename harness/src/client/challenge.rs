//! Reading a 402 challenge out of an answer (wire-format sections 2.1, 2.2, 3.1).

use serde_json::Value;
use x402_assay_protocol::header::{Decoded, Encoding, HeaderError, PAYMENT_REQUIRED};
use x402_assay_protocol::problem::type_name;
use x402_assay_protocol::{Challenge, Version, header};

use crate::http::Response;

/// A challenge that could be read, whatever is wrong with its members.
#[derive(Debug, Clone)]
pub struct ReadChallenge {
    /// The challenge, with its problems.
    pub challenge: Challenge,
    /// How the header was encoded; anything but `Standard` is a finding. `None` for a body (v1).
    pub encoding: Option<Encoding>,
}

/// Why there is no challenge to read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// v2: no `PAYMENT-REQUIRED` header.
    #[error("there is no PAYMENT-REQUIRED header")]
    NoHeader,
    /// v2: more than one `PAYMENT-REQUIRED` header.
    #[error("there are {0} PAYMENT-REQUIRED headers, not one")]
    SeveralHeaders(usize),
    /// v2: the header's value cannot be read.
    #[error("PAYMENT-REQUIRED: {0}")]
    Header(#[from] HeaderError),
    /// v1: the body is empty.
    #[error("the body is empty")]
    EmptyBody,
    /// v1: the body is larger than the bench keeps.
    #[error("the body is too large: {0} bytes or more")]
    BodyTooLarge(u64),
    /// v1: the body is no JSON.
    #[error("the body is not JSON: {0}")]
    BodyNotJson(String),
    /// v1: JSON, and no object.
    #[error("the body is {0}, not an object")]
    BodyNotObject(&'static str),
    /// v1: an object that is something else, such as the empty body of a v2 server.
    #[error("the body holds neither `x402Version` 1 nor `accepts`")]
    OtherBody,
}

impl Unreadable {
    /// True when the answer holds no challenge of that generation at all, rather than a broken one.
    pub const fn is_absent(&self) -> bool {
        matches!(
            self,
            Self::NoHeader | Self::EmptyBody | Self::OtherBody | Self::BodyNotJson(_)
        )
    }
}

/// Reads the challenge of one generation out of an answer.
///
/// # Errors
/// Says why it cannot be read.
pub fn read(version: Version, response: &Response) -> Result<ReadChallenge, Unreadable> {
    match version {
        Version::V2 => {
            let values: Vec<&[u8]> = response.headers.all(PAYMENT_REQUIRED).collect();
            read_v2(&values)
        }
        Version::V1 => match response.truncated_from {
            Some(bytes) => Err(Unreadable::BodyTooLarge(bytes)),
            None => read_v1(&response.body),
        },
    }
}

/// Generations of which the answer holds a challenge, readable or broken: v2 first, as clients look for it.
pub fn detect(response: &Response) -> Vec<Version> {
    [Version::V2, Version::V1]
        .into_iter()
        .filter(|version| match read(*version, response) {
            Ok(_) => true,
            Err(error) => !error.is_absent(),
        })
        .collect()
}

/// Reads a v2 challenge from the values of all `PAYMENT-REQUIRED` headers.
///
/// # Errors
/// Says why it cannot be read.
pub fn read_v2(values: &[&[u8]]) -> Result<ReadChallenge, Unreadable> {
    let value = match values {
        [] => return Err(Unreadable::NoHeader),
        [value] => value,
        several => return Err(Unreadable::SeveralHeaders(several.len())),
    };
    let Decoded {
        value, encoding, ..
    } = header::decode(value)?;
    Ok(ReadChallenge {
        challenge: Challenge::read(Version::V2, value),
        encoding: Some(encoding),
    })
}

/// Reads a v1 challenge from a body.
///
/// # Errors
/// Says why it cannot be read.
pub fn read_v1(body: &[u8]) -> Result<ReadChallenge, Unreadable> {
    if body.trim_ascii().is_empty() {
        return Err(Unreadable::EmptyBody);
    }
    let value: Value =
        serde_json::from_slice(body).map_err(|error| Unreadable::BodyNotJson(error.to_string()))?;
    if !value.is_object() {
        return Err(Unreadable::BodyNotObject(type_name(&value)));
    }
    let version = value.get("x402Version");
    // A v2 server may repeat its challenge in the body: that is no v1 challenge.
    let other = match version.and_then(Value::as_u64) {
        Some(2) => true,
        Some(_) => false,
        None => version.is_none() && value.get("accepts").is_none(),
    };
    if other {
        return Err(Unreadable::OtherBody);
    }
    Ok(ReadChallenge {
        challenge: Challenge::read(Version::V1, value),
        encoding: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::testing::{offer_v1, offer_v2};
    use serde_json::json;
    use x402_assay_protocol::header::{encode, encode_bytes};

    fn v2(value: &str) -> Result<ReadChallenge, Unreadable> {
        read_v2(&[value.as_bytes()])
    }

    #[test]
    fn a_good_v2_challenge_has_no_problems() {
        let challenge = json!({
            "x402Version": 2,
            "resource": { "url": "http://localhost/paid" },
            "accepts": [offer_v2()],
        });
        let read = v2(&encode(&challenge)).unwrap();
        assert_eq!(read.encoding, Some(Encoding::Standard));
        assert_eq!(read.challenge.problems, []);
        assert_eq!(read.challenge.accepts.len(), 1);
    }

    #[test]
    fn a_good_v1_challenge_has_no_problems() {
        let challenge = json!({ "x402Version": 1, "error": "pay", "accepts": [offer_v1()] });
        let read = read_v1(challenge.to_string().as_bytes()).unwrap();
        assert_eq!(read.challenge.problems, []);
        assert_eq!(read.encoding, None);
    }

    #[test]
    fn each_unreadable_v2_header_has_its_own_reason() {
        assert_eq!(read_v2(&[]).unwrap_err(), Unreadable::NoHeader);
        assert_eq!(
            read_v2(&[b"a", b"b"]).unwrap_err(),
            Unreadable::SeveralHeaders(2)
        );
        let reason = |value: &str| match v2(value).unwrap_err() {
            Unreadable::Header(error) => error,
            other => panic!("{other}"),
        };
        assert!(matches!(reason("!!!"), HeaderError::NotBase64(_)));
        assert!(matches!(
            reason(&encode_bytes(b"no")),
            HeaderError::NotJson(_)
        ));
        assert!(matches!(
            reason(&encode_bytes(b"[]")),
            HeaderError::NotObject("an array")
        ));
        assert!(matches!(
            read_v2(&[b"caf\xe9"]).unwrap_err(),
            Unreadable::Header(HeaderError::NotBase64(_))
        ));
    }

    #[test]
    fn a_base64url_header_is_read_and_noted() {
        let text = "{\"x402Version\":2,\"error\":\"???\u{ff}\"}";
        let url_safe = encode_bytes(text.as_bytes())
            .replace('/', "_")
            .replace('+', "-");
        assert!(url_safe.contains('_'));
        assert_eq!(v2(&url_safe).unwrap().encoding, Some(Encoding::UrlSafe));
    }

    #[test]
    fn each_unreadable_v1_body_has_its_own_reason() {
        assert_eq!(read_v1(b" ").unwrap_err(), Unreadable::EmptyBody);
        assert!(matches!(
            read_v1(b"<html>"),
            Err(Unreadable::BodyNotJson(_))
        ));
        assert_eq!(
            read_v1(b"[]").unwrap_err(),
            Unreadable::BodyNotObject("an array")
        );
        assert_eq!(read_v1(b"{}").unwrap_err(), Unreadable::OtherBody);
        let v2_in_body = br#"{"x402Version":2,"accepts":[]}"#;
        assert_eq!(read_v1(v2_in_body).unwrap_err(), Unreadable::OtherBody);
        let wrong_version = read_v1(br#"{"x402Version":"1","accepts":[]}"#).unwrap();
        assert!(
            wrong_version
                .challenge
                .problems
                .iter()
                .any(|p| p.path == "x402Version")
        );
    }

    #[test]
    fn the_generations_of_an_answer_are_detected() {
        let response = |header: Option<&str>, body: &'static str| Response {
            status: 402,
            headers: header
                .map(|value| ("payment-required".to_owned(), value.as_bytes().to_vec()))
                .into_iter()
                .collect(),
            body: bytes::Bytes::from_static(body.as_bytes()),
            truncated_from: None,
            cut_off: false,
        };
        assert_eq!(detect(&response(Some("!broken!"), "{}")), [Version::V2]);
        assert_eq!(
            detect(&response(None, r#"{"x402Version":1}"#)),
            [Version::V1]
        );
        assert_eq!(
            detect(&response(Some("e30="), r#"{"x402Version":1}"#)),
            [Version::V2, Version::V1]
        );
        assert_eq!(detect(&response(None, "<html>")), []);
    }
}
