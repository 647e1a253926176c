//! Reading a request about an `upto` payment (wire-format section 6).

use alloy_primitives::{Address, U256};
use x402_assay_protocol::{Version, upto};

use super::{
    Parts, check_network, malformed, quoted, required_address, required_amount, signature_bytes,
};
use crate::ledger::SignedPermit;
use crate::refusal::{Refusal, reason};

/// What a well-formed request about an `upto` payment asks for.
#[derive(Debug, Clone)]
pub(crate) struct UptoClaim {
    /// Base units the requirements ask for: the ceiling at verify, the charge at settle.
    pub(crate) amount: U256,
    /// Recipient the requirements name.
    pub(crate) pay_to: Address,
    /// Token the requirements name.
    pub(crate) asset: Address,
    /// EIP-155 chain id the requirements name.
    pub(crate) chain_id: u64,
    /// The signed permit.
    pub(crate) signed: SignedPermit,
}

impl Parts {
    /// Reads the whole request as one about an `upto` payment.
    pub(crate) fn upto_claim(&self) -> Result<UptoClaim, Refusal> {
        let version = self.agreed_version()?;
        if version != Version::V2 {
            let message = "the scheme upto belongs to x402 version 2";
            return Err(Refusal::new(reason::UNSUPPORTED_SCHEME, message));
        }
        let (payment, requirement) = (&self.payment, &self.requirement);
        match payment.scheme_and_network().0 {
            Some(upto::SCHEME) => {}
            Some(other) => {
                let message = format!("the payment's scheme is {:?}, not upto", quoted(other));
                return Err(Refusal::new(reason::UPTO_SCHEME, message));
            }
            None => return Err(malformed(&payment.problems)),
        }
        let mismatch = reason::UPTO_NETWORK_MISMATCH;
        let chain_id = check_network(version, payment, requirement, mismatch)?;
        let method = requirement.extra_text("assetTransferMethod");
        let is_eip3009 = payment.raw["payload"].get("permit2Authorization").is_none()
            && payment.raw["payload"].get("authorization").is_some();
        if method.is_some_and(|method| method != "permit2") || is_eip3009 {
            let message = "upto is settled with Permit2 permits only";
            return Err(Refusal::new(reason::PAYLOAD_TYPE, message));
        }
        if !payment.problems.is_empty() {
            return Err(malformed(&payment.problems));
        }
        let signature = signature_bytes(payment, reason::PERMIT_SIGNATURE)?;
        let permit = payment.permit.clone().ok_or_else(|| {
            Refusal::new(reason::PAYLOAD, "payload.permit2Authorization is missing")
        })?;
        Ok(UptoClaim {
            amount: required_amount(requirement)?,
            pay_to: required_address(requirement, "payTo")?,
            asset: required_address(requirement, "asset")?,
            chain_id,
            signed: SignedPermit { permit, signature },
        })
    }
}
