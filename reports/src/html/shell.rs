//! The frame of the page: title, policy, style, script.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::head::word;
use crate::model::Report;
use crate::text;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("page.js");

pub(super) fn page(report: &Report, body: &Markup) -> Markup {
    let title = format!(
        "{}: {} - x402-assay",
        word(report.verdict),
        text::line(&report.target.name, 80)
    );
    frame(&title, &report.bench_version, "report.json", body)
}

/// A page with a title, and the file that holds its data.
pub(crate) fn frame(title: &str, bench_version: &str, data: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#findings" { "Skip to the findings" }
                main { (body) }
                footer {
                    p { "Written by x402-assay " (text::line(bench_version, 40)) ". Full messages are in "
                        code { "history.jsonl" } ", the data of this page in " code { (data) } "." }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

/// Only this page's style and this page's script; no request leaves it.
fn policy() -> String {
    let script = STANDARD.encode(Sha256::digest(SCRIPT));
    format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{script}'; base-uri 'none'; form-action 'none'"
    )
}
