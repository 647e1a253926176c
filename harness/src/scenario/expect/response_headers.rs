//! `response_headers`: a header of answers, and what it lists.

use super::super::scope::{NameKind, Scope};
use super::{Expect, ExpectationKind};
use crate::config::yaml::{MapView, View};

/// About one header of every answer of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseHeader {
    /// Whose answers; of every `send` and `buy` if absent.
    pub of: Option<String>,
    /// The header's name.
    pub name: String,
    /// Whether it must be there; it must if `lists` is given.
    pub present: Option<bool>,
    /// Its comma-separated list must hold one of these, in any letter case, or `*`.
    pub lists: Vec<String>,
}

pub(super) const KIND: ExpectationKind = ExpectationKind {
    name: "response_headers",
    about: "whether each answer has a header, and what its list holds",
    keys: &["of", "name", "present", "lists"],
    decode,
};

fn decode(view: &View<'_>, scope: &mut Scope<'_>) -> Option<Expect> {
    let map = view.as_map()?;
    let of = map
        .optional("of")
        .map(|view| scope.refer(&view, NameKind::Responses));
    let present = map.optional_bool("present");
    let lists = map.list("lists");
    let lists: Vec<String> = lists
        .iter()
        .filter_map(|view| view.as_non_empty_str().map(str::to_owned))
        .collect();
    if map.optional("present").is_none() && map.optional("lists").is_none() {
        view.problem("expects nothing; give `present` or `lists`");
    }
    if present == Some(false) && !lists.is_empty() {
        map.problem_at_key("lists", "a header that is absent lists nothing");
    }
    let name = header_name(&map)?;
    let of = match of {
        Some(name) => Some(name?),
        None => None,
    };
    Some(Expect::ResponseHeader(ResponseHeader {
        of,
        name,
        present,
        lists,
    }))
}

fn header_name(map: &MapView<'_>) -> Option<String> {
    let view = map.required("name")?;
    let name = view.as_non_empty_str()?;
    if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
        view.problem(format!("`{name}` is no header name"));
        return None;
    }
    Some(name.to_owned())
}
