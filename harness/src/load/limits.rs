//! What held a run back, by what was measured of each part. Pure.

use std::time::Duration;

use x402_assay_reports::model::load::{LimitedBy, Limits, ProcessShare};

use super::cpu::{Side, Used};

/// Lateness of the bench itself beyond which its figures are a floor.
pub(super) const LATENESS_MAX: Duration = Duration::from_millis(10);
/// Share of all cores beyond which they are the limit.
const BUSY: f64 = 0.9;
/// Sent arrivals below this share of the due ones are a shortfall.
const ENOUGH: f64 = 0.995;

/// What is known of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// The answers set the pace: something always holds it back.
    pub(super) closed: bool,
    /// Journeys that came to an end, those of them that ended as was not meant, and how most of those did.
    pub(super) ended: u64,
    pub(super) wrong: u64,
    pub(super) mostly: Option<String>,
    /// Arrivals due, sent and dropped, and those dropped because the target asked for a pause.
    pub(super) due: u64,
    pub(super) sent: u64,
    pub(super) dropped: u64,
    pub(super) throttled: u64,
    /// Most arrivals that waited for a connection, and connections there were.
    pub(super) queue_high_water: u64,
    pub(super) connections: usize,
    /// 99th percentile of the bench's own lateness.
    pub(super) lateness_p99_us: u64,
    /// Median of one request to the target: the paid one, else the unpaid one.
    pub(super) request_p50_us: u64,
    /// Medians of the facilitator's verify and settle, and of mining inside settle.
    pub(super) verify_p50_us: u64,
    pub(super) settle_p50_us: u64,
    pub(super) mining_p50_us: u64,
    /// CPU time of each part, over so long.
    pub(super) cpu: Used,
    pub(super) length: Duration,
    pub(super) cores: Option<u32>,
}

/// Judges what held the run back.
pub(super) fn judge(known: &Known) -> Limits {
    let cpu = shares(known);
    let (by, proof) = decide(known, &cpu);
    Limits {
        by,
        proof,
        cpu: cpu
            .iter()
            .map(|(side, cores)| ProcessShare {
                process: side.name().to_owned(),
                cores: *cores,
            })
            .collect(),
        cores: known.cores,
    }
}

fn shares(known: &Known) -> Vec<(Side, f64)> {
    let length = known.length.as_secs_f64().max(0.001);
    let share = |(side, used): (&Side, &Duration)| (*side, used.as_secs_f64() / length);
    known.cpu.iter().map(share).collect()
}

fn decide(known: &Known, cpu: &[(Side, f64)]) -> (LimitedBy, String) {
    let lateness = Duration::from_micros(known.lateness_p99_us);
    if !known.closed && lateness > LATENESS_MAX {
        let proof = format!(
            "99 % of arrivals left the bench within {lateness:?} of their time, and {LATENESS_MAX:?} is allowed{}",
            busy(known, cpu).unwrap_or_default()
        );
        return (LimitedBy::Generator, proof);
    }
    let Some(short) = shortfall(known) else {
        let waited = match known.queue_high_water {
            0 => "none waited for a connection".to_owned(),
            most => format!("at most {most} waited for a connection"),
        };
        let proof = match (known.closed, outcome(known)) {
            (true, Some(outcome)) => {
                format!("the answers set the pace, and nothing else limited the rate; {outcome}")
            }
            (false, Some(outcome)) => format!(
                "the rate was not limited: all {} due arrivals were sent, and {waited}; {outcome}",
                known.due
            ),
            (_, None) => format!("all {} due arrivals were sent, and {waited}", known.due),
        };
        return (LimitedBy::None, proof);
    };
    let generator = cpu.iter().find(|(side, _)| *side == Side::Generator);
    let largest = cpu.iter().max_by(|one, other| one.1.total_cmp(&other.1));
    if let (Some(busy), Some(generator), Some(largest)) = (busy(known, cpu), generator, largest)
        && generator.0 == largest.0
    {
        let proof = format!(
            "{short}; the bench's own threads used the most CPU, {:.2} cores{busy}",
            generator.1
        );
        return (LimitedBy::Generator, proof);
    }
    let request = known.request_p50_us;
    let mining = known.mining_p50_us;
    let facilitator = (known.verify_p50_us + known.settle_p50_us).saturating_sub(mining);
    let of = |us: u64| Duration::from_micros(us);
    let (by, why) = if mining * 2 > request {
        let why = format!(
            "mining took {:?} of a request's {:?}",
            of(mining),
            of(request)
        );
        (LimitedBy::Chain, why)
    } else if facilitator * 2 > request {
        let why = format!(
            "the facilitator's verify and settle took {:?} of a request's {:?}",
            of(facilitator),
            of(request)
        );
        (LimitedBy::Facilitator, why)
    } else {
        let elsewhere = facilitator + mining;
        let why = format!(
            "a request took {:?}, of which facilitator and chain had {:?}",
            of(request),
            of(elsewhere)
        );
        (LimitedBy::Server, why)
    };
    let besides =
        outcome(known).map_or_else(String::new, |outcome| format!("; besides, {outcome}"));
    (by, format!("{short}; {why} (medians){besides}"))
}

/// What kept goodput low whatever the rate was, where most ended as was not meant.
fn outcome(known: &Known) -> Option<String> {
    let mostly = known.mostly.as_ref().filter(|_| fails(known))?;
    let (wrong, ended) = (known.wrong, known.ended);
    Some(format!(
        "{wrong} of {ended} ended as was not meant, most of them as `{mostly}`: that is why goodput is low"
    ))
}

/// More than half ended as was not meant.
const fn fails(known: &Known) -> bool {
    known.wrong > known.ended / 2
}

/// What fell short, if anything did. Where most failed, a pace that answers set and a wait that nothing was dropped
/// for fall short of nothing.
fn shortfall(known: &Known) -> Option<String> {
    if known.closed && fails(known) {
        return None;
    }
    if known.closed {
        return Some("the next request waits for the last answer".to_owned());
    }
    if known.throttled > 0 {
        return Some(format!(
            "{} of {} arrivals were not sent because the target asked for a pause",
            known.throttled, known.due
        ));
    }
    if known.dropped > 0 {
        return Some(format!(
            "{} of {} arrivals were dropped: the queue was full or the run over",
            known.dropped, known.due
        ));
    }
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let share = known.sent as f64 / known.due.max(1) as f64;
    if share < ENOUGH {
        return Some(format!(
            "{} of {} arrivals were sent",
            known.sent, known.due
        ));
    }
    (known.queue_high_water > 0 && !fails(known)).then(|| {
        format!(
            "up to {} arrivals waited because all {} connections were taken",
            known.queue_high_water, known.connections
        )
    })
}

/// How busy the machine was, if it was.
fn busy(known: &Known, cpu: &[(Side, f64)]) -> Option<String> {
    let cores = f64::from(known.cores?);
    let sum: f64 = cpu.iter().map(|(_, cores)| cores).sum();
    (sum > BUSY * cores).then(|| format!("; {sum:.2} of {cores} cores were busy"))
}
