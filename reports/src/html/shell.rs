//! The frame of the page: title, policy, style, script.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use crate::text;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("page.js");

/// What differs from page to page around its body.
pub(crate) struct Frame<'a> {
    /// Title of the window.
    pub(crate) title: &'a str,
    /// Where the first link of the page leads, and its words.
    pub(crate) skip: (&'a str, &'a str),
    /// The bench's own version.
    pub(crate) bench_version: &'a str,
    /// Where the data is.
    pub(crate) sources: Markup,
}

pub(crate) fn page(frame: &Frame<'_>, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (frame.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href=(frame.skip.0) { (frame.skip.1) }
                main { (body) }
                footer {
                    p { "Written by x402-assay " (text::line(frame.bench_version, 40)) ". " (frame.sources) }
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
