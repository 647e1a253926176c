//! A load run in Markdown.

use super::escape::{code, inline};
use super::page::Page;
use crate::load_text as told;
use crate::model::Report;
use crate::model::load::{LoadReport, ThresholdVerdict};
use crate::text;

const VALUE_MAX: usize = 400;
const ROWS_MAX: usize = 20;

pub(super) fn render(page: &mut Page, report: &Report) {
    let Some(load) = &report.load else {
        return;
    };
    page.block(&format!(
        "### Load\n\n**{}**\n\n{}\n\n",
        inline(&told::headline(load), VALUE_MAX),
        inline(&told::plan(load), VALUE_MAX)
    ));
    page.block(&thresholds(load));
    page.block(&latency(load));
    page.block(&outcomes(load));
    page.block(&steps(load));
    let mut limit = format!(
        "Limited by {}: {}",
        told::limited(load),
        inline(&load.limited_by.proof, VALUE_MAX)
    );
    if let Some(cpu) = told::cpu(load) {
        limit.push_str(&format!(" (CPU: {})", inline(&cpu, VALUE_MAX)));
    }
    page.block(&format!("{limit}\n\n"));
    for row in &load.recovery {
        let told = inline(&told::recovery(row), VALUE_MAX);
        page.block(&format!("Fault: {told}\n\n"));
    }
    if let Some(accounts) = told::facilitator(load) {
        page.block(&format!("Accounts: {}\n\n", inline(&accounts, VALUE_MAX)));
    }
    for caveat in told::caveats(load) {
        page.block(&format!("> {}\n\n", inline(caveat, VALUE_MAX)));
    }
}

fn thresholds(load: &LoadReport) -> String {
    let row = |row: &crate::model::load::ThresholdResult| {
        let verdict = match row.verdict {
            ThresholdVerdict::Held => "held",
            ThresholdVerdict::Missed => "**missed**",
            ThresholdVerdict::Inconclusive => "**inconclusive**",
        };
        let threshold = code(&row.threshold, 120);
        let measured = inline(&told::measured(row), VALUE_MAX);
        format!("| {threshold} | {verdict} | {measured} |\n")
    };
    table(
        "| Threshold | Verdict | Measured |\n|---|---|---|\n",
        load.thresholds.iter().map(row),
    )
}

fn latency(load: &LoadReport) -> String {
    let rows = told::phases(load, false).into_iter().map(|row| {
        let time = &row.time;
        let times = [
            time.p50_us,
            time.p95_us,
            time.p99_us,
            time.p999_us,
            time.max_us,
        ];
        let times = times.map(text::micros).join(" | ");
        format!("| {} | {times} | {} |\n", row.phase.label(), time.count)
    });
    table(
        "| Latency | p50 | p95 | p99 | p99.9 | max | Samples |\n|---|---:|---:|---:|---:|---:|---:|\n",
        rows,
    )
}

fn outcomes(load: &LoadReport) -> String {
    let row = |row: &crate::model::load::LoadOutcome| {
        let meant = if row.meant { "yes" } else { "**no**" };
        let (of, class) = (inline(&row.of, 60), code(&row.class, 80));
        format!("| {of} | {class} | {meant} | {} |\n", row.count)
    };
    table(
        "| Sent | Outcome | Meant | Count |\n|---|---|---|---:|\n",
        load.outcomes.iter().map(row),
    )
}

fn steps(load: &LoadReport) -> String {
    let row = |row: &crate::model::load::LoadStep| {
        let p99 = row.p99_us.map_or_else(String::new, text::micros);
        format!(
            "| {} | {} | {p99} | {} | {} |\n",
            told::rate(row.offered_per_s),
            told::rate(row.goodput_per_s),
            row.verdict.word(),
            inline(&row.detail, 200)
        )
    };
    let mut out = table(
        "| Offered | Goodput | p99 | Thresholds | |\n|---:|---:|---:|---|---|\n",
        load.steps.iter().map(row),
    );
    if let Some(highest) = load.highest_held_per_s {
        let rate = told::rate(highest);
        out.push_str(&format!(
            "Highest rate at which every threshold held: **{rate}**\n\n"
        ));
    }
    out
}

/// A table of at most [`ROWS_MAX`] rows; nothing without rows.
fn table(head: &str, rows: impl ExactSizeIterator<Item = String>) -> String {
    let left_out = rows.len().saturating_sub(ROWS_MAX);
    let mut out = String::new();
    for row in rows.take(ROWS_MAX) {
        if out.is_empty() {
            out.push_str(head);
        }
        out.push_str(&row);
    }
    if !out.is_empty() {
        out.push('\n');
    }
    if left_out > 0 {
        let more = text::counted(left_out, "row");
        out.push_str(&format!("{more} more in `report.json`\n\n"));
    }
    out
}
