//! A Solana transaction as far as the rules of `exact` look into it: accounts, instructions, their data.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Digits of base58.
const DIGITS: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// Most accounts and instructions that are read: a transaction has 1,232 bytes at most.
const MANY: usize = 256;

/// Public key.
pub(super) type Key = [u8; 32];

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Instruction {
    /// Program; `None` when it stands in a lookup table.
    pub(super) program: Option<Key>,
    /// Accounts; `None` where one stands in a lookup table.
    pub(super) accounts: Vec<Option<Key>>,
    pub(super) data: Vec<u8>,
}

/// A transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Transaction {
    /// The first account pays the fees.
    pub(super) accounts: Vec<Key>,
    pub(super) instructions: Vec<Instruction>,
}

impl Transaction {
    /// Reads the base64 of `payload.transaction`, legacy or versioned.
    pub(super) fn read(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text).ok()?;
        let mut bytes = Bytes(&bytes);
        let signatures = bytes.count()?;
        bytes.take(signatures.checked_mul(64)?)?;
        let first = *bytes.0.first()?;
        if first & 0x80 != 0 {
            bytes.take(1)?;
        }
        // Required signatures, and how many accounts are read-only.
        bytes.take(3)?;
        let accounts: Vec<Key> = (0..bytes.count()?)
            .map(|_| bytes.key())
            .collect::<Option<_>>()?;
        bytes.take(32)?;
        let mut instructions = Vec::new();
        for _ in 0..bytes.count()? {
            let program = bytes.byte()?;
            let listed = bytes.count()?;
            let listed = bytes.take(listed)?.to_vec();
            let length = bytes.count()?;
            let data = bytes.take(length)?.to_vec();
            let at = |index: u8| accounts.get(usize::from(index)).copied();
            instructions.push(Instruction {
                program: at(program),
                accounts: listed.into_iter().map(at).collect(),
                data,
            });
        }
        Some(Self {
            accounts,
            instructions,
        })
    }
}

struct Bytes<'b>(&'b [u8]);

impl<'b> Bytes<'b> {
    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (first, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(first)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn key(&mut self) -> Option<Key> {
        self.take(32)?.try_into().ok()
    }

    /// A number in seven bits a byte, the low ones first.
    fn count(&mut self) -> Option<usize> {
        let mut value = 0usize;
        for place in 0..3 {
            let byte = self.byte()?;
            value |= usize::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return (value <= MANY * 8).then_some(value);
            }
        }
        None
    }
}

/// Reads a public key as it is written.
pub(super) fn key(text: &str) -> Option<Key> {
    let mut bytes = [0u8; 32];
    if text.is_empty() || text.len() > 44 {
        return None;
    }
    for digit in text.bytes() {
        let mut carry = u32::try_from(DIGITS.iter().position(|known| *known == digit)?).ok()?;
        for byte in bytes.iter_mut().rev() {
            let value = u32::from(*byte) * 58 + carry;
            *byte = u8::try_from(value & 0xff).ok()?;
            carry = value >> 8;
        }
        if carry != 0 {
            return None;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        assert_eq!(key("11111111111111111111111111111111"), Some([0; 32]));
        let compute = key("ComputeBudget111111111111111111111111111111").unwrap();
        assert_eq!(compute[..4], [0x03, 0x06, 0x46, 0x6f]);
        for wrong in [
            "",
            "0OIl",
            "ComputeBudget111111111111111111111111111111ComputeBudget",
        ] {
            assert_eq!(key(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_cut_short_is_none() {
        for text in ["", "AA==", "AQ==", "/////w=="] {
            assert_eq!(Transaction::read(text), None, "{text}");
        }
    }
}
