//! What the file says.

use x402_assay_protocol::Version;

use super::Day;

/// One accepted finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Id of a check or an invariant, or a scenario's name.
    pub check: String,
    /// Only what of it was seen on this route, as the profile names it.
    pub route: Option<String>,
    /// Only what of it was seen in this generation.
    pub version: Option<Version>,
    /// Why it is accepted.
    pub reason: String,
    /// Where it is followed up.
    pub issue: Option<String>,
    /// Last day on which it is accepted.
    pub expires: Option<Day>,
}

impl Entry {
    /// What makes it unique in its file.
    pub fn key(&self) -> (&str, Option<Version>, Option<&str>) {
        (&self.check, self.version, self.route.as_deref())
    }
}

/// An expectations file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expectations {
    /// The file as it was named.
    pub file: String,
    /// Its entries, in order.
    pub entries: Vec<Entry>,
}
