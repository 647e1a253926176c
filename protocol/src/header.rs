//! Payment headers: base64 of one UTF-8 JSON object (wire-format sections 2.1 and 2.2).

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use serde_json::Value;

/// v2 challenge, server to client.
pub const PAYMENT_REQUIRED: &str = "PAYMENT-REQUIRED";
/// v2 payment, client to server.
pub const PAYMENT_SIGNATURE: &str = "PAYMENT-SIGNATURE";
/// v2 settlement, server to client.
pub const PAYMENT_RESPONSE: &str = "PAYMENT-RESPONSE";
/// v1 payment, client to server.
pub const X_PAYMENT: &str = "X-PAYMENT";
/// v1 settlement, server to client.
pub const X_PAYMENT_RESPONSE: &str = "X-PAYMENT-RESPONSE";

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

/// How a header value was encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Standard alphabet with padding: what the protocol asks for.
    Standard,
    /// Standard alphabet, padding absent or odd.
    Unpadded,
    /// URL-safe alphabet.
    UrlSafe,
}

/// A decoded header value, with the bytes that it held.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// The JSON object.
    pub value: Value,
    /// The decoded bytes, before JSON.
    pub bytes: Vec<u8>,
    /// How the value was encoded; anything but `Standard` is a finding.
    pub encoding: Encoding,
}

/// Why a header value cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Not base64 in any alphabet.
    #[error("the value is not base64: {0}")]
    NotBase64(String),
    /// Base64 of something that is no JSON.
    #[error("the decoded value is not JSON: {0}")]
    NotJson(String),
    /// JSON, and no object.
    #[error("the decoded JSON is {0}, not an object")]
    NotObject(&'static str),
}

/// Encodes a message for a header: padded standard base64 of compact JSON.
pub fn encode(message: &Value) -> String {
    STANDARD.encode(message.to_string())
}

/// Encodes arbitrary bytes the way a header does; for messages that are invalid on purpose.
pub fn encode_bytes(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Decodes a header value, strictly first and then leniently.
///
/// # Errors
/// When the value is no base64, the content no JSON, or the JSON no object.
pub fn decode(raw: &[u8]) -> Result<Decoded, HeaderError> {
    let raw = raw.trim_ascii();
    let (bytes, encoding) = decode_base64(raw)?;
    let value: Value =
        serde_json::from_slice(&bytes).map_err(|error| HeaderError::NotJson(error.to_string()))?;
    if value.is_object() {
        Ok(Decoded {
            value,
            bytes,
            encoding,
        })
    } else {
        Err(HeaderError::NotObject(crate::problem::type_name(&value)))
    }
}

fn decode_base64(raw: &[u8]) -> Result<(Vec<u8>, Encoding), HeaderError> {
    let strict = match STANDARD.decode(raw) {
        Ok(bytes) => return Ok((bytes, Encoding::Standard)),
        Err(error) => error,
    };
    for (alphabet, encoding) in [
        (&alphabet::STANDARD, Encoding::Unpadded),
        (&alphabet::URL_SAFE, Encoding::UrlSafe),
    ] {
        if let Ok(bytes) = GeneralPurpose::new(alphabet, LENIENT).decode(raw) {
            return Ok((bytes, encoding));
        }
    }
    Err(HeaderError::NotBase64(strict.to_string()))
}
