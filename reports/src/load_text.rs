//! A load section in words, as every renderer for people tells it.

use crate::model::load::{
    LimitedBy, LoadKind, LoadOutcome, LoadPhase, LoadRecovery, LoadReport, PhaseRow, RecoveryState,
    ThresholdResult, ThresholdVerdict,
};
use crate::text;

/// Phases that are shown where there is room for a few.
const MAIN: [LoadPhase; 7] = [
    LoadPhase::WholeFromDue,
    LoadPhase::UnpaidToHeaders,
    LoadPhase::PaidToHeaders,
    LoadPhase::Verify,
    LoadPhase::Settle,
    LoadPhase::Mined,
    LoadPhase::DueToReleased,
];

/// A rate for people: `236.2/s`, `12,345/s` without thousands marks; three significant digits below ten.
pub(crate) fn rate(per_s: f64) -> String {
    match per_s {
        small if small.abs() < 10.0 => format!("{small:.2}/s"),
        middle if middle.abs() < 10_000.0 => format!("{middle:.1}/s"),
        large => format!("{large:.0}/s"),
    }
}

/// What goodput counts in this run.
pub(crate) const fn goods(load: &LoadReport) -> &'static str {
    match load.plan.kind {
        LoadKind::Paid => "exactly-once sales",
        LoadKind::Unpaid => "good 402 answers",
        LoadKind::Verify => "good verify answers",
        LoadKind::Settle => "exactly-once settlements",
    }
}

/// `236.2/s goodput of 245.4/s offered, p99 312 ms, 1 of 4 thresholds missed, limited by the server`.
pub(crate) fn headline(load: &LoadReport) -> String {
    let mut parts = vec![format!(
        "{} goodput of {} offered",
        rate(load.goodput_per_s),
        rate(load.arrivals.offered_per_s)
    )];
    if let Some((_, time)) = load.headline() {
        parts.push(format!("p99 {}", text::micros(time.p99_us)));
    }
    if load.arrivals.dropped > 0 {
        parts.push(format!("{} dropped", load.arrivals.dropped));
    }
    let all = load.thresholds.len();
    let count = |verdict| {
        let same = load.thresholds.iter().filter(|row| row.verdict == verdict);
        same.count()
    };
    let (missed, unclear) = (
        count(ThresholdVerdict::Missed),
        count(ThresholdVerdict::Inconclusive),
    );
    match (missed, unclear, all) {
        (_, _, 0) => {}
        (0, 0, all) => parts.push(format!("{} held", text::counted(all, "threshold"))),
        (0, unclear, all) => {
            parts.push(format!("{unclear} of {all} thresholds inconclusive"));
        }
        (missed, _, all) => parts.push(format!("{missed} of {all} thresholds missed")),
    }
    parts.push(match (load.limited_by.by, load.mostly_wrong()) {
        (LimitedBy::None, Some(row)) => {
            format!("rate limited by nothing, most ended as {}", outcome(row))
        }
        _ => format!("limited by {}", limited(load)),
    });
    parts.join(", ")
}

pub(crate) const fn limited(load: &LoadReport) -> &'static str {
    match load.limited_by.by {
        LimitedBy::None => "nothing",
        LimitedBy::Generator => "the bench itself",
        LimitedBy::Facilitator => "the facilitator",
        LimitedBy::Server => "the server",
        LimitedBy::Chain => "the chain",
    }
}

/// What the figures cannot show: the model's own caveat, once, and those of the run.
pub(crate) fn caveats(load: &LoadReport) -> impl Iterator<Item = &str> {
    let of_run = load.caveats.iter().map(String::as_str);
    let of_model = load.model.caveat();
    // A report may or may not repeat that of its model.
    let of_run = of_run.filter(move |caveat| Some(*caveat) != of_model);
    of_model.into_iter().chain(of_run)
}

/// What was asked for, in one line.
pub(crate) fn plan(load: &LoadReport) -> String {
    let plan = &load.plan;
    let pace = match &plan.arrivals {
        Some(arrivals) => format!("{arrivals} for {}", seconds(plan.duration_s)),
        None => format!("closed loop for {}", seconds(plan.duration_s)),
    };
    let mut parts = vec![
        format!("{} load, {} model", plan.kind.word(), load.model.word()),
        pace,
        format!("connections {}", plan.connections),
    ];
    let is_plain = plan.mix.len() == 1 && plan.mix.iter().all(|share| share.part == "buy");
    if !plan.mix.is_empty() && !is_plain {
        let share = plan.mix.iter();
        let share = share.map(|share| format!("{} {} %", share.part, share.percent));
        parts.push(share.collect::<Vec<_>>().join(" + "));
    }
    if plan.signing != "inline" {
        parts.push(format!("signed {}", plan.signing));
    }
    if plan.warm_up_s > 0.0 {
        parts.push(format!("warm-up {}", seconds(plan.warm_up_s)));
    }
    parts.extend(plan.scenario.iter().map(|name| format!("scenario {name}")));
    parts.push(format!("ledger {}", load.ledger));
    parts.join(" · ")
}

/// `1923 authorizations, 1781 settled, 1781 granted`, and what of it is wrong.
pub(crate) fn books(load: &LoadReport) -> String {
    let books = &load.books;
    let mut parts = vec![
        format!("{} authorizations", books.authorizations),
        format!("{} settled", books.settled),
        format!("{} granted", books.granted),
    ];
    let (unpaid, charged) = match load.plan.kind {
        LoadKind::Paid | LoadKind::Unpaid => ("granted and not paid", "charged and not served"),
        LoadKind::Verify => ("called valid and not so", "moved by verify alone"),
        LoadKind::Settle => (
            "successes without a transfer",
            "moved and not called settled",
        ),
    };
    for (count, what) in [
        (books.unpaid_grants, unpaid),
        (books.double_charged, "charged twice"),
        (books.charged_without_service, charged),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    parts.join(", ")
}

/// Transactions of a facilitator's accounts: `8 account(s), 480 transactions, 3 reverted (0.6 %), 52,100 gas each`.
pub(crate) fn facilitator(load: &LoadReport) -> Option<String> {
    let figures = load.facilitator.as_ref()?;
    let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let mut parts = vec![
        text::counted(count(figures.signers), "account"),
        text::counted(count(figures.transactions), "transaction"),
    ];
    let share = figures.reverted_share.unwrap_or_default() * 100.0;
    parts.push(format!("{} reverted ({share:.1} %)", figures.reverted));
    if let Some(gas) = figures.gas_per_settlement {
        parts.push(format!("{gas:.0} gas for each settlement"));
    }
    for gap in &figures.account_gaps {
        parts.push(format!(
            "{} has {} mined, {} pending and {} stuck behind a missing account nonce",
            gap.account,
            gap.latest,
            gap.pending.saturating_sub(gap.latest),
            gap.stuck
        ));
    }
    Some(parts.join(", "))
}

/// `mining stopped (5 s to 8 s): recovered within 1.2 s of its end (50.0/s before, 0.00/s at worst)`.
pub(crate) fn recovery(row: &LoadRecovery) -> String {
    let mut out = format!(
        "{} ({} to {}): ",
        row.fault,
        seconds(row.began_s),
        seconds(row.ended_s)
    );
    match (row.state, row.recovered_within_s) {
        (RecoveryState::Recovered, Some(within)) => {
            out.push_str(&format!("recovered within {} of its end", seconds(within)));
        }
        (RecoveryState::NotRecovered, _) => out.push_str("not recovered while the load went on"),
        (RecoveryState::Unharmed, _) => out.push_str("goodput did not fall"),
        (RecoveryState::Recovered | RecoveryState::Unknown, _) => {
            out.push_str(&format!("unknown: {}", row.detail));
        }
    }
    if let (Some(before), Some(lowest)) = (row.before_per_s, row.lowest_per_s) {
        let (before, lowest) = (rate(before), rate(lowest));
        out.push_str(&format!(" ({before} before, {lowest} at worst)"));
    }
    out
}

/// `11 s`, `0.5 s`.
pub(crate) fn seconds(seconds: f64) -> String {
    format!("{} s", (seconds * 100.0).round() / 100.0)
}

/// `buy: 200`, and what was not meant to come says so.
pub(crate) fn outcome(row: &LoadOutcome) -> String {
    let error = if row.meant { "" } else { " (error)" };
    format!("{}: {}{error}", row.of, row.class)
}

/// The rows of the phases that matter most, or all of them.
pub(crate) fn phases(load: &LoadReport, all: bool) -> Vec<&PhaseRow> {
    if all {
        return load.latency.iter().collect();
    }
    let row = |phase| load.latency.iter().find(|row| row.phase == phase);
    MAIN.into_iter().filter_map(row).collect()
}

/// What was measured, or why nothing was.
pub(crate) fn measured(row: &ThresholdResult) -> String {
    match &row.measured {
        Some(measured) => {
            let samples = usize::try_from(row.samples).unwrap_or(usize::MAX);
            format!("{measured} ({})", text::counted(samples, "sample"))
        }
        None => row.detail.clone(),
    }
}

/// CPU of every process that was watched: `server 1.00, bench 0.41 of 2 cores`.
pub(crate) fn cpu(load: &LoadReport) -> Option<String> {
    let limits = &load.limited_by;
    let share = limits.cpu.iter();
    let share: Vec<String> = share
        .map(|share| format!("{} {:.2}", share.process, share.cores))
        .collect();
    let cores = limits.cores.map_or_else(String::new, |cores| {
        let cores = usize::try_from(cores).unwrap_or(usize::MAX);
        format!(" of {}", text::counted(cores, "core"))
    });
    (!share.is_empty()).then(|| format!("{}{cores}", share.join(", ")))
}
