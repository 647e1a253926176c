//! The 402 challenge: what a server asks for (wire-format sections 3.1 to 3.3).

use alloy_primitives::{Address, U256};
use serde_json::Value;

use crate::eip3009::{TokenDomain, parse_address, parse_decimal};
use crate::network;
use crate::problem::{Problem, Reader, whole_number};
use crate::version::Version;

/// A challenge with all that is wrong with it; reading never fails, it notes.
#[derive(Debug, Clone)]
pub struct Challenge {
    /// Generation it was read as.
    pub version: Version,
    /// The JSON object as it came.
    pub raw: Value,
    /// `error`, when it is a string.
    pub error: Option<String>,
    /// `resource.url` (v2).
    pub resource_url: Option<String>,
    /// The offers, in order.
    pub accepts: Vec<Requirement>,
    /// Everything that differs from the description.
    pub problems: Vec<Problem>,
}

/// One offer of a challenge.
#[derive(Debug, Clone)]
pub struct Requirement {
    /// Generation it was read as.
    pub version: Version,
    /// The JSON object as it came: a client must echo it unchanged.
    pub raw: Value,
}

/// The terms of an offer on an EVM network, in typed form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Network as the offer writes it.
    pub network: String,
    /// Base units.
    pub amount: U256,
    /// Recipient.
    pub pay_to: Address,
    /// Domain of the token: name and version from `extra`, chain id from the network.
    pub domain: TokenDomain,
    /// Seconds an authorization should live.
    pub max_timeout_seconds: u64,
}

/// Why the bench cannot pay an offer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotPayable {
    /// A scheme or network kind the bench has no payer for.
    #[error("no payer for {0}")]
    NoPayer(String),
    /// A member that is needed for signing is missing or wrong.
    #[error("{0}")]
    Unusable(String),
}

impl Challenge {
    /// Reads a challenge object as the given generation.
    pub fn read(version: Version, raw: Value) -> Self {
        let mut problems = Vec::new();
        let mut reader = Reader::new(&raw, "", &mut problems);
        if !reader.is_object() {
            return Self {
                version,
                raw,
                error: None,
                resource_url: None,
                accepts: Vec::new(),
                problems,
            };
        }
        if let Some(number) = reader.number("x402Version")
            && number != version.number()
        {
            reader.refuse("x402Version", format!("{number}, not {}", version.number()));
        }
        let error = match version {
            Version::V1 => reader.string("error"),
            Version::V2 => reader.optional_string("error"),
        };
        let resource = (version == Version::V2)
            .then(|| reader.object("resource"))
            .flatten();
        if version == Version::V2 {
            reader.optional_object("extensions");
        }
        let offers = reader.array("accepts").cloned().unwrap_or_default();
        if raw
            .get("accepts")
            .and_then(Value::as_array)
            .is_some_and(Vec::is_empty)
        {
            problems.push(Problem::wrong_value("accepts", "the array is empty"));
        }
        let resource_url = resource.and_then(|value| {
            let mut reader = Reader::new(value, "resource", &mut problems);
            reader.optional_string("description");
            reader.optional_string("mimeType");
            reader.string("url")
        });
        let accepts = offers
            .into_iter()
            .enumerate()
            .map(|(index, offer)| Requirement::read(version, offer, index, &mut problems))
            .collect();
        Self {
            version,
            raw,
            error,
            resource_url,
            accepts,
            problems,
        }
    }

    /// The `resource` object to echo in a v2 payment, if there is one.
    pub fn resource(&self) -> Option<&Value> {
        self.raw.get("resource").filter(|value| value.is_object())
    }
}

impl Requirement {
    fn read(version: Version, raw: Value, index: usize, problems: &mut Vec<Problem>) -> Self {
        let path = format!("accepts[{index}]");
        if !raw.is_object() {
            problems.push(Problem::wrong_type(path, "an object", &raw));
            return Self { version, raw };
        }
        let mut reader = Reader::new(&raw, &path, problems);
        reader.optional_object("extra");
        reader.string("scheme");
        let network = reader.string("network");
        let cloudflare = network
            .as_deref()
            .is_some_and(|name| name.starts_with("cloudflare:"));
        let amount_field = version.amount_field();
        let amount = if cloudflare && raw.get(amount_field).is_none() {
            None
        } else {
            reader.string(amount_field)
        };
        if let Some(amount) = amount
            && parse_decimal(&amount).is_none()
        {
            reader.refuse(
                amount_field,
                format!("{amount:?} is no decimal integer in base units"),
            );
        }
        reader.string("asset");
        reader.string("payTo");
        if !cloudflare {
            reader.number("maxTimeoutSeconds");
        }
        match version {
            Version::V1 => {
                reader.string("resource");
                reader.string("description");
                reader.optional_string("mimeType");
                reader.optional_object("outputSchema");
            }
            Version::V2 => {
                if let Some(network) = network
                    && !is_caip2(&network)
                {
                    reader.refuse("network", format!("{network:?} is not CAIP-2"));
                }
            }
        }
        Self { version, raw }
    }

    /// An offer from its JSON object, unread.
    pub const fn from_raw(version: Version, raw: Value) -> Self {
        Self { version, raw }
    }

    /// A string member, when it is one.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.raw.get(name).and_then(Value::as_str)
    }

    /// The amount as the offer writes it.
    pub fn amount(&self) -> Option<&str> {
        self.text(self.version.amount_field())
    }

    /// A string member of `extra`.
    pub fn extra_text(&self, name: &str) -> Option<&str> {
        self.raw
            .get("extra")
            .and_then(|extra| extra.get(name))
            .and_then(Value::as_str)
    }

    /// `extra.paymentFlow`, `authorization` when absent (section 1).
    pub fn payment_flow(&self) -> &str {
        self.extra_text("paymentFlow").unwrap_or("authorization")
    }

    /// The typed terms, if the bench can pay this offer with EIP-3009.
    ///
    /// # Errors
    /// Names what is missing, or the scheme and network the bench has no payer for.
    pub fn terms(&self) -> Result<Terms, NotPayable> {
        let scheme = self.text("scheme").unwrap_or_default();
        let network = self.text("network").unwrap_or_default();
        let no_payer = || NotPayable::NoPayer(format!("{scheme} on {network}"));
        let chain_id = network::chain_id(network).ok_or_else(no_payer)?;
        let method = self.extra_text("assetTransferMethod").unwrap_or("eip3009");
        if scheme != "exact" || method != "eip3009" {
            return Err(no_payer());
        }
        self.typed_terms(chain_id)
    }

    /// The terms that every EVM scheme has.
    pub(crate) fn typed_terms(&self, chain_id: u64) -> Result<Terms, NotPayable> {
        let network = self.text("network").unwrap_or_default();
        let unusable = |name: &str| NotPayable::Unusable(format!("{name} is missing or unusable"));
        let amount_field = self.version.amount_field();
        Ok(Terms {
            network: network.to_owned(),
            amount: self
                .amount()
                .and_then(parse_decimal)
                .ok_or_else(|| unusable(amount_field))?,
            pay_to: self
                .text("payTo")
                .and_then(parse_address)
                .ok_or_else(|| unusable("payTo"))?,
            domain: TokenDomain {
                name: self
                    .extra_text("name")
                    .ok_or_else(|| unusable("extra.name"))?
                    .to_owned(),
                version: self
                    .extra_text("version")
                    .ok_or_else(|| unusable("extra.version"))?
                    .to_owned(),
                chain_id,
                verifying_contract: self
                    .text("asset")
                    .and_then(parse_address)
                    .ok_or_else(|| unusable("asset"))?,
            },
            max_timeout_seconds: self
                .raw
                .get("maxTimeoutSeconds")
                .and_then(whole_number)
                .unwrap_or(60),
        })
    }
}

/// `namespace:reference` as CAIP-2 shapes it.
pub fn is_caip2(network: &str) -> bool {
    let Some((namespace, reference)) = network.split_once(':') else {
        return false;
    };
    let namespace_ok = (3..=8).contains(&namespace.len())
        && namespace
            .bytes()
            .all(|b| b == b'-' || b.is_ascii_lowercase() || b.is_ascii_digit());
    let reference_ok = (1..=32).contains(&reference.len())
        && reference
            .bytes()
            .all(|b| b == b'-' || b == b'_' || b.is_ascii_alphanumeric());
    namespace_ok && reference_ok
}
