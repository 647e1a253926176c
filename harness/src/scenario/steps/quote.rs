//! `quote`: asks for a price and keeps the offer.

use x402_assay_protocol::Version;

use super::super::scope::{NameKind, Scope};
use super::super::words::{Need, Scheme, words};
use super::{ANY_ROLE, Route, Step, StepKind};
use crate::config::yaml::MapView;

words! {
    /// A generation of the protocol.
    pub enum Generation {
        /// Version 1.
        V1 = "v1",
        /// Version 2.
        V2 = "v2",
    }
}

impl Generation {
    /// As the protocol numbers it.
    pub const fn version(self) -> Version {
        match self {
            Self::V1 => Version::V1,
            Self::V2 => Version::V2,
        }
    }
}

/// A request without a payment; its challenge's offer is kept under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// What is asked for.
    pub route: Route,
    /// The generation whose offer is kept; the newest the server offers if absent.
    pub version: Option<Generation>,
    /// Which offer is kept.
    pub scheme: Scheme,
    /// The offer's name.
    pub name: String,
}

pub(super) const KIND: StepKind = StepKind {
    name: "quote",
    about: "requests a paid route without a payment and keeps the offer",
    keys: &["route", "version", "scheme", "as"],
    roles: ANY_ROLE,
    decode,
};

fn decode(map: &MapView<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let scheme = map.optional("scheme");
    let named = scheme.as_ref().map(|view| view.one_of(Scheme::ALL));
    let by_use = named == Some(Some(Scheme::Upto));
    let route = match map.optional("route") {
        None if by_use => Some(Route::Upto),
        _ => Route::decode(map, scope),
    };
    let version = map
        .optional("version")
        .and_then(|view| view.one_of(Generation::ALL));
    if let Some(view) = scheme.filter(|_| by_use) {
        scope.need(&view, Need::Upto, "`scheme: upto`");
        if version == Some(Generation::V1) {
            view.problem("v1 knows no `upto`; leave `version` out, or say v2");
        }
    }
    let name = scope.define(map, NameKind::Offer, 1);
    Some(Step::Quote(Quote {
        route: route?,
        version,
        scheme: named.unwrap_or(Some(Scheme::Exact))?,
        name: name?,
    }))
}
