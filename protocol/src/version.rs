//! Protocol generation.

use serde::{Deserialize, Serialize};

/// Protocol generation of a message (wire-format section 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Version {
    /// `x402Version: 1`: challenge in the body, `X-PAYMENT`.
    V1,
    /// `x402Version: 2`: challenge in `PAYMENT-REQUIRED`, `PAYMENT-SIGNATURE`.
    V2,
}

impl Version {
    /// The number carried in `x402Version`.
    pub const fn number(self) -> u64 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }

    /// The version a number stands for, if it is one we know.
    pub const fn from_number(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::V1),
            2 => Some(Self::V2),
            _ => None,
        }
    }

    /// Name of the request header that carries the payment.
    pub const fn payment_header(self) -> &'static str {
        match self {
            Self::V1 => crate::header::X_PAYMENT,
            Self::V2 => crate::header::PAYMENT_SIGNATURE,
        }
    }

    /// Name of the response header that carries the settlement.
    pub const fn settlement_header(self) -> &'static str {
        match self {
            Self::V1 => crate::header::X_PAYMENT_RESPONSE,
            Self::V2 => crate::header::PAYMENT_RESPONSE,
        }
    }

    /// Name of the requirement member that carries the amount in base units.
    pub const fn amount_field(self) -> &'static str {
        match self {
            Self::V1 => "maxAmountRequired",
            Self::V2 => "amount",
        }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "v{}", self.number())
    }
}
