//! `quote`: asks for a price and keeps the offer.

use x402_assay_protocol::Version;

use super::super::scope::{NameKind, Scope};
use super::super::words::words;
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
    /// The offer's name.
    pub name: String,
}

pub(super) const KIND: StepKind = StepKind {
    name: "quote",
    about: "requests a paid route without a payment and keeps the offer",
    keys: &["route", "version", "as"],
    roles: ANY_ROLE,
    decode,
};

fn decode(map: &MapView<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let route = Route::decode(map, scope);
    let version = map
        .optional("version")
        .and_then(|view| view.one_of(Generation::ALL));
    let name = scope.define(map, NameKind::Offer, 1);
    Some(Step::Quote(Quote {
        route: route?,
        version,
        name: name?,
    }))
}
