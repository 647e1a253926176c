//! Latency per phase, from the times in the history.

use x402_assay_reports::model::PhaseLatency;
use x402_mock_facilitator::event::Endpoint;

use crate::audit::Delivery;
use crate::checks::Judged;

/// Phases with samples, in the order a purchase goes through them.
pub(super) fn phases(judged: &Judged<'_, '_>) -> Vec<PhaseLatency> {
    let exchanges = &judged.facts.exchanges;
    let unpaid = exchanges
        .iter()
        .filter(|exchange| !exchange.is_paid() && exchange.status() == Some(402));
    let paid = exchanges.iter().filter(|exchange| {
        exchange.is_paid() && judged.books.delivery(exchange) == Delivery::Content
    });
    let total = |exchange: &crate::history::Exchange<'_>| exchange.answer().map(|a| a.total_us);
    let calls = |endpoint| {
        let of_endpoint = judged
            .facts
            .calls
            .iter()
            .filter(move |call| call.endpoint == endpoint && call.authorization.is_some());
        of_endpoint
            .filter_map(|call| Some(call.answer?.at_us.saturating_sub(call.received_at_us)))
            .collect()
    };
    let mined = judged
        .facts
        .calls
        .iter()
        .filter_map(|call| Some(call.mined?.at_us.saturating_sub(call.received_at_us)));
    [
        ("unpaid", unpaid.filter_map(total).collect()),
        ("paid", paid.filter_map(total).collect()),
        ("verify", calls(Endpoint::Verify)),
        ("settle", calls(Endpoint::Settle)),
        ("mined", mined.collect()),
    ]
    .into_iter()
    .filter_map(|(phase, samples): (&str, Vec<u64>)| summarize(phase, samples))
    .collect()
}

fn summarize(phase: &str, mut samples: Vec<u64>) -> Option<PhaseLatency> {
    samples.sort_unstable();
    Some(PhaseLatency {
        phase: phase.to_owned(),
        count: samples.len(),
        p50_us: nearest_rank(&samples, 50)?,
        p99_us: nearest_rank(&samples, 99)?,
        max_us: *samples.last()?,
    })
}

/// The smallest sample such that `percent` of all are not larger.
fn nearest_rank(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_rank_is_always_a_sample() {
        let samples: Vec<u64> = (1..=100).collect();
        assert_eq!(nearest_rank(&samples, 50), Some(50));
        assert_eq!(nearest_rank(&samples, 99), Some(99));
        assert_eq!(nearest_rank(&[7], 99), Some(7));
        assert_eq!(nearest_rank(&[1, 2], 50), Some(1));
        assert_eq!(nearest_rank(&[], 50), None);
    }
}
