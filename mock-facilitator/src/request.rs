//! Reading the body of `/verify` and `/settle` (wire-format section 3.7). Pure: no ledger, no clock.

mod permit;

use alloy_primitives::{Address, B256, Bytes, U256, hex};
use serde_json::{Value, json};
use x402_assay_protocol::eip3009::{parse_address, parse_decimal};
use x402_assay_protocol::{
    Payment, Problem, Requirement, TokenDomain, Version, network, permit2, upto,
};

use crate::defects::{DefectSet, answers};
use crate::event::AuthorizationKey;
use crate::ledger::SignedAuthorization;
use crate::refusal::{Refusal, reason};
pub(crate) use permit::UptoClaim;

/// Most problems named in one message.
const PROBLEMS_NAMED_MAX: usize = 5;
/// Longest piece of a request repeated in an answer, in characters.
const QUOTED_MAX_CHARS: usize = 80;

/// A body with its two parts present; nothing else about it is known to be right.
#[derive(Debug)]
pub(crate) struct Parts {
    payment: Payment,
    /// Read as the payment's own version.
    requirement: Requirement,
    /// The outer `x402Version`, where there is one.
    version: Option<Value>,
}

/// What a well-formed request asks for.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    /// Generation of the payment.
    pub(crate) version: Version,
    /// Amount the requirements ask for, base units.
    pub(crate) amount: U256,
    /// Recipient the requirements name.
    pub(crate) pay_to: Address,
    /// Domain the requirements claim for the token.
    pub(crate) domain: TokenDomain,
    /// The signed authorization.
    pub(crate) payment: SignedAuthorization,
}

impl Parts {
    /// Finds both parts.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let body: Value = serde_json::from_slice(bytes).map_err(|error| {
            Refusal::new(
                reason::INVALID_JSON,
                format!("the body is no JSON: {error}"),
            )
        })?;
        for name in ["paymentPayload", "paymentRequirements"] {
            if !body.get(name).is_some_and(Value::is_object) {
                return Err(Refusal::new(
                    reason::MISSING_PARAMETERS,
                    format!("{name} is missing or no object"),
                ));
            }
        }
        Ok(Self::split(body))
    }

    fn split(mut body: Value) -> Self {
        let mut part = |name: &str| body.get_mut(name).map(Value::take);
        let payment = Payment::read(part("paymentPayload").unwrap_or_default());
        let raw = part("paymentRequirements").unwrap_or_default();
        Self {
            requirement: Requirement::from_raw(payment.version.unwrap_or(Version::V2), raw),
            version: part("x402Version"),
            payment,
        }
    }

    /// The same, read as a facilitator with defects does.
    pub(crate) fn reread(self, defects: DefectSet) -> Self {
        if defects.is_empty() {
            return self;
        }
        let mut body = json!({
            "paymentPayload": self.payment.raw,
            "paymentRequirements": self.requirement.raw,
        });
        if let Some(version) = self.version {
            body["x402Version"] = version;
        }
        answers::reread(defects, &mut body);
        Self::split(body)
    }

    /// Generation named by the payment, if known.
    pub(crate) fn version(&self) -> Option<Version> {
        self.payment.raw["x402Version"]
            .as_u64()
            .and_then(Version::from_number)
    }

    /// True when the requirements are those of the `upto` scheme.
    pub(crate) fn is_upto(&self) -> bool {
        self.requirement.text("scheme") == Some(upto::SCHEME)
    }

    /// The payer as the payment writes it, when it is an address.
    pub(crate) fn payer(&self) -> Option<String> {
        let text = self.signed("from")?;
        parse_address(text).map(|_| text.to_owned())
    }

    /// The signed recipient as the payment writes it.
    pub(crate) fn recipient(&self) -> Option<String> {
        let to = self.authorization("to");
        to.or_else(|| self.permit()["witness"]["to"].as_str())
            .map(quoted)
    }

    /// Network in the spelling of the request: what the requirements say, else the payment.
    pub(crate) fn network(&self) -> String {
        let payment = &self.payment.raw;
        [
            &self.requirement.raw["network"],
            &payment["accepted"]["network"],
            &payment["network"],
        ]
        .into_iter()
        .find_map(Value::as_str)
        .map(quoted)
        .unwrap_or_default()
    }

    /// Whose authorization this is, as far as it can be told.
    pub(crate) fn key(&self) -> Option<AuthorizationKey> {
        let (payer, nonce) = match &self.payment.authorization {
            Some(read) => (read.from, read.nonce),
            None => (parse_address(self.signed("from")?)?, self.nonce()?),
        };
        Some(AuthorizationKey {
            payer,
            nonce,
            asset: parse_address(self.requirement.text("asset")?)?,
            chain_id: network::chain_id(self.requirement.text("network")?)?,
        })
    }

    /// The nonce of an authorization that may be malformed elsewhere, or of a permit.
    fn nonce(&self) -> Option<B256> {
        match self.authorization("nonce") {
            Some(nonce) => parse_nonce(nonce),
            None => permit2::parse_nonce(self.permit()["nonce"].as_str()?).map(B256::from),
        }
    }

    /// Reads the whole request as the payment's own version.
    pub(crate) fn claim(&self) -> Result<Claim, Refusal> {
        let version = self.agreed_version()?;
        let (payment, requirement) = (&self.payment, &self.requirement);
        check_scheme(payment, requirement)?;
        let mismatch = reason::NETWORK_MISMATCH;
        let chain_id = check_network(version, payment, requirement, mismatch)?;
        check_method(&payment.raw, requirement)?;
        if !payment.problems.is_empty() {
            return Err(malformed(&payment.problems));
        }
        let terms = Terms::read(requirement, chain_id)?;
        let signature = signature_bytes(payment, reason::SIGNATURE)?;
        let authorization = payment
            .authorization
            .clone()
            .ok_or_else(|| Refusal::new(reason::PAYLOAD, "payload.authorization is missing"))?;
        Ok(Claim {
            version,
            amount: terms.amount,
            pay_to: terms.pay_to,
            payment: SignedAuthorization::new(
                terms.domain.verifying_contract,
                authorization,
                signature,
            ),
            domain: terms.domain,
        })
    }

    fn authorization(&self, name: &str) -> Option<&str> {
        self.payment.raw["payload"]["authorization"][name].as_str()
    }

    /// The signed permit; null when there is none.
    fn permit(&self) -> &Value {
        &self.payment.raw["payload"]["permit2Authorization"]
    }

    /// A member that authorization and permit both have.
    fn signed(&self, name: &str) -> Option<&str> {
        let authorization = self.authorization(name);
        authorization.or_else(|| self.permit()[name].as_str())
    }

    /// The payment's version; the outer one may be absent, and must agree when it is there.
    fn agreed_version(&self) -> Result<Version, Refusal> {
        let inner = &self.payment.raw["x402Version"];
        let version = self.version().ok_or_else(|| {
            let found = quoted(&inner.to_string());
            Refusal::new(
                reason::VERSION,
                format!("paymentPayload.x402Version is {found}, not 1 or 2"),
            )
        })?;
        match &self.version {
            Some(outer) if outer.as_u64() != Some(version.number()) => Err(Refusal::new(
                reason::VERSION,
                format!(
                    "x402Version is {} and paymentPayload.x402Version is {}",
                    quoted(&outer.to_string()),
                    version.number()
                ),
            )),
            _ => Ok(version),
        }
    }
}

/// The requirements' terms, typed.
struct Terms {
    amount: U256,
    pay_to: Address,
    domain: TokenDomain,
}

impl Terms {
    fn read(requirement: &Requirement, chain_id: u64) -> Result<Self, Refusal> {
        let amount = required_amount(requirement)?;
        let pay_to = required_address(requirement, "payTo")?;
        let verifying_contract = required_address(requirement, "asset")?;
        let extra = |name: &str| {
            requirement.extra_text(name).map(str::to_owned).ok_or_else(|| {
                Refusal::new(
                    reason::MISSING_DOMAIN,
                    format!("paymentRequirements.extra.{name} is missing: it is part of the token's EIP-712 domain"),
                )
            })
        };
        Ok(Self {
            amount,
            pay_to,
            domain: TokenDomain {
                name: extra("name")?,
                version: extra("version")?,
                chain_id,
                verifying_contract,
            },
        })
    }
}

/// The amount that is asked for, base units.
fn required_amount(requirement: &Requirement) -> Result<U256, Refusal> {
    requirement
        .amount()
        .and_then(parse_decimal)
        .ok_or_else(|| unusable(requirement.version.amount_field(), "no decimal integer"))
}

/// An address of the requirements.
fn required_address(requirement: &Requirement, name: &str) -> Result<Address, Refusal> {
    let address = requirement.text(name).and_then(parse_address);
    address.ok_or_else(|| unusable(name, "no address"))
}

fn unusable(name: &str, what: &str) -> Refusal {
    Refusal::new(
        reason::REQUIREMENTS,
        format!("paymentRequirements.{name} is missing or {what}"),
    )
}

/// The signature's bytes, whatever their number.
fn signature_bytes(payment: &Payment, code: &'static str) -> Result<Bytes, Refusal> {
    let text = payment.signature.as_deref().unwrap_or_default();
    let bytes = hex::decode(text).ok().filter(|_| text.starts_with("0x"));
    let bytes = bytes.ok_or_else(|| Refusal::new(code, "the signature is no 0x hex"))?;
    Ok(Bytes::from(bytes))
}

/// Both sides must name `exact`; requirements with another scheme are a kind we do not have.
fn check_scheme(payment: &Payment, requirement: &Requirement) -> Result<(), Refusal> {
    let wanted = requirement.text("scheme").ok_or_else(|| {
        Refusal::new(
            reason::REQUIREMENTS,
            "paymentRequirements.scheme is missing or no string",
        )
    })?;
    if wanted != "exact" {
        return Err(Refusal::new(
            reason::UNSUPPORTED_SCHEME,
            format!("scheme {:?} is neither exact nor upto", quoted(wanted)),
        ));
    }
    match payment.scheme_and_network().0 {
        Some("exact") => Ok(()),
        Some(other) => Err(Refusal::new(
            reason::SCHEME,
            format!("the payment's scheme is {:?}, not exact", quoted(other)),
        )),
        None => Err(malformed(&payment.problems)),
    }
}

/// Both sides must name the same network, in the spelling of their version; gives its chain id.
fn check_network(
    version: Version,
    payment: &Payment,
    requirement: &Requirement,
    mismatch: &'static str,
) -> Result<u64, Refusal> {
    let wanted = requirement.text("network").ok_or_else(|| {
        Refusal::new(
            reason::REQUIREMENTS,
            "paymentRequirements.network is missing or no string",
        )
    })?;
    let Some(paid) = payment.scheme_and_network().1 else {
        return Err(malformed(&payment.problems));
    };
    if paid != wanted {
        return Err(Refusal::new(
            mismatch,
            format!(
                "the payment names network {:?} and the requirements {:?}",
                quoted(paid),
                quoted(wanted)
            ),
        ));
    }
    let known = network::chain_id(wanted).filter(|id| match version {
        Version::V1 => network::by_chain_id(*id).is_some_and(|n| n.v1_name == Some(wanted)),
        Version::V2 => network::caip2(*id) == wanted,
    });
    known.ok_or_else(|| {
        let kind = match version {
            Version::V1 => "an EVM network name of x402 v1",
            Version::V2 => "an EVM network in CAIP-2 form, such as eip155:84532",
        };
        Refusal::new(
            reason::NETWORK,
            format!(
                "this bench cannot settle on {:?}: it is not {kind}",
                quoted(wanted)
            ),
        )
    })
}

/// Only EIP-3009; as in the SDKs the payload's shape tells the method, and `extra` must not contradict.
fn check_method(payment: &Value, requirement: &Requirement) -> Result<(), Refusal> {
    let payload = &payment["payload"];
    let method = requirement
        .extra_text("assetTransferMethod")
        .unwrap_or("eip3009");
    if method != "eip3009" || payload.get("permit2Authorization").is_some() {
        return Err(Refusal::new(
            reason::PAYLOAD_TYPE,
            "this facilitator settles EIP-3009 authorizations only",
        ));
    }
    Ok(())
}

fn parse_nonce(text: &str) -> Option<B256> {
    let hex = text.strip_prefix("0x").filter(|hex| hex.len() == 64)?;
    hex.parse().ok()
}

fn malformed(problems: &[Problem]) -> Refusal {
    let mut named: Vec<String> = problems
        .iter()
        .take(PROBLEMS_NAMED_MAX)
        .map(|problem| {
            problem
                .to_string()
                .chars()
                .take(4 * QUOTED_MAX_CHARS)
                .collect()
        })
        .collect();
    if problems.len() > PROBLEMS_NAMED_MAX {
        named.push(format!("and {} more", problems.len() - PROBLEMS_NAMED_MAX));
    }
    let message = format!("the payment is malformed: {}", named.join("; "));
    Refusal::new(reason::PAYLOAD, message)
}

/// A piece of the request, short enough for an answer.
fn quoted(text: &str) -> String {
    text.chars().take(QUOTED_MAX_CHARS).collect()
}
