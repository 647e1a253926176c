//! Reading the answer of a facilitator: yes or no, the reason, the transaction it names.

use std::borrow::Cow;

use alloy_primitives::B256;
use serde::Deserialize;
use x402_assay_reports::model::load::{LoadKind, class};

use super::connection::Answer;
use super::sale::Said;
use super::tally::class_of;

/// What reasons of an empty purse have in common.
const NO_FUNDS: &str = "insufficient_funds";

/// What an answer says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) class: Cow<'static, str>,
    /// `isValid` or `success`, where the answer has it; true only with a status of success.
    pub(super) verdict: Option<bool>,
    /// What it promises of a settlement; nothing of a verification.
    pub(super) said: Said,
    pub(super) transaction: Option<B256>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Body {
    is_valid: Option<bool>,
    invalid_reason: Option<String>,
    success: Option<bool>,
    error_reason: Option<String>,
    transaction: Option<String>,
}

/// Reads the answer to a call of this kind.
pub(super) fn read(answer: &Answer, kind: LoadKind) -> Told {
    let is_fine = (200..300).contains(&answer.status);
    let Ok(body) = serde_json::from_slice::<Body>(&answer.body) else {
        let class = match is_fine {
            true => Cow::Borrowed(class::GARBAGE),
            false => class_of(answer.status, None),
        };
        return Told {
            class,
            verdict: None,
            said: Said::Nothing,
            transaction: None,
        };
    };
    let (verdict, reason) = match kind {
        LoadKind::Verify => (body.is_valid, body.invalid_reason),
        LoadKind::Settle | LoadKind::Paid | LoadKind::Unpaid => (body.success, body.error_reason),
    };
    // A yes with a status that says no is none that a server could act on.
    let verdict = verdict.map(|yes| yes && is_fine);
    let said = match (kind, verdict) {
        (LoadKind::Verify, _) | (_, None) => Said::Nothing,
        (_, Some(true)) => Said::Settled,
        (_, Some(false)) => of_failure(reason.as_deref().unwrap_or_default()),
    };
    Told {
        class: class_for(answer.status, verdict, reason.as_deref()),
        verdict,
        said,
        transaction: body.transaction.and_then(|text| text.parse().ok()),
    }
}

fn class_for(status: u16, verdict: Option<bool>, reason: Option<&str>) -> Cow<'static, str> {
    match (verdict, reason) {
        (Some(true), _) => class_of(status, None),
        (None, _) if (200..300).contains(&status) => Cow::Borrowed(class::GARBAGE),
        (_, Some(reason)) if reason.contains(NO_FUNDS) => Cow::Borrowed(class::OUT_OF_FUNDS),
        // Whatever stands behind a colon is about this one payment.
        (_, Some(reason)) => class_of(status, reason.split(':').next()),
        (Some(false), None) => Cow::Borrowed("no reason"),
        (None, None) => class_of(status, None),
    }
}

/// Used, or under way in another call, says nothing of whether money moved.
fn of_failure(reason: &str) -> Said {
    match reason {
        "settlement_pending" => Said::Pending,
        "duplicate_settlement" => Said::Nothing,
        used if used.contains("nonce_already_used") => Said::Nothing,
        _ => Said::Failed,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use bytes::Bytes;
    use serde_json::{Value, json};

    use super::*;
    use crate::load::connection::Fields;

    fn made(status: u16, body: &Value) -> Answer {
        raw(status, body.to_string())
    }

    fn raw(status: u16, body: String) -> Answer {
        let now = Instant::now();
        Answer {
            status,
            headers: Fields::default(),
            body: Bytes::from(body),
            head_at: now,
            done_at: now,
        }
    }

    #[test]
    fn a_settlement_is_told_with_its_transaction() {
        let hash = B256::repeat_byte(7);
        let body = json!({ "success": true, "transaction": hash, "network": "eip155:84532" });
        let told = read(&made(200, &body), LoadKind::Settle);
        assert_eq!(
            (told.verdict, told.said, told.transaction),
            (Some(true), Said::Settled, Some(hash))
        );
        assert_eq!(told.class, "200");
        // The same body with a status of failure promises nothing to anybody.
        let told = read(&made(500, &body), LoadKind::Settle);
        assert_eq!((told.verdict, told.said), (Some(false), Said::Failed));
    }

    #[test]
    fn a_no_is_told_by_its_reason() {
        let failed = |reason: &str| {
            let body = json!({ "success": false, "errorReason": reason, "transaction": "" });
            read(&made(200, &body), LoadKind::Settle)
        };
        let told = failed("transaction_failed: nonce too low");
        assert_eq!(
            (told.class.as_ref(), told.said),
            ("transaction_failed", Said::Failed)
        );
        assert_eq!(failed("settlement_pending").said, Said::Pending);
        assert_eq!(failed("duplicate_settlement").said, Said::Nothing);
        assert_eq!(failed("x_nonce_already_used").said, Said::Nothing);
        let body = json!({ "isValid": false, "invalidReason": "insufficient_funds: 0xab" });
        let told = read(&made(400, &body), LoadKind::Verify);
        assert_eq!(
            (told.class.as_ref(), told.verdict, told.said),
            (class::OUT_OF_FUNDS, Some(false), Said::Nothing)
        );
        let silent = read(&made(200, &json!({ "isValid": false })), LoadKind::Verify);
        assert_eq!(silent.class, "no reason");
    }

    #[test]
    fn what_is_no_answer_is_neither_yes_nor_no() {
        for (status, body, class) in [
            (200, "<html>", class::GARBAGE),
            (200, "{}", class::GARBAGE),
            (200, r#"{"success":"true"}"#, class::GARBAGE),
            (502, "bad gateway", "502"),
            (429, "{}", "429"),
        ] {
            let told = read(&raw(status, body.to_owned()), LoadKind::Settle);
            assert_eq!((told.class.as_ref(), told.verdict), (class, None), "{body}");
            assert_eq!(told.said, Said::Nothing);
        }
    }
}
