//! The load section of the report, from what was measured.

use std::io::Cursor;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::Deserializer;
use x402_assay_reports::model::load::{
    Arrivals, Distribution, FacilitatorFigures, LoadBooks, LoadKind, LoadOutcome, LoadPhase,
    LoadReport, OUTCOMES_MAX, PhaseRow,
};
use x402_mock_facilitator::CallTally;

use super::audit::Totals;
use super::cpu::Used;
use super::crowd::{self, Crowd};
use super::limits::{self, Known};
use super::memory::Footprint;
use super::plan::{LoadPlan, Pace, Signing};
use super::series::Series;
use super::shard::Work;
use super::tally::Tally;
use super::times::Times;

/// What a run left behind.
pub(super) struct Measured<'a> {
    pub(super) plan: &'a LoadPlan,
    pub(super) work: &'a Work,
    pub(super) tally: &'a Tally,
    pub(super) totals: &'a Totals,
    pub(super) calls: &'a CallTally,
    pub(super) series: Series,
    pub(super) cpu: Used,
    /// Before, and the most.
    pub(super) memory: Footprint,
    /// From the origin to the end of the last measured journey, and to the beginning of the last.
    pub(super) last_end: Duration,
    pub(super) last_begin: Duration,
    /// What was run of the schedule, warm-up left out.
    pub(super) length: Duration,
    pub(super) ledger: &'a str,
    /// Between two blocks of a node, in milliseconds; zero where payments do not wait for one.
    pub(super) block_ms: u64,
    pub(super) at_rest: bool,
    pub(super) patience: Duration,
    /// The accounts of a facilitator under load, on a node.
    pub(super) facilitator: Option<FacilitatorFigures>,
    /// From the request to the block, where only the ledger tells.
    pub(super) mined: Option<Times>,
    /// What only a load of virtual users knows.
    pub(super) crowd: Option<&'a Crowd>,
}

/// Writes the section; thresholds and steps are for the caller.
pub(super) fn report(measured: Measured<'_>) -> LoadReport {
    let (plan, tally) = (measured.plan, measured.tally);
    let span = measured
        .last_end
        .saturating_sub(plan.warm_up)
        .max(measured.length);
    let goodput = match plan.kind {
        LoadKind::Paid | LoadKind::Settle => measured.totals.goodput,
        LoadKind::Unpaid | LoadKind::Verify => tally.counts.good,
    };
    let outcomes = outcomes(tally);
    let known = known(&measured, &outcomes, span);
    let arrivals = arrivals(&measured);
    let caveats = caveats(&measured);
    let whole = measured.plan.warm_up + span;
    LoadReport {
        goodput_per_s: per_second(goodput, span),
        goodput,
        model: plan.pace.model(),
        caveats,
        ledger: measured.ledger.to_owned(),
        plan: plan.echo(),
        measured_s: span.as_secs_f64(),
        arrivals,
        outcomes,
        books: books(measured.totals),
        latency: latency(&measured),
        facilitator: measured.facilitator.clone(),
        limited_by: limits::judge(&known),
        thresholds: Vec::new(),
        steps: Vec::new(),
        highest_held_per_s: None,
        recovery: Vec::new(),
        memory: measured
            .memory
            .told(measured.series.all().sent, measured.totals.signed),
        series: measured.series.finish(whole.as_secs_f64()),
    }
}

fn arrivals(measured: &Measured<'_>) -> Arrivals {
    let (plan, counts) = (measured.plan, &measured.tally.counts);
    let length = measured.length;
    let sending = measured.last_begin.saturating_sub(plan.warm_up).max(length);
    Arrivals {
        offered: counts.due,
        sent: counts.sent,
        dropped: counts.dropped,
        completed: counts.completed,
        offered_per_s: per_second(counts.due, length),
        achieved_per_s: per_second(counts.sent, sending),
        queue_high_water: measured.tally.queue_high_water,
        in_flight_high_water: measured.tally.in_flight_high_water,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate")]
fn per_second(count: u64, over: Duration) -> f64 {
    count as f64 / over.as_secs_f64().max(0.001)
}

fn caveats(measured: &Measured<'_>) -> Vec<String> {
    let (plan, counts) = (measured.plan, &measured.tally.counts);
    let mut caveats: Vec<String> = plan
        .pace
        .model()
        .caveat()
        .map(str::to_owned)
        .into_iter()
        .collect();
    if let (Pace::Users(users), Some(crowd)) = (&plan.pace, measured.crowd) {
        caveats.extend(crowd::caveats(users, crowd));
    }
    if measured.block_ms > 0 && matches!(plan.kind, LoadKind::Paid | LoadKind::Settle) {
        caveats.push(format!(
            "a payment ends with its block, one each {} ms: latencies hold the wait for it, and a second with a block less shows as a dip",
            measured.block_ms
        ));
    }
    if plan.signing == Signing::Ahead {
        caveats.push(
            "payments were signed before the first request and the terms not asked for again: neither is part of what was measured".to_owned(),
        );
    }
    if counts.signed_again > 0 {
        caveats.push(format!(
            "{} payments could not be signed ahead and were signed when they were due",
            counts.signed_again
        ));
    }
    if counts.throttled > 0 {
        caveats.push(format!(
            "{} arrivals were dropped because the target asked for a pause (429, Retry-After)",
            counts.throttled
        ));
    }
    if !measured.at_rest {
        caveats.push(format!(
            "not at rest: facilitator calls were still open after {:?} (--patience), so nothing is said of grants without a transfer",
            measured.patience
        ));
    }
    if measured.tally.queue_high_water > 0 {
        caveats.push(format!(
            "at times all {} connections were taken, and up to {} arrivals waited for one (--connections)",
            plan.connections.at_once(),
            measured.tally.queue_high_water
        ));
    }
    caveats
}

fn outcomes(tally: &Tally) -> Vec<LoadOutcome> {
    let mut rows: Vec<LoadOutcome> = tally
        .outcomes
        .iter()
        .flat_map(|(of, classes)| {
            classes.iter().map(|(class, ends)| LoadOutcome {
                of: (*of).to_owned(),
                class: class.clone(),
                meant: ends.meant,
                count: ends.times.len(),
                time: Distribution::from_histogram(&ends.times),
            })
        })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.count));
    rows.truncate(OUTCOMES_MAX);
    rows
}

pub(super) const fn books(totals: &Totals) -> LoadBooks {
    LoadBooks {
        authorizations: totals.signed,
        settled: totals.settled,
        granted: totals.granted,
        double_charged: totals.double_charged,
        unpaid_grants: totals.unpaid_grants,
        charged_without_service: totals.charged_without_service,
    }
}

fn latency(measured: &Measured<'_>) -> Vec<PhaseRow> {
    let (tally, calls) = (measured.tally, measured.calls);
    let row = |phase: LoadPhase| {
        // What the bench asked itself is told as it was seen from here.
        let seen = tally.times_of(phase).and_then(Distribution::from_histogram);
        let time = match phase {
            LoadPhase::Verify => seen.or_else(|| of_facilitator(&calls.verify.times.hdr)),
            LoadPhase::Settle => seen.or_else(|| of_facilitator(&calls.settle.times.hdr)),
            LoadPhase::Mined => match &measured.mined {
                Some(mined) => Distribution::from_histogram(mined),
                None => of_facilitator(&calls.mining.hdr),
            },
            _ => seen,
        };
        time.map(|time| PhaseRow { phase, time })
    };
    LoadPhase::ALL.into_iter().filter_map(row).collect()
}

/// A histogram as the facilitator tells it; one that cannot be read is as good as none.
fn of_facilitator(text: &str) -> Option<Distribution> {
    let bytes = STANDARD.decode(text).ok()?;
    let times: Times = Deserializer::new()
        .deserialize(&mut Cursor::new(bytes))
        .ok()?;
    Distribution::from_histogram(&times)
}

fn known(measured: &Measured<'_>, outcomes: &[LoadOutcome], span: Duration) -> Known {
    let (tally, calls) = (measured.tally, measured.calls);
    // The most frequent come first.
    let wrong: Vec<&LoadOutcome> = outcomes.iter().filter(|row| !row.meant).collect();
    let at = |phase, quantile| {
        let times = tally.times_of(phase);
        times.map_or(0, |times| times.value_at_quantile(quantile))
    };
    let request = match measured.plan.kind {
        LoadKind::Paid => LoadPhase::PaidToHeaders,
        LoadKind::Unpaid => LoadPhase::UnpaidToHeaders,
        LoadKind::Verify => LoadPhase::Verify,
        LoadKind::Settle => LoadPhase::Settle,
    };
    Known {
        ended: outcomes.iter().map(|row| row.count).sum(),
        wrong: wrong.iter().map(|row| row.count).sum(),
        mostly: wrong
            .first()
            .map(|row| format!("{}: {}", row.of, row.class)),
        closed: !matches!(measured.plan.pace, Pace::Open(_)),
        due: tally.counts.due,
        sent: tally.counts.sent,
        dropped: tally.counts.dropped,
        throttled: tally.counts.throttled,
        queue_high_water: tally.queue_high_water,
        connections: measured.work.at_once * measured.work.shards,
        lateness_p99_us: at(LoadPhase::DueToReleased, 0.99),
        request_p50_us: at(request, 0.5),
        // The whole request is the facilitator's where nothing else was asked.
        verify_p50_us: match measured.plan.kind {
            LoadKind::Verify => at(LoadPhase::Verify, 0.5),
            _ => calls.verify.times.p50_us,
        },
        settle_p50_us: match measured.plan.kind {
            LoadKind::Settle => at(LoadPhase::Settle, 0.5),
            _ => calls.settle.times.p50_us,
        },
        mining_p50_us: match &measured.mined {
            Some(mined) => mined.value_at_quantile(0.5),
            None => calls.mining.p50_us,
        },
        cpu: measured.cpu.clone(),
        length: measured.plan.warm_up + span,
        cores: std::thread::available_parallelism()
            .ok()
            .and_then(|cores| u32::try_from(cores.get()).ok()),
    }
}
