//! The settlement object: `PAYMENT-RESPONSE`, and the answer of `/settle` (wire-format section 3.6).

use serde_json::Value;

use crate::problem::{Problem, Reader};
use crate::version::Version;

/// A settlement with all that is wrong with it.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// The JSON object as it came.
    pub raw: Value,
    /// `success`.
    pub success: Option<bool>,
    /// `transaction`: empty when nothing was broadcast.
    pub transaction: Option<String>,
    /// `network`, in the spelling of the version.
    pub network: Option<String>,
    /// `payer`: required in v1.
    pub payer: Option<String>,
    /// `errorReason`.
    pub error_reason: Option<String>,
    /// Everything that differs from the description.
    pub problems: Vec<Problem>,
}

impl Settlement {
    /// Reads a settlement object as the given generation.
    pub fn read(version: Version, raw: Value) -> Self {
        let mut problems = Vec::new();
        let mut reader = Reader::new(&raw, "", &mut problems);
        if !reader.is_object() {
            return Self {
                raw,
                success: None,
                transaction: None,
                network: None,
                payer: None,
                error_reason: None,
                problems,
            };
        }
        if version == Version::V2 {
            reader.optional_string("amount");
            reader.optional_object("extensions");
        }
        let success = reader.boolean("success");
        let transaction = reader.string("transaction");
        let network = reader.string("network");
        let payer = match version {
            Version::V1 => reader.string("payer"),
            Version::V2 => reader.optional_string("payer"),
        };
        let error_reason = reader.optional_string("errorReason");
        Self {
            raw,
            success,
            transaction,
            network,
            payer,
            error_reason,
            problems,
        }
    }
}
