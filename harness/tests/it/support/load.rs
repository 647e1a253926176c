//! Reading the report of a load.

use serde_json::Value;

/// A count.
pub(crate) fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value}"))
}

/// A row of the invariants.
pub(crate) fn invariant<'v>(report: &'v Value, id: &str) -> &'v Value {
    let rows = report["invariants"].as_array().unwrap();
    rows.iter().find(|row| row["id"] == id).unwrap()
}

/// Every arrival ended as it was meant to.
pub(crate) fn all_as_meant(load: &Value) {
    let outcomes = load["outcomes"].as_array().unwrap();
    let unmeant: Vec<&Value> = outcomes
        .iter()
        .filter(|row| row["meant"] == false)
        .collect();
    assert!(unmeant.is_empty(), "{unmeant:?}");
}
