//! What an expectations file covers.

use serde::{Deserialize, Serialize};

/// Why a finding is accepted for now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// In the user's words.
    pub reason: String,
    /// Where it is followed up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<String>,
    /// Last day on which it is accepted, `YYYY-MM-DD` in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

impl Expected {
    /// Reason, issue and last day in one line.
    pub fn told(&self) -> String {
        let issue = self.issue.iter().map(|issue| format!(" ({issue})"));
        let expires = self.expires.iter().map(|day| format!(", until {day}"));
        let more: String = issue.chain(expires).collect();
        format!("{}{more}", self.reason)
    }
}

/// What an expectations file did in a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectations {
    /// The file, as it was named.
    pub file: String,
    /// How many entries it holds.
    pub entries: usize,
    /// Entries about something that was looked at and held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale: Vec<ExpectationNote>,
    /// Entries whose last day is over: they cover nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expired: Vec<ExpectationNote>,
    /// Entries that cover a part of a finding, which is therefore not expected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial: Vec<ExpectationNote>,
}

impl Expectations {
    /// Every remark with a word for its kind.
    pub fn remarks(&self) -> impl Iterator<Item = (&'static str, &ExpectationNote)> {
        let expired = self.expired.iter().map(|note| ("expired", note));
        let partial = self.partial.iter().map(|note| ("partial", note));
        let stale = self.stale.iter().map(|note| ("stale", note));
        expired.chain(partial).chain(stale)
    }
}

/// One entry of an expectations file that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectationNote {
    /// Check, invariant or scenario.
    pub check: String,
    /// Generation it is narrowed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Route it is narrowed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// What is the matter, and what to do.
    pub text: String,
}

impl ExpectationNote {
    /// The entry and the remark in one line.
    pub fn told(&self) -> String {
        let narrowed = self.version.iter().chain(&self.route);
        let narrowed: Vec<&str> = narrowed.map(String::as_str).collect();
        match narrowed.is_empty() {
            true => format!("{}: {}", self.check, self.text),
            false => format!("{} ({}): {}", self.check, narrowed.join(" "), self.text),
        }
    }
}
