//! Where a finding was seen: what an entry narrowed to a generation or a route has to match.

use std::collections::BTreeSet;

use x402_assay_protocol::Version;
use x402_assay_reports::model::{Expected, Verdict};

use crate::expectations::Entry;

/// A generation and a route on which something is red; `None` where the evidence does not tell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// The generation.
    pub version: Option<Version>,
    /// The route, as the profile names it.
    pub route: Option<String>,
}

impl Spot {
    /// True when an entry covers this spot of the row `id`. What is not known is covered only by what is not narrowed.
    pub fn is_covered_by(&self, entry: &Entry, id: &str) -> bool {
        entry.check == id
            && (entry.version.is_none() || entry.version == self.version)
            && (entry.route.is_none() || entry.route == self.route)
    }

    /// True when an entry may be about this spot.
    pub(super) fn may_be_meant_by(&self, entry: &Entry) -> bool {
        let same_version =
            entry.version.is_none() || self.version.is_none() || entry.version == self.version;
        let same_route = entry.route.is_none() || self.route.is_none() || entry.route == self.route;
        same_version && same_route
    }
}

/// A check, an invariant or a scenario, as expectations see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// Its verdict in each generation it was judged in; none where generations are not told apart.
    pub judged: Vec<(Version, Verdict)>,
    /// Its verdict as a whole.
    pub verdict: Verdict,
    /// Where it is red; empty when it is not.
    pub red: BTreeSet<Spot>,
    /// What was seen.
    pub detail: String,
    /// Why what is left out of `red` is expected, where something is: expected scenarios broke it.
    pub inherited: Option<Expected>,
}

impl Row {
    /// True for a failure or a warning.
    pub const fn is_red(&self) -> bool {
        matches!(self.verdict, Verdict::Fail | Verdict::Warn)
    }

    /// Generations in which it is red, in order.
    pub fn red_versions(&self) -> Vec<Option<Version>> {
        let versions: BTreeSet<Option<Version>> =
            self.red.iter().map(|spot| spot.version).collect();
        versions.into_iter().collect()
    }

    /// The verdict of what an entry is about, leaving routes aside; `None` when that was not judged.
    pub(super) fn verdict_for(&self, version: Option<Version>) -> Option<Verdict> {
        let Some(version) = version else {
            return Some(self.verdict);
        };
        let mut judged = self.judged.iter();
        judged
            .find(|(one, _)| *one == version)
            .map(|(_, verdict)| *verdict)
    }
}
