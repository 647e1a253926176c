//! What a personality is, and how a facilitator takes it on.

use serde::{Deserialize, Serialize};

use crate::defects::{Defect, DefectSet};
use crate::facilitator::Facilitator;
use crate::faults::{AddError, FaultSpec};

/// Begins the name of a fault that belongs to the personality.
const PREFIX: &str = "personality.";
/// Most accounts a personality may settle with: so many development accounts there are at least.
pub(super) const ACCOUNTS_MAX: u64 = 4;

/// How a known kind of facilitator differs from the strict, prompt one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Personality {
    /// Its name, that of its file.
    pub name: String,
    /// What it does, in one sentence.
    pub about: String,
    /// What was measured, and on what.
    pub measured: String,
    /// Accounts that settle on a node, at most 4; all there are when absent. A memory ledger has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<u32>,
    /// Defects that belong to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub defects: Vec<Defect>,
    /// Faults that belong to it; their names need to differ only from each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultSpec>,
}

impl Personality {
    /// Its defects as a set.
    pub fn defect_set(&self) -> DefectSet {
        self.defects.iter().copied().collect()
    }

    /// What is wrong with it, in one sentence.
    ///
    /// # Errors
    /// When there are too many accounts or none, or a fault makes no sense.
    pub fn validate(&self) -> Result<(), String> {
        let accounts = self.accounts.map(u64::from);
        if accounts.is_some_and(|count| !(1..=ACCOUNTS_MAX).contains(&count)) {
            return Err(format!("accounts must be 1 to {ACCOUNTS_MAX}"));
        }
        self.armed().iter().try_for_each(FaultSpec::validate)
    }

    /// Its faults, under the names they have in the facilitator.
    fn armed(&self) -> Vec<FaultSpec> {
        let named = self.faults.iter().zip(1..).map(|(spec, nth)| {
            let mut spec = spec.clone();
            spec.name = match spec.name.as_str() {
                "" => format!("{PREFIX}{}.{nth}", self.name),
                name => format!("{PREFIX}{}.{name}", self.name),
            };
            spec
        });
        named.collect()
    }
}

impl Facilitator {
    /// Takes a personality on in place of the one there was, or none; defects are set to those of the personality,
    /// other faults stay.
    ///
    /// # Errors
    /// When it makes no sense; nothing has changed then. Or when there are too many faults already.
    pub fn set_personality(&self, personality: Option<Personality>) -> Result<(), AddError> {
        if let Some(personality) = &personality {
            personality.validate().map_err(AddError::Invalid)?;
        }
        let faults = self.faults();
        faults.remove_all(PREFIX);
        let defects = personality.as_ref().map(Personality::defect_set);
        faults.set_defects(defects.unwrap_or_default());
        self.use_accounts(personality.as_ref().and_then(|chosen| chosen.accounts));
        let added = personality
            .iter()
            .flat_map(Personality::armed)
            .try_for_each(|spec| faults.add(spec).map(|_| ()));
        self.remember_personality(personality);
        added
    }
}
