//! Positions of calls, counted from 1.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

/// Most entries in one rule.
const LIST_MAX: usize = 256;

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

    pub(super) fn matches_nothing(&self) -> bool {
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
}
