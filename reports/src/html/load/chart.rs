//! Line and area charts as SVG. Colours are placeholders that the style sheet replaces, so that they follow light and dark;
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
const GROUND: RGBColor = RGBColor(11, 11, 11);
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
    /// Place of its colour; its own place among the lines if none.
    pub(super) tone: Option<usize>,
}

/// A line where it is drawn.
struct Placed<'l> {
    name: &'l str,
    points: Vec<(f64, f64)>,
    /// The line below it, when what is between them is filled.
    floor: Option<Vec<(f64, f64)>>,
    marks: bool,
    color: RGBColor,
}

/// A chart of lines.
pub(super) struct Chart<'c> {
    /// What it shows, for people and screen readers.
    pub(super) caption: &'c str,
    pub(super) lines: Vec<Line>,
    /// Each line lies on the one before it, and what is between them is filled. All have points at the same places.
    pub(super) stacked: bool,
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

    fn placed(&self) -> Vec<Placed<'_>> {
        let least = if self.log_y { 1.0 } else { 0.0 };
        let mut below: Option<Vec<(f64, f64)>> = None;
        let lines = self.lines.iter().take(LINES.len()).enumerate();
        let placed = lines.map(|(number, line)| {
            let drawable = line.points.iter();
            let drawable = drawable.filter(|(x, y)| x.is_finite() && y.is_finite());
            let mut points: Vec<(f64, f64)> = drawable.map(|(x, y)| (*x, y.max(least))).collect();
            let floor = self.stacked.then(|| {
                let ground = points.iter().map(|(x, _)| (*x, 0.0)).collect();
                below.take().unwrap_or(ground)
            });
            for (point, under) in points.iter_mut().zip(floor.iter().flatten()) {
                point.1 += under.1;
            }
            below = floor.is_some().then(|| points.clone());
            Placed {
                name: &line.name,
                points,
                floor,
                marks: line.marks,
                color: LINES[line.tone.unwrap_or(number) % LINES.len()],
            }
        });
        placed.collect()
    }

    fn draw(&self, svg: &mut String) -> Result<bool, Box<dyn std::error::Error>> {
        let placed = self.placed();
        let points = placed.iter().flat_map(|line| &line.points);
        let points: Vec<(f64, f64)> = points.copied().collect();
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
            self.fill(
                &mut builder.build_cartesian_2d(left..right, range)?,
                &placed,
            )?;
        } else {
            let top = if high > 0.0 { high * 1.08 } else { 1.0 };
            self.fill(
                &mut builder.build_cartesian_2d(left..right, 0.0..top)?,
                &placed,
            )?;
        }
        root.present()?;
        drop(builder);
        drop(root);
        Ok(true)
    }

    fn fill<X, Y>(
        &self,
        chart: &mut ChartContext<'_, SVGBackend<'_>, Cartesian2d<X, Y>>,
        placed: &[Placed<'_>],
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
        for line in placed {
            let color = line.color;
            if line.marks {
                let mark = |point: &(f64, f64)| Circle::new(*point, 4, color.filled());
                chart.draw_series(line.points.iter().map(mark))?;
            }
            let path = line.points.clone();
            match &line.floor {
                Some(floor) => {
                    let around = path.iter().chain(floor.iter().rev()).copied();
                    let area = Polygon::new(around.collect::<Vec<_>>(), color.filled());
                    chart.draw_series(std::iter::once(area))?;
                    // Neighbours are told apart by more than their colours.
                    let edge = PathElement::new(path, GROUND.stroke_width(1));
                    chart.draw_series(std::iter::once(edge))?;
                }
                None => {
                    let path = PathElement::new(path, color.stroke_width(2));
                    chart.draw_series(std::iter::once(path))?;
                }
            }
        }
        names(chart, placed)
    }
}

/// The name of each line at its end, or beside the middle of what it fills.
fn names<X, Y>(
    chart: &ChartContext<'_, SVGBackend<'_>, Cartesian2d<X, Y>>,
    placed: &[Placed<'_>],
) -> Result<(), Box<dyn std::error::Error>>
where
    X: Ranged<ValueType = f64>,
    Y: Ranged<ValueType = f64>,
{
    let mut taken: Vec<i32> = Vec::new();
    // What is stacked is named from the top, so that names that make room keep the order of what they name.
    let is_stacked = placed.iter().any(|line| line.floor.is_some());
    let mut order: Vec<&Placed<'_>> = placed.iter().collect();
    if is_stacked {
        order.reverse();
    }
    for line in order {
        let Some(mut last) = line.points.last().copied() else {
            continue;
        };
        if let Some(under) = line.floor.as_ref().and_then(|floor| floor.last()) {
            last.1 = f64::midpoint(last.1, under.1);
        }
        let (_, y) = chart.backend_coord(&last);
        let mut at = y;
        // Names that would lie on each other move down.
        while taken.iter().any(|other| (other - at).abs() < 13) {
            at += 13;
        }
        taken.push(at);
        let style = ("sans-serif", 12).into_font().color(&line.color);
        let name = crate::text::line(line.name, 22);
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
