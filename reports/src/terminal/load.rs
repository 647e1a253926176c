//! A load run on a terminal: what came of it, how long it took, what was demanded, what held it back.

use super::page::{Page, Style};
use crate::load_text as told;
use crate::model::Report;
use crate::model::load::{LoadReport, PhaseRow, ThresholdVerdict};
use crate::text;

const LABEL: usize = 11;
const OUTCOMES_MAX: usize = 8;
const STEPS_MAX: usize = 12;
const PHASE: usize = 24;
const NUMBER: usize = 10;

pub(super) fn render(page: &mut Page, report: &Report) {
    let Some(load) = &report.load else {
        return;
    };
    page.heading("load");
    page.field(2, "plan", LABEL, &told::plan(load));
    let arrivals = &load.arrivals;
    let goodput = format!(
        "{} of {} offered, {} sent ({} {} in {})",
        told::rate(load.goodput_per_s),
        told::rate(arrivals.offered_per_s),
        told::rate(arrivals.achieved_per_s),
        load.goodput,
        told::goods(load),
        told::seconds(load.measured_s)
    );
    page.field(2, "goodput", LABEL, &goodput);
    let queue = format!(
        "{} · at most {} waiting, {} under way",
        dropped(load),
        arrivals.queue_high_water,
        arrivals.in_flight_high_water
    );
    page.field(2, "dropped", LABEL, &queue);
    outcomes(page, load);
    latency(page, load);
    thresholds(page, load);
    steps(page, load);
    let limit = format!("{}: {}", told::limited(load), load.limited_by.proof);
    page.field(2, "limited by", LABEL, &limit);
    for row in &load.recovery {
        page.field(2, "fault", LABEL, &told::recovery(row));
    }
    if let Some(accounts) = told::facilitator(load) {
        page.field(2, "accounts", LABEL, &accounts);
    }
    if let Some(cpu) = told::cpu(load) {
        page.field(2, "cpu", LABEL, &cpu);
    }
    if page.verbose()
        && let Some(memory) = load.memory
    {
        let grown = format!(
            "{:.0} bytes for each authorization, at most {} MB",
            memory.bytes_per_authorization,
            memory.peak_bytes / 1_000_000
        );
        page.field(2, "memory", LABEL, &grown);
    }
    for caveat in told::caveats(load) {
        page.field(2, "caveat", LABEL, caveat);
    }
}

fn dropped(load: &LoadReport) -> String {
    let (dropped, offered) = (load.arrivals.dropped, load.arrivals.offered);
    match (dropped, offered) {
        (0, _) | (_, 0) => dropped.to_string(),
        _ => format!("{dropped} of {offered}"),
    }
}

fn outcomes(page: &mut Page, load: &LoadReport) {
    for (number, row) in load.outcomes.iter().take(OUTCOMES_MAX).enumerate() {
        let style = if row.meant { Style::Plain } else { Style::Red };
        page.blanks(2);
        page.column(Style::Dim, if number == 0 { "outcomes" } else { "" }, LABEL);
        page.column(Style::Plain, &format!("{:>9}", row.count), 12);
        page.put(style, &told::outcome(row));
        page.end();
    }
    if let Some(more) = load
        .outcomes
        .len()
        .checked_sub(OUTCOMES_MAX)
        .filter(|more| *more > 0)
    {
        page.field(2, "", LABEL, &format!("and {more} more in report.json"));
    }
}

fn latency(page: &mut Page, load: &LoadReport) {
    let rows = told::phases(load, page.verbose());
    if rows.is_empty() {
        return;
    }
    page.blanks(2);
    page.column(Style::Dim, "latency", LABEL);
    page.blanks(PHASE);
    for head in ["p50", "p95", "p99", "p99.9", "max", "samples"] {
        page.column(Style::Dim, &format!("{head:>9}"), NUMBER);
    }
    page.end();
    for row in rows {
        phase(page, row);
    }
}

fn phase(page: &mut Page, row: &PhaseRow) {
    page.blanks(2 + LABEL);
    page.column(Style::Plain, row.phase.label(), PHASE);
    let time = &row.time;
    let times = [
        time.p50_us,
        time.p95_us,
        time.p99_us,
        time.p999_us,
        time.max_us,
    ];
    for us in times {
        page.column(Style::Plain, &format!("{:>9}", text::micros(us)), NUMBER);
    }
    page.column(Style::Plain, &format!("{:>9}", time.count), NUMBER);
    page.end();
}

const fn style(verdict: ThresholdVerdict) -> Style {
    match verdict {
        ThresholdVerdict::Held => Style::Green,
        ThresholdVerdict::Missed => Style::Red,
        ThresholdVerdict::Inconclusive => Style::Yellow,
    }
}

fn thresholds(page: &mut Page, load: &LoadReport) {
    for (number, row) in load.thresholds.iter().enumerate() {
        page.blanks(2);
        page.column(
            Style::Dim,
            if number == 0 { "thresholds" } else { "" },
            LABEL,
        );
        page.column(style(row.verdict), row.verdict.word(), 14);
        let line = format!("{}: {}", row.threshold, told::measured(row));
        page.paragraph(Style::Plain, 2 + LABEL + 14, &line);
    }
}

fn steps(page: &mut Page, load: &LoadReport) {
    for (number, row) in load.steps.iter().take(STEPS_MAX).enumerate() {
        page.blanks(2);
        page.column(Style::Dim, if number == 0 { "steps" } else { "" }, LABEL);
        page.column(style(row.verdict), row.verdict.word(), 14);
        let mut line = format!(
            "{} offered: {} goodput",
            told::rate(row.offered_per_s),
            told::rate(row.goodput_per_s)
        );
        if let Some(us) = row.p99_us {
            line.push_str(&format!(", p99 {}", text::micros(us)));
        }
        if !row.detail.is_empty() {
            line.push_str(&format!(", {}", row.detail));
        }
        page.paragraph(Style::Plain, 2 + LABEL + 14, &line);
    }
    if let Some(more) = load
        .steps
        .len()
        .checked_sub(STEPS_MAX)
        .filter(|more| *more > 0)
    {
        page.field(2, "", LABEL, &format!("and {more} more in report.json"));
    }
    if let Some(highest) = load.highest_held_per_s {
        let line = format!(
            "{} is the highest rate at which every threshold held",
            told::rate(highest)
        );
        page.field(2, "search", LABEL, &line);
    }
}
