//! Reading a map key by key.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Entry, Position, View, did_you_mean};

/// A map whose keys are taken one at a time; what does not fit is reported.
#[derive(Debug, Clone)]
pub struct MapView<'a> {
    view: View<'a>,
    entries: &'a [Entry],
}

impl<'a> MapView<'a> {
    pub(super) fn new(view: View<'a>, entries: &'a [Entry]) -> Self {
        Self { view, entries }
    }

    /// The map as a value, for problems of the map as a whole.
    pub fn view(&self) -> &View<'a> {
        &self.view
    }

    /// Reports every key that is not `known`, naming the nearest known one.
    pub fn unknown_keys(&self, known: &[&str]) {
        for entry in self
            .entries
            .iter()
            .filter(|entry| !known.contains(&entry.key.as_str()))
        {
            let place = match self.view.path() {
                "" => String::new(),
                path => format!(" in `{path}`"),
            };
            let hint = match did_you_mean(&entry.key, known.iter().copied()) {
                hint if hint.is_empty() => format!("; known keys: {}", known.join(", ")),
                hint => hint,
            };
            let message = format!("unknown key `{}`{place}{hint}", entry.key);
            self.view.problem_at(entry.key_position, message);
        }
    }

    /// Every key with its place and value, in file order.
    pub fn entries(&self) -> impl Iterator<Item = (&'a str, Position, View<'a>)> + '_ {
        self.entries.iter().map(|entry| {
            (
                entry.key.as_str(),
                entry.key_position,
                self.entry_view(entry),
            )
        })
    }

    /// Where a key stands, if it is given.
    pub fn key_position(&self, key: &str) -> Option<Position> {
        self.entries
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| entry.key_position)
    }

    /// The value of a key, if it is given.
    pub fn optional(&self, key: &str) -> Option<View<'a>> {
        self.entries
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| self.entry_view(entry))
    }

    /// The value of a key that must be there.
    pub fn required(&self, key: &str) -> Option<View<'a>> {
        let value = self.optional(key);
        if value.is_none() {
            self.view.problem(format!("the key `{key}` is missing"));
        }
        value
    }

    /// Reports a problem at a key (rather than at its value).
    pub fn problem_at_key(&self, key: &str, message: &str) {
        let position = self
            .key_position(key)
            .unwrap_or_else(|| self.view.position());
        self.view.problem_at(position, message.to_owned());
    }

    /// Non-empty text that must be there.
    pub fn required_str(&self, key: &str) -> Option<&'a str> {
        self.required(key)?.as_non_empty_str()
    }

    /// Non-empty text, if the key is given.
    pub fn optional_str(&self, key: &str) -> Option<&'a str> {
        self.optional(key)?.as_non_empty_str()
    }

    /// A whole number within `range`, if the key is given.
    pub fn optional_u64(&self, key: &str, range: RangeInclusive<u64>) -> Option<u64> {
        self.optional(key)?.as_u64(range)
    }

    /// True or false, if the key is given.
    pub fn optional_bool(&self, key: &str) -> Option<bool> {
        self.optional(key)?.as_bool()
    }

    /// A duration greater than zero, if the key is given.
    pub fn optional_positive_duration(&self, key: &str) -> Option<Duration> {
        self.optional(key)?.as_positive_duration()
    }

    /// A duration, zero allowed, if the key is given.
    pub fn optional_duration(&self, key: &str) -> Option<Duration> {
        self.optional(key)?.as_duration()
    }

    /// The items of a list; none if the key is absent.
    pub fn list(&self, key: &str) -> Vec<View<'a>> {
        self.optional(key)
            .and_then(|value| value.as_list())
            .unwrap_or_default()
    }

    /// A map, if the key is given.
    pub fn optional_map(&self, key: &str) -> Option<MapView<'a>> {
        self.optional(key)?.as_map()
    }

    fn entry_view(&self, entry: &'a Entry) -> View<'a> {
        let path = match self.view.path() {
            "" => entry.key.clone(),
            path => format!("{path}.{}", entry.key),
        };
        self.view.child(&entry.value, path)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Problems, parse};
    use super::*;

    fn decode(text: &str, with: impl Fn(&MapView<'_>)) -> String {
        let problems = Problems::new("t.yaml");
        if let Some(node) = parse(text, &problems)
            && let Some(map) = View::root(&node, &problems).as_map()
        {
            with(&map);
        }
        problems.into_list().to_string()
    }

    #[test]
    fn values_of_the_right_kind_are_read() {
        let text = "s: abc\nq: \"5\"\nn: 5\nb: true\nd: 250ms\nl: [1, 2]\nm: { k: v }\n";
        let problems = decode(text, |map| {
            assert_eq!(map.required_str("s"), Some("abc"));
            assert_eq!(map.optional_str("q"), Some("5"));
            assert_eq!(map.optional_u64("n", 1..=5), Some(5));
            assert_eq!(map.optional_bool("b"), Some(true));
            assert_eq!(map.optional_duration("d"), Some(Duration::from_millis(250)));
            assert_eq!(map.list("l").len(), 2);
            assert_eq!(map.optional_map("m").unwrap().required_str("k"), Some("v"));
            assert_eq!(map.optional("absent").map(|_| ()), None);
            map.unknown_keys(&["s", "q", "n", "b", "d", "l", "m"]);
        });
        assert_eq!(problems, "");
    }

    #[test]
    fn every_problem_is_reported_at_its_place() {
        let text = "s: 5\nempty:\nblank: \" \"\nn: \"5\"\nbig: 9\nb: yes\nd: 30\nl: x\nm: [1]\ncolour: gren\nlanch: 1\nzzzzzzzz: 1\n";
        let problems = decode(text, |map| {
            map.required_str("s");
            map.required_str("gone");
            map.optional_str("empty");
            map.optional_str("blank");
            map.optional_u64("n", 1..=8);
            map.optional_u64("big", 1..=8);
            map.optional_bool("b");
            map.optional_positive_duration("d");
            map.list("l");
            map.optional_map("m");
            map.optional("colour")
                .unwrap()
                .one_of(&[("green", 1), ("red", 2)]);
            let known = [
                "s", "empty", "blank", "n", "big", "b", "d", "l", "m", "colour",
            ];
            map.unknown_keys(&[&known[..], &["launch"]].concat());
        });
        insta::assert_snapshot!(problems);
    }

    #[test]
    fn paths_name_nested_values() {
        let problems = decode("routes:\n  - { path: 7 }\n", |map| {
            for route in map.list("routes") {
                route.as_map().unwrap().required_str("path");
            }
        });
        assert_eq!(
            problems,
            "t.yaml:2:13: `routes[0].path`: expected text, found the number 7; quote it: \"7\""
        );
    }
}
