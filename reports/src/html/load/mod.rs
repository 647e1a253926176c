//! A load run: what came of it, thresholds, charts with a table beside each, what held it back.

mod chart;
mod curves;
mod ends;
mod spans;
mod steps;
mod time;

use maud::{Markup, html};

use super::head::line;
use crate::load_text as told;
use crate::model::Report;
use crate::model::load::{LoadReport, ThresholdVerdict};
use crate::text;

pub(super) fn render(report: &Report) -> Markup {
    html! {
        @if let Some(load) = &report.load {
            section #load { h2 { "Load" }
                p.summary { (line(&told::headline(load))) }
                (facts(load))
                (thresholds(load))
                (steps::render(load))
                (ends::render(load))
                (outcomes(load))
                (time::render(load))
                (curves::render(load))
            }
        }
    }
}

pub(super) fn badge(verdict: ThresholdVerdict) -> Markup {
    let tone = match verdict {
        ThresholdVerdict::Held => "pass",
        ThresholdVerdict::Missed => "fail",
        ThresholdVerdict::Inconclusive => "inconclusive",
    };
    html! { span class={"badge " (tone)} { (verdict.word()) } }
}

fn facts(load: &LoadReport) -> Markup {
    let arrivals = &load.arrivals;
    let fact = |name: &str, value: &str| html! { div { dt { (name) } dd { (line(value)) } } };
    let goodput = format!(
        "{}: {} {} in {}",
        told::rate(load.goodput_per_s),
        load.goodput,
        told::goods(load),
        told::seconds(load.measured_s)
    );
    let due = format!(
        "{} offered ({}), {} sent ({}), {} dropped",
        arrivals.offered,
        told::rate(arrivals.offered_per_s),
        arrivals.sent,
        told::rate(arrivals.achieved_per_s),
        arrivals.dropped
    );
    let waiting = format!(
        "at most {} waiting for a connection, {} under way",
        arrivals.queue_high_water, arrivals.in_flight_high_water
    );
    let limited = format!("{}: {}", told::limited(load), load.limited_by.proof);
    html! { dl {
        (fact("Plan", &told::plan(load)))
        (fact("Goodput", &goodput))
        (fact("Arrivals", &due))
        (fact("Queue", &waiting))
        (fact("Books", &told::books(load)))
        (fact("Limited by", &limited))
        @for row in &load.recovery { (fact("Fault", &told::recovery(row))) }
        @if let Some(accounts) = told::facilitator(load) { (fact("Accounts", &accounts)) }
        @if let Some(cpu) = told::cpu(load) { (fact("CPU", &cpu)) }
        @if let Some(memory) = load.memory {
            (fact("Memory", &format!("{:.0} bytes for each authorization, at most {} MB", memory.bytes_per_authorization, memory.peak_bytes / 1_000_000)))
        }
        @for caveat in told::caveats(load) { (fact("Caveat", caveat)) }
    } }
}

fn thresholds(load: &LoadReport) -> Markup {
    html! {
        @if !load.thresholds.is_empty() {
            h3 { "Thresholds" }
            div.scroll { table {
                thead { tr { th scope="col" { "Threshold" } th scope="col" { "Verdict" } th scope="col" { "Measured" } } }
                tbody { @for row in &load.thresholds {
                    tr { td { code { (line(&row.threshold)) } } td { (badge(row.verdict)) } td { (line(&told::measured(row))) } }
                } }
            } }
        }
    }
}

fn outcomes(load: &LoadReport) -> Markup {
    html! {
        @if !load.outcomes.is_empty() {
            h3 { "Outcomes" }
            div.scroll { table {
                thead { tr { th scope="col" { "Sent" } th scope="col" { "Outcome" } th scope="col" { "Meant" } th.n scope="col" { "Count" } th.n scope="col" { "p50" } th.n scope="col" { "p99" } } }
                tbody { @for row in &load.outcomes {
                    tr {
                        td { (line(&row.of)) } td { code { (line(&row.class)) } }
                        td { @if row.meant { "yes" } @else { span.badge.fail { "error" } } }
                        td.n { (row.count) }
                        td.n { @if let Some(time) = &row.time { (text::micros(time.p50_us)) } }
                        td.n { @if let Some(time) = &row.time { (text::micros(time.p99_us)) } }
                    }
                } }
            } }
        }
    }
}
