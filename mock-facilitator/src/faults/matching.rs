//! Which calls a fault or hold is for.

use std::fmt;

use alloy_primitives::{Address, B256};
use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

use crate::event::{AuthorizationKey, Endpoint};

/// Most ranges or payers in one rule.
const LIST_MAX: usize = 256;

/// Which calls: every condition given must hold.
#[derive(Debug, Clone, PartialEq, Default, Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Match {
    /// `verify`, `settle` or `supported`; all three when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
    /// Which of the calls that meet `endpoint`, `payer` and `authorization`, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nth: Option<Nth>,
    /// Payers whose calls are meant; so that runs beside each other do not disturb each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payer: Option<Payers>,
    /// Nonce of the one authorization that is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization: Option<B256>,
    /// How often a call that meets everything else is hit, 0 to 1; always when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
}

impl Match {
    /// True when the call meets what does not depend on counting or chance.
    pub(crate) fn meets(&self, endpoint: Endpoint, key: Option<&AuthorizationKey>) -> bool {
        let payer = key.map(|key| key.payer);
        let nonce = key.map(|key| key.nonce);
        endpoint != Endpoint::Other
            && self.endpoint.is_none_or(|wanted| wanted == endpoint)
            && self
                .payer
                .as_ref()
                .is_none_or(|w| payer.is_some_and(|p| w.0.contains(&p)))
            && self
                .authorization
                .is_none_or(|wanted| nonce == Some(wanted))
    }

    /// True when the rule can match calls of this endpoint.
    pub(crate) fn covers(&self, endpoint: Endpoint) -> bool {
        self.endpoint.is_none_or(|wanted| wanted == endpoint)
    }

    /// What is wrong with the rule.
    pub(crate) fn validate(&self) -> Result<(), String> {
        if self.endpoint == Some(Endpoint::Other) {
            return Err("match.endpoint must be verify, settle or supported".to_owned());
        }
        if self.nth.as_ref().is_some_and(Nth::matches_nothing) {
            return Err("match.nth matches nothing: positions count from 1".to_owned());
        }
        if self
            .payer
            .as_ref()
            .is_some_and(|payers| payers.0.is_empty())
        {
            return Err("match.payer is an empty list: it would match nothing".to_owned());
        }
        match self.probability {
            Some(p) if !(0.0..=1.0).contains(&p) => Err(format!(
                "match.probability is {p}: it must lie between 0 and 1"
            )),
            _ => Ok(()),
        }
    }
}

/// Positions and ranges counted from 1: `3`, `"2-4"`, `"1,3-5,8-"` or a list of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nth(Vec<(u64, Option<u64>)>);

impl Nth {
    /// One position.
    pub fn only(position: u64) -> Self {
        Self(vec![(position, Some(position))])
    }

    /// All positions from `first` to `last`, both included.
    pub fn range(first: u64, last: u64) -> Self {
        Self(vec![(first, Some(last))])
    }

    /// True when this position is meant.
    pub fn contains(&self, position: u64) -> bool {
        self.0
            .iter()
            .any(|(first, last)| *first <= position && last.is_none_or(|last| position <= last))
    }

    fn matches_nothing(&self) -> bool {
        !self
            .0
            .iter()
            .any(|(first, last)| last.is_none_or(|last| last >= (*first).max(1)))
    }

    fn push_text(&mut self, text: &str) -> Result<(), String> {
        for piece in text.split(',').map(str::trim) {
            let range = match piece.split_once('-') {
                None => number(piece).map(|only| (only, Some(only))),
                Some((first, "")) => number(first).map(|first| (first, None)),
                Some((first, last)) => {
                    number(first).and_then(|first| Ok((first, Some(number(last)?))))
                }
            }?;
            self.push(range)?;
        }
        Ok(())
    }

    fn push(&mut self, (first, last): (u64, Option<u64>)) -> Result<(), String> {
        if first == 0 {
            return Err("nth counts from 1".to_owned());
        }
        if last.is_some_and(|last| last < first) {
            return Err(format!(
                "nth range {first}-{} runs backwards",
                last.unwrap_or_default()
            ));
        }
        if self.0.len() >= LIST_MAX {
            return Err(format!("nth has more than {LIST_MAX} ranges"));
        }
        self.0.push((first, last));
        Ok(())
    }
}

fn number(text: &str) -> Result<u64, String> {
    let text = text.trim();
    text.parse().map_err(|_| {
        let shown: String = text.chars().take(40).collect();
        format!("`{shown}` is no position; write nth as 3, \"2-4\" or \"1,3-5,8-\"")
    })
}

impl fmt::Display for Nth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (first, last)) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            match last {
                Some(last) if last == first => write!(f, "{first}")?,
                Some(last) => write!(f, "{first}-{last}")?,
                None => write!(f, "{first}-")?,
            }
        }
        Ok(())
    }
}

impl std::str::FromStr for Nth {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut nth = Self(Vec::new());
        nth.push_text(text)?;
        Ok(nth)
    }
}

impl Serialize for Nth {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Nth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NthVisitor)
    }
}

struct NthVisitor;

impl<'de> Visitor<'de> for NthVisitor {
    type Value = Nth;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a position counted from 1, a range such as \"2-4\", or a list of these")
    }

    fn visit_u64<E: de::Error>(self, position: u64) -> Result<Nth, E> {
        let mut nth = Nth(Vec::new());
        nth.push((position, Some(position))).map_err(E::custom)?;
        Ok(nth)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Nth, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Nth, A::Error> {
        let mut nth = Nth(Vec::new());
        while let Some(Nth(ranges)) = list.next_element()? {
            for range in ranges {
                nth.push(range).map_err(de::Error::custom)?;
            }
        }
        if nth.0.is_empty() {
            return Err(de::Error::custom(
                "nth is an empty list: it would match nothing",
            ));
        }
        Ok(nth)
    }
}

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

    fn nth(value: serde_json::Value) -> Result<Nth, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn positions_are_numbers_ranges_and_lists() {
        let table = [
            (json!(3), vec![3], vec![1, 2, 4]),
            (json!("2-4"), vec![2, 3, 4], vec![1, 5]),
            (json!("1, 3-5 ,8-"), vec![1, 3, 5, 8, 900], vec![2, 6, 7]),
            (json!([1, "4-5"]), vec![1, 4, 5], vec![2, 3, 6]),
        ];
        for (written, meant, not_meant) in table {
            let read = nth(written.clone()).unwrap();
            assert!(meant.iter().all(|n| read.contains(*n)), "{written}");
            assert!(!not_meant.iter().any(|n| read.contains(*n)), "{written}");
            let again = nth(serde_json::to_value(&read).unwrap()).unwrap();
            assert_eq!(again, read, "{written}");
        }
    }

    #[test]
    fn positions_that_mean_nothing_are_refused_with_a_reason() {
        for (written, why) in [
            (json!(0), "counts from 1"),
            (json!("4-2"), "runs backwards"),
            (json!("two"), "`two` is no position"),
            (json!(""), "is no position"),
            (json!("-3"), "is no position"),
            (json!([]), "empty list"),
            (json!(-1), "position counted from 1"),
            (json!(1.5), "position counted from 1"),
            (json!("99999999999999999999999"), "is no position"),
        ] {
            let error = nth(written.clone()).unwrap_err();
            assert!(error.contains(why), "{written}: {error}");
        }
    }

    #[test]
    fn a_rule_is_met_only_when_all_of_it_is() {
        let key = AuthorizationKey {
            payer: Address::repeat_byte(1),
            nonce: B256::repeat_byte(2),
            asset: Address::ZERO,
            chain_id: 1,
        };
        let all = Match::default();
        assert!(all.meets(Endpoint::Verify, Some(&key)) && all.meets(Endpoint::Supported, None));
        assert!(!all.meets(Endpoint::Other, None));
        let settle = Match {
            endpoint: Some(Endpoint::Settle),
            ..Match::default()
        };
        assert!(settle.meets(Endpoint::Settle, None) && !settle.meets(Endpoint::Verify, None));
        let payer = Match {
            payer: Some(key.payer.into()),
            ..Match::default()
        };
        assert!(payer.meets(Endpoint::Verify, Some(&key)));
        let other = AuthorizationKey {
            payer: Address::repeat_byte(9),
            ..key
        };
        assert!(!payer.meets(Endpoint::Verify, Some(&other)));
        assert!(
            !payer.meets(Endpoint::Verify, None),
            "unknown payers are nobody's"
        );
        let nonce = Match {
            authorization: Some(key.nonce),
            ..Match::default()
        };
        let other = AuthorizationKey {
            nonce: B256::ZERO,
            ..key
        };
        assert!(nonce.meets(Endpoint::Verify, Some(&key)));
        assert!(!nonce.meets(Endpoint::Verify, Some(&other)));
    }

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

    #[test]
    fn impossible_rules_are_named() {
        let rule = |value| serde_json::from_value::<Match>(value).unwrap().validate();
        assert!(
            rule(json!({ "endpoint": "other" }))
                .unwrap_err()
                .contains("match.endpoint")
        );
        for wrong in [json!(1.5), json!(-0.1)] {
            let error = rule(json!({ "probability": wrong })).unwrap_err();
            assert!(error.contains("match.probability"), "{error}");
        }
        assert_eq!(
            rule(json!({ "probability": 0.5, "endpoint": "settle" })),
            Ok(())
        );
        for nth in [Nth::only(0), Nth::range(3, 2)] {
            assert!(
                Match {
                    nth: Some(nth),
                    ..Match::default()
                }
                .validate()
                .is_err()
            );
        }
        let nobody = Match {
            payer: Some(Payers(Vec::new())),
            ..Match::default()
        };
        assert!(nobody.validate().unwrap_err().contains("match.payer"));
    }
}
