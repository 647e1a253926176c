//! Defects of answers and of how requests are read.

use alloy_primitives::{B256, keccak256};
use axum::http::StatusCode;
use axum::http::header::HeaderValue;
use serde_json::{Map, Value, json};
use x402_assay_protocol::network;

use super::{Defect, DefectSet, catalogue};
use crate::answer::{Answer, Payload};
use crate::event::Endpoint;
use crate::refusal::reason;

/// An account that sends nothing.
const IDLE_ACCOUNT: &str = "0x1d1e0000000000000000000000000000001d1e00";
/// What an error should not tell.
const TRACE: &str = "Error: call failed\n    at verify (/srv/facilitator/dist/index.js:41:17)\n    at async https://base-mainnet.g.alchemy.com/v2/0123456789abcdef";

/// The answer of an endpoint that takes no request as it comes.
pub(crate) fn refused_outright(defects: DefectSet, endpoint: Endpoint) -> Option<Answer> {
    if endpoint != Endpoint::Settle {
        return None;
    }
    if defects.has(Defect::SettleNotFound) {
        let error = json!({ "error": "not found" });
        return Some(Answer::new(StatusCode::NOT_FOUND, &error));
    }
    defects.has(Defect::SettleShapeDiffers).then(|| {
        let body = json!({
            "success": false,
            "errorReason": reason::MISSING_PARAMETERS,
            "errorMessage": "payload and requirements are missing",
            "transaction": "",
            "network": "",
        });
        Answer::new(StatusCode::BAD_REQUEST, &body)
    })
}

/// True when nothing catches what went wrong.
pub(crate) fn ends_connection(defects: DefectSet, answer: &Answer) -> bool {
    let Payload::Json(body) = &answer.body else {
        return false;
    };
    defects.has(Defect::MalformedCrashes) && reason_of(body) == Some(reason::PAYLOAD)
}

fn reason_of(body: &Value) -> Option<&str> {
    let names = ["invalidReason", "errorReason"];
    names
        .iter()
        .find_map(|name| body.get(name).and_then(Value::as_str))
}

/// Reads a request's body as the defects have it.
pub(crate) fn reread(defects: DefectSet, body: &mut Value) {
    let payment = &body["paymentPayload"];
    let (scheme, named) = (
        body["paymentRequirements"]["scheme"].clone(),
        body["paymentRequirements"]["network"].clone(),
    );
    let is_v2 = payment.get("accepted").is_some();
    let accepted = payment["accepted"]["asset"].clone();
    let number = payment["x402Version"].as_u64();
    if defects.has(Defect::VersionNotChecked) && !matches!(number, Some(1 | 2)) {
        let newest = if is_v2 { 2 } else { 1 };
        body["x402Version"] = json!(newest);
        body["paymentPayload"]["x402Version"] = json!(newest);
    }
    let top = match is_v2 {
        true => &mut body["paymentPayload"]["accepted"],
        false => &mut body["paymentPayload"],
    };
    if defects.has(Defect::SchemeNotCompared) {
        top["scheme"] = scheme;
    }
    if defects.has(Defect::NetworkNotCompared) {
        top["network"] = named.clone();
    }
    if defects.has(Defect::VersionsMixed)
        && is_v2
        && top["network"] == named
        && let Some(chain_id) = named.as_str().and_then(network::chain_id)
    {
        top["network"] = json!(network::caip2(chain_id));
        body["paymentRequirements"]["network"] = json!(network::caip2(chain_id));
    }
    if defects.has(Defect::AssetNotCompared) && accepted.is_string() {
        body["paymentRequirements"]["asset"] = accepted;
    }
}

/// Changes what an answer says; `recipient` is the signed one.
pub(crate) fn deface(
    defects: DefectSet,
    endpoint: Endpoint,
    recipient: Option<&str>,
    answer: &mut Answer,
) {
    if defects.has(Defect::AnswersAsText) {
        answer.content_type = Some(HeaderValue::from_static("text/plain"));
    }
    let status = answer.status;
    let Some(members) = answer.members() else {
        return;
    };
    let reason = reason_of(&Value::Object(members.clone()))
        .unwrap_or_default()
        .to_owned();
    let changed = match endpoint {
        Endpoint::Verify => of_verify(defects, &reason, recipient, members),
        Endpoint::Settle => of_settle(defects, &reason, members),
        Endpoint::Supported => {
            of_supported(defects, members);
            None
        }
        Endpoint::Other => None,
    };
    if defects.has(Defect::ErrorsTellTraces) && status == StatusCode::BAD_REQUEST {
        members.insert("stack".to_owned(), TRACE.into());
    }
    if let Some(status) = changed {
        answer.status = status;
    }
}

fn of_verify(
    defects: DefectSet,
    reason: &str,
    recipient: Option<&str>,
    members: &mut Map<String, Value>,
) -> Option<StatusCode> {
    let mut status = None;
    if defects.has(Defect::MissingPartsAreValid) && reason == reason::MISSING_PARAMETERS {
        members.clear();
        members.insert("isValid".to_owned(), true.into());
        status = Some(StatusCode::OK);
    }
    if defects.has(Defect::VerifyWrongPayer)
        && let (Some(recipient), true) = (recipient, members.contains_key("payer"))
    {
        members.insert("payer".to_owned(), recipient.into());
    }
    let is_valid = members.get("isValid").and_then(Value::as_bool);
    if is_valid == Some(false) {
        status = status.or_else(|| refusal(defects, reason, members));
    }
    if defects.has(Defect::RefusalWithoutReason) {
        members.shift_remove("invalidReason");
    }
    if defects.has(Defect::VerdictAsText)
        && let Some(is_valid) = is_valid
    {
        members.insert("isValid".to_owned(), is_valid.to_string().into());
    }
    status
}

/// A refusal that is no verdict.
fn refusal(
    defects: DefectSet,
    reason: &str,
    members: &mut Map<String, Value>,
) -> Option<StatusCode> {
    if defects.has(Defect::MissingDomainCrashes) && reason == reason::MISSING_DOMAIN {
        members.clear();
        return Some(StatusCode::INTERNAL_SERVER_ERROR);
    }
    if defects.has(Defect::RefusalsAreErrors) {
        members.clear();
        members.insert("error".to_owned(), format!("{reason}: refused").into());
        return Some(StatusCode::INTERNAL_SERVER_ERROR);
    }
    None
}

fn of_settle(
    defects: DefectSet,
    reason: &str,
    members: &mut Map<String, Value>,
) -> Option<StatusCode> {
    let used = [reason::NONCE_USED, reason::DUPLICATE].contains(&reason);
    if defects.has(Defect::DuplicateNewSuccess) && used {
        let hash: B256 = keccak256(Value::Object(members.clone()).to_string());
        members.insert("success".to_owned(), true.into());
        members.insert("transaction".to_owned(), hash.to_string().into());
        members.shift_remove("errorReason");
        members.shift_remove("errorMessage");
        return None;
    }
    if members.get("success").and_then(Value::as_bool) == Some(true) {
        if defects.has(Defect::SuccessWithoutTransaction) {
            members.insert("transaction".to_owned(), "".into());
        }
        return None;
    }
    if defects.has(Defect::FailureWithoutReason) {
        members.shift_remove("errorReason");
    }
    refusal(defects, reason, members)
}

fn of_supported(defects: DefectSet, members: &mut Map<String, Value>) {
    if defects.has(Defect::SupportedWithoutSigners) {
        members.shift_remove("signers");
        members.shift_remove("extensions");
    }
    if defects.has(Defect::SupportedOtherSigners)
        && let Some(signers) = members.get_mut("signers")
    {
        signers["eip155:*"] = json!([IDLE_ACCOUNT]);
    }
    if catalogue::is_open(defects) {
        members.insert("extensions".to_owned(), json!([catalogue::BAZAAR]));
    }
    let kinds = members.get_mut("kinds").and_then(Value::as_array_mut);
    for kind in kinds.into_iter().flatten().filter_map(Value::as_object_mut) {
        let is_v2 = kind.get("x402Version").and_then(Value::as_u64) == Some(2);
        let network = kind.get("network").and_then(Value::as_str);
        let known = network.and_then(network::chain_id);
        let spelled = known
            .and_then(network::by_chain_id)
            .and_then(|network| network.v1_name);
        // One network stays as it should be: clients of that one find it.
        let usual = known == Some(network::DEFAULT_CHAIN_ID);
        if defects.has(Defect::SupportedMixesSpellings)
            && let (true, false, Some(name)) = (is_v2, usual, spelled)
        {
            kind.insert("network".to_owned(), name.into());
        }
        if defects.has(Defect::SupportedWithoutFeePayer) {
            kind.shift_remove("extra");
        }
        if defects.has(Defect::SupportedWithoutVersions) && !usual {
            kind.shift_remove("x402Version");
        }
    }
}
