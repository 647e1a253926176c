//! Latency per phase: bars from the median to the largest on a logarithmic axis, and a table.

use maud::{Markup, PreEscaped, html};
use plotters::coord::ranged1d::SegmentValue;
use plotters::prelude::*;

use super::head::line;
use crate::model::{PhaseLatency, Report};
use crate::text;

const WIDTH: u32 = 720;
const ROW: u32 = 34;
const AXIS: u32 = 40;

/// Colours that the style sheet replaces, so that the chart follows light and dark.
const INK: RGBColor = RGBColor(1, 1, 1);
const FAINT: RGBColor = RGBColor(2, 2, 2);
const MARK: RGBColor = RGBColor(3, 3, 3);

pub(super) fn render(report: &Report) -> Markup {
    html! {
        @if !report.latency.is_empty() {
            section #latency { h2 { "Latency" }
                @if let Some(svg) = chart(&report.latency) {
                    figure.chart { (PreEscaped(svg))
                        figcaption { "Each line goes from the median over the 99th percentile (ring) to the largest; logarithmic." } }
                }
                div.scroll { table {
                    thead { tr { th scope="col" { "Phase" } th.n scope="col" { "Samples" } th.n scope="col" { "p50" } th.n scope="col" { "p99" } th.n scope="col" { "max" } } }
                    tbody { @for phase in &report.latency {
                        tr { td { (line(&phase.phase)) } td.n { (phase.count) } td.n { (text::micros(phase.p50_us)) } td.n { (text::micros(phase.p99_us)) } td.n { (text::micros(phase.max_us)) } }
                    } }
                } }
            }
        }
    }
}

/// SVG of the phases; nothing when the library cannot draw it (the table says the same).
fn chart(phases: &[PhaseLatency]) -> Option<String> {
    let rows = u32::try_from(phases.len())
        .ok()
        .filter(|rows| *rows <= 50)?;
    let mut svg = String::new();
    draw(phases, rows, &mut svg).ok()?;
    Some(svg)
}

fn draw(
    phases: &[PhaseLatency],
    rows: u32,
    svg: &mut String,
) -> Result<(), Box<dyn std::error::Error>> {
    let largest = phases
        .iter()
        .map(|phase| phase.max_us)
        .max()
        .unwrap_or(1)
        .max(10);
    let smallest = phases
        .iter()
        .map(|phase| phase.p50_us)
        .min()
        .unwrap_or(1)
        .max(1);
    let (low, high) = (smallest as f64 / 2.0, largest as f64 * 1.5);
    let root = SVGBackend::with_string(svg, (WIDTH, AXIS + ROW * rows)).into_drawing_area();
    let last = i32::try_from(rows)? - 1;
    let mut chart = ChartBuilder::on(&root)
        .x_label_area_size(AXIS)
        .y_label_area_size(110)
        .build_cartesian_2d((low..high).log_scale(), (0..last).into_segmented())?;
    let name = |segment: &SegmentValue<i32>| match segment {
        SegmentValue::CenterOf(row) | SegmentValue::Exact(row) => usize::try_from(*row)
            .ok()
            .and_then(|row| phases.iter().rev().nth(row))
            .map_or_else(String::new, |phase| text::line(&phase.phase, 14)),
        SegmentValue::Last => String::new(),
    };
    chart
        .configure_mesh()
        .disable_y_mesh()
        .y_labels(phases.len())
        .y_label_formatter(&name)
        .x_label_formatter(&|us| text::micros(*us as u64))
        .axis_style(FAINT)
        .bold_line_style(FAINT)
        .light_line_style(TRANSPARENT)
        .label_style(("sans-serif", 13).into_font().color(&INK))
        .draw()?;
    // Rows count from the bottom; the first phase stands at the top, as in the table.
    for (row, phase) in phases.iter().rev().enumerate() {
        let y = SegmentValue::CenterOf(i32::try_from(row)?);
        let at = |us: u64| (us.max(1) as f64, y.clone());
        let ends = vec![at(phase.p50_us), at(phase.max_us)];
        chart.draw_series(std::iter::once(PathElement::new(
            ends,
            MARK.stroke_width(4),
        )))?;
        chart.draw_series([
            Circle::new(at(phase.p50_us), 6, MARK.filled()),
            Circle::new(at(phase.p99_us), 6, MARK.stroke_width(2)),
        ])?;
    }
    root.present()?;
    Ok(())
}
