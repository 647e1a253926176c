//! Verdict, target, controls and money at the top; how to reproduce at the bottom.

use super::escape::{block, code, inline};
use super::page::Page;
use crate::model::{Control, Report, RunVerdict};
use crate::{reproduce, text};

const VALUE_MAX: usize = 400;
const NOTES_MAX: usize = 10;

pub(super) fn render(page: &mut Page, report: &Report) {
    let interrupted = if report.interrupted {
        ", interrupted"
    } else {
        ""
    };
    page.block(&format!(
        "## x402-assay: {}{interrupted}\n\n{}\n\n",
        word(report.verdict),
        inline(&report.summary, 2_000)
    ));
    page.block(&facts(report));
    page.block(&money(report));
    expectations(page, report);
    let notes = report.notes.iter().take(NOTES_MAX);
    let left_out = page.blocks(notes.map(|note| format!("> {}\n>\n", inline(note, VALUE_MAX))));
    let left_out = left_out + report.notes.len().saturating_sub(NOTES_MAX);
    if left_out > 0 {
        page.block(&format!(
            "> {} more in `report.json`\n",
            text::counted(left_out, "note")
        ));
    }
    if !report.notes.is_empty() {
        page.block("\n");
    }
}

/// Entries of the expectations file that somebody should look at.
fn expectations(page: &mut Page, report: &Report) {
    let Some(expectations) = &report.expectations else {
        return;
    };
    let lines = expectations.remarks().map(|(kind, note)| {
        let told = inline(&note.told(), VALUE_MAX);
        format!("- **{kind} expectation:** {told}\n")
    });
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        return;
    }
    let left_out = page.blocks(lines);
    page.block("\n");
    super::findings::said(page, left_out, "expectation");
}

pub(super) fn render_tail(page: &mut Page, report: &Report) {
    let command = block(&reproduce::command(report, None), 2_500);
    page.tail(&format!("### Reproduce\n\n{command}\n"));
    page.tail("Full messages and evidence are in `report.json` and `history.jsonl`.\n");
}

const fn word(verdict: RunVerdict) -> &'static str {
    match verdict {
        RunVerdict::Conformant => "conformant",
        RunVerdict::Nonconformant => "nonconformant",
        RunVerdict::Inconclusive => "inconclusive",
    }
}

fn facts(report: &Report) -> String {
    let target = &report.target;
    let mut name = format!("{} {}", inline(&target.kind, 40), code(&target.name, 200));
    if let Some(url) = target.url.as_ref().filter(|url| **url != target.name) {
        name.push_str(&format!(" at {}", code(url, VALUE_MAX)));
    }
    let versions = match target.versions.join(", ") {
        none if none.is_empty() => "none seen".to_owned(),
        some => inline(&some, 100),
    };
    let fidelity = &report.fidelity;
    let mut chain = inline(&fidelity.chain, 60);
    if let Some(network) = &fidelity.network {
        chain.push_str(&format!(" as {}", code(network, 60)));
    }
    if let Some(node) = &fidelity.node {
        chain.push_str(&format!(", {}", code(node, 100)));
    }
    if let Some(reason) = &fidelity.reason {
        let requested = inline(&fidelity.requested, 60);
        let reason = inline(reason, VALUE_MAX);
        chain.push_str(&format!(", asked for {requested}: {reason}"));
    }
    let counts = &report.counts;
    let rows = [
        ("Target", name),
        ("x402 versions", versions),
        ("Chain", chain),
        ("Positive control", control(&report.controls.positive)),
        ("Mutation control", control(&report.controls.mutation)),
        (
            "Checks",
            format!(
                "{} pass, {} fail, {} warn, {} inconclusive, {} info, {} skipped",
                counts.pass,
                counts.fail,
                counts.warn,
                counts.inconclusive,
                counts.info,
                counts.skipped
            ) + &expected(counts.expected),
        ),
        ("Scenarios", scenario_counts(report)),
        ("Seed", code(&report.seed.to_string(), 20)),
        (
            "Bench",
            format!(
                "x402-assay {}, spec {}, {}",
                inline(&report.bench_version, 40),
                code(&report.spec_revision, 80),
                text::duration(report.duration_ms)
            ),
        ),
    ];
    let rows = rows.into_iter().filter(|(_, value)| !value.is_empty());
    table("| | |\n|---|---|\n", rows)
}

/// `, 2 expected`, or nothing.
fn expected(count: usize) -> String {
    match count {
        0 => String::new(),
        count => format!(", {count} expected"),
    }
}

/// Empty when no scenario was selected.
fn scenario_counts(report: &Report) -> String {
    if report.scenarios.is_empty() {
        return String::new();
    }
    let counts = report.scenario_counts();
    let held = counts.pass + counts.info;
    let ran = held + counts.fail + counts.warn + counts.inconclusive;
    format!(
        "{held} of {ran} held, {} failed, {} warned, {} inconclusive, {} skipped",
        counts.fail, counts.warn, counts.inconclusive, counts.skipped
    ) + &expected(counts.expected)
}

fn control(control: &Control) -> String {
    let detail = inline(&control.detail, VALUE_MAX);
    match (control.held, &control.cause) {
        (true, _) => format!("holds: {detail}"),
        (false, Some(cause)) => format!("**missing** ({}): {detail}", code(cause, 80)),
        (false, None) => format!("**missing**: {detail}"),
    }
}

fn money(report: &Report) -> String {
    let money = &report.money;
    let amount = |name: &str| {
        let amount = money.amounts.get(name);
        amount.map_or_else(String::new, |amount| code(amount, 80))
    };
    let rows = [
        ("signed", money.signed, amount("signed")),
        ("settled", money.settled, amount("settled")),
        ("granted", money.granted, amount("granted")),
        ("charged twice", money.double_charged, String::new()),
        ("granted unpaid", money.unpaid_grants, String::new()),
        (
            match report.uncounted_charges() && money.charged_without_service > 0 {
                true => "charged without service under injected faults",
                false => "charged without service",
            },
            money.charged_without_service,
            String::new(),
        ),
    ];
    let rows = rows.map(|(name, count, amount)| (name, format!("{count} | {amount}")));
    table(
        "| Money | Authorizations | Base units |\n|---|---:|---:|\n",
        rows,
    )
}

fn table<'n>(head: &str, rows: impl IntoIterator<Item = (&'n str, String)>) -> String {
    let mut out = head.to_owned();
    for (name, value) in rows {
        out.push_str(&format!("| {name} | {value} |\n"));
    }
    out.push('\n');
    out
}
