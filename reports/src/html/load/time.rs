//! The run over time: rates and latency.

use maud::{Markup, html};

use super::chart::{Chart, Line};
use crate::load_text as told;
use crate::model::load::{LoadInterval, LoadReport};
use crate::text;

/// Most points of a line; a longer series is merged.
const POINTS_MAX: usize = 600;
/// Most rows of the table.
const ROWS_MAX: usize = 60;

/// Some intervals together.
#[derive(Default)]
struct Span {
    at_s: f64,
    width_s: f64,
    offered: u64,
    sent: u64,
    goodput: u64,
    errors: u64,
    dropped: u64,
    in_flight: u64,
    p50_us: Option<u64>,
    p99_us: Option<u64>,
}

impl Span {
    /// Counts add up; of latencies and of what was under way the worst stays.
    fn of(parts: &[LoadInterval]) -> Self {
        let mut span = Self {
            at_s: parts.first().map_or(0.0, |part| part.at_s),
            ..Self::default()
        };
        for part in parts {
            span.width_s += part.width_s;
            for (sum, more) in [
                (&mut span.offered, part.offered),
                (&mut span.sent, part.sent),
                (&mut span.goodput, part.goodput),
                (&mut span.errors, part.errors),
                (&mut span.dropped, part.dropped),
            ] {
                *sum = sum.saturating_add(more);
            }
            span.in_flight = span.in_flight.max(part.in_flight);
            span.p50_us = span.p50_us.max(part.p50_us);
            span.p99_us = span.p99_us.max(part.p99_us);
        }
        span
    }

    fn per_s(&self, count: u64) -> f64 {
        real(count) / self.width_s.max(f64::MIN_POSITIVE)
    }
}

#[expect(clippy::cast_precision_loss, reason = "pixels of a chart")]
const fn real(number: u64) -> f64 {
    number as f64
}

fn merged(series: &[LoadInterval], most: usize) -> Vec<Span> {
    let each = series.len().div_ceil(most).max(1);
    series.chunks(each).map(Span::of).collect()
}

pub(super) fn render(load: &LoadReport) -> Markup {
    if load.series.is_empty() {
        return html! {};
    }
    let spans = merged(&load.series, POINTS_MAX);
    html! {
        h3 { "Over time" }
        (rates(&spans))
        (latency(&spans))
        (table(load))
    }
}

fn seconds(at: f64) -> String {
    told::seconds(at)
}

fn rates(spans: &[Span]) -> Markup {
    let of = |name: &str, value: fn(&Span) -> u64| Line {
        name: name.to_owned(),
        points: spans
            .iter()
            .map(|span| (span.at_s, span.per_s(value(span))))
            .collect(),
        marks: false,
    };
    let mut lines = vec![
        of("goodput", |span| span.goodput),
        of("offered", |span| span.offered),
        of("sent", |span| span.sent),
    ];
    if spans.iter().any(|span| span.errors > 0) {
        lines.push(of("errors", |span| span.errors));
    }
    if spans.iter().any(|span| span.dropped > 0) {
        lines.push(of("dropped", |span| span.dropped));
    }
    let chart = Chart {
        caption: "Arrivals and what came of them, per second, over the run.",
        lines,
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
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a label; the cast saturates"
    )]
    let micros = |us: f64| text::micros(us.max(0.0) as u64);
    let chart = Chart {
        caption: "Latency from the intended send time, over the run; logarithmic.",
        lines: vec![of("p50", |span| span.p50_us), of("p99", |span| span.p99_us)],
        log_y: true,
        x: &seconds,
        y: &micros,
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
