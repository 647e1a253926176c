//! The books as a table that can be filtered.

use maud::{Markup, html};

use super::checks::filter;
use super::head::line;
use crate::model::{BookRow, Report};
use crate::text;

/// Characters kept of addresses, nonces and hashes; the whole value is the cell's title.
const SHORT: usize = 10;

/// Columns, and whether they hold numbers.
const COLUMNS: [(&str, bool); 13] = [
    ("#", true),
    ("Outcome", false),
    ("Probe", false),
    ("Wrong on purpose", false),
    ("Value", true),
    ("Verify", true),
    ("Handler", true),
    ("Settle", true),
    ("Transfers", true),
    ("Given", true),
    ("Payer", false),
    ("Nonce", false),
    ("Transaction", false),
];

pub(super) fn render(report: &Report) -> Markup {
    html! {
        @if !report.books.is_empty() {
            section #books { h2 #books-title { "Books" }
                p { "One row per authorization: what was signed, asked, moved and given."
                    @if report.load.is_some() { " These are the purchases before the load; its own payments are counted " a href="#load" { "above" } " and listed in " code { "history.jsonl" } "." }
                    @if report.books_left_out > 0 { " " (text::counted(report.books_left_out, "row")) " left out." } }
                (filter("books-table", "Filter books"))
                div.scroll role="region" aria-labelledby="books-title" tabindex="0" { table.books #books-table {
                    thead { tr {
                        @for (name, number) in COLUMNS { th.n[number] scope="col" { (name) } }
                    } }
                    tbody { @for book in &report.books { (row(book)) } }
                } }
            }
        }
    }
}

fn row(book: &BookRow) -> Markup {
    html! {
        tr data-verdict=(line(&book.outcome)) {
            td.n { (book.authorization) }
            td { span class={"badge " (tone(&book.outcome))} { (line(&book.outcome)) } }
            td { (line(&book.probe)) }
            td { (line(book.wrong.as_deref().unwrap_or_default())) }
            td.n { (line(&book.value)) }
            td.n { (book.verify) }
            td.n { @if let Some(runs) = book.handler { (runs) } }
            td.n { (book.settle) }
            td.n { (book.transfers) }
            td.n { (book.grants) }
            (short(&book.payer))
            (short(&book.nonce))
            (short(book.transaction.as_deref().unwrap_or_default()))
        }
    }
}

fn short(value: &str) -> Markup {
    let whole = line(value);
    html! { td title=(whole) { code { (text::cut(&whole, SHORT)) } } }
}

fn tone(outcome: &str) -> &'static str {
    match outcome {
        "balanced" | "refused" => "pass",
        "unpaid-grant" | "double-charged" | "served-twice" => "fail",
        "charged-not-served" => "warn",
        _ => "info",
    }
}
