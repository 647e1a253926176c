//! The first screen: verdict, what it rests on, what to fix first.

use maud::{Markup, html};

use crate::finding::{Finding, Source};
use crate::model::{Control, Expected, Report, RunVerdict, Verdict};
use crate::{reproduce, text};

const LINE_MAX: usize = 600;
/// Findings named at the top.
const FIRST: usize = 10;
const NOTES_MAX: usize = 100;

pub(super) const fn word(verdict: RunVerdict) -> &'static str {
    match verdict {
        RunVerdict::Conformant => "conformant",
        RunVerdict::Nonconformant => "nonconformant",
        RunVerdict::Inconclusive => "inconclusive",
    }
}

pub(super) const fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Info => "info",
        Verdict::Skipped => "skipped",
        Verdict::Warn => "warn",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Fail => "fail",
    }
}

pub(super) fn badge(verdict: Verdict) -> Markup {
    let word = verdict_word(verdict);
    html! { span class={"badge " (word)} { (word) } }
}

pub(crate) fn line(value: &str) -> String {
    text::line(value, LINE_MAX)
}

/// A command with a button that copies it.
pub(super) fn command(value: &str) -> Markup {
    let value = text::command(value, 2_500);
    html! {
        div.command {
            pre { code { (value) } }
            button.copy type="button" { "Copy" }
        }
    }
}

pub(super) fn render(report: &Report) -> Markup {
    let interrupted = if report.interrupted {
        ", interrupted"
    } else {
        ""
    };
    html! {
        header {
            h1 { span class={"verdict " (word(report.verdict))} { (word(report.verdict)) (interrupted) }
                " " span.target { (line(&report.target.name)) } }
            p.summary { (text::line(&report.summary, 2_000)) }
            dl.facts {
                (fact("Target", html! { (line(&report.target.kind)) @if let Some(url) = &report.target.url { " at " code { (line(url)) } } }))
                (fact("x402", html! { (versions(report)) }))
                (fact("Ledger", chain(report)))
                (fact("Positive control", control(&report.controls.positive)))
                (fact("Mutation control", control(&report.controls.mutation)))
                (fact("Money", money(report)))
                (fact("Spec", html! { code { (line(&report.spec_revision)) } }))
                (fact("Took", html! { (text::duration(report.duration_ms)) ", seed " code { (report.seed) } }))
            }
            p.again { "Run it again:" }
            (command(&reproduce::command(report, None)))
        }
    }
}

fn fact(name: &str, value: Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn versions(report: &Report) -> String {
    match report.target.versions.join(", ") {
        none if none.is_empty() => "no version seen".to_owned(),
        some => line(&some),
    }
}

fn chain(report: &Report) -> Markup {
    let fidelity = &report.fidelity;
    html! {
        (line(&fidelity.chain))
        @if let Some(network) = &fidelity.network { " as " code { (line(network)) } }
        @if let Some(node) = &fidelity.node { ", " (line(node)) }
        @if let Some(reason) = &fidelity.reason { " (asked for " (line(&fidelity.requested)) ": " (line(reason)) ")" }
    }
}

fn control(control: &Control) -> Markup {
    html! {
        @if control.held { span.badge.pass { "holds" } } @else { span.badge.fail { "missing" } }
        " "
        @if let Some(cause) = &control.cause { code { (line(cause)) } " " }
        (line(&control.detail))
    }
}

fn money(report: &Report) -> Markup {
    let money = &report.money;
    let uncounted = report.uncounted_charges();
    let charged = money.charged_without_service;
    let bad = [
        (money.unpaid_grants, "given and not paid"),
        (money.double_charged, "charged twice"),
        (
            if uncounted { 0 } else { charged },
            "charged and not served",
        ),
    ];
    html! {
        (money.signed) " signed, " (money.settled) " settled, " (money.granted) " served"
        @for (count, what) in bad { @if count > 0 { ", " strong.bad { (count) " " (what) } } }
        @if uncounted && charged > 0 { ", " (charged) " charged and not served under injected faults" }
        @if money.faulted > 0 { ", " (money.faulted) " our facilitator lied about" }
    }
}

/// A badge for what is accepted.
pub(super) fn expected(why: Option<&Expected>) -> Markup {
    html! { @if let Some(why) = why { " " span.badge.expected title=(line(&why.told())) { "expected" } } }
}

/// Entries of the expectations file that somebody should look at.
pub(super) fn expectations(report: &Report) -> Markup {
    let remarks: Vec<_> = report
        .expectations
        .iter()
        .flat_map(|file| file.remarks())
        .collect();
    html! {
        @if !remarks.is_empty() {
            section #expectations { h2 { "Expectations to look at" }
                ul { @for (kind, note) in remarks.iter().take(NOTES_MAX) { li { span.badge.warn { (kind) } " " (line(&note.told())) } } }
                @if remarks.len() > NOTES_MAX { p { (remarks.len() - NOTES_MAX) " more in " code { "report.json" } } }
            }
        }
    }
}

/// What to act on, in the order in which it should be fixed.
pub(super) fn fix_first(report: &Report, found: &[Finding<'_>]) -> Markup {
    html! {
        section #first aria-labelledby="first-title" {
            h2 #first-title { "Fix first" }
            @let found: Vec<&Finding<'_>> = found.iter().filter(|finding| finding.expected().is_none()).collect();
            @if found.is_empty() {
                @let misses = report.load.as_ref().is_some_and(crate::model::load::LoadReport::misses);
                p { @if misses { "No finding; a threshold of the " a href="#load" { "load" } " was missed." }
                    @else if report.verdict == RunVerdict::Conformant { "Nothing to fix." } @else { "No finding; see the controls above." } }
            } @else {
                ol {
                    @for finding in found.iter().copied().take(FIRST) {
                        li { (badge(finding.verdict)) " " a href={"#" (place(finding))} { (line(finding.id())) }
                            " " (line(finding.title())) @if let Some(fix) = fix(finding) { ": " em { (text::line(fix, 300)) } } }
                    }
                }
                @if found.len() > FIRST { p { "and " (text::counted(found.len() - FIRST, "more finding")) " below" } }
            }
        }
    }
}

fn fix<'r>(finding: &Finding<'r>) -> Option<&'r str> {
    match finding.source {
        Source::Check(check) => check.fix.as_deref(),
        Source::Invariant(_) | Source::Scenario(_) => None,
    }
}

/// Id of the element that tells all about a finding.
pub(super) fn place(finding: &Finding<'_>) -> String {
    let kind = match finding.source {
        Source::Scenario(_) => "scenario",
        Source::Check(_) | Source::Invariant(_) => "finding",
    };
    format!("{kind}-{}", anchor(finding.id()))
}

/// Letters, digits and dashes: safe in an attribute, a fragment and a selector.
pub(super) fn anchor(id: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    id.chars().take(80).map(safe).collect()
}

pub(super) fn notes(report: &Report) -> Markup {
    html! {
        @if !report.notes.is_empty() {
            section #notes { h2 { "Notes" }
                ul { @for note in report.notes.iter().take(NOTES_MAX) { li { (line(note)) } } }
                @if report.notes.len() > NOTES_MAX { p { (report.notes.len() - NOTES_MAX) " more in " code { "report.json" } } }
            }
        }
    }
}
