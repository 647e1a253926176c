//! What the file becomes after a run: what is still found stays with its reason, what is new is added, what held goes.

use x402_assay_protocol::Version;

use super::{Standing, Survey};
use crate::expectations::{Day, Entry, Expectations};

/// What changed, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Added, with a reason to be filled in.
    pub added: Vec<String>,
    /// Held in this run.
    pub dropped: Vec<String>,
    /// Still found after their last day; they have none now.
    pub renewed: Vec<String>,
}

/// The file after a run that was surveyed with `old`.
pub fn updated(old: &Expectations, survey: &Survey, today: Day) -> (Expectations, Changes) {
    let mut changes = Changes::default();
    let mut entries = Vec::new();
    for (entry, standing) in old.entries.iter().zip(&survey.standings) {
        match standing {
            Standing::Stale => changes.dropped.push(name(entry)),
            Standing::Expired => {
                changes.renewed.push(name(entry));
                entries.push(Entry {
                    expires: None,
                    ..entry.clone()
                });
            }
            Standing::Covers | Standing::NotJudged => entries.push(entry.clone()),
        }
    }
    for row in &survey.rows {
        // One entry where all the generations that were judged are red, else one for each that is.
        let red = row.red_versions();
        let everywhere = red.contains(&None) || red.len() == row.judged.len().max(1);
        let versions: Vec<Option<Version>> = if everywhere { vec![None] } else { red };
        for version in versions {
            let covered =
                |spot_version: Option<Version>| version.is_none() || spot_version == version;
            let mut spots = row.red.iter().filter(|spot| covered(spot.version));
            if spots.all(|spot| {
                entries
                    .iter()
                    .any(|entry| spot.is_covered_by(entry, &row.id))
            }) {
                continue;
            }
            let entry = Entry {
                check: row.id.clone(),
                route: None,
                version,
                reason: format!("accepted on {today}: {}", short(&row.detail)),
                issue: None,
                expires: None,
            };
            if entries
                .iter()
                .any(|other: &Entry| other.key() == entry.key())
            {
                continue;
            }
            changes.added.push(name(&entry));
            entries.push(entry);
        }
    }
    let file = old.file.clone();
    (Expectations { file, entries }, changes)
}

fn name(entry: &Entry) -> String {
    let version = entry.version.map(|version| format!(" {version}"));
    let route = entry.route.as_ref().map(|route| format!(" {route}"));
    format!(
        "{}{}{}",
        entry.check,
        version.unwrap_or_default(),
        route.unwrap_or_default()
    )
}

/// One line of the detail: the whole is in the report.
fn short(detail: &str) -> String {
    x402_assay_reports::text::line(detail, 160)
}
