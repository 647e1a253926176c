//! How often the cases of scenarios are run, and which of them.

use std::fmt;

use crate::history::Event;

/// The most repeats of one case.
pub const REPEATS_MAX: u32 = 10_000;

/// After so many repeats the caller is asked only after every so manieth whether it has seen enough: it reads the
/// whole history each time.
const ASK_EACH: u32 = 32;

/// Tells from the history so far that no more repeats are wanted.
pub type Enough<'r> = &'r (dyn Fn(&[Event]) -> bool + Sync);

/// How often the cases of scenarios are run, and which of them.
#[derive(Clone, Copy)]
pub struct Repeats<'r> {
    /// Each case so often, each time with a seed of its own.
    pub count: u32,
    /// At most so many cases of a scenario, spread evenly over its matrix; all when absent.
    pub cases: Option<usize>,
    /// Ends the repeats of a case early.
    pub enough: Option<Enough<'r>>,
}

impl Default for Repeats<'_> {
    fn default() -> Self {
        Self {
            count: 1,
            cases: None,
            enough: None,
        }
    }
}

impl fmt::Debug for Repeats<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repeats")
            .field("count", &self.count)
            .field("cases", &self.cases)
            .finish_non_exhaustive()
    }
}

impl Repeats<'_> {
    /// The cases to run of a matrix of `total`: the first one always, the others evenly spread; numbered from 0.
    pub fn chosen(&self, total: usize) -> Vec<usize> {
        let wanted = self.cases.unwrap_or(total).clamp(1, total.max(1));
        (0..wanted.min(total))
            .map(|index| index * total / wanted)
            .collect()
    }

    /// Whether the caller has seen enough after this repeat.
    pub(super) fn is_enough(&self, repeat: u32, history: impl FnOnce() -> Vec<Event>) -> bool {
        let asked = repeat <= ASK_EACH || repeat.is_multiple_of(ASK_EACH);
        match self.enough {
            Some(enough) if asked => enough(&history()),
            _ => false,
        }
    }
}

/// The seed of one repeat, from 1: the run's own for the first, so that `--seed` with this value makes it again alone.
pub const fn sub_seed(seed: u64, repeat: u32) -> u64 {
    if repeat <= 1 {
        return seed;
    }
    // SplitMix64; 53 bits, which every JSON reader keeps exact.
    let mut mixed = seed.wrapping_add((repeat as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (mixed ^ (mixed >> 31)) >> 11
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn chosen(cases: Option<usize>, total: usize) -> Vec<usize> {
        let repeats = Repeats {
            cases,
            ..Repeats::default()
        };
        repeats.chosen(total)
    }

    #[test]
    fn cases_are_spread_over_the_matrix_and_begin_with_the_first() {
        assert_eq!(chosen(None, 3), [0, 1, 2]);
        assert_eq!(chosen(Some(1), 9), [0]);
        assert_eq!(chosen(Some(3), 9), [0, 3, 6]);
        assert_eq!(chosen(Some(20), 2), [0, 1]);
        assert_eq!(chosen(Some(2), 0), [] as [usize; 0]);
    }

    #[test]
    fn the_first_repeat_has_the_run_s_seed_and_the_others_one_of_their_own() {
        assert_eq!(sub_seed(7, 1), 7);
        let seeds: BTreeSet<u64> = (1..=REPEATS_MAX).map(|n| sub_seed(7, n)).collect();
        assert_eq!(seeds.len(), REPEATS_MAX as usize);
        assert!(seeds.iter().all(|seed| *seed < 1 << 53));
        assert_eq!(sub_seed(7, 2), sub_seed(7, 2));
    }

    #[test]
    fn many_repeats_are_not_judged_after_each() {
        let asked = std::sync::atomic::AtomicU32::new(0);
        let enough = |_: &[Event]| {
            asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            false
        };
        let repeats = Repeats {
            enough: Some(&enough),
            ..Repeats::default()
        };
        for repeat in 1..=96 {
            assert!(!repeats.is_enough(repeat, Vec::new));
        }
        assert_eq!(asked.into_inner(), 34);
    }
}
