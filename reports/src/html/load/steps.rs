//! Goodput against offered rate: where more is asked for and no more comes, there is the knee.

use maud::{Markup, html};

use super::badge;
use super::chart::{Chart, Line};
use crate::html::head::line;
use crate::load_text as told;
use crate::model::load::LoadReport;
use crate::text;

pub(super) fn render(load: &LoadReport) -> Markup {
    if load.steps.is_empty() {
        return html! {};
    }
    let mut steps: Vec<_> = load.steps.iter().collect();
    steps.sort_by(|one, other| one.offered_per_s.total_cmp(&other.offered_per_s));
    let of = |name: &str, marks, value: &dyn Fn(&crate::model::load::LoadStep) -> f64| Line {
        name: name.to_owned(),
        points: steps
            .iter()
            .map(|step| (step.offered_per_s, value(step)))
            .collect(),
        marks,
        tone: None,
    };
    let chart = Chart {
        caption: "Goodput against offered rate. Where goodput leaves the line of what was offered, the run was at its limit.",
        lines: vec![
            of("goodput", true, &|step| step.goodput_per_s),
            of("offered", false, &|step| step.offered_per_s),
        ],
        stacked: false,
        log_y: false,
        x: &told::rate,
        y: &told::rate,
    };
    html! {
        h3 { "Goodput against offered rate" }
        @if let Some(highest) = load.highest_held_per_s {
            p { "The highest rate at which every threshold held: " strong { (told::rate(highest)) } }
        }
        (chart.render())
        div.scroll { table {
            thead { tr { th.n scope="col" { "Round" } th.n scope="col" { "Offered" } th.n scope="col" { "Sent" } th.n scope="col" { "Goodput" } th.n scope="col" { "p99" } th.n scope="col" { "Dropped" } th.n scope="col" { "Errors" } th scope="col" { "Thresholds" } th scope="col" { "Detail" } } }
            tbody { @for step in &load.steps {
                tr { td.n { (step.round) } td.n { (told::rate(step.offered_per_s)) } td.n { (told::rate(step.achieved_per_s)) } td.n { (told::rate(step.goodput_per_s)) }
                    td.n { @if let Some(us) = step.p99_us { (text::micros(us)) } } td.n { (step.dropped) } td.n { (step.errors) } td { (badge(step.verdict)) } td { (line(&step.detail)) } }
            } }
        } }
    }
}
