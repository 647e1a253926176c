//! The run over time: rates and latency.

use maud::{Markup, html};

use super::chart::{Chart, Line};
use super::ends;
use super::spans::{Span, merged, real, whole};
use crate::load_text as told;
use crate::model::load::LoadReport;
use crate::text;

/// Most points of a line; a longer series is merged.
pub(super) const POINTS_MAX: usize = 600;
/// Most rows of the table.
pub(super) const ROWS_MAX: usize = 60;

pub(super) fn render(load: &LoadReport) -> Markup {
    if load.series.is_empty() {
        return html! {};
    }
    let spans = merged(whole(&load.series).0, POINTS_MAX);
    let outcomes = ends::are_known(&load.series);
    html! {
        h3 { "Rates and latency over time" }
        @if !outcomes { (left_out(load)) }
        (rates(&spans, !outcomes))
        (latency(&spans))
        (table(load))
    }
}

/// What charts over time do not show.
pub(super) fn left_out(load: &LoadReport) -> Markup {
    html! {
        @if let Some(rest) = whole(&load.series).1 {
            p.why { "Charts over time end with the last whole interval; what ended in the " (text::micros_of(rest * 1e6)) " after it is in the tables." }
        }
    }
}

pub(super) fn seconds(at: f64) -> String {
    told::seconds(at)
}

/// With errors and drops, where no chart of outcomes shows them.
fn rates(spans: &[Span], with_errors: bool) -> Markup {
    let of = |name: &str, value: fn(&Span) -> u64| Line {
        name: name.to_owned(),
        points: spans
            .iter()
            .map(|span| (span.at_s, span.per_s(value(span))))
            .collect(),
        marks: false,
        tone: None,
    };
    let mut lines = vec![
        of("goodput", |span| span.goodput),
        of("offered", |span| span.offered),
        of("sent", |span| span.sent),
    ];
    if with_errors && spans.iter().any(|span| span.errors > 0) {
        lines.push(of("errors", |span| span.errors));
    }
    if with_errors && spans.iter().any(|span| span.dropped > 0) {
        lines.push(of("dropped", |span| span.dropped));
    }
    let chart = Chart {
        caption: "Arrivals that were due, those that were sent, and goodput, per second, over the run.",
        lines,
        stacked: false,
        log_y: false,
        x: &seconds,
        y: &told::rate,
    };
    chart.render()
}

fn latency(spans: &[Span]) -> Markup {
    let of = |name: &str, value: fn(&Span) -> Option<u64>| Line {
        name: name.to_owned(),
        points: spans
            .iter()
            .filter_map(|span| value(span).map(|us| (span.at_s, real(us))))
            .collect(),
        marks: false,
        tone: None,
    };
    let chart = Chart {
        caption: "Latency from the intended send time, over the run; logarithmic.",
        lines: vec![of("p50", |span| span.p50_us), of("p99", |span| span.p99_us)],
        stacked: false,
        log_y: true,
        x: &seconds,
        y: &text::micros_of,
    };
    chart.render()
}

fn table(load: &LoadReport) -> Markup {
    let spans = merged(&load.series, ROWS_MAX);
    let time = |us: Option<u64>| us.map_or_else(String::new, text::micros);
    html! {
        details { summary { "The same as a table" }
            div.scroll { table {
                thead { tr { th.n scope="col" { "From" } th.n scope="col" { "Seconds" } th.n scope="col" { "Offered" } th.n scope="col" { "Sent" } th.n scope="col" { "Goodput" } th.n scope="col" { "Errors" } th.n scope="col" { "Dropped" } th.n scope="col" { "Under way" } th.n scope="col" { "p50" } th.n scope="col" { "p99" } } }
                tbody { @for span in &spans {
                    tr { td.n { (seconds(span.at_s)) } td.n { (seconds(span.width_s)) } td.n { (span.offered) } td.n { (span.sent) } td.n { (span.goodput) } td.n { (span.errors) } td.n { (span.dropped) } td.n { (span.in_flight) } td.n { (time(span.p50_us)) } td.n { (time(span.p99_us)) } }
                } }
            } }
        }
    }
}
