//! What a load came to, put into the report of the run around it.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use x402_assay_reports::Report;
use x402_assay_reports::model::load::{LoadKind, LoadReport};
use x402_assay_reports::model::{Money, RunVerdict, Verdict};

use crate::history::event::BUILT_IN_FACILITATOR;
use crate::load::{Held, Ran, Totals};

/// Cause of the missing control of a run that bought nothing on purpose.
const UNPAID: &str = "unpaid-load";

/// Puts a load into the report of its controls: books, invariants, verdict and summary.
pub(crate) fn add(report: &mut Report, kind: LoadKind, ran: Option<Ran>) {
    if kind == LoadKind::Unpaid {
        unpaid(report, ran.as_ref());
    }
    let Some(ran) = ran else {
        return;
    };
    for held in &ran.held {
        merge(report, held);
    }
    books(&mut report.money, kind, &ran.totals);
    report.verdict = verdict(report, &ran);
    notes(report, &ran);
    report.summary = summary(report, &ran);
    report.load = Some(ran.report);
}

/// An unpaid load has another control: the target asks for payment.
fn unpaid(report: &mut Report, ran: Option<&Ran>) {
    let positive = &mut report.controls.positive;
    if ran.is_some() {
        positive.cause = Some(UNPAID.to_owned());
        positive.detail =
            "nothing was bought on purpose; the target asks for payment, so its challenges were counted".to_owned();
    }
    report.controls.mutation.detail = "an unpaid load sends no payment".to_owned();
}

fn merge(report: &mut Report, held: &Held) {
    let Some(row) = report.invariants.iter_mut().find(|row| row.id == held.id) else {
        return;
    };
    row.verdict = match (row.verdict, held.verdict) {
        (Verdict::Skipped, verdict) | (verdict, Verdict::Skipped) => verdict,
        (one, other) => one.max(other),
    };
    row.observed += held.observed;
    row.violations.extend(held.violations.iter().cloned());
}

fn books(money: &mut Money, kind: LoadKind, totals: &Totals) {
    let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    money.signed += count(totals.honest);
    money.settled += count(totals.settled);
    money.granted += count(totals.granted);
    money.double_charged += count(totals.double_charged);
    money.unpaid_grants += count(totals.unpaid_grants);
    // A facilitator alone serves nobody: what it moved and did not say is in the books of the load.
    if matches!(kind, LoadKind::Paid | LoadKind::Unpaid) {
        money.charged_without_service += count(totals.charged_without_service);
    }
    let added = [
        ("signed", totals.amount_signed),
        ("settled", totals.amount_settled),
        ("granted", totals.amount_granted),
    ];
    for (name, amount) in added {
        add_amount(&mut money.amounts, name, amount);
    }
}

fn add_amount(amounts: &mut BTreeMap<String, String>, name: &str, amount: U256) {
    let before = amounts.get(name).and_then(|text| text.parse().ok());
    let sum = amount.saturating_add(before.unwrap_or(U256::ZERO));
    amounts.insert(name.to_owned(), sum.to_string());
}

/// Rules a to d of a run, with what the load showed. A load only makes it worse.
fn verdict(report: &Report, ran: &Ran) -> RunVerdict {
    let broken = ran.held.iter().any(|held| held.verdict == Verdict::Fail);
    if broken || ran.strays > 0 {
        return RunVerdict::Nonconformant;
    }
    match report.verdict {
        RunVerdict::Conformant if !ran.at_rest || ran.interrupted => RunVerdict::Inconclusive,
        before => before,
    }
}

fn notes(report: &mut Report, ran: &Ran) {
    if ran.report.plan.kind == LoadKind::Settle {
        let good = ran.report.outcomes.iter().filter(|row| row.of == "settle");
        let lost = good.filter(|row| !row.meant);
        let lost: u64 = lost.map(|row| row.count).sum();
        if lost > 0 {
            report.notes.push(format!(
                "{lost} good payments were not called settled (FAC-SETTLE-012): the outcomes of the load tell how they ended"
            ));
        }
    }
    if ran.payments_left_out > 0 {
        report.notes.push(format!(
            "history.jsonl holds {} payments of the load, those with something odd first; {} were left out",
            ran.payments.len(),
            ran.payments_left_out
        ));
    }
    for held in ran.held.iter().filter(|held| held.verdict == Verdict::Warn) {
        report.notes.push(format!(
            "{}: {} authorization(s) of the load to look at",
            held.id, held.count
        ));
    }
}

fn summary(report: &Report, ran: &Ran) -> String {
    let load = &ran.report;
    let target = match report.target.kind.as_str() {
        "builtin" => "nothing of yours was tested, the target is the built-in reference server. ",
        BUILT_IN_FACILITATOR => {
            "nothing of yours was tested, the target is the built-in facilitator. "
        }
        _ => "",
    };
    let p99 = load.headline().map_or_else(String::new, |(_, time)| {
        format!(", p99 {}", ms(time.p99_us))
    });
    let what = match load.plan.kind {
        LoadKind::Paid => "exactly-once sales",
        LoadKind::Unpaid => "challenges",
        LoadKind::Settle => "exactly-once settlements",
        LoadKind::Verify => "payments called valid",
    };
    format!(
        "{target}{}{:.1} {what}/s of {:.1}/s due over {:.1} s{p99}, {} dropped, {} error(s)",
        wrong(load, ran),
        load.goodput_per_s,
        load.arrivals.offered_per_s,
        load.measured_s,
        load.arrivals.dropped,
        load.errors()
    )
}

fn wrong(load: &LoadReport, ran: &Ran) -> String {
    let (unpaid, charged) = match load.plan.kind {
        LoadKind::Verify => ("unpaid grant(s)", "moved by verify alone"),
        LoadKind::Settle => (
            "success(es) without a transfer",
            "transferred without a success",
        ),
        LoadKind::Paid | LoadKind::Unpaid => ("unpaid grant(s)", "charged without service"),
    };
    let found = [
        (ran.totals.unpaid_grants, unpaid),
        (ran.totals.double_charged, "double charge(s)"),
        (load.books.charged_without_service, charged),
    ];
    let told: Vec<String> = found
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let broken: Vec<&str> = ran
        .held
        .iter()
        .filter(|held| held.verdict == Verdict::Fail)
        .map(|held| held.id)
        .collect();
    match (told.is_empty(), broken.is_empty()) {
        (true, true) => String::new(),
        (false, true) => format!("{}; ", told.join(", ")),
        (true, false) => format!("broken under load: {}; ", broken.join(", ")),
        (false, false) => format!("{} ({} broken); ", told.join(", "), broken.join(", ")),
    }
}

fn ms(us: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds for people")]
    let ms = us as f64 / 1000.0;
    format!("{ms:.1} ms")
}
