//! What is wrong with how `upto` is settled, if anything is.

use alloy_primitives::U256;

use super::{Defect, DefectSet};
use crate::ledger::PermitRules;

/// The deviations of one facilitator; none by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UptoDeviation(DefectSet);

impl UptoDeviation {
    /// Those among its defects.
    pub(crate) const fn of(defects: DefectSet) -> Self {
        Self(defects)
    }

    /// What it and its contracts hold a settlement to.
    pub(crate) const fn rules(self) -> PermitRules {
        PermitRules {
            ceiling: !self.0.has(Defect::UptoCeilingIgnored),
            once: !self.0.has(Defect::UptoPermitsReused),
        }
    }

    /// What it charges when `asked` is to be charged.
    pub(crate) fn charged(self, asked: U256, ceiling: U256) -> U256 {
        match self.0.has(Defect::UptoSettlesCeiling) {
            true => ceiling,
            false => asked,
        }
    }
}
