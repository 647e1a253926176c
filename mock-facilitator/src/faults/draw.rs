//! Randomness that follows from a seed: the same question always has the same answer.

/// A stream of numbers that depends on nothing but what it was made from (SplitMix64).
#[derive(Debug, Clone)]
pub(crate) struct Draw {
    state: u64,
}

impl Draw {
    /// The stream for one call: `number` is the call's position among those the rule matched.
    pub(crate) fn new(seed: u64, purpose: &str, number: u64) -> Self {
        // FNV-1a: short names need no better hash, and the mixing below spreads it.
        let hash = purpose
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        Self {
            state: mix(mix(mix(seed) ^ hash) ^ number),
        }
    }

    /// The next 64 bits.
    pub(crate) const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// A number in `0..=max`.
    pub(crate) fn up_to(&mut self, max: u64) -> u64 {
        let wide = u128::from(self.next()) * (u128::from(max) + 1);
        u64::try_from(wide >> 64).unwrap_or(max)
    }

    /// True with this probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        // 53 bits: what an f64 between 0 and 1 can hold.
        let unit = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        unit < probability
    }

    /// Random bytes.
    pub(crate) fn bytes32(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for chunk in bytes.chunks_exact_mut(8) {
            chunk.copy_from_slice(&self.next().to_be_bytes());
        }
        bytes
    }

    /// Puts a list into another order.
    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            let other = usize::try_from(self.up_to(last as u64)).unwrap_or(last);
            list.swap(last, other);
        }
    }
}

const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seed_purpose_and_number_each_matter_and_nothing_else_does() {
        let draw = |seed, purpose, number| Draw::new(seed, purpose, number).next();
        assert_eq!(draw(1, "latency", 1), draw(1, "latency", 1));
        assert_ne!(draw(1, "latency", 1), draw(2, "latency", 1));
        assert_ne!(draw(1, "latency", 1), draw(1, "chance", 1));
        assert_ne!(draw(1, "latency", 1), draw(1, "latency", 2));
    }

    #[test]
    fn chances_come_true_about_as_often_as_they_say() {
        let hits = (0..10_000)
            .filter(|n| Draw::new(7, "chance", *n).chance(0.25))
            .count();
        assert!((2_300..2_700).contains(&hits), "{hits}");
        assert!((0..1_000).all(|n| Draw::new(7, "chance", n).chance(1.0)));
        assert!(!(0..1_000).any(|n| Draw::new(7, "chance", n).chance(0.0)));
    }

    #[test]
    fn numbers_keep_to_their_range_and_reach_both_ends() {
        let drawn: Vec<u64> = (0..200)
            .map(|n| Draw::new(3, "jitter", n).up_to(4))
            .collect();
        assert!(drawn.iter().all(|n| *n <= 4));
        assert!(drawn.contains(&0) && drawn.contains(&4));
        assert_eq!(Draw::new(3, "jitter", 0).up_to(0), 0);
        Draw::new(3, "jitter", 0).up_to(u64::MAX);
    }

    #[test]
    fn a_shuffle_keeps_every_element() {
        let mut list: Vec<u32> = (0..50).collect();
        Draw::new(9, "order", 1).shuffle(&mut list);
        assert_ne!(list, (0..50).collect::<Vec<_>>());
        list.sort_unstable();
        assert_eq!(list, (0..50).collect::<Vec<_>>());
    }
}
