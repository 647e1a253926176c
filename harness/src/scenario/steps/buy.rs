//! `buy`: one whole honest purchase.

use std::time::Duration;

use super::super::scope::{NameKind, Scope};
use super::sign::decode_payer;
use super::{ANY_ROLE, Route, Step, StepKind};
use crate::config::yaml::MapView;

/// Quote, sign and send with a payment of its own. With `within`, never being served is a breach of I9.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buy {
    /// What is bought.
    pub route: Route,
    /// Who pays.
    pub payer: String,
    /// Tries anew, each time with a new payment, until this is over; once if absent.
    pub within: Option<Duration>,
    /// The name of what came back.
    pub name: Option<String>,
}

pub(super) const KIND: StepKind = StepKind {
    name: "buy",
    about: "makes one honest purchase; with `within` it tries again until it is served",
    keys: &["route", "payer", "within", "as"],
    roles: ANY_ROLE,
    decode,
};

fn decode(map: &MapView<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let route = Route::decode(map, scope);
    let payer = decode_payer(map, scope);
    let within = map.optional_positive_duration("within");
    scope.flight.send(1, false);
    let name = scope.define_optional(map, NameKind::Responses, 1);
    Some(Step::Buy(Buy {
        route: route?,
        payer: payer?,
        within,
        name,
    }))
}
