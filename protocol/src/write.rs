//! Messages that are wrong on purpose.

use serde_json::Value;

/// One change to a message, applied to its JSON or to its encoded form.
#[derive(Debug, Clone, PartialEq)]
pub enum Mutation {
    /// Replaces the member at a JSON pointer (`/payload/authorization/value`), adding it when absent.
    Set(String, Value),
    /// Removes the member at a JSON pointer.
    Remove(String),
    /// Sends these bytes, base64-encoded, in place of the message.
    Bytes(Vec<u8>),
    /// Sends this text, not encoded at all.
    Raw(String),
}

/// Encodes a message for a header after applying the mutations in order; the last `Bytes` or `Raw` wins.
pub fn encode_mutated(message: &Value, mutations: &[Mutation]) -> String {
    let mut value = message.clone();
    let mut replaced = None;
    for mutation in mutations {
        match mutation {
            Mutation::Set(pointer, new) => set(&mut value, pointer, Some(new.clone())),
            Mutation::Remove(pointer) => set(&mut value, pointer, None),
            Mutation::Bytes(bytes) => replaced = Some(crate::header::encode_bytes(bytes)),
            Mutation::Raw(text) => replaced = Some(text.clone()),
        }
    }
    replaced.unwrap_or_else(|| crate::header::encode(&value))
}

/// Sets (or with `None` removes) the member at a JSON pointer; the parent must exist, else nothing happens.
pub fn set(message: &mut Value, pointer: &str, new: Option<Value>) {
    let Some((parent, name)) = pointer.rsplit_once('/') else {
        return;
    };
    let name = name.replace("~1", "/").replace("~0", "~");
    match message.pointer_mut(parent) {
        Some(Value::Object(object)) => match new {
            Some(new) => {
                object.insert(name, new);
            }
            None => {
                object.shift_remove(&name);
            }
        },
        Some(Value::Array(array)) => {
            let Ok(index) = name.parse::<usize>() else {
                return;
            };
            match new {
                Some(new) if index < array.len() => array[index] = new,
                None if index < array.len() => {
                    array.remove(index);
                }
                _ => {}
            }
        }
        _ => {}
    }
}
