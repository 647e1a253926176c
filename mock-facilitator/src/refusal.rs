//! Why a payment is refused: reason codes in the spelling of the TypeScript SDK (wire-format section 12).

use crate::ledger::LedgerError;

/// A refusal: a reason code for programs and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// Reason code.
    pub code: &'static str,
    /// What was expected, what was found, and what to do where that helps.
    pub message: String,
}

impl Refusal {
    /// A refusal with this code.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// True when the facilitator or its chain failed: this says nothing about the payment.
    pub fn is_own_trouble(&self) -> bool {
        matches!(
            self.code,
            reason::UNEXPECTED_VERIFY | reason::UNEXPECTED_SETTLE
        )
    }
}

impl From<LedgerError> for Refusal {
    fn from(error: LedgerError) -> Self {
        Self::new(reason::UNEXPECTED_VERIFY, error.to_string())
    }
}

/// The reason codes.
pub mod reason {
    /// The body is no JSON.
    pub const INVALID_JSON: &str = "invalid_json";
    /// `paymentPayload` or `paymentRequirements` is not there.
    pub const MISSING_PARAMETERS: &str = "missing_parameters";
    /// The body exceeds the facilitator's limit.
    pub const BODY_TOO_LARGE: &str = "body_too_large";
    /// `x402Version` is not 1 or 2, or differs between body and payload.
    pub const VERSION: &str = "invalid_x402_version";
    /// The payment is not shaped as its version asks.
    pub const PAYLOAD: &str = "invalid_payload";
    /// The requirements are not shaped as their version asks.
    pub const REQUIREMENTS: &str = "invalid_payment_requirements";
    /// The requirements name a scheme this facilitator does not have.
    pub const UNSUPPORTED_SCHEME: &str = "unsupported_scheme";
    /// Payment and requirements name different schemes.
    pub const SCHEME: &str = "invalid_exact_evm_scheme";
    /// The network is unknown, in the other version's spelling, or not this run's.
    pub const NETWORK: &str = "invalid_network";
    /// Payment and requirements name different networks.
    pub const NETWORK_MISMATCH: &str = "invalid_exact_evm_network_mismatch";
    /// Permit2 and other transfer methods.
    pub const PAYLOAD_TYPE: &str = "unsupported_payload_type";
    /// `extra.name` or `extra.version` is not there.
    pub const MISSING_DOMAIN: &str = "invalid_exact_evm_missing_eip712_domain";
    /// `extra.name` is not the token's.
    pub const TOKEN_NAME: &str = "invalid_exact_evm_token_name_mismatch";
    /// `extra.version` is not the token's.
    pub const TOKEN_VERSION: &str = "invalid_exact_evm_token_version_mismatch";
    /// The asset has no domain separator.
    pub const NO_EIP3009: &str = "invalid_exact_evm_eip3009_not_supported";
    /// The asset has no code.
    pub const ASSET: &str = "asset_not_deployed_contract";
    /// The authorization pays somebody else.
    pub const RECIPIENT: &str = "invalid_exact_evm_recipient_mismatch";
    /// v1: the signed value is not the amount.
    pub const VALUE_V1: &str = "invalid_exact_evm_authorization_value";
    /// v2: the signed value is not the amount.
    pub const VALUE_V2: &str = "invalid_exact_evm_payload_authorization_value_mismatch";
    /// Expired, or about to.
    pub const VALID_BEFORE: &str = "invalid_exact_evm_payload_authorization_valid_before";
    /// Not yet valid.
    pub const VALID_AFTER: &str = "invalid_exact_evm_payload_authorization_valid_after";
    /// The signature is not the payer's.
    pub const SIGNATURE: &str = "invalid_exact_evm_signature";
    /// The payer has less than the amount.
    pub const BALANCE: &str = "invalid_exact_evm_insufficient_balance";
    /// The nonce was used or cancelled.
    pub const NONCE_USED: &str = "invalid_exact_evm_nonce_already_used";
    /// The token refuses the call.
    pub const SIMULATION: &str = "invalid_exact_evm_transaction_simulation_failed";
    /// The transaction was mined and reverted, or never sent.
    pub const TRANSACTION: &str = "invalid_exact_evm_transaction_failed";
    /// The transaction was mined and moved something else, or nothing.
    pub const TRANSFER_EVENT: &str = "invalid_exact_evm_transfer_event_mismatch";
    /// `upto`: payment and requirements name different schemes.
    pub const UPTO_SCHEME: &str = "invalid_upto_evm_scheme";
    /// `upto`: payment and requirements name different networks.
    pub const UPTO_NETWORK_MISMATCH: &str = "invalid_upto_evm_network_mismatch";
    /// `upto`: more is to be settled than was signed.
    pub const UPTO_EXCEEDS: &str = "invalid_upto_evm_payload_settlement_exceeds_amount";
    /// `upto`: the permit names another facilitator.
    pub const UPTO_FACILITATOR: &str = "upto_facilitator_mismatch";
    /// The permit is not for the proxy of its scheme.
    pub const PERMIT_SPENDER: &str = "invalid_permit2_spender";
    /// The permit pays somebody else.
    pub const PERMIT_RECIPIENT: &str = "invalid_permit2_recipient_mismatch";
    /// The permit is expired, or about to.
    pub const PERMIT_DEADLINE: &str = "permit2_deadline_expired";
    /// The permit is not yet valid.
    pub const PERMIT_NOT_YET: &str = "permit2_not_yet_valid";
    /// The permitted amount is not the required one.
    pub const PERMIT_AMOUNT: &str = "permit2_amount_mismatch";
    /// The permit is for another token.
    pub const PERMIT_TOKEN: &str = "permit2_token_mismatch";
    /// The permit's signature is not the payer's.
    pub const PERMIT_SIGNATURE: &str = "invalid_permit2_signature";
    /// The payer has less than the amount.
    pub const PERMIT_BALANCE: &str = "permit2_insufficient_balance";
    /// The bit of the permit's nonce is set.
    pub const PERMIT_NONCE: &str = "permit2_invalid_nonce";
    /// A permit that pays nobody.
    pub const PERMIT_DESTINATION: &str = "permit2_invalid_destination";
    /// Broadcast and not yet mined; the same request may be sent again.
    pub const PENDING: &str = "settlement_pending";
    /// The same authorization is being settled right now.
    pub const DUPLICATE: &str = "duplicate_settlement";
    /// Our own trouble while verifying.
    pub const UNEXPECTED_VERIFY: &str = "unexpected_verify_error";
    /// Our own trouble while settling.
    pub const UNEXPECTED_SETTLE: &str = "unexpected_settle_error";
}
