//! Payment identifiers as a client sends them (wire-format section 14.1).

use serde_json::{Value, json};
use x402_assay_protocol::{header, payment, write};

/// Name of the extension.
pub(crate) const PAYMENT_IDENTIFIER: &str = "payment-identifier";

/// What a challenge's `extensions` declare about payment identifiers.
pub(crate) fn declaration(extensions: Option<&Value>) -> Option<&Value> {
    extensions?
        .get(PAYMENT_IDENTIFIER)
        .filter(|declared| declared.is_object())
}

/// True when a payment without an identifier is not wanted.
pub(crate) fn requires_id(extensions: Option<&Value>) -> bool {
    declaration(extensions)
        .is_some_and(|declared| declared.pointer("/info/required") == Some(&Value::Bool(true)))
}

/// A fresh identifier of the recommended form, from the operating system's randomness.
pub(crate) fn fresh_id() -> String {
    let random = payment::fresh_nonce().to_string();
    format!("pay_{}", &random[2..34])
}

/// A payment header's value with the challenge's extensions echoed and the identifier put in.
///
/// `None` when the challenge declares nothing, or the value holds no message.
pub(crate) fn with_id(value: &str, extensions: Option<&Value>, id: &str) -> Option<String> {
    declaration(extensions)?;
    let mut echoed = extensions?.clone();
    let info = format!("/{PAYMENT_IDENTIFIER}/info");
    if !echoed.pointer(&info).is_some_and(Value::is_object) {
        write::set(&mut echoed, &info, Some(json!({})));
    }
    write::set(&mut echoed, &format!("{info}/id"), Some(json!(id)));
    let mut message = header::decode(value.as_bytes()).ok()?.value;
    if !message.is_object() {
        return None;
    }
    write::set(&mut message, "/extensions", Some(echoed));
    Some(header::encode(&message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(info: &Value) -> Value {
        json!({ "payment-identifier": { "info": info, "schema": {} }, "other": { "info": 1 } })
    }

    #[test]
    fn the_declaration_is_echoed_with_the_identifier_in_it() {
        let extensions = declared(&json!({ "required": true }));
        assert!(requires_id(Some(&extensions)));
        let value = header::encode(&json!({ "x402Version": 2 }));
        let sent = with_id(&value, Some(&extensions), "pay_1234567890123456").unwrap();
        let sent = header::decode(sent.as_bytes()).unwrap().value;
        let info = &sent["extensions"]["payment-identifier"]["info"];
        assert_eq!(
            info,
            &json!({ "required": true, "id": "pay_1234567890123456" })
        );
        assert_eq!(sent["extensions"]["other"], extensions["other"]);
    }

    #[test]
    fn a_declaration_without_info_still_takes_an_identifier() {
        let extensions = json!({ "payment-identifier": {} });
        assert!(!requires_id(Some(&extensions)));
        let value = header::encode(&json!({}));
        let sent = with_id(&value, Some(&extensions), "pay_1234567890123456").unwrap();
        let sent = header::decode(sent.as_bytes()).unwrap().value;
        let id = sent.pointer("/extensions/payment-identifier/info/id");
        assert_eq!(id, Some(&json!("pay_1234567890123456")));
    }

    #[test]
    fn nothing_is_put_in_where_nothing_is_declared_or_there_is_no_message() {
        let value = header::encode(&json!({}));
        assert_eq!(with_id(&value, None, "x"), None);
        assert_eq!(with_id(&value, Some(&json!({ "other": {} })), "x"), None);
        let extensions = declared(&json!({}));
        assert_eq!(with_id("!!!", Some(&extensions), "x"), None);
        assert_eq!(
            with_id(&header::encode(&json!([])), Some(&extensions), "x"),
            None
        );
    }

    #[test]
    fn fresh_identifiers_are_legal_and_differ() {
        let id = fresh_id();
        assert_eq!(id.len(), 36);
        assert!(
            id.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        );
        assert_ne!(id, fresh_id());
    }
}
