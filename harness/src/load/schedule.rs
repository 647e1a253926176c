//! When arrivals are due: a rate over time, turned into moments after one origin. Pure.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// A stretch of time over which the rate goes evenly from one value to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// Its length.
    pub length: Duration,
    /// Arrivals per second at its beginning.
    pub from: f64,
    /// Arrivals per second at its end.
    pub to: f64,
}

/// How arrivals lie inside the rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spacing {
    /// Evenly.
    Even,
    /// As a Poisson process with this seed.
    Poisson(u64),
}

/// A rate over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    pieces: Vec<Piece>,
    spacing: Spacing,
    /// Arrivals up to its end.
    expected: f64,
    length: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Piece {
    begins_s: f64,
    length_s: f64,
    from: f64,
    to: f64,
    /// Arrivals before it.
    before: f64,
    /// Arrivals in it.
    holds: f64,
}

impl Schedule {
    /// A schedule of these stretches, one after the other. Rates below zero count as zero.
    pub fn new(stretches: &[Stretch], spacing: Spacing) -> Self {
        let (mut begins_s, mut before) = (0.0, 0.0);
        let mut pieces = Vec::with_capacity(stretches.len());
        for stretch in stretches {
            let length_s = stretch.length.as_secs_f64();
            let (from, to) = (stretch.from.max(0.0), stretch.to.max(0.0));
            let holds = (from + to) / 2.0 * length_s;
            pieces.push(Piece {
                begins_s,
                length_s,
                from,
                to,
                before,
                holds,
            });
            begins_s += length_s;
            before += holds;
        }
        Self {
            pieces,
            spacing,
            expected: before,
            length: stretches.iter().map(|stretch| stretch.length).sum(),
        }
    }

    /// Its length.
    pub const fn length(&self) -> Duration {
        self.length
    }

    /// Arrivals it holds; of a Poisson process, their mean.
    pub const fn expected(&self) -> f64 {
        self.expected
    }

    /// The moment at which so many arrivals have come, in nanoseconds after the origin.
    fn moment(&self, arrivals: f64) -> Option<u64> {
        if arrivals >= self.expected {
            return None;
        }
        let after = self
            .pieces
            .partition_point(|piece| piece.before <= arrivals);
        // A piece without arrivals begins where the next one does: the last that begins here holds them.
        let piece = self.pieces[..after]
            .iter()
            .rev()
            .find(|piece| piece.holds > 0.0)?;
        let seconds = piece.begins_s + piece.time_of(arrivals - piece.before);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a moment inside the schedule, which is not negative and fits"
        )]
        let nanos = (seconds * 1e9) as u64;
        Some(nanos)
    }
}

impl Piece {
    /// Seconds from its beginning until so many arrivals have come: the root of `a/2 t² + from t = arrivals`.
    fn time_of(&self, arrivals: f64) -> f64 {
        let growth = (self.to - self.from) / self.length_s;
        let speed = self.from.mul_add(self.from, 2.0 * growth * arrivals);
        let seconds = 2.0 * arrivals / (self.from + speed.max(0.0).sqrt());
        match seconds.is_finite() {
            true => seconds.min(self.length_s),
            // Nothing has come yet, at a rate that begins with zero.
            false => 0.0,
        }
    }
}

/// One arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Its number in the whole schedule, from 0.
    pub number: u64,
    /// Nanoseconds after the origin.
    pub at_ns: u64,
}

/// The arrivals of one of several shards: every `of`-th, beginning with its own number.
///
/// Each moment is computed from the origin alone, so lateness never adds up.
#[derive(Debug)]
pub struct Arrivals<'s> {
    schedule: &'s Schedule,
    shard: u64,
    of: u64,
    number: u64,
    position: f64,
    random: Option<StdRng>,
}

impl<'s> Arrivals<'s> {
    /// The arrivals of shard number `shard` of `of`.
    pub fn of_shard(schedule: &'s Schedule, shard: u64, of: u64) -> Self {
        Self {
            schedule,
            shard,
            of: of.max(1),
            number: 0,
            position: 0.0,
            random: match schedule.spacing {
                Spacing::Even => None,
                Spacing::Poisson(seed) => Some(StdRng::seed_from_u64(seed)),
            },
        }
    }

    fn step(&mut self) -> Option<Due> {
        let Some(random) = &mut self.random else {
            // Evenly spaced ones are computed from their number alone.
            let number = self.shard + self.number * self.of;
            self.number += 1;
            #[expect(clippy::cast_precision_loss, reason = "no run has 2^53 arrivals")]
            let at_ns = self.schedule.moment(number as f64)?;
            return Some(Due { number, at_ns });
        };
        // Every shard walks through the same process and takes its own part of it.
        loop {
            let uniform: f64 = random.random();
            self.position -= (1.0 - uniform).ln();
            let at_ns = self.schedule.moment(self.position)?;
            let number = self.number;
            self.number += 1;
            if number % self.of == self.shard {
                return Some(Due { number, at_ns });
            }
        }
    }
}

impl Iterator for Arrivals<'_> {
    type Item = Due;

    fn next(&mut self) -> Option<Due> {
        self.step()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn constant(rate: f64, seconds: u64) -> Vec<Stretch> {
        vec![Stretch {
            length: Duration::from_secs(seconds),
            from: rate,
            to: rate,
        }]
    }

    fn all(schedule: &Schedule, of: u64) -> Vec<Due> {
        let mut dues: Vec<Due> = (0..of)
            .flat_map(|shard| Arrivals::of_shard(schedule, shard, of))
            .collect();
        dues.sort_by_key(|due| due.number);
        dues
    }

    #[test]
    fn a_constant_rate_is_spaced_from_the_origin() {
        let schedule = Schedule::new(&constant(500.0, 30), Spacing::Even);
        let dues = all(&schedule, 3);
        assert_eq!(dues.len(), 15_000);
        assert_eq!(
            dues[0],
            Due {
                number: 0,
                at_ns: 0
            }
        );
        assert_eq!(dues[1].at_ns, 2_000_000);
        assert_eq!(dues[14_999].at_ns, 29_998_000_000);
    }

    #[test]
    fn a_ramp_has_the_area_under_its_line() {
        let ramp = Stretch {
            length: Duration::from_secs(10),
            from: 0.0,
            to: 100.0,
        };
        let schedule = Schedule::new(&[ramp], Spacing::Even);
        let dues = all(&schedule, 1);
        assert_eq!(dues.len(), 500);
        // A quarter of the arrivals come in the first half of the time.
        let early = dues.iter().filter(|due| due.at_ns < 5_000_000_000).count();
        assert_eq!(early, 125);
    }

    #[test]
    fn a_pause_holds_nothing_and_a_spike_does() {
        let second = |from: f64, to: f64| Stretch {
            length: Duration::from_secs(1),
            from,
            to,
        };
        let stretches = [second(10.0, 10.0), second(0.0, 0.0), second(100.0, 100.0)];
        let dues = all(&Schedule::new(&stretches, Spacing::Even), 2);
        let during = |from: u64, to: u64| {
            let inside = |due: &&Due| (from..to).contains(&(due.at_ns / 1_000_000));
            dues.iter().filter(inside).count()
        };
        assert_eq!(
            (during(0, 1000), during(1000, 2000), during(2000, 3000)),
            (10, 0, 100)
        );
    }

    #[test]
    fn a_poisson_process_is_the_same_however_it_is_shared_and_differs_by_seed() {
        let of_seed = |seed| Schedule::new(&constant(1000.0, 5), Spacing::Poisson(seed));
        let one = all(&of_seed(7), 1);
        assert_eq!(one, all(&of_seed(7), 4));
        assert_ne!(one, all(&of_seed(8), 1));
        // Five standard deviations around the mean of 5,000.
        assert!((4_646..5_354).contains(&one.len()), "{}", one.len());
        let gaps: Vec<u64> = one
            .windows(2)
            .map(|two| two[1].at_ns - two[0].at_ns)
            .collect();
        let short = gaps.iter().filter(|gap| **gap < 1_000_000).count();
        // 1 - 1/e of the gaps of such a process are shorter than their mean.
        let share = short as f64 / gaps.len() as f64;
        assert!((0.60..0.665).contains(&share), "{share}");
    }

    proptest! {
        #[test]
        fn arrivals_are_as_many_as_the_rate_says_in_order_and_inside(
            rates in prop::collection::vec((0.0..2_000.0f64, 0.0..2_000.0f64, 1u64..3_000), 1..5),
            of in 1u64..5,
        ) {
            let stretches: Vec<Stretch> = rates
                .iter()
                .map(|(from, to, ms)| Stretch { length: Duration::from_millis(*ms), from: *from, to: *to })
                .collect();
            let schedule = Schedule::new(&stretches, Spacing::Even);
            let dues = all(&schedule, of);
            prop_assert!((dues.len() as f64 - schedule.expected()).abs() <= 1.0);
            prop_assert!(dues.windows(2).all(|two| two[0].at_ns <= two[1].at_ns));
            prop_assert!(dues.iter().zip(0..).all(|(due, number)| due.number == number));
            let length = u64::try_from(schedule.length().as_nanos()).unwrap();
            prop_assert!(dues.iter().all(|due| due.at_ns <= length));
        }
    }
}
