//! Things measured in turn.

use anyhow::Result;

/// One thing to measure: its value in one round.
pub(super) type Measure<'a> = Box<dyn FnMut() -> Result<f64> + 'a>;

/// Measures each thing once a round, in turn; the values of each, round by round.
pub(super) fn interleaved(rounds: usize, things: &mut [Measure<'_>]) -> Result<Vec<Vec<f64>>> {
    let mut values = vec![Vec::with_capacity(rounds); things.len()];
    for round in 0..rounds {
        // Who goes first changes, so that no thing always follows the same other.
        for turn in 0..things.len() {
            let place = (turn + round) % things.len();
            values[place].push(things[place]()?);
        }
    }
    Ok(values)
}

/// One value against another, round by round.
pub(super) fn ratios(these: &[f64], those: &[f64]) -> Vec<f64> {
    these.iter().zip(those).map(|(a, b)| a / b).collect()
}

/// The middle value; the mean of the two in the middle where there is none.
///
/// # Panics
/// Without values.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_measured_once_a_round() {
        let (mut a, mut b) = (0.0, 10.0);
        let mut things: Vec<Measure<'_>> = vec![
            Box::new(|| {
                a += 1.0;
                Ok(a)
            }),
            Box::new(|| {
                b += 10.0;
                Ok(b)
            }),
        ];
        let values = interleaved(3, &mut things).unwrap();
        assert_eq!(
            values,
            [[1.0, 2.0, 3.0].to_vec(), [20.0, 30.0, 40.0].to_vec()]
        );
        assert_eq!(ratios(&values[1], &values[0]), [20.0, 15.0, 40.0 / 3.0]);
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
    }
}
