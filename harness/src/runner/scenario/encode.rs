//! The same authorization and signature, written in other bytes.

use serde_json::{Map, Value, json};
use x402_assay_protocol::{header, write};

use crate::scenario::Encoding;

/// The header value in another writing; a value that holds no message stays as it is.
pub(in crate::runner) fn reencode(value: &str, way: Encoding) -> String {
    let Ok(decoded) = header::decode(value.as_bytes()) else {
        return value.to_owned();
    };
    let mut message = decoded.value;
    match way {
        Encoding::Whitespace => {
            let text = format!("\n {message:#} \n");
            return header::encode_bytes(text.as_bytes());
        }
        Encoding::KeyOrder => message = reversed(message),
        Encoding::HexCase => {
            for pointer in ["/payload/signature", "/payload/authorization/nonce"] {
                change(&mut message, pointer, other_case);
            }
        }
        Encoding::Padding => {
            let padded = header::encode(&message);
            return match padded.strip_suffix('=') {
                Some(_) => padded.trim_end_matches('=').to_owned(),
                None => header::encode_bytes(format!("{message} ").as_bytes())
                    .trim_end_matches('=')
                    .to_owned(),
            };
        }
        Encoding::AddressCase => {
            for pointer in ["/payload/authorization/from", "/payload/authorization/to"] {
                change(&mut message, pointer, |text| {
                    let lower = text.to_ascii_lowercase();
                    if lower == text {
                        other_case(text)
                    } else {
                        lower
                    }
                });
            }
        }
        Encoding::ExtraMember => write::set(&mut message, "/assayExtra", Some(json!(1))),
        Encoding::UnicodeEscapes => {
            return header::encode_bytes(escaped(&message.to_string()).as_bytes());
        }
        Encoding::VForm => change(&mut message, "/payload/signature", other_v),
    }
    header::encode(&message)
}

fn change(message: &mut Value, pointer: &str, how: impl Fn(&str) -> String) {
    if let Some(value) = message.pointer_mut(pointer)
        && let Some(text) = value.as_str()
    {
        *value = Value::String(how(text));
    }
}

fn reversed(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().rev();
            Value::Object(
                members
                    .map(|(key, value)| (key, reversed(value)))
                    .collect::<Map<_, _>>(),
            )
        }
        Value::Array(items) => Value::Array(items.into_iter().map(reversed).collect()),
        other => other,
    }
}

/// Hex digits in the other letter case; the `0x` stays.
fn other_case(text: &str) -> String {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let upper = digits.to_ascii_uppercase();
    if upper == digits {
        format!("0x{}", digits.to_ascii_lowercase())
    } else {
        format!("0x{upper}")
    }
}

fn other_v(signature: &str) -> String {
    let Some((head, v)) = signature.split_at_checked(signature.len().saturating_sub(2)) else {
        return signature.to_owned();
    };
    let v = match v.to_ascii_lowercase().as_str() {
        "1b" => "00",
        "1c" => "01",
        "00" => "1b",
        "01" => "1c",
        _ => return signature.to_owned(),
    };
    format!("{head}{v}")
}

/// Every letter inside a JSON string as a `\u` escape; what is escaped already stays.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 4);
    let (mut inside, mut after_backslash) = (false, false);
    for c in json.chars() {
        if after_backslash {
            after_backslash = false;
            out.push(c);
        } else if c == '\\' {
            after_backslash = true;
            out.push(c);
        } else if c == '"' {
            inside = !inside;
            out.push(c);
        } else if inside && c.is_ascii_alphabetic() {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_writes_other_bytes_and_the_same_message() {
        let message = json!({
            "x402Version": 2,
            "accepted": { "scheme": "exact", "payTo": "0xAb5801a7D398351b8bE11C439e05C5B3259aeC9B" },
            "payload": {
                "signature": format!("0x{}1b", "ab".repeat(64)),
                "authorization": {
                    "from": "0xAb5801a7D398351b8bE11C439e05C5B3259aeC9B",
                    "to": "0xab5801a7d398351b8be11c439e05c5b3259aec9b",
                    "nonce": format!("0x{}", "cd".repeat(32)),
                },
            },
        });
        let usual = header::encode(&message);
        let mut seen = vec![usual.clone()];
        for (word, way) in Encoding::ALL {
            let other = reencode(&usual, *way);
            assert!(!seen.contains(&other), "{word} changes nothing");
            let read = header::decode(other.as_bytes()).unwrap().value;
            let lower = |value: &Value| value.to_string().to_ascii_lowercase();
            match way {
                Encoding::ExtraMember | Encoding::KeyOrder | Encoding::VForm => {}
                _ => assert_eq!(lower(&read), lower(&message), "{word}"),
            }
            seen.push(other);
        }
    }
}
