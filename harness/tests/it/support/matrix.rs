//! What both kill matrices are held to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use x402_assay::checks::{self, Check};
use x402_assay::selftest::{self, Difference, NONE, Row};

use super::rewrites;

/// A matrix as it was just measured, and what is known of it.
pub(crate) struct Matrix<'a> {
    pub(crate) rows: Vec<Row>,
    /// Defects that turn nothing red here.
    pub(crate) unjudged: &'a [&'a str],
    pub(crate) recorded: Vec<Row>,
    /// Where it is recorded, below `src/selftest`.
    pub(crate) file: &'a str,
    /// What the file begins with.
    pub(crate) head: &'a str,
    /// Checks that a defect turns red elsewhere, with the defect.
    pub(crate) elsewhere: Vec<(&'a str, &'a str)>,
}

impl Matrix<'_> {
    /// Every defect turns red what is recorded, and each of these checks is shown to fail by what it names.
    pub(crate) fn is_as_recorded(&self, checks: impl Iterator<Item = &'static Check>) {
        let mut wrong = self.wrongly_listed();
        if rewrites() {
            let file = format!("{}/src/selftest/{}", env!("CARGO_MANIFEST_DIR"), self.file);
            let rows = selftest::over(&self.rows, &self.recorded);
            std::fs::write(file, selftest::text_under(self.head, &rows)).unwrap();
        } else {
            let differences = selftest::differences(&self.rows, &self.recorded);
            let told: Vec<String> = differences.iter().map(Difference::told).collect();
            assert!(told.is_empty(), "{}", told.join("\n"));
        }
        let killed = self.killed();
        for check in checks {
            let by = killed.get(check.id).cloned().unwrap_or_default();
            let named = check.killed_by.iter();
            let untrue: Vec<_> = named.filter(|name| !by.contains(*name)).collect();
            let shown = !by.is_empty() || checks::is_shown_by_histories(check);
            if !shown || !untrue.is_empty() {
                let id = check.id;
                writeln!(wrong, "{id}: killed by {by:?}, and not by {untrue:?}").unwrap();
            }
        }
        assert!(wrong.is_empty(), "{wrong}");
    }

    /// Defects that are noticed though listed as unjudged, or the other way round.
    fn wrongly_listed(&self) -> String {
        let mut wrong = String::new();
        for row in self.rows.iter().filter(|row| row.defect != NONE) {
            let is_listed = self.unjudged.contains(&row.defect.as_str());
            if row.is_unnoticed() != is_listed {
                writeln!(wrong, "listed as unjudged: {is_listed}, but {row:?}").unwrap();
            }
        }
        wrong
    }

    /// The defects that turn each check red.
    fn killed(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut killed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for row in &self.rows {
            for id in row.killed() {
                killed.entry(id).or_default().insert(&row.defect);
            }
        }
        for (id, defect) in &self.elsewhere {
            killed.entry(id).or_default().insert(defect);
        }
        killed
    }
}
