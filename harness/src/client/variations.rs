//! Payments that are wrong on purpose, as data. All are validly signed for what they claim, unless they say otherwise.

use alloy_primitives::{Address, U256, address};
use serde_json::{Value, json};
use x402_assay_protocol::Version;
use x402_assay_protocol::network::{self, NETWORKS};
use x402_assay_protocol::write::{Mutation, encode_mutated};

use super::choose::Choice;
use super::claims::{self, Claim};
use super::payer::Payer;
use super::sign::{SignOptions, SignedPayment, sign};

/// A recipient, and a token without code, that belongs to nobody.
pub const STRANGER: Address = address!("57a46e5257a46e5257a46e5257a46e5257a46e52");

/// How far wrong times lie from now, in seconds.
const EXPIRED_SINCE: u64 = 60;
const VALID_IN: u64 = 3600;

/// One wrong payment.
#[derive(Debug, Clone, Copy)]
pub struct Variation {
    /// Stable name, for example `amount-low`.
    pub name: &'static str,
    /// What is wrong with it.
    pub about: &'static str,
    /// Generations it makes sense for.
    pub versions: &'static [Version],
    /// What is done.
    pub how: How,
}

/// What makes a payment wrong. A *claim* is what the message says beside the signed authorization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Half the amount is signed, and with `claimed` also claimed.
    AmountLow {
        /// Whether `accepted` says so too.
        claimed: bool,
    },
    /// A stranger is paid, and with `claimed` also claimed.
    PayTo {
        /// Whether `accepted` says so too.
        claimed: bool,
    },
    /// Another token is claimed and signed for.
    Asset,
    /// `validBefore` lies a minute back.
    Expired,
    /// `validAfter` lies an hour ahead.
    NotYetValid,
    /// One byte of the signature is changed.
    SignatureFlipped,
    /// Another network is claimed and signed for.
    Network,
    /// An unknown scheme is claimed.
    Scheme,
    /// The message says something beside what is signed.
    Claim(Claim),
    /// The header does not hold a whole payment.
    Malformed(Malformed),
}

/// How a header value is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// This text, not base64.
    Text(&'static str),
    /// Base64 of this text.
    Encoded(&'static str),
    /// The good value, cut in the middle.
    Truncated,
    /// The member at this pointer is removed.
    Without(&'static str),
    /// `value` is a JSON number.
    NumberForString,
}

/// Why a variation cannot be made of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotVary {
    /// The variation makes no sense for the offer's generation.
    #[error("{0} does not apply to {1}")]
    Version(&'static str, Version),
    /// An amount of zero cannot be lowered.
    #[error("the offered amount is 0 and cannot be changed")]
    AmountZero,
    /// What would be changed is not there.
    #[error("there is no {0} to change")]
    Without(&'static str),
}

const BOTH: &[Version] = &[Version::V1, Version::V2];
const V2: &[Version] = &[Version::V2];
const V1: &[Version] = &[Version::V1];

pub(super) const fn row(
    name: &'static str,
    versions: &'static [Version],
    how: How,
    about: &'static str,
) -> Variation {
    Variation {
        name,
        about,
        versions,
        how,
    }
}

/// Well-formed payments with wrong terms.
pub const VARIATIONS: &[Variation] = &[
    row(
        "amount-low",
        V2,
        How::AmountLow { claimed: true },
        "half the amount is claimed and signed",
    ),
    row(
        "amount-low-unclaimed",
        BOTH,
        How::AmountLow { claimed: false },
        "half the amount is signed",
    ),
    row(
        "pay-to",
        V2,
        How::PayTo { claimed: true },
        "a stranger is claimed and signed as the recipient",
    ),
    row(
        "pay-to-unclaimed",
        BOTH,
        How::PayTo { claimed: false },
        "a stranger is signed as the recipient",
    ),
    row(
        "asset",
        V2,
        How::Asset,
        "another token is claimed and signed for",
    ),
    row(
        "asset-unclaimed",
        V1,
        How::Asset,
        "another token is signed for",
    ),
    row(
        "expired",
        BOTH,
        How::Expired,
        "the authorization ended a minute ago",
    ),
    row(
        "not-yet-valid",
        BOTH,
        How::NotYetValid,
        "the authorization starts in an hour",
    ),
    row(
        "signature-flipped",
        BOTH,
        How::SignatureFlipped,
        "one byte of the signature is changed",
    ),
    row(
        "network",
        BOTH,
        How::Network,
        "another network is claimed and signed for",
    ),
    row("scheme", BOTH, How::Scheme, "the scheme `bogus` is claimed"),
];

/// Header values that hold no whole payment.
pub const MALFORMED: &[Variation] = &[
    broken(
        "not-base64",
        BOTH,
        Malformed::Text("!!!not-base64!!!"),
        "the value is not base64",
    ),
    broken(
        "not-json",
        BOTH,
        Malformed::Encoded("x402, but no JSON"),
        "base64 of text that is no JSON",
    ),
    broken(
        "json-array",
        BOTH,
        Malformed::Encoded("[]"),
        "base64 of an array",
    ),
    broken(
        "json-null",
        BOTH,
        Malformed::Encoded("null"),
        "base64 of null",
    ),
    broken(
        "json-string",
        BOTH,
        Malformed::Encoded("\"x\""),
        "base64 of a string",
    ),
    broken(
        "empty-object",
        BOTH,
        Malformed::Encoded("{}"),
        "base64 of an empty object",
    ),
    broken(
        "truncated-base64",
        BOTH,
        Malformed::Truncated,
        "a good value cut in the middle",
    ),
    broken(
        "missing-accepted",
        V2,
        Malformed::Without("/accepted"),
        "`accepted` is missing",
    ),
    broken(
        "missing-scheme",
        V1,
        Malformed::Without("/scheme"),
        "`scheme` is missing",
    ),
    broken(
        "missing-payload",
        BOTH,
        Malformed::Without("/payload"),
        "`payload` is missing",
    ),
    broken(
        "missing-authorization",
        BOTH,
        Malformed::Without("/payload/authorization"),
        "`payload.authorization` is missing",
    ),
    broken(
        "missing-signature",
        BOTH,
        Malformed::Without("/payload/signature"),
        "`payload.signature` is missing",
    ),
    broken(
        "number-for-string",
        BOTH,
        Malformed::NumberForString,
        "`payload.authorization.value` is a number",
    ),
];

const fn broken(
    name: &'static str,
    versions: &'static [Version],
    how: Malformed,
    about: &'static str,
) -> Variation {
    row(name, versions, How::Malformed(how), about)
}

/// Signs the wrong payment for an offer; see [`sign`] for `resource` and `now`.
///
/// # Errors
/// When the variation does not apply to the offer.
pub fn vary(
    variation: &Variation,
    payer: &Payer,
    choice: &Choice,
    resource: Option<&Value>,
    now: u64,
) -> Result<SignedPayment, CannotVary> {
    let version = choice.offer.version;
    if !variation.versions.contains(&version) {
        return Err(CannotVary::Version(variation.name, version));
    }
    let mut options = SignOptions::default();
    match variation.how {
        How::AmountLow { claimed } => lower_amount(&mut options, choice, claimed)?,
        How::PayTo { claimed } => {
            options.to = Some(STRANGER);
            claim(&mut options, claimed, "payTo", STRANGER.to_checksum(None));
        }
        How::Asset => {
            options.asset = Some(STRANGER);
            let claimed = version == Version::V2;
            claim(&mut options, claimed, "asset", STRANGER.to_checksum(None));
        }
        How::Expired => options.valid_before = Some(now.saturating_sub(EXPIRED_SINCE)),
        How::NotYetValid => {
            options.valid_after = Some(now + VALID_IN);
            options.valid_before = Some(now + 2 * VALID_IN);
        }
        How::SignatureFlipped => options.flip_signature_byte = true,
        How::Network => other_network(&mut options, choice),
        How::Claim(claim) => claims::apply(claim, &mut options, choice, resource)?,
        How::Scheme => set_top(&mut options, version, "scheme", json!("bogus")),
        How::Malformed(Malformed::Text(text)) => {
            options.mutations.push(Mutation::Raw(text.to_owned()));
        }
        How::Malformed(Malformed::Encoded(text)) => {
            options
                .mutations
                .push(Mutation::Bytes(text.as_bytes().to_vec()));
        }
        How::Malformed(Malformed::Without(pointer)) => {
            options.mutations.push(Mutation::Remove(pointer.to_owned()));
        }
        How::Malformed(Malformed::NumberForString) => {
            let value = choice.terms.amount.saturating_to::<u64>();
            let pointer = "/payload/authorization/value".to_owned();
            options.mutations.push(Mutation::Set(pointer, json!(value)));
        }
        How::Malformed(Malformed::Truncated) => {}
    }
    let mut signed = sign(payer, choice, resource, now, &options);
    if variation.how == How::Malformed(Malformed::Truncated) {
        // One character over a multiple of four: broken as base64 and as JSON, with and without padding.
        let cut = signed.header_value.len() / 2 / 4 * 4 + 1;
        let text = signed.header_value[..cut].to_owned();
        signed.header_value = encode_mutated(&signed.message, &[Mutation::Raw(text)]);
    }
    Ok(signed)
}

fn lower_amount(
    options: &mut SignOptions,
    choice: &Choice,
    claimed: bool,
) -> Result<(), CannotVary> {
    if choice.terms.amount.is_zero() {
        return Err(CannotVary::AmountZero);
    }
    let value = choice.terms.amount / U256::from(2);
    options.value = Some(value);
    claim(options, claimed, "amount", value.to_string());
    Ok(())
}

fn claim(options: &mut SignOptions, claimed: bool, member: &str, value: String) {
    if claimed {
        let pointer = format!("/accepted/{member}");
        options.mutations.push(Mutation::Set(pointer, json!(value)));
    }
}

fn other_network(options: &mut SignOptions, choice: &Choice) {
    let version = choice.offer.version;
    let here = choice.terms.domain.chain_id;
    let (other, v1_name) = NETWORKS
        .iter()
        .filter(|network| network.chain_id != here)
        .find_map(|network| Some((network.chain_id, network.v1_name?)))
        .expect("the table names several networks with a v1 name");
    options.chain_id = Some(other);
    let name = match version {
        Version::V1 => v1_name.to_owned(),
        Version::V2 => network::caip2(other),
    };
    set_top(options, version, "network", json!(name));
}

/// Sets scheme or network where the generation carries it.
fn set_top(options: &mut SignOptions, version: Version, member: &str, value: Value) {
    let pointer = match version {
        Version::V1 => format!("/{member}"),
        Version::V2 => format!("/accepted/{member}"),
    };
    options.mutations.push(Mutation::Set(pointer, value));
}

#[cfg(test)]
mod tests;
