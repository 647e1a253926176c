//! JSON-RPC calls as the faults see them.

use serde_json::{Value, json};

/// One call; what it does not have is empty.
#[derive(Debug, Clone, Default)]
pub(super) struct Call {
    pub(super) id: Value,
    pub(super) method: String,
    pub(super) params: Vec<Value>,
    /// The call as it came.
    pub(super) raw: Value,
}

/// The calls of one request.
#[derive(Debug)]
pub(super) struct Calls {
    pub(super) calls: Vec<Call>,
    /// True for an array, whatever its length.
    pub(super) batch: bool,
}

impl Calls {
    /// Reads a request; `None` when it holds no call.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        match serde_json::from_slice::<Value>(body).ok()? {
            Value::Array(calls) if !calls.is_empty() => Some(Self {
                calls: calls.into_iter().map(Call::read).collect(),
                batch: true,
            }),
            value @ Value::Object(_) => Some(Self {
                calls: vec![Call::read(value)],
                batch: false,
            }),
            _ => None,
        }
    }
}

impl Call {
    fn read(raw: Value) -> Self {
        let method = raw.get("method").and_then(Value::as_str);
        let params = raw.get("params").and_then(Value::as_array);
        Self {
            id: raw.get("id").cloned().unwrap_or_default(),
            method: method.unwrap_or_default().to_owned(),
            params: params.cloned().unwrap_or_default(),
            raw,
        }
    }

    /// The call with its parameters as they are now.
    pub(super) fn to_json(&self) -> Value {
        let mut call = self.raw.clone();
        if let Some(members) = call.as_object_mut()
            && (members.contains_key("params") || !self.params.is_empty())
            && members.get("params").is_none_or(Value::is_array)
        {
            members.insert("params".to_owned(), Value::Array(self.params.clone()));
        }
        call
    }

    pub(super) fn result(&self, result: Value) -> Value {
        json!({"jsonrpc": "2.0", "id": self.id, "result": result})
    }

    pub(super) fn error(&self, code: i32, message: &str) -> Value {
        json!({"jsonrpc": "2.0", "id": self.id, "error": {"code": code, "message": message}})
    }
}

/// A quantity as JSON-RPC writes it.
pub(super) fn quantity(number: u64) -> Value {
    Value::String(format!("{number:#x}"))
}

/// Reads one.
pub(super) fn number(value: &Value) -> Option<u64> {
    u64::from_str_radix(value.as_str()?.strip_prefix("0x")?, 16).ok()
}
