//! `not_reflected`: what a client wrote never stands as markup in a page.

use super::super::scope::{NameKind, Scope};
use super::{Expect, ExpectationKind};
use crate::config::yaml::View;

/// No HTML answer holds this text as it is; escaped it may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotReflected {
    /// Whose answers; of every `send` and `buy` if absent.
    pub of: Option<String>,
    /// The text.
    pub text: String,
}

pub(super) const KIND: ExpectationKind = ExpectationKind {
    name: "not_reflected",
    about: "no HTML answer holds the text unescaped",
    keys: &["of", "text"],
    decode,
};

fn decode(view: &View<'_>, scope: &mut Scope<'_>) -> Option<Expect> {
    let map = view.as_map()?;
    let of = map
        .optional("of")
        .map(|view| scope.refer(&view, NameKind::Responses));
    let text = map.required("text")?;
    let shown = text.as_non_empty_str()?;
    if !(shown.contains('<') && shown.contains(['"', '\''])) {
        text.problem(
            "holds no quote and `<`; text without them is no markup wherever it stands, so that nothing would be shown",
        );
        return None;
    }
    let of = match of {
        Some(name) => Some(name?),
        None => None,
    };
    Some(Expect::NotReflected(NotReflected {
        of,
        text: shown.to_owned(),
    }))
}
