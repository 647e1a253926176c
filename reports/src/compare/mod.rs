//! Two reports against each other: what was fixed, what broke, what got slower by more than noise. Pure.

mod bootstrap;
mod html;
mod load;
mod markdown;
mod rows;
mod terminal;

use serde::{Deserialize, Serialize};

pub use html::render as render_html;
pub use load::{INTERVALS_MIN, LoadComparison, Measure, MetricChange, Movement};
pub use markdown::render as render_markdown;
pub use rows::{Change, Row, RowKind};
pub use terminal::render as render_terminal;

use crate::model::{Report, RunVerdict};

/// Schema number of a comparison as JSON.
pub const SCHEMA: u32 = 1;

/// What counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// How much worse goodput or latency may become, as a share: 0.1 is 10 %.
    pub max_regression: f64,
    /// Whether a new warning counts as broken.
    pub warnings_count: bool,
}

impl Default for Rule {
    fn default() -> Self {
        Self {
            max_regression: 0.1,
            warnings_count: false,
        }
    }
}

/// What came of it, the worst first; the exit code follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Something that held is broken: exit 3.
    Broken,
    /// Something could not be compared that had to be: exit 5.
    Incomparable,
    /// Load became worse by more than the bound and more than noise: exit 6.
    Regressed,
    /// Nothing of the kind.
    Good,
}

impl Outcome {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::Incomparable => "incomparable",
            Self::Regressed => "regressed",
            Self::Good => "good",
        }
    }
}

/// One of the two runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// What was tested.
    pub target: String,
    /// The run's verdict.
    pub verdict: RunVerdict,
    /// The chain that was used.
    pub chain: String,
    /// The run's seed.
    pub seed: u64,
    /// Version of the bench.
    pub bench_version: String,
    /// Unix seconds at which it began.
    pub started_unix_s: u64,
}

/// Everything that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Schema number, [`SCHEMA`].
    pub schema: u32,
    /// What came of it.
    pub outcome: Outcome,
    /// Why, in one sentence.
    pub summary: String,
    /// The run that is compared with.
    pub base: Side,
    /// The run that is judged.
    pub new: Side,
    /// What makes the two runs unlike, and what could not be compared.
    pub remarks: Vec<String>,
    /// Rows that changed, the worst first.
    pub rows: Vec<Row>,
    /// Rows that both have and that did not change.
    pub unchanged: usize,
    /// The load sections; absent when neither report has one.
    pub load: Option<LoadComparison>,
}

impl Comparison {
    /// Rows with one kind of change.
    pub fn with(&self, change: Change) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.change == change)
    }
}

/// Compares a new report with an older one.
pub fn compare(base: &Report, new: &Report, rule: Rule) -> Comparison {
    let (rows, unchanged) = rows::compare(base, new, rule.warnings_count);
    let mut remarks = unlike(base, new);
    let load = load::compare(base, new, rule.max_regression);
    let common = unchanged + rows.iter().filter(|row| row.is_in_both()).count();
    let (outcome, summary) = outcome(base, new, &rows, common, load.as_ref());
    if let Some(reason) = load.as_ref().and_then(|load| load.not_compared.as_ref()) {
        remarks.push(format!("load was not compared: {reason}"));
    }
    Comparison {
        schema: SCHEMA,
        outcome,
        summary,
        base: side(base),
        new: side(new),
        remarks,
        rows,
        unchanged,
        load,
    }
}

fn side(report: &Report) -> Side {
    let target = &report.target;
    Side {
        target: match target.name == target.kind {
            true => target.kind.clone(),
            false => format!("{} {}", target.kind, target.name),
        },
        verdict: report.verdict,
        chain: report.fidelity.chain.clone(),
        seed: report.seed,
        bench_version: report.bench_version.clone(),
        started_unix_s: report.started_unix_s,
    }
}

/// What the reader should know before reading the rest.
fn unlike(base: &Report, new: &Report) -> Vec<String> {
    let mut remarks = Vec::new();
    let mut differ = |what: &str, old: &str, new: &str| {
        if old != new {
            remarks.push(format!("the {what} differs: {old} before, {new} now"));
        }
    };
    differ("target", &side(base).target, &side(new).target);
    differ("chain", &base.fidelity.chain, &new.fidelity.chain);
    differ("bench's version", &base.bench_version, &new.bench_version);
    differ("specification", &base.spec_revision, &new.spec_revision);
    for (report, which) in [(base, "base"), (new, "new")] {
        if report.interrupted {
            remarks.push(format!("the {which} run was stopped before its end"));
        }
    }
    remarks
}

fn outcome(
    base: &Report,
    new: &Report,
    rows: &[Row],
    common: usize,
    load: Option<&LoadComparison>,
) -> (Outcome, String) {
    let broken: Vec<&str> = rows
        .iter()
        .filter(|row| row.change == Change::Broken)
        .map(|row| row.id.as_str())
        .collect();
    if !broken.is_empty() {
        let first = broken
            .iter()
            .take(5)
            .copied()
            .collect::<Vec<_>>()
            .join(", ");
        let more = match broken.len() {
            ..=5 => String::new(),
            all => format!(" and {} more", all - 5),
        };
        return (Outcome::Broken, format!("newly broken: {first}{more}"));
    }
    let verdicts = (base.verdict, new.verdict);
    if matches!(
        verdicts,
        (RunVerdict::Conformant, RunVerdict::Nonconformant)
    ) {
        let summary = format!(
            "the target was conformant and is not any more: {}",
            new.summary
        );
        return (Outcome::Broken, summary);
    }
    let compared = load.is_some_and(|load| load.not_compared.is_none());
    if let Some(reason) = incomparable(base, new, common, load) {
        return (Outcome::Incomparable, reason);
    }
    let regressed: Vec<String> = load
        .into_iter()
        .flat_map(|load| &load.metrics)
        .filter(|metric| metric.movement == Movement::Worse)
        .map(MetricChange::told)
        .collect();
    if !regressed.is_empty() {
        return (
            Outcome::Regressed,
            format!("worse by more than noise: {}", regressed.join("; ")),
        );
    }
    let count = |change| rows.iter().filter(|row| row.change == change).count();
    let mut summary = format!(
        "nothing broke ({common} rows compared, {} fixed",
        count(Change::Fixed)
    );
    match count(Change::Unjudged) {
        0 => summary.push(')'),
        unjudged => summary.push_str(&format!(", {unjudged} not judged any more)")),
    }
    if compared {
        summary.push_str(", and load is not worse by more than the bound");
        let maybe = load.into_iter().flat_map(|load| &load.metrics);
        let maybe = maybe.filter(|metric| metric.movement == Movement::Maybe);
        let maybe: Vec<String> = maybe.map(MetricChange::told).collect();
        if !maybe.is_empty() {
            let figures = maybe.join("; ");
            summary.push_str(&format!(
                " (noise may explain {figures}: run longer to know)"
            ));
        }
    }
    (Outcome::Good, summary)
}

/// Why the two cannot be told apart, where that is so.
fn incomparable(
    base: &Report,
    new: &Report,
    common: usize,
    load: Option<&LoadComparison>,
) -> Option<String> {
    for (report, which) in [(new, "new"), (base, "base")] {
        if report.verdict == RunVerdict::Inconclusive {
            return Some(format!(
                "the {which} run is inconclusive: {}",
                report.summary
            ));
        }
    }
    // A load section that was not compared must not look like one that held.
    if let Some(reason) = load.and_then(|load| load.not_compared.as_ref()) {
        return Some(format!("load was not compared: {reason}"));
    }
    (common == 0 && load.is_none())
        .then(|| "the reports have no check, invariant or scenario in common".to_owned())
}
