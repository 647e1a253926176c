//! The page of the kill matrix: a table that keeps its head and its first column in sight.

use maud::{Markup, html};

use super::checks::filter;
use super::head::{command, line, word};
use super::shell::{self, Frame};
use crate::kill_matrix::{Column, KillMatrix, Red, Row};
use crate::model::Verdict;

/// The whole page.
pub fn render(matrix: &KillMatrix) -> String {
    let (used, never) = matrix.by_use();
    let body = html! {
        header {
            h1 { "Kill matrix" }
            p.summary { (line(&matrix.summary)) }
            p { "Each row is the built-in server with one deliberate defect; each column a check or an invariant. "
                "A check that no defect turns red proves nothing, and one that reddens for a defect it is not about is a false alarm." }
            (command("x402-assay selftest"))
        }
        (differences(matrix))
        section #matrix { h2 #matrix-title { "Defects and what they turn red" }
            p.legend { span.cell.fail { "F" } " fails, " span.cell.warn { "W" } " warns, " span.cell.inconclusive { "?" }
                " could not be judged, " code { "*" } " in some runs only; an empty cell is not red." }
            (filter("matrix-table", "Filter defects and checks"))
            div.scroll.tall role="region" aria-labelledby="matrix-title" tabindex="0" { table.matrix #matrix-table {
                thead { tr {
                    th.corner scope="col" { "Defect" }
                    th scope="col" { "Run" }
                    @for column in &used { th.up scope="col" title=(line(&column.title)) { span { (line(&column.id)) } } }
                } }
                tbody { @for row in &matrix.rows { (drawn(row, &used)) } }
            } }
        }
        (in_words(matrix))
        (never_red(&never))
    };
    let frame = Frame {
        title: "Kill matrix - x402-assay",
        skip: ("#matrix", "Skip to the matrix"),
        bench_version: &matrix.bench_version,
        sources: html! { "The data of this page is in " code { "kill-matrix.json" } "." },
    };
    shell::page(&frame, &body).into_string()
}

fn drawn(row: &Row, used: &[&Column]) -> Markup {
    let cell = |column: &Column| row.red.iter().find(|red| red.id == column.id);
    html! {
        tr data-verdict=(word(row.verdict)) data-words=(ids(row)) {
            th scope="row" title={(line(&row.defect)) ": " (line(&row.about))} { code { (line(&row.defect)) } @if row.difference.is_some() { " " span.badge.fail { "differs" } } }
            td { (word(row.verdict)) }
            @for column in used {
                @match cell(column) {
                    Some(red) => td class=(tone(red)) title={(line(&column.id)) ": " (line(&column.title))} { (mark(red)) @if red.wavers { "*" } },
                    None => td {},
                }
            }
        }
    }
}

fn ids(row: &Row) -> String {
    let ids: Vec<String> = row.red.iter().map(|red| line(&red.id)).collect();
    ids.join(" ")
}

const fn tone(red: &Red) -> &'static str {
    match red.verdict {
        Verdict::Fail => "cell fail",
        Verdict::Warn => "cell warn",
        _ => "cell inconclusive",
    }
}

const fn mark(red: &Red) -> &'static str {
    match red.verdict {
        Verdict::Fail => "F",
        Verdict::Warn => "W",
        _ => "?",
    }
}

fn differences(matrix: &KillMatrix) -> Markup {
    let differing: Vec<_> = matrix
        .rows
        .iter()
        .filter_map(|row| row.difference.as_ref())
        .collect();
    html! {
        @if !differing.is_empty() {
            section #differences { h2 { "Different from what is recorded" }
                ul { @for told in differing { li { (line(told)) } } } }
        }
    }
}

/// The same as a list: what a screen reader reads through, and what can be searched by the browser.
fn in_words(matrix: &KillMatrix) -> Markup {
    html! {
        section #words { h2 { "As a list" }
            details { summary { "Every defect in words" }
                dl.defects { @for row in &matrix.rows {
                    div { dt { code { (line(&row.defect)) } } dd { (line(&row.about)) " " (word(row.verdict)) ": "
                        @if row.red.is_empty() { "nothing is red" } @else { (ids(row)) } } }
                } }
            }
        }
    }
}

fn never_red(never: &[&Column]) -> Markup {
    html! {
        @if !never.is_empty() {
            section #never { h2 { "Turned red by no defect here" }
                p { "Scenarios, tests on written histories or longer waits show that these can fail." }
                ul { @for column in never { li { code { (line(&column.id)) } " " (line(&column.title)) } } } }
        }
    }
}
