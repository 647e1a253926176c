//! Payments that are validly signed and say something else beside it: about their own version, or about the agreed terms.
//! Most of them are open questions of the specification; what a server does with them is judged or recorded.

use alloy_primitives::U256;
use serde_json::{Value, json};
use url::Url;
use x402_assay_protocol::eip3009::parse_address;
use x402_assay_protocol::write::Mutation;
use x402_assay_protocol::{Version, network};

use super::choose::Choice;
use super::sign::SignOptions;
use super::variations::{CannotVary, How, Variation, row};

const V1: &[Version] = &[Version::V1];
const V2: &[Version] = &[Version::V2];
/// Path of a resource that nobody sells.
const ELSEWHERE: &str = "/x402-assay/another-resource";

/// What a payment says beside what it signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// `x402Version` is this JSON.
    Version(&'static str),
    /// A message of the first generation, with the network named as v1 does or (`true`) as v2 does.
    V1Shape(bool),
    /// Twice the amount is claimed and signed.
    AmountHigh,
    /// The addresses of `accepted` are written in other letter case.
    AddressCase,
    /// `maxTimeoutSeconds` of `accepted` is another number.
    MaxTimeout,
    /// `extra` of `accepted` holds one member more.
    ExtraAdded,
    /// `extra.name` of `accepted` is another one; the offered one is signed for.
    ExtraChanged,
    /// `resource.url` names another resource of the same server.
    OtherResource,
    /// There is no `resource`.
    NoResource,
}

/// Payments that lie about the version of their message.
pub const VERSION_CLAIMS: &[Variation] = &[
    claim("0", V2, Claim::Version("0"), "`x402Version` is 0"),
    claim("3", V2, Claim::Version("3"), "`x402Version` is 3"),
    claim("99", V2, Claim::Version("99"), "`x402Version` is 99"),
    claim(
        "text",
        V2,
        Claim::Version("\"2\""),
        "`x402Version` is the text \"2\"",
    ),
    claim("null", V2, Claim::Version("null"), "`x402Version` is null"),
    claim(
        "v1-shape",
        V2,
        Claim::V1Shape(false),
        "a v1 message in the v2 header",
    ),
    claim(
        "v1-shape-caip2",
        V2,
        Claim::V1Shape(true),
        "a v1 message in the v2 header that names the network as v2 does",
    ),
    claim(
        "v1-99",
        V1,
        Claim::Version("99"),
        "`x402Version` of a v1 payment is 99",
    ),
];

/// Payments whose claimed terms differ from the offer in one member.
pub const TERM_CLAIMS: &[Variation] = &[
    claim(
        "amount-high",
        V2,
        Claim::AmountHigh,
        "twice the amount is claimed and signed",
    ),
    claim(
        "address-case",
        V2,
        Claim::AddressCase,
        "`asset` and `payTo` are claimed in other letter case",
    ),
    claim(
        "max-timeout",
        V2,
        Claim::MaxTimeout,
        "another `maxTimeoutSeconds` is claimed",
    ),
    claim(
        "extra-added",
        V2,
        Claim::ExtraAdded,
        "`extra` is claimed with one more member",
    ),
    claim(
        "extra-changed",
        V2,
        Claim::ExtraChanged,
        "another `extra.name` is claimed",
    ),
    claim(
        "other-resource",
        V2,
        Claim::OtherResource,
        "`resource.url` names another resource",
    ),
    claim(
        "no-resource",
        V2,
        Claim::NoResource,
        "there is no `resource`",
    ),
];

const fn claim(
    name: &'static str,
    versions: &'static [Version],
    what: Claim,
    about: &'static str,
) -> Variation {
    row(name, versions, How::Claim(what), about)
}

/// Puts a claim into what will be signed and sent.
pub(super) fn apply(
    claim: Claim,
    options: &mut SignOptions,
    choice: &Choice,
    resource: Option<&Value>,
) -> Result<(), CannotVary> {
    let offer = &choice.offer.raw;
    let mut set = |pointer: &str, value: Value| {
        options
            .mutations
            .push(Mutation::Set(pointer.to_owned(), value));
    };
    match claim {
        Claim::Version(json) => set(
            "/x402Version",
            serde_json::from_str(json).unwrap_or(Value::Null),
        ),
        Claim::V1Shape(caip2) => {
            let v1_name = network::by_chain_id(choice.terms.domain.chain_id)
                .and_then(|network| network.v1_name);
            let name = match v1_name {
                _ if caip2 => offer["network"].clone(),
                Some(name) => json!(name),
                None => return Err(CannotVary::Without("v1 name of its network")),
            };
            set("/x402Version", json!(1));
            set("/scheme", offer["scheme"].clone());
            set("/network", name);
            for member in ["/accepted", "/resource", "/extensions"] {
                options.mutations.push(Mutation::Remove(member.to_owned()));
            }
        }
        Claim::AmountHigh => {
            let value = choice.terms.amount.saturating_mul(U256::from(2));
            if value == choice.terms.amount {
                return Err(CannotVary::AmountZero);
            }
            set("/accepted/amount", json!(value.to_string()));
            options.value = Some(value);
        }
        Claim::AddressCase => {
            for member in ["asset", "payTo"] {
                let text = offer[member].as_str().unwrap_or_default();
                let address = parse_address(text).ok_or(CannotVary::Without("address"))?;
                let lower = format!("{address:#x}");
                let other = match text == lower {
                    true => address.to_checksum(None),
                    false => lower,
                };
                set(&format!("/accepted/{member}"), json!(other));
            }
        }
        Claim::MaxTimeout => {
            let other = choice.terms.max_timeout_seconds.saturating_add(17);
            set("/accepted/maxTimeoutSeconds", json!(other));
        }
        Claim::ExtraAdded => match offer["extra"].is_object() {
            true => set("/accepted/extra/x402AssayNote", json!("unknown")),
            false => set("/accepted/extra", json!({ "x402AssayNote": "unknown" })),
        },
        Claim::ExtraChanged => match offer["extra"]["name"].is_string() {
            true => set("/accepted/extra/name", json!("Another Token")),
            false => return Err(CannotVary::Without("extra.name")),
        },
        Claim::OtherResource => {
            let url = resource.and_then(|resource| resource["url"].as_str());
            let url = url.ok_or(CannotVary::Without("resource.url"))?;
            set("/resource/url", json!(elsewhere(url)));
        }
        Claim::NoResource => {
            resource.ok_or(CannotVary::Without("resource"))?;
            let resource = Mutation::Remove("/resource".to_owned());
            options.mutations.push(resource);
        }
    }
    Ok(())
}

/// Another path of the same server; of a URL that is none, the path alone.
fn elsewhere(url: &str) -> String {
    let Ok(mut other) = Url::parse(url) else {
        return ELSEWHERE.to_owned();
    };
    other.set_path(ELSEWHERE);
    other.set_query(None);
    other.to_string()
}

#[cfg(test)]
mod tests {
    use x402_assay_protocol::header;

    use super::*;
    use crate::client::testing::{NOW, choice, payer};
    use crate::client::{SignedPayment, vary};

    fn resource() -> Value {
        json!({ "url": "http://shop.example/paid?x=1" })
    }

    fn made(variation: &Variation, version: Version) -> (SignedPayment, Value) {
        let resource = resource();
        let resource = (version == Version::V2).then_some(&resource);
        let signed = vary(variation, &payer(), &choice(version), resource, NOW).unwrap();
        let message = header::decode(signed.header_value.as_bytes()).unwrap();
        (signed, message.value)
    }

    fn named(name: &str) -> Value {
        let mut rows = VERSION_CLAIMS.iter().chain(TERM_CLAIMS);
        let row = rows.find(|row| row.name == name).unwrap();
        made(row, row.versions[0]).1
    }

    #[test]
    fn every_claim_changes_the_message_and_leaves_the_signature_good() {
        for variation in VERSION_CLAIMS.iter().chain(TERM_CLAIMS) {
            for version in variation.versions {
                let (signed, message) = made(variation, *version);
                assert_ne!(message, signed.message, "{}", variation.name);
                assert_eq!(message["payload"], signed.message["payload"]);
                let digest = signed
                    .authorization
                    .digest(&signed.terms.domain.separator());
                let signer = signed.signature.recover(&digest);
                assert_eq!(signer, Some(signed.key.payer), "{}", variation.name);
            }
        }
    }

    #[test]
    fn claims_are_what_their_names_say() {
        let offer = choice(Version::V2).offer.raw;
        assert_eq!(named("text")["x402Version"], "2");
        assert_eq!(named("null")["x402Version"], Value::Null);
        let v1 = named("v1-shape");
        assert_eq!((&v1["x402Version"], v1.get("accepted")), (&json!(1), None));
        assert_eq!(v1["network"], "base-sepolia");
        assert_eq!(named("v1-shape-caip2")["network"], offer["network"]);
        let case = named("address-case");
        for member in ["asset", "payTo"] {
            let (ours, theirs) = (&case["accepted"][member], &offer[member]);
            assert_ne!(ours, theirs);
            let [ours, theirs] = [ours, theirs].map(|text| text.as_str().unwrap().to_lowercase());
            assert_eq!(ours, theirs);
        }
        let high = named("amount-high");
        let signed = &high["payload"]["authorization"]["value"];
        assert_eq!(&high["accepted"]["amount"], signed);
        let url = &named("other-resource")["resource"]["url"];
        assert_eq!(url, "http://shop.example/x402-assay/another-resource");
        assert_eq!(named("no-resource").get("resource"), None);
    }

    #[test]
    fn what_the_offer_lacks_cannot_be_changed() {
        let row = TERM_CLAIMS.iter().find(|row| row.name == "no-resource");
        let why = vary(row.unwrap(), &payer(), &choice(Version::V2), None, NOW).unwrap_err();
        assert_eq!(why.to_string(), "there is no resource to change");
    }
}
