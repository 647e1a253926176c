//! Permits with the signature that came with them, and what a ledger does with them.

use std::fmt::Debug;

use alloy_primitives::{Address, B256, Bytes, U256};
use x402_assay_protocol::{Signature, UptoPermit};

use crate::refusal::Refusal;

/// A signed Permit2 permit.
#[derive(Debug, Clone)]
pub struct SignedPermit {
    /// What was signed.
    pub permit: UptoPermit,
    /// The signature as it came.
    pub signature: Bytes,
}

impl SignedPermit {
    /// The plain account that signed for a chain whose Permit2 has this separator: 65 bytes, low `s`, `v` 27 or 28.
    pub fn signer(&self, separator: &B256) -> Option<Address> {
        let bytes = <[u8; 65]>::try_from(self.signature.as_ref()).ok()?;
        let signature = Signature(bytes);
        if !matches!(bytes[64], 27 | 28) || !signature.is_low_s() {
            return None;
        }
        signature.recover(&self.permit.digest(separator))
    }
}

/// What the contracts hold a settlement to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PermitRules {
    /// No more moves than was signed.
    pub ceiling: bool,
    /// Each nonce is used once.
    pub once: bool,
}

impl PermitRules {
    /// Those of Permit2 and the proxy.
    pub const ALL: Self = Self {
        ceiling: true,
        once: true,
    };
}

/// A ledger on which Permit2 and the x402 `upto` proxy settle. Every holder is taken to have approved Permit2.
pub trait PermitLedger: Send + Sync + Debug {
    /// True once the nonce's bit in the payer's bitmap is set.
    fn permit_used(&self, payer: Address, nonce: U256) -> bool;

    /// Moves `amount` base units at the ledger's own time, in one block; gives transaction and block. An amount of zero
    /// uses the permit up and needs no transaction.
    ///
    /// # Errors
    /// What the contracts would revert with.
    fn settle_permit(
        &self,
        permit: &SignedPermit,
        amount: U256,
        rules: PermitRules,
    ) -> Result<Option<(B256, u64)>, Refusal>;
}
