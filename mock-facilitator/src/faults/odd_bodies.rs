//! The odd bodies: one table, each row one thing a facilitator has been seen to answer, or might.

use axum::body::Bytes;
use axum::http::header::{CONTENT_ENCODING, HeaderName};
use axum::http::{HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use super::words::Words;
use crate::answer::JSON;

/// Size of the huge body, in bytes.
const HUGE_BYTES: usize = 10 * 1024 * 1024;
/// Depth of the deep body.
const DEEP_LEVELS: usize = 10_000;

/// One odd body.
#[derive(Debug, Clone, Copy)]
pub struct OddBody {
    /// Its name in scenario files.
    pub name: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    /// What a careful reader makes of it.
    pub reading: Reading,
    /// True when it needs an answer that says yes or no.
    pub about_a_verdict: bool,
    pub(super) make: fn(Frame) -> Odd,
}

/// What a careful reader makes of an odd body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// It still says what is true; taking it as that is right.
    Truth,
    /// Readers differ: taking it as what it seems to say, or as an error, are both right.
    Either,
    /// It says nothing; it must never be taken for a yes.
    Nothing,
}

/// What there is to make a body from.
pub(super) struct Frame {
    /// Members of the true answer.
    pub(super) truth: Map<String, Value>,
    /// Their names.
    pub(super) words: Words,
}

/// A body ready to be sent.
pub(super) struct Odd {
    pub(super) bytes: Bytes,
    pub(super) content_type: Option<HeaderValue>,
    pub(super) header: Option<(HeaderName, HeaderValue)>,
    pub(super) status: Option<StatusCode>,
}

impl Odd {
    fn json(bytes: impl Into<Bytes>) -> Self {
        Self {
            bytes: bytes.into(),
            content_type: Some(JSON),
            header: None,
            status: None,
        }
    }

    fn typed(self, content_type: &'static str) -> Self {
        Self {
            content_type: Some(HeaderValue::from_static(content_type)),
            ..self
        }
    }
}

impl Frame {
    fn text(&self) -> String {
        Value::Object(self.truth.clone()).to_string()
    }

    fn truth_flag(&self) -> bool {
        self.truth
            .get(self.words.flag)
            .and_then(Value::as_bool)
            .unwrap_or_default()
    }

    /// The true answer with its flag written as something else.
    fn flag(mut self, value: impl Into<Value>) -> Odd {
        self.truth.insert(self.words.flag.to_owned(), value.into());
        Odd::json(self.text())
    }

    /// The true answer with one member more.
    fn with(mut self, name: &str, value: impl Into<Value>) -> Odd {
        self.truth.insert(name.to_owned(), value.into());
        Odd::json(self.text())
    }

    fn without(mut self, name: &str) -> Odd {
        self.truth.shift_remove(name);
        Odd::json(self.text())
    }

    /// A yes in which one member's text stands as it is, JSON or not.
    fn raw_member(&self, name: &str, raw: &str) -> Odd {
        let text = self.text();
        let open = text.strip_suffix('}').unwrap_or(&text);
        let comma = if self.truth.is_empty() { "" } else { "," };
        Odd::json(format!("{open}{comma}\"{name}\":{raw}}}"))
    }
}

macro_rules! odd_bodies {
    ($($name:literal $reading:ident $verdict:literal $about:literal $make:expr;)*) => {
        &[$(OddBody {
            name: $name,
            about: $about,
            reading: Reading::$reading,
            about_a_verdict: $verdict,
            make: $make,
        },)*]
    };
}

/// Every odd body.
pub const ODD_BODIES: &[OddBody] = odd_bodies! {
    // No object at all.
    "empty" Nothing false "200 with an empty body" |_| Odd::json("");
    "no-content" Nothing false "204 without a body" |_| Odd {
        content_type: None,
        status: Some(StatusCode::NO_CONTENT),
        ..Odd::json("")
    };
    "html" Nothing false "an HTML page" |_|
        Odd::json("<!doctype html><title>OK</title><p>success: true</p>").typed("text/html");
    "text-ok" Nothing false "the text OK" |_| Odd::json("OK").typed("text/plain");
    "true" Nothing false "the bare value true" |_| Odd::json("true");
    "string-true" Nothing false "the bare string \"true\"" |_| Odd::json("\"true\"");
    "number-one" Nothing false "the bare number 1" |_| Odd::json("1");
    "null" Nothing false "null" |_| Odd::json("null");
    "array" Nothing false "an empty array" |_| Odd::json("[]");
    "empty-object" Nothing false "an empty object" |_| Odd::json("{}");
    "error-object" Nothing false "200 with {\"error\": …}" |_|
        Odd::json(json!({ "error": "upstream unavailable" }).to_string());
    // The answer wrapped in something.
    "in-array" Nothing false "the answer inside an array" |f| Odd::json(format!("[{}]", f.text()));
    "in-string" Nothing false "the answer as JSON inside a JSON string" |f|
        Odd::json(Value::from(f.text()).to_string());
    "in-data" Nothing false "the answer inside {\"data\": …}" |f|
        Odd::json(json!({ "data": f.truth }).to_string());
    // The verdict is not a boolean where it should be.
    "flag-missing" Nothing true "isValid or success is missing" |f| {
        let name = f.words.flag;
        f.without(name)
    };
    "flag-null" Nothing true "isValid or success is null" |f| f.flag(Value::Null);
    "flag-string" Nothing true "isValid or success is a string, \"false\" when it is false" |f| {
        let text = f.truth_flag().to_string();
        f.flag(text)
    };
    "flag-number" Nothing true "isValid or success is 1 or 0" |f| {
        let number = u8::from(f.truth_flag());
        f.flag(number)
    };
    "flag-object" Nothing true "isValid or success is an object" |f| f.flag(json!({}));
    "flag-other-case" Nothing true "isvalid or Success: the name in other letter case" |mut f| {
        let name = if f.words.flag == "success" { "Success" } else { "isvalid" };
        let value = f.truth.shift_remove(f.words.flag).unwrap_or_default();
        f.with(name, value)
    };
    // The verdict is there and the rest is odd.
    "reason-null" Either true "the reason is null" |f| {
        let name = f.words.reason;
        f.with(name, Value::Null)
    };
    "reason-on-yes" Either true "the reason is given whatever the verdict" |f| {
        let name = f.words.reason;
        f.with(name, "invalid_exact_evm_signature")
    };
    "reason-number" Either true "the reason is a number" |f| {
        let name = f.words.reason;
        f.with(name, 42)
    };
    "payer-null" Either true "payer is null" |f| f.with("payer", Value::Null);
    "transaction-missing" Either true "the transaction member is missing" |f| f.without("transaction");
    "transaction-number" Either true "transaction is a number" |f| f.with("transaction", 7);
    "network-missing" Either true "the network member is missing" |f| f.without("network");
    "extra-members" Truth false "members nobody knows" |f|
        f.with("x-unknown", json!({ "a": [1, null, "two"] }));
    // The bytes are odd.
    "huge" Either false "10 MiB of padding in an unknown member" |f|
        f.with("padding", "x".repeat(HUGE_BYTES));
    "truncated" Nothing false "JSON that stops in the middle, in a complete response" |f| {
        let text = f.text();
        let half: String = text.chars().take(text.chars().count() / 2).collect();
        Odd::json(half)
    };
    "trailing-garbage" Nothing false "text behind the JSON" |f| Odd::json(f.text() + "\n<!-- cached -->");
    "two-documents" Nothing false "two answers behind each other" |f| {
        let text = f.text();
        Odd::json(format!("{text}\n{text}"))
    };
    "wrong-content-type" Either false "the true answer as text/html" |f|
        Odd::json(f.text()).typed("text/html; charset=utf-8");
    "no-content-type" Either false "the true answer without a content type" |f| Odd {
        content_type: None,
        ..Odd::json(f.text())
    };
    "bom" Either false "a byte order mark before the JSON" |f| Odd::json(format!("\u{feff}{}", f.text()));
    "utf-16" Either false "UTF-16, declared so" |f| {
        let bytes: Vec<u8> = f.text().encode_utf16().flat_map(u16::to_be_bytes).collect();
        Odd::json(bytes).typed("application/json; charset=utf-16be")
    };
    "invalid-utf8" Nothing false "a string with a byte that is no UTF-8" |f| {
        let mut bytes = f.raw_member("note", "\"?\"").bytes.to_vec();
        if let Some(byte) = bytes.iter_mut().rev().find(|byte| **byte == b'?') {
            *byte = 0xff;
        }
        Odd::json(bytes)
    };
    "duplicate-keys" Either true "the verdict twice, first its opposite" |f| {
        let opposite = !f.truth_flag();
        let text = f.text();
        let rest = text.strip_prefix('{').unwrap_or(&text);
        Odd::json(format!("{{\"{}\":{opposite},{rest}", f.words.flag))
    };
    "nan" Nothing false "a member that is NaN" |f| f.raw_member("score", "NaN");
    "comment" Nothing false "JSON with a comment" |f| Odd::json(format!("// answer\n{}", f.text()));
    "single-quotes" Nothing false "an object in single quotes" |f|
        Odd::json(f.text().replace('"', "'"));
    "deep-nesting" Either false "an unknown member nested 10,000 deep" |f|
        f.raw_member("deep", &("[".repeat(DEEP_LEVELS) + &"]".repeat(DEEP_LEVELS)));
    "gzip-garbage" Nothing false "declared gzip, and none" |f| Odd {
        header: Some((CONTENT_ENCODING, HeaderValue::from_static("gzip"))),
        ..Odd::json(f.text())
    };
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Endpoint;
    use std::collections::BTreeSet;

    fn make(name: &str, endpoint: Endpoint, flag: bool) -> Odd {
        let words = Words::of(endpoint);
        let truth = json!({ (words.flag): flag, "transaction": "0x01", "network": "eip155:1" });
        let Value::Object(truth) = truth else {
            panic!("no object");
        };
        let row = ODD_BODIES.iter().find(|row| row.name == name).unwrap();
        (row.make)(Frame { truth, words })
    }

    #[test]
    fn there_are_enough_and_names_are_unique() {
        let names: BTreeSet<&str> = ODD_BODIES.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), ODD_BODIES.len());
        assert!(names.len() >= 25, "{}", names.len());
        assert!(ODD_BODIES.iter().all(|row| !row.about.is_empty()));
    }

    /// What `Reading` says is checked against a strict reader: an object whose flag is a boolean.
    #[test]
    fn a_strict_reader_never_finds_a_yes_where_there_is_nothing() {
        for row in ODD_BODIES {
            for endpoint in [Endpoint::Verify, Endpoint::Settle] {
                let odd = make(row.name, endpoint, true);
                let flag = Words::of(endpoint).flag;
                let read = serde_json::from_slice::<Value>(&odd.bytes).ok();
                let yes = read.is_some_and(|value| value[flag] == true) && odd.header.is_none();
                match row.reading {
                    Reading::Truth => assert!(yes, "{}", row.name),
                    Reading::Nothing => assert!(!yes, "{}", row.name),
                    Reading::Either => {}
                }
            }
        }
    }

    #[test]
    fn the_rows_are_what_they_say() {
        let bytes = |name| make(name, Endpoint::Verify, false).bytes;
        let text = |name| String::from_utf8(bytes(name).to_vec()).unwrap();
        assert!(text("flag-string").contains(r#""isValid":"false""#));
        assert!(text("flag-number").contains(r#""isValid":0"#));
        assert!(text("duplicate-keys").starts_with(r#"{"isValid":true,"isValid":false"#));
        assert!(text("nan").ends_with(r#","score":NaN}"#));
        assert!(text("bom").starts_with('\u{feff}'));
        assert!(String::from_utf8(bytes("invalid-utf8").to_vec()).is_err());
        assert!(bytes("huge").len() > HUGE_BYTES);
        assert!(text("deep-nesting").contains(&"[".repeat(DEEP_LEVELS)));
        assert!(text("truncated").starts_with('{') && !text("truncated").ends_with('}'));
        let settle = make("flag-other-case", Endpoint::Settle, true);
        assert!(String::from_utf8_lossy(&settle.bytes).contains(r#""Success":true"#));
        assert_eq!(
            make("no-content", Endpoint::Verify, true).status,
            Some(StatusCode::NO_CONTENT)
        );
    }
}
