//! Good payments in unusual headers, and headers that are unusual themselves.

use futures_util::FutureExt as _;
use serde_json::json;
use x402_assay_protocol::write::Mutation;
use x402_assay_protocol::{Version, header};

use super::{Battery, Section};
use crate::http::Request;
use crate::runner::scenario::encode::reencode;
use crate::runner::session::{PaymentHeader, SendError};
use crate::scenario::Encoding;

/// Oversized headers: name and KiB.
const LARGE: [(&str, usize); 3] = [
    ("header/large-8k", 8),
    ("header/large-16k", 16),
    ("header/large-64k", 64),
];
/// Its base64 holds `/` wherever it stands.
const SLASHES: &str = "??????";

pub(super) const SECTION: Section = Section {
    requests: |version| match version {
        Version::V1 => 20,
        Version::V2 => 22,
    },
    run: |battery| headers(battery).boxed(),
};

async fn headers(battery: &Battery<'_>) -> Result<(), SendError> {
    battery.names().await?;
    battery.values().await?;
    let ours = battery.version.payment_header();
    battery
        .pay_as("header/twice", &[], &plain, &|request| {
            let again = payment_of(request, ours).cloned();
            request.headers.extend(again);
            as_it_stands(request);
        })
        .await?;
    if battery.version == Version::V2 {
        battery
            .pay_as("header/foreign-name", &[], &plain, &|request| {
                rename(request, ours, header::X_PAYMENT.to_owned());
            })
            .await?;
    }
    battery.junk("header/empty", String::new()).await?;
    for (name, kib) in LARGE {
        battery.junk(name, "A".repeat(kib << 10)).await?;
        let session = battery.session;
        session
            .send(&battery.probe("header/after-large"), battery.route, None)
            .await?;
    }
    Ok(())
}

impl Battery<'_> {
    /// The header's name in other letter case; an HTTP library writes it in lower case.
    async fn names(&self) -> Result<(), SendError> {
        let ours = self.version.payment_header();
        for (name, written) in [
            ("header/name-upper", ours.to_ascii_uppercase()),
            ("header/name-mixed", mixed(ours)),
        ] {
            let change = |request: &mut Request| {
                rename(request, ours, written.clone());
                as_it_stands(request);
            };
            self.pay_as(name, &[], &plain, &change).await?;
        }
        Ok(())
    }

    /// The same payment in other bytes.
    async fn values(&self) -> Result<(), SendError> {
        let set = |value| Mutation::Set("/assayExtra".to_owned(), json!(value));
        self.pay_as("header/extra-member", &[set("1")], &plain, &|_| {})
            .await?;
        let url_safe = |value: String| value.replace('+', "-").replace('/', "_");
        self.pay_as("header/base64url", &[set(SLASHES)], &url_safe, &|_| {})
            .await?;
        let unpadded = |value: String| reencode(&value, Encoding::Padding);
        self.pay_as("header/unpadded", &[], &unpadded, &|_| {})
            .await
    }

    /// A header that holds no payment.
    async fn junk(&self, name: &str, value: String) -> Result<(), SendError> {
        let header = PaymentHeader {
            authorization: None,
            name: self.version.payment_header(),
            value,
        };
        let session = self.session;
        session
            .send_as(&self.probe(name), self.route, Some(&header), &as_it_stands)
            .await?;
        Ok(())
    }
}

const fn plain(value: String) -> String {
    value
}

/// Has a request sent byte by byte, on a connection of its own.
fn as_it_stands(request: &mut Request) {
    request.target = Some(request.path_and_query());
}

fn payment_of<'r>(request: &'r Request, name: &str) -> Option<&'r (String, String)> {
    let mut headers = request.headers.iter();
    headers.find(|(given, _)| given.eq_ignore_ascii_case(name))
}

fn rename(request: &mut Request, from: &str, to: String) {
    let found = request
        .headers
        .iter_mut()
        .find(|(name, _)| name.eq_ignore_ascii_case(from));
    if let Some((name, _)) = found {
        *name = to;
    }
}

/// Every other letter in upper case.
fn mixed(name: &str) -> String {
    let letters = name.chars().enumerate();
    letters
        .map(|(index, letter)| match index % 2 {
            0 => letter.to_ascii_uppercase(),
            _ => letter.to_ascii_lowercase(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_letter_case_is_mixed_and_url_safe_differs_wherever_the_text_stands() {
        assert_eq!(mixed("X-PAYMENT"), "X-PaYmEnT");
        for before in ["", "a", "ab"] {
            let text = format!("{before}{SLASHES}");
            assert!(header::encode_bytes(text.as_bytes()).contains('/'));
        }
    }
}
