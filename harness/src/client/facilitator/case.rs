//! The payments a facilitator is asked about, as data.

use serde_json::{Value, json};
use x402_assay_protocol::Version;

const BOTH: &[Version] = &[Version::V1, Version::V2];
const V2: &[Version] = &[Version::V2];

/// One payment to ask about.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Stable name; probes are `verify/<name>` and `settle/<name>`.
    pub name: &'static str,
    /// What is odd about it, for people.
    pub about: &'static str,
    /// Generations it makes sense for.
    pub versions: &'static [Version],
    /// What an answer should be.
    pub meant: Meant,
    /// What is done.
    pub how: How,
}

/// What an answer should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meant {
    /// No; the reason belongs to this class.
    Refused(&'static str),
    /// Yes.
    Accepted,
    /// The documents leave it open.
    Open,
}

/// What is odd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Nothing.
    Honest,
    /// One byte of the signature is changed.
    SignatureFlipped,
    /// Somebody else's key signs.
    SignatureOfStranger,
    /// The signature's text is this.
    SignatureText(&'static str),
    /// The signature's last byte is missing.
    SignatureCut,
    /// `s` lies in the upper half of the order.
    HighS,
    /// The last byte is 0 or 1 instead of 27 or 28.
    SmallV,
    /// A wallet that is not deployed (ERC-6492).
    Undeployed {
        /// The signature inside is broken.
        broken: bool,
    },
    /// Signed for another chain id.
    SignedChain,
    /// Signed for a token of another name.
    SignedName,
    /// Signed for a token of another version.
    SignedVersion,
    /// Signed for another contract.
    SignedContract,
    /// One base unit less.
    AmountLow,
    /// One base unit more.
    AmountHigh,
    /// Somebody else is paid.
    Recipient,
    /// `validBefore` lies so many seconds from now.
    EndsIn(i64),
    /// `validAfter` lies so many seconds ahead.
    BeginsIn(u64),
    /// The payer holds nothing.
    Poor,
    /// The payment names another scheme than the requirements.
    SchemeOfPayment,
    /// Both name a scheme that nobody has.
    SchemeUnknown,
    /// The payment names another network than the requirements.
    NetworkOfPayment,
    /// Both name a network that nobody has, and it is signed for.
    NetworkUnknown,
    /// Both name the network in the other generation's spelling.
    NetworkSpelling,
    /// Both x402Versions are this number.
    VersionNumber(u64),
    /// The requirements name another token than the one signed for.
    AssetSwapped,
    /// The token has no code, and is signed for.
    AssetWithoutCode,
    /// `extra` names neither name nor version.
    WithoutDomain,
    /// `accepted` says something else than the requirements (v2).
    AcceptedDiffers,
    /// The message is written wrongly.
    Written(Written),
}

/// How a message is written wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Without the member at this pointer.
    Without(&'static str),
    /// With this text at the pointer.
    Text(&'static str, &'static str),
    /// With the amount as a JSON number.
    Number,
    /// With the amount in hex.
    Hex,
    /// With the amount and a fraction.
    Fraction,
    /// The payload is a list.
    List,
}

const fn row(
    name: &'static str,
    versions: &'static [Version],
    meant: Meant,
    how: How,
    about: &'static str,
) -> Case {
    Case {
        name,
        about,
        versions,
        meant,
        how,
    }
}

use Meant::{Accepted, Open, Refused};

/// Well-formed payments.
pub const CASES: &[Case] = &[
    row(
        "signature-flipped",
        BOTH,
        Refused("signature"),
        How::SignatureFlipped,
        "one byte of the signature is changed",
    ),
    row(
        "signature-stranger",
        BOTH,
        Refused("signature"),
        How::SignatureOfStranger,
        "somebody else signed",
    ),
    row(
        "signature-cut",
        BOTH,
        Refused("signature"),
        How::SignatureCut,
        "the signature lacks its last byte",
    ),
    row(
        "signature-empty",
        BOTH,
        Refused("signature"),
        How::SignatureText("0x"),
        "the signature is empty",
    ),
    row(
        "signature-not-hex",
        BOTH,
        Refused("signature"),
        How::SignatureText("not a signature"),
        "the signature is no hex",
    ),
    row(
        "signed-chain",
        BOTH,
        Refused("signature"),
        How::SignedChain,
        "signed for another chain id",
    ),
    row(
        "signed-name",
        BOTH,
        Refused("signature"),
        How::SignedName,
        "signed for a token of another name",
    ),
    row(
        "signed-version",
        BOTH,
        Refused("signature"),
        How::SignedVersion,
        "signed for another version of the token",
    ),
    row(
        "signed-contract",
        BOTH,
        Refused("signature"),
        How::SignedContract,
        "signed for another contract",
    ),
    row(
        "undeployed-broken",
        BOTH,
        Refused("signature"),
        How::Undeployed { broken: true },
        "a wallet that is not deployed, with a broken signature inside",
    ),
    row(
        "amount-low",
        BOTH,
        Refused("amount"),
        How::AmountLow,
        "one base unit less than required is signed",
    ),
    row(
        "amount-high",
        V2,
        Refused("amount"),
        How::AmountHigh,
        "one base unit more than required is signed",
    ),
    row(
        "amount-high-v1",
        &[Version::V1],
        Open,
        How::AmountHigh,
        "one base unit more than required is signed",
    ),
    row(
        "recipient",
        BOTH,
        Refused("recipient"),
        How::Recipient,
        "somebody else than payTo is paid",
    ),
    row(
        "expired-now",
        BOTH,
        Refused("expired"),
        How::EndsIn(-1),
        "the authorization ended a second ago",
    ),
    row(
        "expired-long",
        BOTH,
        Refused("expired"),
        How::EndsIn(-3600),
        "the authorization ended an hour ago",
    ),
    row(
        "not-yet-valid",
        BOTH,
        Refused("not_yet_valid"),
        How::BeginsIn(600),
        "the authorization begins in ten minutes",
    ),
    row(
        "poor",
        BOTH,
        Refused("funds"),
        How::Poor,
        "the payer holds none of the token",
    ),
    row(
        "scheme-of-payment",
        BOTH,
        Refused("scheme"),
        How::SchemeOfPayment,
        "the payment names the scheme `bogus`, the requirements exact",
    ),
    row(
        "scheme-unknown",
        BOTH,
        Refused("scheme"),
        How::SchemeUnknown,
        "payment and requirements name the scheme `bogus`",
    ),
    row(
        "network-of-payment",
        BOTH,
        Refused("network"),
        How::NetworkOfPayment,
        "the payment names another network than the requirements",
    ),
    row(
        "network-unknown",
        BOTH,
        Refused("network"),
        How::NetworkUnknown,
        "payment and requirements name a network that nobody has, and it is signed for",
    ),
    row(
        "network-spelling",
        BOTH,
        Refused("network"),
        How::NetworkSpelling,
        "payment and requirements spell the network as the other generation does",
    ),
    row(
        "version-0",
        BOTH,
        Refused("version"),
        How::VersionNumber(0),
        "x402Version is 0",
    ),
    row(
        "version-3",
        BOTH,
        Refused("version"),
        How::VersionNumber(3),
        "x402Version is 3",
    ),
    row(
        "asset-swapped",
        BOTH,
        Refused("signature"),
        How::AssetSwapped,
        "the requirements name another token than the one signed for",
    ),
    row(
        "asset-without-code",
        BOTH,
        Refused("asset"),
        How::AssetWithoutCode,
        "the token's address has no code",
    ),
    row(
        "without-domain",
        BOTH,
        Open,
        How::WithoutDomain,
        "the requirements name neither extra.name nor extra.version",
    ),
    row(
        "accepted-differs",
        V2,
        Open,
        How::AcceptedDiffers,
        "`accepted` names another amount than requirements and signature",
    ),
    row(
        "ends-soon",
        BOTH,
        Open,
        How::EndsIn(3),
        "the authorization ends in 3 s",
    ),
    row(
        "ends-in-time",
        BOTH,
        Accepted,
        How::EndsIn(40),
        "the authorization ends in 40 s",
    ),
    row(
        "begins-now",
        BOTH,
        Open,
        How::BeginsIn(0),
        "the authorization begins this second",
    ),
    row(
        "begins-soon",
        BOTH,
        Open,
        How::BeginsIn(3),
        "the authorization begins in 3 s",
    ),
    row(
        "long-window",
        BOTH,
        Open,
        How::EndsIn(86_400),
        "the authorization lives for a day, maxTimeoutSeconds for five minutes",
    ),
    row(
        "high-s",
        BOTH,
        Open,
        How::HighS,
        "the signature's s lies in the upper half",
    ),
    row(
        "small-v",
        BOTH,
        Open,
        How::SmallV,
        "the signature's last byte is 0 or 1",
    ),
    row(
        "undeployed",
        BOTH,
        Open,
        How::Undeployed { broken: false },
        "a wallet that is not deployed",
    ),
];

/// Messages that are written wrongly.
pub const MALFORMED_FACILITATOR: &[Case] = &[
    broken(
        "no-signature",
        Written::Without("/payload/signature"),
        "`payload.signature` is missing",
    ),
    broken(
        "no-authorization",
        Written::Without("/payload/authorization"),
        "`payload.authorization` is missing",
    ),
    broken(
        "no-nonce",
        Written::Without("/payload/authorization/nonce"),
        "the authorization has no nonce",
    ),
    broken("payload-list", Written::List, "`payload` is a list"),
    broken("value-number", Written::Number, "`value` is a JSON number"),
    broken("value-hex", Written::Hex, "`value` is written in hex"),
    broken(
        "value-negative",
        Written::Text("/payload/authorization/value", "-10000"),
        "`value` is negative",
    ),
    broken(
        "value-fraction",
        Written::Fraction,
        "`value` has a fraction",
    ),
    broken(
        "value-huge",
        Written::Text(
            "/payload/authorization/value",
            "1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
        ),
        "`value` is above 2^256",
    ),
    broken(
        "from-no-address",
        Written::Text("/payload/authorization/from", "alice"),
        "`from` is no address",
    ),
    broken(
        "nonce-short",
        Written::Text("/payload/authorization/nonce", "0x01"),
        "the nonce has one byte",
    ),
];

const fn broken(name: &'static str, how: Written, about: &'static str) -> Case {
    row(name, BOTH, Refused("malformed"), How::Written(how), about)
}

/// The case with this name.
pub fn find(name: &str) -> Option<&'static Case> {
    let mut all = CASES.iter().chain(MALFORMED_FACILITATOR);
    all.find(|case| case.name == name)
}

impl Case {
    /// True when it must be refused.
    pub const fn is_wrong(&self) -> bool {
        matches!(self.meant, Refused(_))
    }

    /// True when it is written wrongly, and means the very payment that would be right: some read it all the same.
    pub const fn is_lenient(&self) -> bool {
        matches!(
            self.how,
            How::Written(Written::Number | Written::Hex) | How::NetworkSpelling
        )
    }
}

impl Written {
    /// Pointer, and what stands there; nothing to remove it.
    pub(super) fn change(self, amount: u64) -> (&'static str, Option<Value>) {
        let value = "/payload/authorization/value";
        match self {
            Self::Without(pointer) => (pointer, None),
            Self::Text(pointer, text) => (pointer, Some(json!(text))),
            Self::Number => (value, Some(json!(amount))),
            Self::Hex => (value, Some(json!(format!("{amount:#x}")))),
            Self::Fraction => (value, Some(json!(format!("{amount}.5")))),
            Self::List => ("/payload", Some(json!([]))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_lead_back() {
        let all: Vec<&Case> = CASES.iter().chain(MALFORMED_FACILITATOR).collect();
        let names: BTreeSet<&str> = all.iter().map(|case| case.name).collect();
        assert_eq!(names.len(), all.len());
        for case in all {
            assert_eq!(find(case.name).map(|found| found.name), Some(case.name));
        }
    }
}
