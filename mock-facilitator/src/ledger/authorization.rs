//! An authorization with the signature that came with it.

use std::sync::OnceLock;

use alloy_primitives::{Address, B256, Bytes};
use x402_assay_protocol::{Authorization, Signature};

/// A signed EIP-3009 authorization for one token.
#[derive(Debug, Clone)]
pub struct SignedAuthorization {
    /// Token contract.
    pub asset: Address,
    /// What was signed.
    pub authorization: Authorization,
    /// The signature as it came; 65 bytes for plain accounts.
    pub signature: Bytes,
    /// Who signed it under which separator: recovery is the dear step, so one request pays it once.
    recovered: OnceLock<(B256, Option<Address>)>,
}

impl SignedAuthorization {
    /// Puts the parts together.
    pub const fn new(asset: Address, authorization: Authorization, signature: Bytes) -> Self {
        Self {
            asset,
            authorization,
            signature,
            recovered: OnceLock::new(),
        }
    }

    /// The signature as 65 ECDSA bytes, if it has that length.
    pub fn ecdsa(&self) -> Option<Signature> {
        <[u8; 65]>::try_from(self.signature.as_ref())
            .ok()
            .map(Signature)
    }

    /// The plain account that signed for a token with this separator, by the token's own rules:
    /// 65 bytes, low `s`, `v` 27 or 28.
    pub fn signer(&self, separator: &B256) -> Option<Address> {
        let (known, signer) = *self
            .recovered
            .get_or_init(|| (*separator, self.recover(separator)));
        if known == *separator {
            signer
        } else {
            self.recover(separator)
        }
    }

    fn recover(&self, separator: &B256) -> Option<Address> {
        let signature = self.ecdsa()?;
        if !matches!(signature.0[64], 27 | 28) || !signature.is_low_s() {
            return None;
        }
        signature.recover(&self.authorization.digest(separator))
    }
}
