//! YAML as an editor sees it: for published JSON Schemas, and for parts that are defined as JSON elsewhere.

use serde_json::{Number, Value};

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
    number(scalar).map_or_else(|| scalar.text.clone().into(), Value::Number)
}

fn number(scalar: &Scalar) -> Option<Number> {
    let text = Some(&scalar.text).filter(|_| scalar.is_number())?;
    let whole = text.parse::<i64>().map(Number::from);
    let large = || text.parse::<u64>().map(Number::from).ok();
    let broken = || text.parse::<f64>().ok().and_then(Number::from_f64);
    whole.ok().or_else(large).or_else(broken)
}
