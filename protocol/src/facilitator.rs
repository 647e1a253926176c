//! Bodies of the facilitator's API (wire-format section 3.7).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::version::Version;

/// Body of `POST /verify` and `POST /settle`.
pub fn request(version: Version, payment: &Value, requirements: &Value) -> Value {
    json!({
        "x402Version": version.number(),
        "paymentPayload": payment,
        "paymentRequirements": requirements,
    })
}

/// Answer of `POST /verify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifyResponse {
    /// The verdict.
    pub is_valid: bool,
    /// Reason code, absent when valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invalid_reason: Option<String>,
    /// Sentence for people (an SDK extra).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invalid_message: Option<String>,
    /// The payer, when it could be made out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payer: Option<String>,
}

/// Answer of `POST /settle`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SettleResponse {
    /// True once the transfer is mined with status 1.
    pub success: bool,
    /// Reason code, absent on success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_reason: Option<String>,
    /// Sentence for people (an SDK extra).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// Transaction hash; empty when nothing was broadcast.
    pub transaction: String,
    /// Network in the spelling of the request.
    pub network: String,
    /// The payer, when it could be made out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payer: Option<String>,
    /// Base units that moved, decimal; `upto` requires it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
}

/// Answer of `GET /supported`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportedResponse {
    /// What the facilitator can verify and settle.
    pub kinds: Vec<SupportedKind>,
    /// Extensions it knows; v1 facilitators leave them out.
    #[serde(default)]
    pub extensions: Vec<String>,
    /// CAIP-2 pattern to the addresses it sends transactions from; v1 facilitators leave them out.
    #[serde(default)]
    pub signers: Map<String, Value>,
}

/// One entry of `/supported`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SupportedKind {
    /// 1 or 2.
    pub x402_version: u64,
    /// For example `exact`.
    pub scheme: String,
    /// v1 name or CAIP-2.
    pub network: String,
    /// Scheme data, such as Solana's `feePayer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra: Option<Value>,
}
