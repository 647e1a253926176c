//! EIP-3009 authorizations and their EIP-712 digest (wire-format section 5.1).

use alloy_primitives::{Address, B256, U256, b256, keccak256};
use serde_json::{Value, json};

use crate::problem::{Problem, Reader};

/// Hash of `TransferWithAuthorization(...)`.
pub const TRANSFER_TYPEHASH: B256 =
    b256!("7c7c6cdb67a18743f49ec6fa9b35f50d52ed05cbed4cc592e13b44501c1a2267");
/// Hash of `EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)`.
pub const DOMAIN_TYPEHASH: B256 =
    b256!("8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f");

/// EIP-712 domain of a token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenDomain {
    /// `name` of the domain, for example `USDC`.
    pub name: String,
    /// `version` of the domain, for example `2`.
    pub version: String,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The token contract.
    pub verifying_contract: Address,
}

impl TokenDomain {
    /// The domain separator; compute once per token, signing many payments.
    pub fn separator(&self) -> B256 {
        let mut buffer = [0u8; 160];
        buffer[..32].copy_from_slice(DOMAIN_TYPEHASH.as_slice());
        buffer[32..64].copy_from_slice(keccak256(self.name.as_bytes()).as_slice());
        buffer[64..96].copy_from_slice(keccak256(self.version.as_bytes()).as_slice());
        buffer[96..128].copy_from_slice(&U256::from(self.chain_id).to_be_bytes::<32>());
        buffer[140..].copy_from_slice(self.verifying_contract.as_slice());
        keccak256(buffer)
    }
}

/// One EIP-3009 authorization: the right to move `value` once, inside a time window.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Authorization {
    /// Payer.
    pub from: Address,
    /// Recipient.
    pub to: Address,
    /// Base units of the token.
    pub value: U256,
    /// Unix seconds; the block must be strictly later.
    pub valid_after: U256,
    /// Unix seconds; the block must be strictly earlier.
    pub valid_before: U256,
    /// Random, used at most once per payer and token.
    pub nonce: B256,
}

impl Authorization {
    /// The digest a payer signs for a token with this domain separator.
    pub fn digest(&self, separator: &B256) -> B256 {
        let mut fields = [0u8; 224];
        fields[..32].copy_from_slice(TRANSFER_TYPEHASH.as_slice());
        fields[44..64].copy_from_slice(self.from.as_slice());
        fields[76..96].copy_from_slice(self.to.as_slice());
        fields[96..128].copy_from_slice(&self.value.to_be_bytes::<32>());
        fields[128..160].copy_from_slice(&self.valid_after.to_be_bytes::<32>());
        fields[160..192].copy_from_slice(&self.valid_before.to_be_bytes::<32>());
        fields[192..].copy_from_slice(self.nonce.as_slice());
        let mut message = [0u8; 66];
        message[..2].copy_from_slice(&[0x19, 0x01]);
        message[2..34].copy_from_slice(separator.as_slice());
        message[34..].copy_from_slice(keccak256(fields).as_slice());
        keccak256(message)
    }

    /// The `authorization` object of a payload; every member is a string (section 3.5).
    pub fn to_json(&self) -> Value {
        json!({
            "from": self.from.to_checksum(None),
            "to": self.to.to_checksum(None),
            "value": self.value.to_string(),
            "validAfter": self.valid_after.to_string(),
            "validBefore": self.valid_before.to_string(),
            "nonce": self.nonce.to_string(),
        })
    }

    /// Reads an `authorization` object standing at `path`, noting everything that is wrong.
    pub fn read(value: &Value, path: &str, problems: &mut Vec<Problem>) -> Option<Self> {
        let mut reader = Reader::new(value, path, problems);
        let from = read_address(&mut reader, "from");
        let to = read_address(&mut reader, "to");
        let amount = read_decimal(&mut reader, "value");
        let valid_after = read_decimal(&mut reader, "validAfter");
        let valid_before = read_decimal(&mut reader, "validBefore");
        let nonce = read_nonce(&mut reader);
        Some(Self {
            from: from?,
            to: to?,
            value: amount?,
            valid_after: valid_after?,
            valid_before: valid_before?,
            nonce: nonce?,
        })
    }
}

pub(crate) fn read_address(reader: &mut Reader<'_, '_>, name: &str) -> Option<Address> {
    let text = reader.string(name)?;
    let parsed = parse_address(&text);
    if parsed.is_none() {
        reader.refuse(name, format!("{text:?} is no 20-byte hex address"));
    }
    parsed
}

pub(crate) fn read_decimal(reader: &mut Reader<'_, '_>, name: &str) -> Option<U256> {
    let text = reader.string(name)?;
    let parsed = parse_decimal(&text);
    if parsed.is_none() {
        reader.refuse(name, format!("{text:?} is no decimal number below 2^256"));
    }
    parsed
}

fn read_nonce(reader: &mut Reader<'_, '_>) -> Option<B256> {
    let text = reader.string("nonce")?;
    let parsed = text
        .strip_prefix("0x")
        .filter(|hex| hex.len() == 64)
        .and_then(|hex| hex.parse::<B256>().ok());
    if parsed.is_none() {
        reader.refuse("nonce", format!("{text:?} is not 0x and 64 hex digits"));
    }
    parsed
}

/// A `0x` and 40 hex digits, in any letter case.
pub fn parse_address(text: &str) -> Option<Address> {
    let hex = text.strip_prefix("0x")?;
    if hex.len() == 40 {
        hex.parse().ok()
    } else {
        None
    }
}

/// Decimal digits only: no sign, point, exponent, blank or hex.
pub fn parse_decimal(text: &str) -> Option<U256> {
    if text.is_empty() || text.len() > 78 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    U256::from_str_radix(text, 10).ok()
}
