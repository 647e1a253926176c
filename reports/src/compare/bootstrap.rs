//! How far a change may come from noise: a paired moving-block bootstrap over the seconds of both runs.
//!
//! Seconds of one run are not independent, so blocks of neighbours are drawn; both runs followed one schedule, so the
//! same seconds are drawn from both. The generator is seeded with a constant: one pair of reports has one answer.

/// Draws; the ends of a 99 % range are then 10 draws from the edge.
const DRAWS: usize = 2_000;
/// Draws left out at either end: 0.5 %.
const TAIL: usize = DRAWS / 200;

/// The 99 % range of `statistic` over pairs of seconds.
///
/// `pairs` must not be empty.
pub(super) fn range(pairs: &[(f64, f64)], statistic: fn(&[(f64, f64)]) -> f64) -> (f64, f64) {
    let count = pairs.len();
    let block = block_length(count);
    let mut random = SplitMix(0x5eed_0402_5eed_0402);
    let mut drawn = Vec::with_capacity(count + block);
    let mut values: Vec<f64> = (0..DRAWS)
        .map(|_| {
            drawn.clear();
            while drawn.len() < count {
                let start = random.below(count);
                // Blocks run over the end to the start, so that every second is drawn equally often.
                drawn.extend((0..block).map(|offset| pairs[(start + offset) % count]));
            }
            drawn.truncate(count);
            statistic(&drawn)
        })
        .collect();
    values.sort_by(f64::total_cmp);
    (values[TAIL], values[DRAWS - 1 - TAIL])
}

/// The square root of the length, rounded up: waves shorter than that count as noise.
fn block_length(count: usize) -> usize {
    (1..=count)
        .find(|length| length * length >= count)
        .unwrap_or(1)
}

/// SplitMix64 (public domain algorithm by Sebastiano Vigna): enough to draw places.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A place below `count`; the bias of the remainder is far below the noise.
    fn below(&mut self, count: usize) -> usize {
        let count = u64::try_from(count.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % count).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_difference(pairs: &[(f64, f64)]) -> f64 {
        let sum: f64 = pairs.iter().map(|(old, new)| new - old).sum();
        sum / f64::from(u32::try_from(pairs.len()).unwrap())
    }

    #[test]
    fn nothing_moves_where_nothing_differs() {
        let same = vec![(5.0, 5.0); 30];
        assert_eq!(range(&same, mean_difference), (0.0, 0.0));
    }

    #[test]
    fn the_range_holds_the_true_difference_almost_always() {
        let mut noise = SplitMix(7);
        let mut unit =
            || f64::from(u32::try_from(noise.next() >> 40).unwrap()) / f64::from(1 << 24);
        let mut held = 0;
        for _ in 0..60 {
            let pairs: Vec<(f64, f64)> = (0..60).map(|_| (unit(), unit() + 0.25)).collect();
            let (low, high) = range(&pairs, mean_difference);
            assert!(low < high);
            held += u32::from(low <= 0.25 && 0.25 <= high);
        }
        assert!(held >= 56, "{held} of 60");
    }

    #[test]
    fn blocks_grow_with_the_square_root() {
        assert_eq!([1, 10, 16, 17, 3_600].map(block_length), [1, 4, 4, 5, 60]);
    }
}
