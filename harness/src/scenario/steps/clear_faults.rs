//! `clear_faults`: ends what other steps injected.

use super::super::scope::Scope;
use super::super::words::words;
use super::{ANY_ROLE, Step, StepKind};
use crate::config::yaml::MapView;

words! {
    /// Where faults are.
    pub enum FaultPlace {
        /// Faults and holds of the bench's facilitator.
        Facilitator = "facilitator",
        /// Faults of links.
        Link = "link",
        /// Mining resumes, RPC faults end; what was drained, paused or replaced is put back.
        Chain = "chain",
    }
}

/// Ends faults; held calls go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClearFaults {
    /// Where; everywhere unless the step says so.
    pub of: Vec<FaultPlace>,
}

pub(super) const KIND: StepKind = StepKind {
    name: "clear_faults",
    about: "ends the faults of the facilitator, the links and the chain",
    keys: &["of"],
    roles: ANY_ROLE,
    decode,
};

fn decode(map: &MapView<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let everywhere = || FaultPlace::ALL.iter().map(|(_, place)| *place).collect();
    let of: Vec<FaultPlace> = match map.optional("of") {
        Some(view) => {
            let items = view.as_list()?;
            items
                .iter()
                .filter_map(|item| item.one_of(FaultPlace::ALL))
                .collect()
        }
        None => everywhere(),
    };
    if of.contains(&FaultPlace::Facilitator) {
        scope.flight.clear();
    }
    Some(Step::ClearFaults(ClearFaults { of }))
}
