//! The highest rate that holds the thresholds: up in steps, then between the last that held and the first that did not,
//! then the same rate again. Pure.

/// Factor between two steps up.
const UP: f64 = 2.0;
/// Rates closer than this are one: the answer is no finer.
const CLOSE: f64 = 1.06;
/// How often the answer must hold once more.
const AGAIN: u32 = 2;
/// Most rounds of a search.
pub(super) const ROUNDS_MAX: u32 = 32;

/// A search under way.
#[derive(Debug, Clone)]
pub(super) struct Search {
    /// The highest rate that held and was not refuted.
    held: Option<f64>,
    /// The lowest rate that did not.
    missed: Option<f64>,
    /// The rate that is tried.
    rate: f64,
    /// How often the answer has held again.
    again: u32,
    confirming: bool,
    rounds: u32,
    /// No rate above it is tried.
    most: f64,
}

impl Search {
    /// Begins at a rate, and goes no higher than another.
    pub(super) const fn new(first: f64, most: f64) -> Self {
        Self {
            held: None,
            missed: None,
            rate: first,
            again: 0,
            confirming: false,
            rounds: 0,
            most,
        }
    }

    /// The rate to try next; none when the search is over.
    pub(super) fn next(&self) -> Option<f64> {
        let over = self.rounds >= ROUNDS_MAX || self.again >= AGAIN || self.rate < LEAST;
        (!over).then_some(self.rate)
    }

    /// The round of the rate that is tried, from 1.
    pub(super) const fn round(&self) -> u32 {
        match self.confirming {
            true => self.again + 2,
            false => 1,
        }
    }

    /// What came of it.
    pub(super) fn tell(&mut self, held: bool) {
        self.rounds += 1;
        match (held, self.confirming) {
            (true, true) => {
                self.again += 1;
                return;
            }
            (true, false) => self.held = Some(self.rate),
            (false, _) => {
                // A rate that held once and not again is none that holds.
                self.held = self.held.filter(|held| *held < self.rate);
                self.missed = Some(
                    self.missed
                        .map_or(self.rate, |missed| missed.min(self.rate)),
                );
            }
        }
        self.again = 0;
        self.confirming = false;
        match (self.held, self.missed) {
            (Some(held), Some(missed)) if missed / held > CLOSE => {
                self.rate = (held * missed).sqrt();
            }
            (Some(held), None) if held < self.most => self.rate = (held * UP).min(self.most),
            (Some(held), _) => {
                self.rate = held;
                self.confirming = true;
            }
            (None, Some(missed)) => self.rate = missed / UP,
            (None, None) => {}
        }
    }

    /// The answer: a rate that held as often as is wanted.
    pub(super) fn answer(&self) -> Option<f64> {
        self.held.filter(|_| self.again >= AGAIN)
    }
}

/// Lower rates say nothing any more.
const LEAST: f64 = 0.1;

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches a target that holds up to a rate.
    fn search(mut search: Search, holds: impl Fn(f64, u32) -> bool) -> (Option<f64>, Vec<f64>) {
        let mut tried = Vec::new();
        while let Some(rate) = search.next() {
            tried.push(rate);
            search.tell(holds(rate, tried.len() as u32));
        }
        (search.answer(), tried)
    }

    #[test]
    fn it_finds_the_limit_from_below_and_from_above() {
        for (first, limit) in [
            (100.0, 730.0),
            (5_000.0, 730.0),
            (730.0, 730.0),
            (1.0, 730.0),
        ] {
            let (answer, tried) = search(Search::new(first, 1e6), |rate, _| rate <= limit);
            let answer = answer.unwrap();
            assert!(
                answer <= limit && limit / answer <= CLOSE,
                "{first}: {answer} {tried:?}"
            );
            assert!(tried.len() < 24, "{tried:?}");
            // The answer was tried three times.
            assert_eq!(tried.iter().filter(|rate| **rate == answer).count(), 3);
        }
    }

    #[test]
    fn a_target_that_holds_nothing_or_everything_ends_the_search() {
        let (answer, tried) = search(Search::new(100.0, 1e6), |_, _| false);
        assert_eq!(answer, None);
        assert!(tried.len() < 16);
        let (answer, tried) = search(Search::new(100.0, 1_000.0), |_, _| true);
        assert_eq!(answer, Some(1_000.0));
        assert!(tried.len() < 10);
    }

    #[test]
    fn what_held_once_by_luck_is_no_answer() {
        // 800 holds the first time it is met, and never again.
        let lucky = |rate: f64, round: u32| rate < 500.0 || (rate == 800.0 && round == 4);
        let (answer, _) = search(Search::new(100.0, 1e6), lucky);
        assert!(answer.unwrap() < 500.0, "{answer:?}");
    }

    #[test]
    fn a_target_that_wavers_ends_the_search_too() {
        let (_, tried) = search(Search::new(100.0, 1e6), |_, round| round % 2 == 0);
        assert!(tried.len() <= ROUNDS_MAX as usize);
    }
}
