//! `mutate`: changes members of a payment or an offer.

use serde_json::Value;

use super::super::keys::exactly_one;
use super::super::scope::{NameKind, Scope};
use super::{ANY_ROLE, Step, StepKind};
use crate::config::yaml::{MapView, Node, NodeKind, Scalar, View};

/// A copy of a message with some members changed; nothing is signed again.
#[derive(Debug, Clone, PartialEq)]
pub struct Mutate {
    /// What is changed.
    pub of: Mutated,
    /// The changes, in order: first what is set, then what is removed.
    pub changes: Vec<Change>,
    /// The copy's name.
    pub name: String,
}

/// What a `mutate` step copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mutated {
    /// A payment (every one of a batch): the message that the header carries.
    Payment(String),
    /// An offer: one entry of `accepts`.
    Offer(String),
}

/// One change; pointers are JSON Pointers (RFC 6901).
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Sets or adds the member.
    Set(String, Value),
    /// Removes the member.
    Remove(String),
}

pub(super) const KIND: StepKind = StepKind {
    name: "mutate",
    about: "copies a payment or an offer with members set or removed, without signing again",
    keys: &["payment", "offer", "set", "remove", "as"],
    roles: ANY_ROLE,
    decode,
};

fn decode(map: &MapView<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let of = exactly_one(map, &["payment", "offer"]).and_then(|(key, view)| match key {
        "payment" => scope.refer(&view, NameKind::Payment).map(Mutated::Payment),
        _ => scope.refer(&view, NameKind::Offer).map(Mutated::Offer),
    });
    let changes = decode_changes(map);
    let (kind, size) = match &of {
        Some(Mutated::Offer(_)) => (NameKind::Offer, 1),
        Some(Mutated::Payment(name)) => (NameKind::Payment, scope.size_of(name)),
        None => (NameKind::Payment, 1),
    };
    let name = scope.define(map, kind, size);
    Some(Step::Mutate(Mutate {
        of: of?,
        changes,
        name: name?,
    }))
}

fn decode_changes(map: &MapView<'_>) -> Vec<Change> {
    let mut changes = Vec::new();
    if let Some(set) = map.optional_map("set") {
        for (pointer, _, value) in set.entries() {
            if value.check(check_pointer(pointer)).is_some() {
                changes.push(Change::Set(pointer.to_owned(), json(value.node())));
            }
        }
    }
    for view in map.list("remove") {
        if let Some(pointer) = decode_pointer(&view) {
            changes.push(Change::Remove(pointer.to_owned()));
        }
    }
    if map.optional("set").is_none() && map.optional("remove").is_none() {
        map.view()
            .problem("changes nothing; give `set`, `remove` or both");
    }
    changes
}

fn decode_pointer<'a>(view: &View<'a>) -> Option<&'a str> {
    let pointer = view.as_non_empty_str()?;
    view.check(check_pointer(pointer)).map(|()| pointer)
}

fn check_pointer(pointer: &str) -> Result<(), String> {
    if !pointer.starts_with('/') {
        return Err(format!(
            "`{pointer}` is not a JSON pointer; write \"/{}\"",
            pointer.replace('.', "/")
        ));
    }
    Ok(())
}

/// The value as JSON: what is unquoted keeps its type.
fn json(node: &Node) -> Value {
    match &node.kind {
        NodeKind::Seq(items) => Value::Array(items.iter().map(json).collect()),
        NodeKind::Map(entries) => {
            let entry =
                |entry: &crate::config::yaml::Entry| (entry.key.clone(), json(&entry.value));
            Value::Object(entries.iter().map(entry).collect())
        }
        NodeKind::Scalar(scalar) => json_scalar(scalar),
    }
}

fn json_scalar(scalar: &Scalar) -> Value {
    if scalar.is_null() {
        return Value::Null;
    }
    let number = scalar
        .is_number()
        .then(|| serde_json::from_str::<serde_json::Number>(&scalar.text).ok())
        .flatten();
    let typed = number
        .map(Value::Number)
        .or_else(|| scalar.as_bool().map(Value::Bool));
    typed.unwrap_or_else(|| Value::String(scalar.text.clone()))
}
