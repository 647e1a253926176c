//! Line charts as SVG. Colours are placeholders that the style sheet replaces, so that they follow light and dark;
//! every line carries its name at its end, so that colour is never the only sign.

use maud::{Markup, PreEscaped, html};
use plotters::coord::ranged1d::{Ranged, ValueFormatter};
use plotters::prelude::*;

const WIDTH: u32 = 760;
const HEIGHT: u32 = 300;
const LABELS: u32 = 72;
const NAMES: u32 = 130;

const INK: RGBColor = RGBColor(1, 1, 1);
const FAINT: RGBColor = RGBColor(2, 2, 2);
/// One colour each line; the style sheet knows them as `#040404` to `#0a0a0a`.
const LINES: [RGBColor; 7] = [
    RGBColor(4, 4, 4),
    RGBColor(5, 5, 5),
    RGBColor(6, 6, 6),
    RGBColor(7, 7, 7),
    RGBColor(8, 8, 8),
    RGBColor(9, 9, 9),
    RGBColor(10, 10, 10),
];

/// One line: its name and its points, in order.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
    /// A mark at every point.
    pub(super) marks: bool,
}

/// A chart of lines.
pub(super) struct Chart<'c> {
    /// What it shows, for people and screen readers.
    pub(super) caption: &'c str,
    pub(super) lines: Vec<Line>,
    pub(super) log_y: bool,
    pub(super) x: &'c dyn Fn(f64) -> String,
    pub(super) y: &'c dyn Fn(f64) -> String,
}

impl Chart<'_> {
    /// A figure with the drawing; nothing when there is nothing to draw (the table beside it says the same).
    pub(super) fn render(&self) -> Markup {
        let mut svg = String::new();
        let drawn = self.draw(&mut svg).is_ok_and(|drawn| drawn);
        html! {
            @if drawn {
                figure.chart {
                    div role="img" aria-label={(self.caption) " The table that follows holds the same values."} { (PreEscaped(svg)) }
                    figcaption { (self.caption) }
                }
            }
        }
    }

    fn draw(&self, svg: &mut String) -> Result<bool, Box<dyn std::error::Error>> {
        let lines = self.lines.iter().take(LINES.len());
        let points = lines.flat_map(|line| &line.points);
        let is_drawable = |(x, y): &&(f64, f64)| x.is_finite() && y.is_finite();
        let points: Vec<(f64, f64)> = points.filter(is_drawable).copied().collect();
        let ends = |of: fn(&(f64, f64)) -> f64| {
            let low = points.iter().map(of).fold(f64::INFINITY, f64::min);
            let high = points.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
            (low, high)
        };
        let ((left, right), (low, high)) = (ends(|point| point.0), ends(|point| point.1));
        // One point is no line, and everything at one x is none either.
        if points.len() < 2 || right <= left {
            return Ok(false);
        }
        let root = SVGBackend::with_string(svg, (WIDTH, HEIGHT)).into_drawing_area();
        let mut builder = ChartBuilder::on(&root);
        builder
            .margin_top(10)
            .margin_right(NAMES)
            .x_label_area_size(34)
            .y_label_area_size(LABELS);
        if self.log_y {
            let low = low.max(1.0);
            let range = (low / 1.3..high.max(low * 2.0) * 1.3).log_scale();
            self.fill(&mut builder.build_cartesian_2d(left..right, range)?)?;
        } else {
            let top = if high > 0.0 { high * 1.08 } else { 1.0 };
            self.fill(&mut builder.build_cartesian_2d(left..right, 0.0..top)?)?;
        }
        root.present()?;
        drop(builder);
        drop(root);
        Ok(true)
    }

    fn fill<X, Y>(
        &self,
        chart: &mut ChartContext<'_, SVGBackend<'_>, Cartesian2d<X, Y>>,
    ) -> Result<(), Box<dyn std::error::Error>>
    where
        X: Ranged<ValueType = f64> + ValueFormatter<f64>,
        Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
    {
        chart
            .configure_mesh()
            .x_labels(8)
            .y_labels(6)
            .x_label_formatter(&|x| (self.x)(*x))
            .y_label_formatter(&|y| (self.y)(*y))
            .axis_style(FAINT)
            .bold_line_style(FAINT)
            .light_line_style(TRANSPARENT)
            .label_style(("sans-serif", 12).into_font().color(&INK))
            .draw()?;
        let mut taken: Vec<i32> = Vec::new();
        for (line, color) in self.lines.iter().zip(LINES) {
            let floor = if self.log_y { 1.0 } else { 0.0 };
            let shown = line
                .points
                .iter()
                .filter(|(x, y)| x.is_finite() && y.is_finite());
            let shown: Vec<(f64, f64)> = shown.map(|(x, y)| (*x, y.max(floor))).collect();
            let Some(last) = shown.last().copied() else {
                continue;
            };
            if line.marks {
                let mark = |point: &(f64, f64)| Circle::new(*point, 4, color.filled());
                chart.draw_series(shown.iter().map(mark))?;
            }
            chart.draw_series(std::iter::once(PathElement::new(
                shown,
                color.stroke_width(2),
            )))?;
            let (_, y) = chart.backend_coord(&last);
            let mut at = y;
            // Names that would lie on each other move down.
            while taken.iter().any(|other| (other - at).abs() < 13) {
                at += 13;
            }
            taken.push(at);
            let style = ("sans-serif", 12).into_font().color(&color);
            let name = crate::text::line(&line.name, 22);
            let area = chart.plotting_area().strip_coord_spec();
            let (x_range, y_range) = chart.plotting_area().get_pixel_range();
            area.draw_text(
                &name,
                &style,
                (x_range.end - x_range.start + 6, at - y_range.start - 6),
            )?;
        }
        Ok(())
    }
}
