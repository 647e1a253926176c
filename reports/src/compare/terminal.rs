//! A comparison on a terminal.

use super::rows::Change;
use super::{Comparison, Side};
use crate::model::RunVerdict;
use crate::text;

const ROWS_MAX: usize = 30;
const CHARS_MAX: usize = 300;

/// The whole comparison; ends with a line break.
pub fn render(comparison: &Comparison) -> String {
    let mut out = String::new();
    let mut say = |line: &str| {
        out.push_str(&text::line(line, CHARS_MAX));
        out.push('\n');
    };
    say(&format!(
        "{}: {}",
        comparison.outcome.word(),
        comparison.summary
    ));
    say(&format!("  base  {}", told(&comparison.base)));
    say(&format!("  new   {}", told(&comparison.new)));
    for remark in &comparison.remarks {
        say(&format!("  note  {remark}"));
    }
    if let Some(load) = &comparison.load {
        for metric in &load.metrics {
            say(&format!(
                "  load  {:8}{}",
                metric.movement.word(),
                metric.told()
            ));
        }
        for threshold in &load.thresholds {
            say(&format!("  load  threshold {threshold}"));
        }
    }
    for change in Change::ALL {
        let rows: Vec<_> = comparison.with(change).collect();
        if rows.is_empty() {
            continue;
        }
        say("");
        say(&format!("{} ({})", change.label(), rows.len()));
        for row in rows.iter().take(ROWS_MAX) {
            say(&format!(
                "  {:18} {}  {}",
                row.id,
                row.verdicts(),
                row.title
            ));
            let red = matches!(change, Change::Broken | Change::Warned | Change::Unjudged);
            if red && !row.detail.is_empty() {
                say(&format!("  {:18} {}", "", row.detail));
            }
        }
        if rows.len() > ROWS_MAX {
            say(&format!(
                "  and {} more (--json names them all)",
                rows.len() - ROWS_MAX
            ));
        }
    }
    out
}

pub(super) fn told(side: &Side) -> String {
    let verdict = match side.verdict {
        RunVerdict::Conformant => "conformant",
        RunVerdict::Nonconformant => "nonconformant",
        RunVerdict::Inconclusive => "inconclusive",
    };
    format!(
        "{verdict} · {} · {} · x402-assay {} · seed {}",
        side.target, side.chain, side.bench_version, side.seed
    )
}
