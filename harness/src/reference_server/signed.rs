//! What a payment signs, in every scheme.

use alloy_primitives::{Address, B256, U256};
use x402_assay_protocol::{Authorization, UptoPermit};

/// An EIP-3009 authorization, or a permit for `upto`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signed {
    /// Payer.
    pub(super) from: Address,
    /// Recipient.
    pub(super) to: Address,
    /// Base units: what moves, or the ceiling.
    pub(super) value: U256,
    /// Unix seconds; it is worth nothing later.
    pub(super) valid_before: U256,
    /// Used at most once by the payer.
    pub(super) nonce: B256,
}

impl From<Authorization> for Signed {
    fn from(signed: Authorization) -> Self {
        Self {
            from: signed.from,
            to: signed.to,
            value: signed.value,
            valid_before: signed.valid_before,
            nonce: signed.nonce,
        }
    }
}

impl From<UptoPermit> for Signed {
    fn from(signed: UptoPermit) -> Self {
        Self {
            from: signed.from,
            to: signed.to,
            value: signed.amount,
            valid_before: signed.deadline,
            nonce: B256::from(signed.nonce),
        }
    }
}
