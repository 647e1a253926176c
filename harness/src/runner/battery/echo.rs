//! A good payment that echoes the declared extensions with something else in them.

use futures_util::FutureExt as _;
use serde_json::{Value, json};
use x402_assay_protocol::{Version, header, write};

use super::{Battery, Section};
use crate::client::identifier::PAYMENT_IDENTIFIER;
use crate::runner::session::{PaymentHeader, SendError};

const CHANGED: &str = "extension/changed";
/// What is added where nothing can be changed.
const ADDED: &str = "x402AssayChanged";

pub(super) const SECTION: Section = Section {
    requests: |version| match version {
        Version::V1 => 0,
        // The second one only where extensions are declared.
        Version::V2 => 2,
    },
    run: |battery| echo(battery).boxed(),
};

async fn echo(battery: &Battery<'_>) -> Result<(), SendError> {
    if battery.version != Version::V2 {
        return Ok(());
    }
    let probe = battery.probe(CHANGED);
    let Some(quote) = battery.quote(&probe).await? else {
        return Ok(());
    };
    // Before it is signed: an authorization that nobody is shown would be booked as one.
    if changed(quote.extensions()).is_none() {
        return Ok(());
    }
    let honest = battery.signed(&quote, &[]);
    let Some(value) = with_changed_echo(&honest.value, quote.extensions()) else {
        return Ok(());
    };
    let header = PaymentHeader { value, ..honest };
    let session = battery.session;
    session.send(&probe, battery.route, Some(&header)).await?;
    Ok(())
}

/// A payment header's value with a changed echo of what the challenge declares; an identifier stays in it.
fn with_changed_echo(value: &str, declared: Option<&Value>) -> Option<String> {
    let mut message = header::decode(value.as_bytes()).ok()?.value;
    let echoed = message.get("extensions").or(declared);
    let echo = changed(echoed)?;
    write::set(&mut message, "/extensions", Some(echo));
    Some(header::encode(&message))
}

/// The extensions with one member of the first one's `info` changed; a member is added where none can be.
///
/// `None` where no extension has an `info`.
fn changed(extensions: Option<&Value>) -> Option<Value> {
    let mut echo = extensions?.clone();
    let (name, info) = echo
        .as_object_mut()?
        .iter_mut()
        .find_map(|(name, declared)| Some((name, declared.get_mut("info")?.as_object_mut()?)))?;
    // What an identifier's echo says is SRV-PID-011's.
    let is_identifier = name == PAYMENT_IDENTIFIER;
    let other = info
        .iter()
        .filter(|_| !is_identifier)
        .find_map(|(member, value)| Some((member.clone(), other_than(value)?)));
    let (member, value) = other.unwrap_or_else(|| (ADDED.to_owned(), json!(true)));
    info.insert(member, value);
    Some(echo)
}

/// Another value of the same kind; lists and objects stay as they are.
fn other_than(value: &Value) -> Option<Value> {
    match value {
        Value::Bool(it) => Some(json!(!it)),
        Value::Number(it) => Some(json!(it.as_u64().unwrap_or_default().wrapping_add(1))),
        Value::String(it) => Some(json!(format!("{it}x"))),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(name: &str, info: &Value) -> Value {
        json!({ "bare": {}, name: { "info": info, "schema": { "type": "object" } }, "last": { "info": { "a": 1 } } })
    }

    #[test]
    fn one_member_of_the_first_information_differs() {
        for (info, wanted) in [
            (
                json!({ "list": [1], "uri": "u" }),
                json!({ "list": [1], "uri": "ux" }),
            ),
            (
                json!({ "count": 1, "uri": "u" }),
                json!({ "count": 2, "uri": "u" }),
            ),
            (json!({ "on": false }), json!({ "on": true })),
            (json!({}), json!({ ADDED: true })),
            (json!({ "list": [] }), json!({ "list": [], ADDED: true })),
        ] {
            let extensions = declared("first", &info);
            let mut expected = extensions.clone();
            expected["first"]["info"] = wanted;
            assert_eq!(changed(Some(&extensions)), Some(expected));
        }
    }

    #[test]
    fn an_identifier_is_only_added_to_and_stays() {
        let info = json!({ "required": true });
        let extensions = declared(PAYMENT_IDENTIFIER, &info);
        let with_id = json!({ "required": true, "id": "pay_1" });
        let sent = header::encode(&json!({ "extensions": declared(PAYMENT_IDENTIFIER, &with_id) }));
        for (value, wanted) in [
            (
                header::encode(&json!({ "x402Version": 2 })),
                json!({ "required": true, ADDED: true }),
            ),
            (
                sent,
                json!({ "required": true, "id": "pay_1", ADDED: true }),
            ),
        ] {
            let value = with_changed_echo(&value, Some(&extensions)).unwrap();
            let message = header::decode(value.as_bytes()).unwrap().value;
            let echoed = &message["extensions"];
            assert_eq!(echoed[PAYMENT_IDENTIFIER]["info"], wanted);
            assert_eq!(echoed["last"], extensions["last"]);
        }
    }

    #[test]
    fn where_nothing_is_declared_nothing_is_echoed() {
        for extensions in [
            json!({}),
            json!({ "bare": {} }),
            json!({ "odd": { "info": 1 } }),
            json!([]),
        ] {
            assert_eq!(changed(Some(&extensions)), None);
        }
        assert_eq!(with_changed_echo(&header::encode(&json!({})), None), None);
    }
}
