//! Payers a rule is for.

use std::fmt;

use alloy_primitives::Address;
use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

/// Most entries in one rule.
const LIST_MAX: usize = 256;

/// One payer or several; written as one address or a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payers(pub Vec<Address>);

impl From<Address> for Payers {
    fn from(payer: Address) -> Self {
        Self(vec![payer])
    }
}

impl FromIterator<Address> for Payers {
    fn from_iter<I: IntoIterator<Item = Address>>(payers: I) -> Self {
        Self(payers.into_iter().collect())
    }
}

impl Serialize for Payers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => one.serialize(serializer),
            many => many.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Payers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PayersVisitor)
    }
}

struct PayersVisitor;

impl<'de> Visitor<'de> for PayersVisitor {
    type Value = Payers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address (0x and 40 hex digits) or a list of them")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Payers, E> {
        x402_assay_protocol::eip3009::parse_address(text)
            .map(Payers::from)
            .ok_or_else(|| E::custom("payer must be 0x and 40 hex digits"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Payers, A::Error> {
        let mut payers = Vec::new();
        while let Some(Payers(more)) = list.next_element()? {
            payers.extend(more);
            if payers.len() > LIST_MAX {
                let message = format!("payer lists more than {LIST_MAX} addresses");
                return Err(de::Error::custom(message));
            }
        }
        if payers.is_empty() {
            return Err(de::Error::custom(
                "payer is an empty list: it would match nothing",
            ));
        }
        Ok(Payers(payers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn payers_are_one_or_many() {
        let one = Address::repeat_byte(1);
        let read = |value| serde_json::from_value::<Payers>(value).map_err(|e| e.to_string());
        assert_eq!(read(json!(one)).unwrap(), Payers(vec![one]));
        assert_eq!(read(json!([one, one])).unwrap(), Payers(vec![one, one]));
        assert!(read(json!([])).unwrap_err().contains("empty list"));
        assert!(read(json!("0x12")).unwrap_err().contains("40 hex digits"));
        assert!(read(json!(7)).unwrap_err().contains("list of them"));
    }
}
