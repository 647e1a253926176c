//! The 402 (wire-format sections 2.1, 3.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use http::header::HeaderValue;
use serde_json::{Value, json};
use x402_assay_protocol::header::{self, PAYMENT_REQUIRED};
use x402_assay_protocol::{Version, write};

use super::defects::Defect;
use super::identifier;
use super::offers::{Ware, offers, resource};
use super::options::MARKER;
use super::page::Page;
use super::shop::Shop;
use super::variants::Variant;

/// Size of the oversized challenges.
const HUGE: usize = 5 << 20;

/// A challenge for a resource, in every generation that is spoken, with `error` in it.
pub(super) fn challenge(shop: &Shop, ware: Ware<'_>, error: &str) -> Page {
    let quote = shop.next_challenge();
    let mut page = match shop.options.speaks(Version::V1) {
        true => v1_body(shop, ware, error, quote),
        false => v2_body(shop, ware, error, quote),
    };
    if shop.has(Defect::ChallengeMissing) {
        page = Page::empty(StatusCode::PAYMENT_REQUIRED);
    } else if shop.options.speaks(Version::V2) {
        add_header(
            shop,
            &mut page,
            &message(shop, Version::V2, ware, error, quote),
        );
    }
    if shop.has(Defect::HugeBody) {
        page.body = vec![b' '; HUGE].into();
    }
    if shop.has(Defect::ChallengeStatus200) {
        page.status = StatusCode::OK;
    } else if shop.has(Defect::ChallengeStatus401) {
        page.status = StatusCode::UNAUTHORIZED;
    }
    shop.cache(&mut page, "no-store");
    page
}

/// The challenge object of one generation.
fn message(shop: &Shop, version: Version, ware: Ware<'_>, error: &str, quote: u64) -> Value {
    let accepts: Vec<Value> = offers(shop, version, ware, quote)
        .into_iter()
        .map(|offer| offer.advertised)
        .collect();
    let mut message = json!({ "x402Version": version.number(), "error": error });
    if version == Version::V2 && !shop.has(Defect::ResourceMissing) {
        message["resource"] = match shop.has(Defect::ResourceElsewhere) {
            true => resource("http://shop.example/catalogue"),
            false => resource(ware.url),
        };
    }
    message["accepts"] = accepts.into();
    if version == Version::V2 {
        message["extensions"] = match shop.does(Variant::NullMembers) {
            true => Value::Null,
            false => json!({ identifier::EXTENSION: identifier::declaration(shop) }),
        };
    }
    if version == Version::V2 && shop.has(Defect::ExtensionBare) {
        message["extensions"]["loyalty"] = json!({ "points": 3 });
    }
    if shop.has(Defect::ChallengePreview) {
        message["preview"] = json!(MARKER);
    }
    if shop.does(Variant::ExtraFields) {
        message["x-shop"] = json!(["reference"]);
    }
    if shop.has(Defect::VersionString) {
        message["x402Version"] = json!(version.number().to_string());
    }
    if shop.has(Defect::VersionWrong) {
        message["x402Version"] = json!(7);
    }
    if shop.has(Defect::AcceptsEmpty) {
        message["accepts"] = json!([]);
    }
    if shop.has(Defect::AcceptsNotArray) {
        let first = message["accepts"][0].take();
        write::set(&mut message, "/accepts", Some(first));
    }
    if shop.has(Defect::ChallengeNotObject) {
        message = json!([message]);
    }
    message
}

fn v1_body(shop: &Shop, ware: Ware<'_>, error: &str, quote: u64) -> Page {
    if shop.has(Defect::V1NotJson) {
        return Page::new(
            StatusCode::PAYMENT_REQUIRED,
            "text/plain",
            "Payment required",
        );
    }
    let body = message(shop, Version::V1, ware, error, quote);
    let page = Page::json(StatusCode::PAYMENT_REQUIRED, &body);
    match shop.has(Defect::V1ContentType) {
        true => page.with("content-type", "text/plain"),
        false => page,
    }
}

fn v2_body(shop: &Shop, ware: Ware<'_>, error: &str, quote: u64) -> Page {
    let status = StatusCode::PAYMENT_REQUIRED;
    if shop.does(Variant::HtmlBody) {
        Page::new(
            status,
            "text/html",
            "<!doctype html><title>Payment required</title>",
        )
    } else if shop.does(Variant::EmptyBody) {
        Page::empty(status)
    } else if shop.does(Variant::BodyMirrorsChallenge) {
        Page::json(status, &message(shop, Version::V2, ware, error, quote))
    } else {
        Page::json(status, &json!({}))
    }
}

fn add_header(shop: &Shop, page: &mut Page, message: &Value) {
    let value = if shop.has(Defect::HugeHeader) {
        "A".repeat(HUGE)
    } else if shop.has(Defect::ChallengeNotBase64) {
        message.to_string()
    } else if shop.has(Defect::ChallengeBase64url) {
        URL_SAFE_NO_PAD.encode(message.to_string())
    } else {
        header::encode(message)
    };
    page.set(PAYMENT_REQUIRED, &value);
    if shop.has(Defect::ChallengeTwice)
        && let Ok(value) = HeaderValue::from_str(&value)
    {
        page.headers
            .append(http::HeaderName::from_static("payment-required"), value);
    }
}
