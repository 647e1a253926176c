//! Which route a request goes to.

use super::super::scope::{NameKind, Scope};
use super::super::words::Need;
use crate::config::yaml::{MapView, View};

/// A paid route of the target (or of the reference server in front of a facilitator).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Route {
    /// The first paid route.
    #[default]
    Main,
    /// The second paid route.
    Other,
    /// The first paid route with a `price` above that of the first one.
    Dearer,
    /// The first paid route with a path parameter.
    Parameter,
    /// The first paid route with a wildcard.
    Wildcard,
    /// The first paid route that takes a body.
    WithBody,
    /// The first paid route that offers `upto`.
    Upto,
    /// This path.
    Path(String),
    /// The route an `origin` step named.
    Named(String),
}

impl Route {
    /// The route under `route`; the main one if the key is absent.
    pub(super) fn decode(map: &MapView<'_>, scope: &mut Scope<'_>) -> Option<Self> {
        match map.optional("route") {
            Some(view) => Self::decode_value(&view, scope),
            None => Some(Self::Main),
        }
    }

    /// The route a value names.
    pub(super) fn decode_value(view: &View<'_>, scope: &mut Scope<'_>) -> Option<Self> {
        let text = view.as_non_empty_str()?;
        match text {
            "main" => Some(Self::Main),
            "other" => {
                scope.need(view, Need::SecondRoute, "the route `other`");
                Some(Self::Other)
            }
            "dearer" => {
                scope.need(view, Need::DearerRoute, "the route `dearer`");
                Some(Self::Dearer)
            }
            "parameter" => {
                scope.need(view, Need::ParameterRoute, "the route `parameter`");
                Some(Self::Parameter)
            }
            "wildcard" => {
                scope.need(view, Need::WildcardRoute, "the route `wildcard`");
                Some(Self::Wildcard)
            }
            "with-body" => {
                scope.need(view, Need::BodyRoute, "the route `with-body`");
                Some(Self::WithBody)
            }
            "upto" => {
                scope.need(view, Need::Upto, "the route `upto`");
                Some(Self::Upto)
            }
            path if path.starts_with('/') => {
                if path.contains(char::is_whitespace) || path.contains('#') {
                    view.problem("a path holds no `#` and no white space; percent-encode them");
                    return None;
                }
                Some(Self::Path(path.to_owned()))
            }
            _ => scope.refer(view, NameKind::Route).map(Self::Named),
        }
    }
}
