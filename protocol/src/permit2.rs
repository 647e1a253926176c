//! Permit2 permits with the x402 `upto` witness, and their EIP-712 digest (wire-format sections 5.2 and 6).

use alloy_primitives::{Address, B256, U256, address, b256, keccak256};
use serde_json::{Value, json};

use crate::eip3009::{parse_decimal, read_address, read_decimal};
use crate::problem::{Problem, Reader};

/// The Permit2 contract, at one address on every chain.
pub const PERMIT2: Address = address!("000000000022D473030F116dDEE9F6B43aC78BA3");
/// The x402 proxy that settles `upto`: the `spender` of every such permit.
pub const UPTO_PROXY: Address = address!("4020A4f3b7b90ccA423B9fabCc0CE57C6C240002");

/// Hash of `EIP712Domain(string name,uint256 chainId,address verifyingContract)`.
pub const DOMAIN_TYPEHASH: B256 =
    b256!("8cad95687ba82c2ce50e74f7b754645e5117c3a5bec8151c0726d5857980a866");
/// Hash of `PermitWitnessTransferFrom(...)` with the `upto` witness.
pub const UPTO_PERMIT_TYPEHASH: B256 =
    b256!("51dff6974ad4388c499e7fcfe838d2bd767162553a144098ce20ea661d70c2ee");
/// Hash of `TokenPermissions(address token,uint256 amount)`.
pub const TOKEN_PERMISSIONS_TYPEHASH: B256 =
    b256!("618358ac3db8dc274f0cd8829da7e234bd48cd73c4a740aede1adec9846d06a1");
/// Hash of `Witness(address to,address facilitator,uint256 validAfter)`.
pub const UPTO_WITNESS_TYPEHASH: B256 =
    b256!("d4171c445a74218b01d4fd8af34ff1106580ea1e36ff837e64484bfaa2253b75");

/// Permit2's domain separator on a chain.
pub fn separator(chain_id: u64) -> B256 {
    hash([
        DOMAIN_TYPEHASH,
        keccak256(b"Permit2"),
        number(U256::from(chain_id)),
        PERMIT2.into_word(),
    ])
}

/// A permit for `upto`: one facilitator may move at most `amount` to one recipient, once, inside a time window.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UptoPermit {
    /// Payer.
    pub from: Address,
    /// Token contract.
    pub token: Address,
    /// The ceiling: base units of the token.
    pub amount: U256,
    /// The contract that may call Permit2: [`UPTO_PROXY`] in a good one.
    pub spender: Address,
    /// Random; its bit in the payer's bitmap is set once, whatever the token.
    pub nonce: U256,
    /// Unix seconds; the block may be as late as this.
    pub deadline: U256,
    /// Recipient.
    pub to: Address,
    /// The only account that may settle.
    pub facilitator: Address,
    /// Unix seconds; the block may be as early as this.
    pub valid_after: U256,
}

impl UptoPermit {
    /// The digest a payer signs for a chain whose Permit2 has this separator.
    pub fn digest(&self, separator: &B256) -> B256 {
        let permitted = hash([
            TOKEN_PERMISSIONS_TYPEHASH,
            self.token.into_word(),
            number(self.amount),
        ]);
        let witness = hash([
            UPTO_WITNESS_TYPEHASH,
            self.to.into_word(),
            self.facilitator.into_word(),
            number(self.valid_after),
        ]);
        let permit = hash([
            UPTO_PERMIT_TYPEHASH,
            permitted,
            self.spender.into_word(),
            number(self.nonce),
            number(self.deadline),
            witness,
        ]);
        keccak256([&[0x19, 0x01], separator.as_slice(), permit.as_slice()].concat())
    }

    /// The `permit2Authorization` object of a payload; every leaf is a string (section 3.5).
    pub fn to_json(&self) -> Value {
        json!({
            "from": self.from.to_checksum(None),
            "permitted": {
                "token": self.token.to_checksum(None),
                "amount": self.amount.to_string(),
            },
            "spender": self.spender.to_checksum(None),
            "nonce": self.nonce.to_string(),
            "deadline": self.deadline.to_string(),
            "witness": {
                "to": self.to.to_checksum(None),
                "facilitator": self.facilitator.to_checksum(None),
                "validAfter": self.valid_after.to_string(),
            },
        })
    }

    /// Reads a `permit2Authorization` object standing at `path`, noting everything that is wrong.
    pub fn read(value: &Value, path: &str, problems: &mut Vec<Problem>) -> Option<Self> {
        let mut reader = Reader::new(value, path, problems);
        let from = read_address(&mut reader, "from");
        let spender = read_address(&mut reader, "spender");
        let nonce = read_nonce(&mut reader);
        let deadline = read_decimal(&mut reader, "deadline");
        let permitted = reader.object("permitted");
        let witness = reader.object("witness");
        let permitted = permitted.map(|value| {
            let mut reader = Reader::new(value, &format!("{path}.permitted"), problems);
            let token = read_address(&mut reader, "token");
            (token, read_decimal(&mut reader, "amount"))
        });
        let witness = witness.map(|value| {
            let mut reader = Reader::new(value, &format!("{path}.witness"), problems);
            let to = read_address(&mut reader, "to");
            let facilitator = read_address(&mut reader, "facilitator");
            let valid_after = read_decimal(&mut reader, "validAfter");
            (to, facilitator, valid_after)
        });
        let (token, amount) = permitted?;
        let (to, facilitator, valid_after) = witness?;
        Some(Self {
            from: from?,
            token: token?,
            amount: amount?,
            spender: spender?,
            nonce: nonce?,
            deadline: deadline?,
            to: to?,
            facilitator: facilitator?,
            valid_after: valid_after?,
        })
    }
}

/// A nonce as decimal digits, or as the `0x` hex of the specification's example.
pub fn parse_nonce(text: &str) -> Option<U256> {
    match text.strip_prefix("0x") {
        Some(hex) if (1..=64).contains(&hex.len()) => U256::from_str_radix(hex, 16).ok(),
        Some(_) => None,
        None => parse_decimal(text),
    }
}

fn read_nonce(reader: &mut Reader<'_, '_>) -> Option<U256> {
    let text = reader.string("nonce")?;
    let parsed = parse_nonce(&text);
    if parsed.is_none() {
        reader.refuse("nonce", format!("{text:?} is no number below 2^256"));
    }
    parsed
}

fn number(value: U256) -> B256 {
    B256::from(value)
}

fn hash<const N: usize>(words: [B256; N]) -> B256 {
    keccak256(words.map(|word| word.0).as_flattened())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_hashes_are_those_of_their_types() {
        let token = "TokenPermissions(address token,uint256 amount)";
        let witness = "Witness(address to,address facilitator,uint256 validAfter)";
        let permit = "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,Witness witness)";
        let domain = "EIP712Domain(string name,uint256 chainId,address verifyingContract)";
        assert_eq!(keccak256(token), TOKEN_PERMISSIONS_TYPEHASH);
        assert_eq!(keccak256(witness), UPTO_WITNESS_TYPEHASH);
        assert_eq!(
            keccak256(format!("{permit}{token}{witness}")),
            UPTO_PERMIT_TYPEHASH
        );
        assert_eq!(keccak256(domain), DOMAIN_TYPEHASH);
    }

    #[test]
    fn a_nonce_is_read_in_both_spellings() {
        assert_eq!(parse_nonce("17"), Some(U256::from(17)));
        assert_eq!(parse_nonce("0x11"), Some(U256::from(17)));
        for odd in ["", "0x", "-1", "1.0", &format!("0x{}", "f".repeat(65))] {
            assert_eq!(parse_nonce(odd), None, "{odd}");
        }
    }

    #[test]
    fn every_wrong_member_is_named() {
        let mut problems = Vec::new();
        let value = json!({
            "from": 1, "permitted": { "token": "0x", "amount": "1.0" }, "nonce": "x", "deadline": "1",
            "witness": { "to": "0x", "validAfter": "0" },
        });
        assert_eq!(UptoPermit::read(&value, "p", &mut problems), None);
        let named: Vec<&str> = problems.iter().map(|p| p.path.as_str()).collect();
        assert_eq!(
            named,
            [
                "p.from",
                "p.spender",
                "p.nonce",
                "p.permitted.token",
                "p.permitted.amount",
                "p.witness.to",
                "p.witness.facilitator"
            ]
        );
    }
}
