//! Every check and every invariant, as tables.

use maud::{Markup, html};

use super::head::{badge, expected, line, verdict_word};
use crate::model::Report;

pub(super) fn render(report: &Report) -> Markup {
    let counts = &report.counts;
    html! {
        @if !report.checks.is_empty() {
            section #checks { h2 #checks-title { "Checks" }
                p { (counts.pass) " pass, " (counts.fail) " fail, " (counts.warn) " warn, " (counts.inconclusive) " inconclusive, "
                    (counts.info) " info, " (counts.skipped) " skipped" @if counts.expected > 0 { ", " (counts.expected) " expected" } }
                (filter("checks-table", "Filter checks"))
                div.scroll role="region" aria-labelledby="checks-title" tabindex="0" { table.checks #checks-table {
                    thead { tr { th scope="col" { "Verdict" } th scope="col" { "Id" } th scope="col" { "Property" } th scope="col" { "Seen" } } }
                    tbody { @for check in &report.checks {
                        tr data-verdict=(verdict_word(check.verdict)) { td { (badge(check.verdict)) (expected(check.expected.as_ref())) } td.id { code { (line(&check.id)) } } td.property { (line(&check.title)) } td { (line(&check.detail)) } }
                    } }
                } }
            }
        }
    }
}

/// A text field and, filled by the script, a choice of verdicts; without the script the table is whole.
pub(super) fn filter(table: &str, label: &str) -> Markup {
    html! {
        div.filter data-for=(table) hidden {
            label { (label) " " input type="search" autocomplete="off"; }
            label { "Show " select { option value="" { "all" } } }
            output aria-live="polite" {}
        }
    }
}

pub(super) fn invariants(report: &Report) -> Markup {
    html! {
        section #invariants { h2 { "Invariants" }
            div.scroll { table {
                thead { tr { th scope="col" { "Verdict" } th scope="col" { "Id" } th scope="col" { "Statement" } th scope="col" { "Observed on" } } }
                tbody { @for invariant in &report.invariants {
                    tr { td { (badge(invariant.verdict)) (expected(invariant.expected.as_ref())) } td { code { (line(&invariant.id)) } } td { (line(&invariant.title)) }
                        td { @if invariant.observed == 0 { "nothing" } @else { (invariant.observed) } } }
                } }
            } }
        }
    }
}
