//! `release`: lets held calls go.

use super::super::scope::Scope;
use super::super::words::words;
use super::{ONLY_SERVER, Step, StepKind};
use crate::config::yaml::MapView;

words! {
    /// In which order held calls go on.
    pub enum Order {
        /// All at once.
        Together = "together",
        /// One after the other, each when the one before is answered, in an order that the seed decides.
        SeededOrder = "seeded-order",
        /// One after the other, each when the one before is answered, as they came.
        InOrder = "in-order",
    }
}

/// Ends every hold that is `until: told`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// In which order.
    pub order: Order,
}

pub(super) const KIND: StepKind = StepKind {
    name: "release",
    about: "lets the calls of every `hold` with `until: told` go",
    keys: &["order"],
    roles: ONLY_SERVER,
    decode,
};

fn decode(map: &MapView<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    if !scope.flight.release() {
        map.view()
            .problem("nothing is held here; a `hold` with `until: told` must come before");
    }
    let order = map
        .optional("order")
        .and_then(|view| view.one_of(Order::ALL));
    Some(Step::Release(Release {
        order: order.unwrap_or(Order::Together),
    }))
}
