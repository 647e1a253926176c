//! YAML as an editor sees it, to hold files against their published JSON Schema.

use serde_json::Value;

use super::{Node, NodeKind, Scalar};

/// The tree as JSON.
pub fn as_json(node: &Node) -> Value {
    match &node.kind {
        NodeKind::Seq(items) => items.iter().map(as_json).collect(),
        NodeKind::Map(entries) => {
            let entries = entries.iter().map(|e| (e.key.clone(), as_json(&e.value)));
            Value::Object(entries.collect())
        }
        NodeKind::Scalar(scalar) => scalar_as_json(scalar),
    }
}

fn scalar_as_json(scalar: &Scalar) -> Value {
    if scalar.is_null() {
        return Value::Null;
    }
    if let Some(value) = scalar.as_bool() {
        return value.into();
    }
    match scalar
        .is_number()
        .then(|| scalar.text.parse::<i64>().ok())
        .flatten()
    {
        Some(number) => number.into(),
        None => scalar.text.clone().into(),
    }
}
