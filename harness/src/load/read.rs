//! Reading the answer to a payment: whether it delivers, what its receipt says, why it refuses.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use alloy_primitives::B256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::RETRY_AFTER;
use serde::Deserialize;
use x402_assay_protocol::Version;
use x402_assay_protocol::header::{self, PAYMENT_REQUIRED, PAYMENT_RESPONSE, X_PAYMENT_RESPONSE};
use x402_assay_reports::model::load::class;

use super::connection::Answer;
use super::sale::Said;
use super::tally::class_of;

/// The longest pause a target is granted.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// The pause after a 429 that names no time.
const PAUSE: Duration = Duration::from_secs(1);
/// What reasons of an empty purse have in common.
const NO_FUNDS: &str = "insufficient_funds";

/// What an answer to a payment says.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) class: Cow<'static, str>,
    pub(super) delivered: bool,
    pub(super) has_receipt: bool,
    pub(super) said: Said,
    pub(super) transaction: Option<B256>,
}

/// The members of a receipt that count here.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    success: Option<bool>,
    transaction: Option<String>,
    error_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Refusal {
    error: Option<String>,
}

/// Reads the answer to a payment of this generation.
pub(super) fn answer(answer: &Answer, version: Version, marker: Option<&str>) -> Read {
    let receipt = match version {
        Version::V2 => decoded::<Receipt>(answer, PAYMENT_RESPONSE),
        Version::V1 => decoded::<Receipt>(answer, X_PAYMENT_RESPONSE),
    };
    let delivered = delivers(answer, marker);
    let reason = match (delivered, answer.status) {
        (false, 402) => reason(answer, version, receipt.as_ref()),
        _ => None,
    };
    let class = match reason.as_deref() {
        Some(reason) if reason.contains(NO_FUNDS) => Cow::Borrowed(class::OUT_OF_FUNDS),
        // Whatever stands behind a colon is about this one payment.
        Some(reason) => class_of(402, reason.split(':').next()),
        None => class_of(answer.status, None),
    };
    let said = match &receipt {
        None => Said::Nothing,
        Some(receipt) if receipt.success == Some(true) => Said::Settled,
        Some(receipt) if receipt.success.is_none() || says_used(receipt) => Said::Nothing,
        Some(receipt) if is_pending(receipt) => Said::Pending,
        Some(_) => Said::Failed,
    };
    Read {
        class,
        delivered,
        has_receipt: receipt.is_some(),
        said,
        transaction: receipt
            .and_then(|receipt| receipt.transaction)
            .and_then(|text| text.parse().ok()),
    }
}

/// True when the answer holds the paid content: a success, with the marker where one is known.
pub(super) fn delivers(answer: &Answer, marker: Option<&str>) -> bool {
    if !(200..300).contains(&answer.status) {
        return false;
    }
    let Some(marker) = marker
        .map(str::as_bytes)
        .filter(|marker| !marker.is_empty())
    else {
        return true;
    };
    // Where the rest of the body was not kept, the marker may stand there.
    answer.is_cut() || answer.body.windows(marker.len()).any(|part| part == marker)
}

/// How long the target wants to be left alone: after a 429, and after a 503 that names a time.
pub(super) fn pause(answer: &Answer, now: SystemTime) -> Option<Duration> {
    let named = || {
        let value = answer.headers.get(RETRY_AFTER.as_str())?;
        let value = std::str::from_utf8(value).ok()?.trim();
        if let Ok(seconds) = value.parse::<u64>() {
            return Some(Duration::from_secs(seconds));
        }
        let at = httpdate::parse_http_date(value).ok()?;
        Some(at.duration_since(now).unwrap_or(Duration::ZERO))
    };
    match answer.status {
        429 => Some(named().unwrap_or(PAUSE).min(PAUSE_MAX)),
        _ => None,
    }
}

fn is_pending(receipt: &Receipt) -> bool {
    receipt.error_reason.as_deref() == Some("settlement_pending")
}

/// A refusal because the authorization is used or under way says nothing of whether money moved.
fn says_used(receipt: &Receipt) -> bool {
    let reason = receipt.error_reason.as_deref();
    reason.is_some_and(|reason| {
        reason.contains("nonce_already_used") || reason == "duplicate_settlement"
    })
}

/// A header with an object in it: the fast way, and for odd encodings the one that knows them all.
fn decoded<T: for<'de> Deserialize<'de>>(answer: &Answer, name: &str) -> Option<T> {
    let value = answer.headers.get(name)?;
    if let Ok(bytes) = STANDARD.decode(value)
        && let Ok(read) = serde_json::from_slice(&bytes)
    {
        return Some(read);
    }
    serde_json::from_value(header::decode(value).ok()?.value).ok()
}

fn reason(answer: &Answer, version: Version, receipt: Option<&Receipt>) -> Option<String> {
    let said = receipt.and_then(|receipt| receipt.error_reason.clone());
    said.or_else(|| match version {
        Version::V2 => decoded::<Refusal>(answer, PAYMENT_REQUIRED)?.error,
        Version::V1 => serde_json::from_slice::<Refusal>(&answer.body).ok()?.error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::HeaderMap;
    use serde_json::{Value, json};
    use std::time::Instant;

    fn made(status: u16, headers: &[(&'static str, String)], body: &'static str) -> Answer {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        let now = Instant::now();
        Answer {
            status,
            headers: (&headers).into(),
            body: Bytes::from_static(body.as_bytes()),
            head_at: now,
            done_at: now,
        }
    }

    fn receipt(value: &Value) -> (&'static str, String) {
        ("payment-response", header::encode(value))
    }

    #[test]
    fn a_delivery_is_told_with_its_receipt() {
        let hash = B256::repeat_byte(7);
        let settled = receipt(&json!({ "success": true, "transaction": hash }));
        let bought = made(200, &[settled], "the marker is here");
        let read = answer(&bought, Version::V2, Some("marker"));
        assert_eq!(
            (read.delivered, read.said, read.transaction),
            (true, Said::Settled, Some(hash))
        );
        assert_eq!(read.class, "200");
        let other = answer(&made(200, &[], "nothing"), Version::V2, Some("marker"));
        assert!(!other.delivered && !other.has_receipt);
        assert!(answer(&made(204, &[], ""), Version::V2, None).delivered);
    }

    #[test]
    fn a_refusal_is_told_by_its_reason() {
        let failed =
            receipt(&json!({ "success": false, "errorReason": "nonce_used", "transaction": "" }));
        let read = answer(&made(402, &[failed], "{}"), Version::V2, None);
        assert_eq!(
            (read.class.as_ref(), read.said),
            ("nonce_used", Said::Failed)
        );
        let error = json!({ "x402Version": 2, "error": "insufficient_funds: 0xabc holds 0" });
        let asked = ("payment-required", header::encode(&error));
        let read = answer(&made(402, &[asked], "{}"), Version::V2, None);
        assert_eq!(
            (read.class.as_ref(), read.said),
            (class::OUT_OF_FUNDS, Said::Nothing)
        );
        let v1 = made(402, &[], r#"{"error":"invalid_payload: at 7"}"#);
        assert_eq!(answer(&v1, Version::V1, None).class, "invalid_payload");
        let used = receipt(&json!({ "success": false, "errorReason": "x_nonce_already_used" }));
        assert_eq!(
            answer(&made(402, &[used], "{}"), Version::V2, None).said,
            Said::Nothing
        );
        let pending = receipt(&json!({ "success": false, "errorReason": "settlement_pending" }));
        let read = answer(&made(502, &[pending], ""), Version::V2, None);
        assert_eq!((read.class.as_ref(), read.said), ("502", Said::Pending));
        let garbage = ("payment-response", "%%%".to_owned());
        let read = answer(&made(402, &[garbage], "no json"), Version::V2, None);
        assert_eq!((read.class.as_ref(), read.has_receipt), ("402", false));
    }

    #[test]
    fn pauses_are_asked_for_and_bounded() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let pause_of = |status, value: Option<&str>| {
            let header = value.map(|value| ("retry-after", value.to_owned()));
            let headers: Vec<_> = header.into_iter().collect();
            pause(&made(status, &headers, ""), now)
        };
        assert_eq!(pause_of(429, Some("2")), Some(Duration::from_secs(2)));
        assert_eq!(pause_of(429, Some("999999")), Some(PAUSE_MAX));
        assert_eq!(pause_of(429, Some("soon")), Some(PAUSE));
        assert_eq!(pause_of(429, None), Some(PAUSE));
        let date = httpdate::fmt_http_date(now + Duration::from_secs(3));
        assert_eq!(pause_of(429, Some(&date)), Some(Duration::from_secs(3)));
        assert_eq!(pause_of(200, Some("2")), None);
    }
}
