//! How often a case broke, and how sure that is.

/// Normal quantile of 95 % confidence, two-sided.
const Z: f64 = 1.959_964;

/// One sentence on `broken` of `rounds` rounds; `None` where one round says it all.
pub(super) fn sentence(broken: usize, rounds: usize) -> Option<String> {
    if rounds < 2 {
        return None;
    }
    // Counts of rounds are at most 1,000.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let (k, n) = (broken as f64, rounds as f64);
    if broken == 0 {
        // (1 - p)^n = 0.05: the largest rate that would still have shown nothing in one of twenty tries.
        let below = 1.0 - 0.05_f64.powf(1.0 / n);
        return Some(format!(
            "0 of {rounds} rounds: below {:.0} % with 95 % confidence",
            (below * 100.0).ceil()
        ));
    }
    // Wilson's interval, which holds near 0 and 1 too.
    let share = k / n;
    let (z2, centre) = (Z * Z, share + Z * Z / (2.0 * n));
    let half = Z * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    let bound = |value: f64| (value / (1.0 + z2 / n)).clamp(0.0, 1.0) * 100.0;
    Some(format!(
        "{broken} of {rounds} rounds: {:.0} %, between {:.0} and {:.0} % with 95 % confidence",
        share * 100.0,
        bound(centre - half),
        bound(centre + half)
    ))
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn what_was_never_seen_has_an_upper_bound() {
        assert_eq!(
            sentence(0, 20).as_deref(),
            Some("0 of 20 rounds: below 14 % with 95 % confidence")
        );
        assert_eq!(sentence(0, 1), None);
    }

    #[test]
    fn what_was_seen_has_an_interval() {
        assert_eq!(
            sentence(3, 20).as_deref(),
            Some("3 of 20 rounds: 15 %, between 5 and 36 % with 95 % confidence")
        );
        assert_eq!(
            sentence(20, 20).as_deref(),
            Some("20 of 20 rounds: 100 %, between 84 and 100 % with 95 % confidence")
        );
    }
}
