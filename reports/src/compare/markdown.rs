//! A comparison as Markdown, for a pull request.

use super::rows::Change;
use super::{Comparison, terminal};
use crate::markdown::escape::{code, inline};
use crate::text;

const ROWS_MAX: usize = 40;
const CHARS_MAX: usize = 300;

/// The whole comparison, at most [`crate::markdown::BYTES_MAX`] bytes by the bounds of its rows.
pub fn render(comparison: &Comparison) -> String {
    let mut out = format!(
        "## x402-assay compare: {}\n\n{}\n\n| | |\n|---|---|\n| Base | {} |\n| New | {} |\n\n",
        comparison.outcome.word(),
        inline(&comparison.summary, 1_000),
        inline(&terminal::told(&comparison.base), CHARS_MAX),
        inline(&terminal::told(&comparison.new), CHARS_MAX),
    );
    for remark in comparison.remarks.iter().take(ROWS_MAX) {
        out.push_str(&format!("> {}\n\n", inline(remark, CHARS_MAX)));
    }
    load(&mut out, comparison);
    let mut left = ROWS_MAX;
    for change in Change::ALL {
        let rows: Vec<_> = comparison.with(change).collect();
        if rows.is_empty() {
            continue;
        }
        out.push_str(&format!(
            "### {} ({})\n\n",
            capital(change.label()),
            rows.len()
        ));
        if left > 0 {
            out.push_str("| | Verdict | |\n|---|---|---|\n");
        }
        for row in rows.iter().take(left) {
            out.push_str(&format!(
                "| {} | {} | {} |\n",
                code(&row.id, 80),
                row.verdicts(),
                inline(&format!("{}. {}", row.title, row.detail), CHARS_MAX)
            ));
        }
        let more = rows.len().saturating_sub(left);
        left = left.saturating_sub(rows.len());
        out.push('\n');
        if more > 0 {
            out.push_str(&format!(
                "{} more in `compare.json`\n\n",
                text::counted(more, "row")
            ));
        }
    }
    out
}

fn load(out: &mut String, comparison: &Comparison) {
    let Some(load) = comparison
        .load
        .as_ref()
        .filter(|load| !load.metrics.is_empty())
    else {
        return;
    };
    out.push_str(
        "### Load\n\n| | Base | New | Change | 99 % range | |\n|---|---:|---:|---:|---|---|\n",
    );
    for metric in &load.metrics {
        let share = |share: Option<f64>| share.map_or_else(String::new, super::load::percent);
        let noise = metric.noise.map_or_else(String::new, |(low, high)| {
            let percent = super::load::percent;
            format!("{} to {}", percent(low), percent(high))
        });
        out.push_str(&format!(
            "| {} | {} | {} | {} | {noise} | {} |\n",
            metric.measure.label(),
            metric.shown(metric.base),
            metric.shown(metric.new),
            share(metric.change),
            metric.movement.word()
        ));
    }
    out.push('\n');
    for threshold in load.thresholds.iter().take(ROWS_MAX) {
        out.push_str(&format!("- {}\n", inline(threshold, CHARS_MAX)));
    }
    if !load.thresholds.is_empty() {
        out.push('\n');
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}
