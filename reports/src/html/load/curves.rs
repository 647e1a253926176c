//! Percentile curves: how long the slow ones took, phase by phase.

use maud::{Markup, html};

use super::chart::{Chart, Line};
use crate::load_text;
use crate::model::load::{LoadReport, PhaseRow};
use crate::text;

/// Points of a curve. The further out, the more samples it takes for the point to mean anything.
const QUANTILES: [f64; 12] = [
    0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9995, 0.9999,
];

/// Phases whose 99th percentile is below this are in the table alone.
const DRAWN_MIN_US: u64 = 10;

pub(super) fn render(load: &LoadReport) -> Markup {
    if load.latency.is_empty() {
        return html! {};
    }
    // What takes no time that could be measured would only stretch the axis.
    let drawn = load_text::phases(load, false).into_iter();
    let drawn = drawn.filter(|row| row.time.p99_us >= DRAWN_MIN_US);
    let lines = drawn.map(|row| Line {
        name: row.phase.label().to_owned(),
        points: curve(row),
        marks: false,
        tone: None,
    });
    let chart = Chart {
        caption: "Latency by percentile, from the median on the left to the slowest on the right; both axes logarithmic.",
        lines: lines.collect(),
        stacked: false,
        log_y: true,
        x: &percentile,
        y: &text::micros_of,
    };
    html! {
        h3 { "Latency by percentile" }
        (chart.render())
        (table(load))
    }
}

fn table(load: &LoadReport) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { th scope="col" { "Phase" } th.n scope="col" { "Samples" } th.n scope="col" { "mean" } th.n scope="col" { "p50" } th.n scope="col" { "p90" } th.n scope="col" { "p95" } th.n scope="col" { "p99" } th.n scope="col" { "p99.9" } th.n scope="col" { "max" } } }
            tbody { @for row in &load.latency {
                @let time = &row.time;
                tr { td { (row.phase.label()) } td.n { (time.count) } td.n { (text::micros_of(time.mean_us)) }
                    @for us in [time.p50_us, time.p90_us, time.p95_us, time.p99_us, time.p999_us, time.max_us] { td.n { (text::micros(us)) } } }
            } }
        } }
    }
}

/// `1` is the 90th percentile, `2` the 99th; only such places are labelled.
fn percentile(x: f64) -> String {
    const NAMES: [&str; 5] = ["p0", "p90", "p99", "p99.9", "p99.99"];
    let place = NAMES.iter().zip(0_u32..);
    let near = |(_, number): &(&&str, u32)| (x - f64::from(*number)).abs() < 0.01;
    let found = place.into_iter().find(near);
    found.map_or_else(String::new, |(name, _)| (*name).to_owned())
}

/// Points of one phase: from its histogram, else from the percentiles that were kept.
fn curve(row: &PhaseRow) -> Vec<(f64, f64)> {
    #[expect(clippy::cast_precision_loss, reason = "pixels of a chart")]
    let real = |number: u64| number as f64;
    let time = &row.time;
    let place = |quantile: f64| -(1.0 - quantile).log10();
    let means = |quantile: f64| real(time.count) * (1.0 - quantile) >= 1.0;
    if let Ok(histogram) = time.histogram() {
        let points = QUANTILES.into_iter().filter(|quantile| means(*quantile));
        let value = |quantile| histogram.value_at_quantile(quantile).min(time.max_us);
        return points.map(|q| (place(q), real(value(q)))).collect();
    }
    let kept = [
        (0.5, time.p50_us),
        (0.9, time.p90_us),
        (0.95, time.p95_us),
        (0.99, time.p99_us),
        (0.999, time.p999_us),
    ];
    let kept = kept.into_iter().filter(|(quantile, _)| means(*quantile));
    kept.map(|(q, us)| (place(q), real(us))).collect()
}
