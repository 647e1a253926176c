//! Holds the rows of a run against the entries of its file.

use std::collections::{BTreeMap, BTreeSet};

use x402_assay_reports::model::{self, ExpectationNote, Expected, Verdict};

use super::Row;
use crate::expectations::{Day, Entry, Expectations};

/// What an entry is worth in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It covers something that is red.
    Covers,
    /// What it is about was judged and held.
    Stale,
    /// Its last day is over, and what it is about is red.
    Expired,
    /// What it is about was not judged in this run.
    NotJudged,
}

/// Every row and every entry of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// Checks, invariants and scenarios.
    pub rows: Vec<Row>,
    /// The entries' standings, in their order.
    pub standings: Vec<Standing>,
    /// Why rows are expected, all of each, by id.
    pub expected: BTreeMap<String, Expected>,
    /// Rows of which a part is expected.
    partial: BTreeSet<String>,
    /// Entries that name a route nobody asked for.
    unasked: Vec<usize>,
}

impl Survey {
    /// Holds the rows against the entries; `today` is the day on which the run began.
    pub(in crate::verdict) fn take(
        rows: Vec<Row>,
        expectations: &Expectations,
        today: Day,
        routes: &BTreeSet<&str>,
    ) -> Self {
        let mut survey = Self {
            rows,
            ..Self::default()
        };
        for (index, entry) in expectations.entries.iter().enumerate() {
            let route = entry.route.as_deref();
            if route.is_some_and(|route| !routes.contains(route)) {
                survey.unasked.push(index);
                survey.standings.push(Standing::NotJudged);
            } else {
                survey.standings.push(standing(entry, &survey.rows, today));
            }
        }
        let active = expectations.entries.iter().zip(&survey.standings);
        let active: Vec<&Entry> = active
            .filter(|(_, standing)| **standing == Standing::Covers)
            .map(|(entry, _)| entry)
            .collect();
        for row in survey.rows.iter().filter(|row| row.is_red()) {
            let covers = |entry: &&Entry| {
                row.red
                    .iter()
                    .any(|spot| spot.is_covered_by(entry, &row.id))
            };
            let used: Vec<&Entry> = active.iter().copied().filter(covers).collect();
            let mut spots = row.red.iter();
            let whole =
                spots.all(|spot| used.iter().any(|entry| spot.is_covered_by(entry, &row.id)));
            if used.is_empty() {
                if let Some(why) = row.inherited.as_ref().filter(|_| row.red.is_empty()) {
                    survey.expected.insert(row.id.clone(), why.clone());
                }
            } else if whole {
                survey.expected.insert(row.id.clone(), together(&used));
            } else {
                survey.partial.insert(row.id.clone());
            }
        }
        survey
    }

    /// True when all that is red of this row is expected.
    pub(in crate::verdict) fn covers(&self, id: &str) -> bool {
        self.expected.contains_key(id)
    }

    /// What the report says of the file.
    pub(in crate::verdict) fn told(
        &self,
        expectations: &Expectations,
        routes: &BTreeSet<&str>,
    ) -> model::Expectations {
        let mut told = model::Expectations {
            file: expectations.file.clone(),
            entries: expectations.entries.len(),
            ..model::Expectations::default()
        };
        for (index, (entry, standing)) in
            expectations.entries.iter().zip(&self.standings).enumerate()
        {
            let note = |text: String| ExpectationNote {
                check: entry.check.clone(),
                version: entry.version.map(|version| version.to_string()),
                route: entry.route.clone(),
                text,
            };
            match standing {
                Standing::Stale => {
                    let text = "was judged in this run and held: remove the entry (or --update-expectations)";
                    told.stale.push(note(text.to_owned()));
                }
                Standing::Expired => {
                    let day = entry
                        .expires
                        .map_or_else(String::new, |day| day.to_string());
                    let text = format!(
                        "its last day was {day}, and it is still found: fix it, or give it a new day"
                    );
                    told.expired.push(note(text));
                }
                Standing::Covers if self.partial.contains(&entry.check) => {
                    let text = format!(
                        "covers a part only, the whole was seen in {}",
                        self.places_of(&entry.check)
                    );
                    told.partial.push(note(text));
                }
                Standing::NotJudged if self.unasked.contains(&index) => {
                    let asked: Vec<&str> = routes.iter().copied().take(10).collect();
                    let asked = asked.join(", ");
                    told.partial.push(note(format!(
                        "covers nothing, the run asked for no such route (it asked for {asked})"
                    )));
                }
                Standing::Covers | Standing::NotJudged => {}
            }
        }
        told
    }

    /// `v1 /paid, v2 /paid`.
    fn places_of(&self, id: &str) -> String {
        let rows = self.rows.iter().filter(|row| row.id == id);
        let places = rows.flat_map(|row| &row.red).take(10).map(|spot| {
            let version = spot
                .version
                .map_or_else(|| "an unknown version".to_owned(), |v| v.to_string());
            let route = spot.route.as_deref().unwrap_or("an unknown route");
            format!("{version} {route}")
        });
        places.collect::<Vec<_>>().join(", ")
    }
}

fn standing(entry: &Entry, rows: &[Row], today: Day) -> Standing {
    let Some(row) = rows.iter().find(|row| row.id == entry.check) else {
        return Standing::NotJudged;
    };
    if row.is_red() && row.red.iter().any(|spot| spot.may_be_meant_by(entry)) {
        return match entry.expires {
            Some(last) if last < today => Standing::Expired,
            _ => Standing::Covers,
        };
    }
    match row.verdict_for(entry.version) {
        Some(Verdict::Pass | Verdict::Info) => Standing::Stale,
        // Red elsewhere: on this route, or in this generation, it held.
        Some(Verdict::Fail | Verdict::Warn) => Standing::Stale,
        Some(Verdict::Skipped | Verdict::Inconclusive) | None => Standing::NotJudged,
    }
}

/// The reasons of all entries that a row needs; the first day that ends is its last.
fn together(entries: &[&Entry]) -> Expected {
    let mut reasons: Vec<&str> = Vec::new();
    let mut issues: Vec<&str> = Vec::new();
    for entry in entries {
        if !reasons.contains(&entry.reason.as_str()) {
            reasons.push(&entry.reason);
        }
        let issue = entry.issue.as_deref();
        issues.extend(issue.filter(|issue| !issues.contains(issue)));
    }
    let expires = entries.iter().filter_map(|entry| entry.expires).min();
    Expected {
        reason: reasons.join("; "),
        issue: (!issues.is_empty()).then(|| issues.join(", ")),
        expires: expires.map(|day| day.to_string()),
    }
}
