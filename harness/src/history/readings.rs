//! What texts of a history hold, read once for each stored text: a load run repeats the same few bodies many times.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use serde_json::Value;
use x402_assay_protocol::header::{self, Decoded, HeaderError};
use x402_assay_protocol::{Challenge, Settlement, Version};

use super::bodies::Bodies;

/// The bodies of a history, and what was read of them so far.
#[derive(Debug, Default)]
pub(super) struct Readings<'h> {
    pub(super) bodies: Bodies<'h>,
    json: Known<Option<Value>>,
    headers: Known<Result<Decoded, HeaderError>>,
    challenges: [Known<Option<Challenge>>; 2],
    settlements: [Known<Result<Settlement, HeaderError>>; 2],
}

impl<'h> Readings<'h> {
    pub(super) fn new(bodies: Bodies<'h>) -> Self {
        Self {
            bodies,
            ..Self::default()
        }
    }

    /// The text as JSON, if it is JSON.
    pub(super) fn json(&self, text: &'h str) -> Rc<Option<Value>> {
        self.json.of(text, || serde_json::from_str(text).ok())
    }

    /// The text as the value of a payment header.
    pub(super) fn header(&self, text: &'h str) -> Rc<Result<Decoded, HeaderError>> {
        self.headers.of(text, || header::decode(text.as_bytes()))
    }

    /// The text as a challenge: a header value (v2) or a body (v1).
    pub(super) fn challenge(&self, version: Version, text: &'h str) -> Rc<Option<Challenge>> {
        self.challenges[slot(version)].of(text, || {
            let raw = match version {
                Version::V2 => self.header(text).as_ref().as_ref().ok()?.value.clone(),
                Version::V1 => {
                    let body = self.json(text).as_ref().clone()?;
                    body.get("x402Version")?;
                    body
                }
            };
            Some(Challenge::read(version, raw))
        })
    }

    /// The text as the value of a settlement header.
    pub(super) fn settlement(
        &self,
        version: Version,
        text: &'h str,
    ) -> Rc<Result<Settlement, HeaderError>> {
        self.settlements[slot(version)].of(text, || {
            let read = header::decode(text.as_bytes());
            read.map(|decoded| Settlement::read(version, decoded.value))
        })
    }
}

/// Texts that were read, by address and length. A body is stored once, so equal bodies stand at one address; the
/// history outlives what is known of it.
#[derive(Debug)]
struct Known<T>(RefCell<HashMap<(usize, usize), Rc<T>>>);

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<T> Known<T> {
    fn of(&self, text: &str, read: impl FnOnce() -> T) -> Rc<T> {
        let place = (text.as_ptr().addr(), text.len());
        if let Some(known) = self.0.borrow().get(&place) {
            return Rc::clone(known);
        }
        let read = Rc::new(read());
        self.0.borrow_mut().insert(place, Rc::clone(&read));
        read
    }
}

pub(super) const fn slot(version: Version) -> usize {
    match version {
        Version::V1 => 0,
        Version::V2 => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_once() {
        let readings = Readings::default();
        let reading = readings.json("{\"a\":1}");
        assert_eq!(reading.as_ref().as_ref().unwrap()["a"], 1);
        let texts = ["{\"b\":1}", "no json"];
        for text in texts {
            assert!(Rc::ptr_eq(&readings.json(text), &readings.json(text)));
            assert!(!Rc::ptr_eq(&readings.json(text), &reading));
        }
        assert!(readings.json(texts[1]).is_none());
    }

    #[test]
    fn a_part_of_a_text_is_another_text() {
        let readings = Readings::default();
        let text = "10";
        assert_eq!(*readings.json(text), Some(Value::from(10)));
        assert_eq!(*readings.json(&text[..1]), Some(Value::from(1)));
    }
}
