//! `settle_down`: waits until nothing is in flight.

use std::time::Duration;

use super::super::scope::Scope;
use super::{ANY_ROLE, Step, StepKind};
use crate::config::yaml::MapView;

const WITHIN_DEFAULT: Duration = Duration::from_secs(10);

/// Every request is answered, every facilitator call too, and no transaction is pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettleDown {
    /// After this what is still open is noted, and the next step begins.
    pub within: Duration,
}

pub(super) const KIND: StepKind = StepKind {
    name: "settle_down",
    about: "waits until no request, facilitator call or transaction is open",
    keys: &["within"],
    roles: ANY_ROLE,
    decode,
};

fn decode(map: &MapView<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let within = map.optional_positive_duration("within");
    scope.flight.settle_down();
    Some(Step::SettleDown(SettleDown {
        within: within.unwrap_or(WITHIN_DEFAULT),
    }))
}
