//! Letting arrivals go when they are due, never later because earlier ones were late.

use std::rc::Rc;
use std::time::{Duration, Instant};

use x402_assay_reports::model::load::LoadKind;

use super::Part;
use super::journey;
use super::schedule::{Arrivals, Due, Schedule};
use super::shard::{Arrival, Shard, Work};
use super::timer::Timer;

/// Least time between two wakings: at high rates arrivals due within it go together.
const QUANTUM: Duration = Duration::from_micros(100);
/// Arrivals let go in one piece before the connections get their turn.
const BURST_MAX: u32 = 64;

/// Lets every arrival of a shard go.
pub(super) async fn pace(shard: &Rc<Shard>, schedule: &Schedule) {
    let timer = Timer::new();
    let (origin, work) = (shard.origin.get(), &shard.work);
    let mut woken = origin;
    let mut burst = 0;
    for due in Arrivals::of_shard(schedule, shard.number as u64, work.shards as u64) {
        let at = origin + Duration::from_nanos(due.at_ns);
        let mut now = Instant::now();
        while now < at {
            burst = 0;
            let wake = at.max(woken + QUANTUM);
            tokio::select! {
                () = timer.until(wake) => {}
                () = shard.stop.cancelled() => return,
            }
            now = Instant::now();
            woken = now;
        }
        burst += 1;
        if burst >= BURST_MAX {
            // Behind: answers must be read all the same, or nothing ever ends.
            burst = 0;
            tokio::task::yield_now().await;
            if shard.stop.is_cancelled() {
                return;
            }
            now = Instant::now();
        }
        let arrival = arrival(work, &due, at);
        if shard.admit(arrival, now) {
            tokio::task::spawn_local(journey::run(Rc::clone(shard), arrival));
        }
    }
}

fn arrival(work: &Work, due: &Due, at: Instant) -> Arrival {
    Arrival {
        due: at,
        part: part(work, due.number),
        warm: Duration::from_nanos(due.at_ns) < work.warm_up,
    }
}

/// What arrival number `number` is: drawn from the seed, the same however the arrivals are shared out.
pub(super) fn part(work: &Work, number: u64) -> Part {
    match work.kind {
        LoadKind::Paid | LoadKind::Verify | LoadKind::Settle => {
            work.mix.pick(draw(work.seed, number))
        }
        LoadKind::Unpaid => Part::Buy,
    }
}

/// A number from `0..10_000` that depends on the seed and the arrival alone (SplitMix64's finalizer).
fn draw(seed: u64, number: u64) -> u32 {
    let mut x = seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^= x >> 31;
    u32::try_from(x % 10_000).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_even_and_depend_on_the_seed() {
        let of = |seed| (0..100_000).map(move |number| draw(seed, number));
        let tenth = of(1).filter(|draw| *draw < 1_000).count();
        // Within five standard deviations of a tenth.
        assert!((9_525..10_475).contains(&tenth), "{tenth}");
        assert!(of(1).eq(of(1)));
        assert!(!of(1).eq(of(2)));
    }
}
