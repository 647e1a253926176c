//! The result: verdict and reason on the first line, nine lines of context at most in the usual case.

use super::page::{ID_MAX, Page, Style};
use crate::finding::Finding;
use crate::model::{Control, Counts, Expectations, Fidelity, Report, RunVerdict, Target, Verdict};
use crate::text;

const LABEL_WIDTH: usize = 11;
const FIX_FIRST_MAX: usize = 3;

pub(super) fn render(page: &mut Page, report: &Report, findings: &[Finding<'_>]) {
    verdict(page, report);
    field(page, "target", &target(&report.target));
    field(page, "chain", &chain(&report.fidelity));
    field(page, "controls", &controls(report));
    field(page, "money", &money(report));
    if let Some(load) = &report.load {
        field(page, "load", &crate::load_text::headline(load));
    }
    if !report.scenarios.is_empty() {
        field(
            page,
            "scenarios",
            &scenario_counts(&report.scenario_counts()),
        );
    }
    field(page, "checks", &counts(&report.counts));
    if let Some(expectations) = &report.expectations {
        let remarks = expectation_remarks(expectations);
        if !remarks.is_empty() {
            field(page, "expected", &remarks);
        }
    }
    field(page, "run", &run(report));
    fix_first(page, findings);
}

fn field(page: &mut Page, label: &str, value: &str) {
    page.field(2, label, LABEL_WIDTH, value);
}

fn verdict(page: &mut Page, report: &Report) {
    page.put(Style::of_run(report.verdict), word(report.verdict));
    if report.interrupted {
        page.put(Style::Yellow, " (interrupted)");
    }
    page.put(Style::Plain, ": ");
    page.put(Style::Plain, &report.summary);
    page.end();
}

/// The run verdict as the JSON report spells it.
const fn word(verdict: RunVerdict) -> &'static str {
    match verdict {
        RunVerdict::Conformant => "conformant",
        RunVerdict::Nonconformant => "nonconformant",
        RunVerdict::Inconclusive => "inconclusive",
    }
}

fn target(target: &Target) -> String {
    let mut parts = vec![target.kind.clone()];
    if target.name != target.kind && Some(&target.name) != target.url.as_ref() {
        parts.push(target.name.clone());
    }
    parts.extend(target.url.clone());
    if !target.versions.is_empty() {
        parts.push(target.versions.join(", "));
    }
    if target.uses_our_facilitator == Some(false) {
        parts.push("pays through another facilitator".to_owned());
    }
    parts.join(" · ")
}

fn chain(fidelity: &Fidelity) -> String {
    let mut text = fidelity.chain.clone();
    if let Some(network) = &fidelity.network {
        text.push_str(&format!(" as {network}"));
    }
    if let Some(node) = &fidelity.node {
        text.push_str(&format!(" ({node})"));
    }
    if let Some(reason) = &fidelity.reason {
        text.push_str(&format!(", asked for {}: {reason}", fidelity.requested));
    }
    text
}

fn controls(report: &Report) -> String {
    let positive = control("positive", &report.controls.positive);
    let mutation = control("mutation", &report.controls.mutation);
    format!("{positive} · {mutation}")
}

fn control(name: &str, control: &Control) -> String {
    match (&control.cause, control.held) {
        (_, true) => format!("{name} holds"),
        (Some(cause), false) => format!("{name} missing ({cause})"),
        (None, false) => format!("{name} missing"),
    }
}

fn money(report: &Report) -> String {
    let money = &report.money;
    let mut parts = vec![
        format!("signed {}", money.signed),
        format!("settled {}", money.settled),
        format!("granted {}", money.granted),
    ];
    let troubles = [
        (money.unpaid_grants, "unpaid grants"),
        (money.double_charged, "charged twice"),
        (
            money.charged_without_service,
            charged_label(report.uncounted_charges()),
        ),
        (money.faulted, "lied about on purpose"),
    ];
    for (count, label) in troubles {
        if count > 0 {
            parts.push(format!("{label} {count}"));
        }
    }
    if let Some(moved) = money.amounts.get("settled") {
        parts.push(format!("{moved} base units moved"));
    }
    parts.join(" · ")
}

const fn charged_label(uncounted: bool) -> &'static str {
    match uncounted {
        true => "charged without service under injected faults",
        false => "charged without service",
    }
}

/// `27 of 28 held`, and what the others were.
fn scenario_counts(counts: &Counts) -> String {
    let held = counts.pass + counts.info;
    let ran = held + counts.fail + counts.warn + counts.inconclusive;
    let mut parts = Vec::new();
    if ran > 0 {
        parts.push(format!("{held} of {ran} held"));
    }
    let others = [
        (counts.fail, "failed"),
        (counts.warn, "warned"),
        (counts.inconclusive, "inconclusive"),
        (counts.skipped, "skipped"),
        (counts.expected, "expected"),
    ];
    for (count, label) in others {
        if count > 0 {
            parts.push(format!("{count} {label}"));
        }
    }
    parts.join(" · ")
}

/// How many entries of the expectations file somebody should look at; they are named below.
fn expectation_remarks(expectations: &Expectations) -> String {
    let kinds = [
        (expectations.expired.len(), "expired"),
        (expectations.partial.len(), "partial"),
        (expectations.stale.len(), "stale"),
    ];
    let kinds = kinds.into_iter().filter(|(count, _)| *count > 0);
    let kinds: Vec<String> = kinds
        .map(|(count, kind)| format!("{count} {kind}"))
        .collect();
    kinds.join(" · ")
}

fn counts(counts: &Counts) -> String {
    let mut parts = vec![
        format!("{} pass", counts.pass),
        format!("{} fail", counts.fail),
    ];
    let others = [
        (counts.warn, "warn"),
        (counts.inconclusive, "inconclusive"),
        (counts.info, "info"),
        (counts.skipped, "skipped"),
        (counts.expected, "expected"),
    ];
    for (count, label) in others {
        if count > 0 {
            parts.push(format!("{count} {label}"));
        }
    }
    parts.join(" · ")
}

fn run(report: &Report) -> String {
    format!(
        "seed {} · {} · x402-assay {} · spec {}",
        report.seed,
        text::duration(report.duration_ms),
        report.bench_version,
        report.spec_revision
    )
}

fn fix_first(page: &mut Page, findings: &[Finding<'_>]) {
    let first: Vec<_> = findings
        .iter()
        .filter(|finding| finding.verdict != Verdict::Inconclusive)
        .filter(|finding| finding.expected().is_none())
        .take(FIX_FIRST_MAX)
        .collect();
    let id_width = first
        .iter()
        .map(|finding| finding.id().chars().count())
        .max();
    for (index, finding) in first.into_iter().enumerate() {
        let label = if index == 0 { "fix first" } else { "" };
        page.blanks(2);
        page.column(Style::Dim, label, LABEL_WIDTH);
        let width = id_width.unwrap_or_default().min(ID_MAX) + 2;
        page.column(Style::of(finding.verdict), finding.id(), width);
        page.paragraph(Style::Plain, 2 + LABEL_WIDTH + width, finding.title());
    }
}
