//! Checks, invariants and scenarios of two reports, row by row.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Expected, Report, Verdict};

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RowKind {
    /// A check of the catalogue.
    Check,
    /// An invariant of the books.
    Invariant,
    /// A scenario.
    Scenario,
}

/// How a row changed; the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It fails and did not.
    Broken,
    /// It warns and did not, or warns where it failed.
    Warned,
    /// It was judged and is not any more: skipped or inconclusive. Never a fix.
    Unjudged,
    /// Only the new report has it: nothing shows that it was ever better.
    New,
    /// Only the old report has it.
    Gone,
    /// It failed or warned and holds.
    Fixed,
    /// It was not judged and holds.
    Judged,
}

impl Change {
    /// Every change, the worst first.
    pub const ALL: [Self; 7] = [
        Self::Broken,
        Self::Warned,
        Self::Unjudged,
        Self::New,
        Self::Gone,
        Self::Fixed,
        Self::Judged,
    ];

    /// For people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Broken => "newly broken",
            Self::Warned => "warns now",
            Self::Unjudged => "not judged any more",
            Self::New => "new",
            Self::Gone => "gone",
            Self::Fixed => "fixed",
            Self::Judged => "judged now",
        }
    }
}

/// A row that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// How it changed.
    pub change: Change,
    /// What it is.
    pub kind: RowKind,
    /// Its id or name.
    pub id: String,
    /// What it says.
    pub title: String,
    /// Verdict in the old report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Verdict>,
    /// Verdict in the new report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Verdict>,
    /// What was seen in the new report, else in the old one.
    pub detail: String,
    /// Command that shows it again, from the new report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<String>,
}

impl Row {
    /// True when both reports have it.
    pub const fn is_in_both(&self) -> bool {
        self.from.is_some() && self.to.is_some()
    }

    /// `pass → fail`.
    pub fn verdicts(&self) -> String {
        let word = |verdict: Option<Verdict>| verdict.map_or("absent", word);
        format!("{} → {}", word(self.from), word(self.to))
    }
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Info => "info",
        Verdict::Skipped => "skipped",
        Verdict::Warn => "warn",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Fail => "fail",
    }
}

/// One row of one report.
struct Entry<'r> {
    title: &'r str,
    verdict: Verdict,
    expected: bool,
    detail: String,
    replay: Option<&'r String>,
}

impl Entry<'_> {
    /// What is accepted counts for nothing.
    const fn is(&self, verdict: Verdict) -> bool {
        !self.expected && self.verdict as u8 == verdict as u8
    }

    const fn is_judged(&self) -> bool {
        !matches!(self.verdict, Verdict::Skipped | Verdict::Inconclusive)
    }

    const fn is_red(&self) -> bool {
        self.is(Verdict::Fail) || self.is(Verdict::Warn)
    }
}

type Entries<'r> = BTreeMap<(RowKind, &'r str), Entry<'r>>;

fn entries(report: &Report) -> Entries<'_> {
    let accepted = |expected: &Option<Expected>| expected.is_some();
    let checks = report.checks.iter().map(|row| {
        let entry = Entry {
            title: &row.title,
            verdict: row.verdict,
            expected: accepted(&row.expected),
            detail: row.detail.clone(),
            replay: row.replay.as_ref(),
        };
        ((RowKind::Check, row.id.as_str()), entry)
    });
    let invariants = report.invariants.iter().map(|row| {
        let first = row.violations.first();
        let entry = Entry {
            title: &row.title,
            verdict: row.verdict,
            expected: accepted(&row.expected),
            detail: first.map_or_else(String::new, |violation| violation.text.clone()),
            replay: None,
        };
        ((RowKind::Invariant, row.id.as_str()), entry)
    });
    let scenarios = report.scenarios.iter().map(|row| {
        let entry = Entry {
            title: &row.about,
            verdict: row.verdict,
            expected: accepted(&row.expected),
            detail: row.told().map_or_else(String::new, |case| case.seen()),
            replay: row.replay.as_ref(),
        };
        ((RowKind::Scenario, row.name.as_str()), entry)
    });
    checks.chain(invariants).chain(scenarios).collect()
}

/// Rows that changed, the worst first, and how many did not.
pub(super) fn compare(base: &Report, new: &Report, warnings_count: bool) -> (Vec<Row>, usize) {
    let (old, now) = (entries(base), entries(new));
    let mut rows = Vec::new();
    let mut unchanged = 0;
    for ((kind, id), entry) in &now {
        let before = old.get(&(*kind, *id));
        let change = match before {
            None => Some(Change::New),
            Some(before) => change(before, entry, warnings_count),
        };
        match change {
            Some(change) => rows.push(row(change, (*kind, *id), before, Some(entry))),
            None => unchanged += 1,
        }
    }
    for ((kind, id), entry) in &old {
        if !now.contains_key(&(*kind, *id)) {
            rows.push(row(Change::Gone, (*kind, *id), Some(entry), None));
        }
    }
    rows.sort_by_key(|row| row.change);
    (rows, unchanged)
}

fn change(before: &Entry<'_>, now: &Entry<'_>, warnings_count: bool) -> Option<Change> {
    if now.is(Verdict::Fail) {
        return (!before.is(Verdict::Fail)).then_some(Change::Broken);
    }
    if now.is(Verdict::Warn) {
        return match before {
            before if before.is(Verdict::Warn) => None,
            before if before.is(Verdict::Fail) || !warnings_count => Some(Change::Warned),
            _ => Some(Change::Broken),
        };
    }
    match (before.is_judged(), now.is_judged()) {
        (true, false) => Some(Change::Unjudged),
        (false, true) => Some(Change::Judged),
        (true, true) if before.is_red() => Some(Change::Fixed),
        _ => None,
    }
}

fn row(
    change: Change,
    (kind, id): (RowKind, &str),
    before: Option<&Entry<'_>>,
    now: Option<&Entry<'_>>,
) -> Row {
    let told = now.or(before);
    Row {
        change,
        kind,
        id: id.to_owned(),
        title: told.map_or_else(String::new, |entry| entry.title.to_owned()),
        from: before.map(|entry| entry.verdict),
        to: now.map(|entry| entry.verdict),
        detail: told.map_or_else(String::new, |entry| entry.detail.clone()),
        replay: now.and_then(|entry| entry.replay.cloned()),
    }
}
