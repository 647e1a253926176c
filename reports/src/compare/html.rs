//! A comparison as one HTML page, in the frame of the report's.

use maud::{Markup, html};

use super::load::percent;
use super::rows::{Change, Row};
use super::{Comparison, LoadComparison, Outcome, terminal};
use crate::html::{line, shell};

const ROWS_MAX: usize = 2_000;

/// The whole page.
pub fn render(comparison: &Comparison) -> String {
    let tone = match comparison.outcome {
        Outcome::Good => "conformant",
        Outcome::Broken | Outcome::Regressed => "nonconformant",
        Outcome::Incomparable => "inconclusive",
    };
    let body = html! {
        h1 { span class={"verdict " (tone)} { (comparison.outcome.word()) } " compared with an earlier run" }
        p.summary { (line(&comparison.summary)) }
        dl {
            div { dt { "Base" } dd { (line(&terminal::told(&comparison.base))) } }
            div { dt { "New" } dd { (line(&terminal::told(&comparison.new))) } }
            @for remark in &comparison.remarks { div { dt { "Note" } dd { (line(remark)) } } }
        }
        @if let Some(load) = &comparison.load { (self::load(load)) }
        section #findings {
            @for change in Change::ALL { (changed(comparison, change)) }
            p { (comparison.unchanged) " rows did not change." }
        }
    };
    let title = format!("compare: {}", comparison.outcome.word());
    let frame = shell::Frame {
        title: &title,
        skip: ("#findings", "Skip to what changed"),
        bench_version: &comparison.new.bench_version,
        sources: html! { "The data of this page is in " code { "compare.json" } "." },
    };
    shell::page(&frame, &body).into_string()
}

fn load(load: &LoadComparison) -> Markup {
    html! {
        section #load { h2 { "Load" }
            @if let Some(reason) = &load.not_compared { p { "Not compared: " (line(reason)) } }
            @if !load.metrics.is_empty() {
                p { "Over " (load.intervals) " seconds that both runs measured. A change counts where it is beyond " (percent(load.max_regression))
                    ", the whole of its 99 % range too." }
                div.scroll { table {
                    thead { tr { th scope="col" { "Figure" } th.n scope="col" { "Base" } th.n scope="col" { "New" } th.n scope="col" { "Change" } th scope="col" { "99 % range" } th scope="col" { "Movement" } } }
                    tbody { @for metric in &load.metrics {
                        tr { td { (metric.measure.label()) } td.n { (metric.shown(metric.base)) } td.n { (metric.shown(metric.new)) }
                            td.n { @if let Some(change) = metric.change { (percent(change)) } }
                            td { @if let Some((low, high)) = metric.noise { (percent(low)) " to " (percent(high)) } }
                            td { span class={"badge " (movement(metric.movement))} { (metric.movement.word()) } } }
                    } }
                } }
            }
            @if !load.thresholds.is_empty() { h3 { "Thresholds" } ul { @for row in &load.thresholds { li { (line(row)) } } } }
        }
    }
}

const fn movement(movement: super::Movement) -> &'static str {
    match movement {
        super::Movement::Worse => "fail",
        super::Movement::Better => "pass",
        super::Movement::Same => "info",
        super::Movement::Maybe => "warn",
        super::Movement::Unclear => "inconclusive",
    }
}

fn changed(comparison: &Comparison, change: Change) -> Markup {
    let rows: Vec<&Row> = comparison.with(change).collect();
    let tone = match change {
        Change::Broken => "fail",
        Change::Warned | Change::Unjudged => "warn",
        Change::Fixed => "pass",
        Change::New | Change::Gone | Change::Judged => "info",
    };
    html! {
        @if !rows.is_empty() {
            h2 { span class={"badge " (tone)} { (change.label()) } " " (rows.len()) }
            div.scroll { table {
                thead { tr { th scope="col" { "Id" } th scope="col" { "Verdict" } th scope="col" { "What" } th scope="col" { "Seen" } } }
                tbody { @for row in rows.iter().take(ROWS_MAX) {
                    tr { td { code { (line(&row.id)) } } td { (row.verdicts()) } td { (line(&row.title)) }
                        td { (line(&row.detail)) @if let Some(command) = &row.replay { " " code { (line(command)) } } } }
                } }
            } }
            @if rows.len() > ROWS_MAX { p { (rows.len() - ROWS_MAX) " more in " code { "compare.json" } } }
        }
    }
}
