//! The origin's count of paid handler runs, over restarts and copies of the target.

use std::net::SocketAddr;

/// Sums what the copies of a target count. A process that starts again may count from 0, or go on: either way only what
/// it counts from then on is added.
#[derive(Debug)]
pub(super) struct Executions {
    /// Runs counted before the processes changed last.
    carried: u64,
    /// Each copy, by the address to connect to (`None` for the profile's own), with its count when it was first read.
    copies: Vec<(Option<SocketAddr>, u64)>,
    /// The newest sum.
    last: u64,
}

impl Default for Executions {
    fn default() -> Self {
        Self {
            carried: 0,
            copies: vec![(None, 0)],
            last: 0,
        }
    }
}

impl Executions {
    /// Whom to ask.
    pub(super) fn copies(&self) -> Vec<Option<SocketAddr>> {
        self.copies.iter().map(|(via, _)| *via).collect()
    }

    /// The sum, from the counts of the copies in their order; `None` when there are none.
    pub(super) fn sum(&mut self, counts: &[u64]) -> Option<u64> {
        if self.copies.is_empty() || counts.len() != self.copies.len() {
            return None;
        }
        let own = self.copies.iter().zip(counts);
        let own: u64 = own
            .map(|((_, first), count)| count.saturating_sub(*first))
            .sum();
        self.last = self.carried.saturating_add(own);
        Some(self.last)
    }

    /// Nobody counts for the moment.
    pub(super) fn pause(&mut self) {
        self.carried = self.last;
        self.copies.clear();
    }

    /// These count from now on, from these counts.
    pub(super) fn resume(&mut self, copies: Vec<(Option<SocketAddr>, u64)>) {
        self.copies = copies;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_neither_loses_nor_adds_runs() {
        let mut executions = Executions::default();
        assert_eq!(executions.sum(&[7]), Some(7));
        executions.pause();
        assert_eq!(executions.sum(&[]), None, "nobody can be asked");
        // It forgot.
        executions.resume(vec![(None, 0)]);
        assert_eq!(executions.sum(&[0]), Some(7));
        assert_eq!(executions.sum(&[2]), Some(9));
        executions.pause();
        // It did not forget.
        executions.resume(vec![(None, 2)]);
        assert_eq!(executions.sum(&[3]), Some(10));
    }

    #[test]
    fn copies_are_summed() {
        let mut executions = Executions::default();
        executions.sum(&[1]);
        executions.pause();
        let second = Some(SocketAddr::from(([127, 0, 0, 1], 9)));
        executions.resume(vec![(None, 1), (second, 0)]);
        assert_eq!(executions.copies(), [None, second]);
        assert_eq!(executions.sum(&[2, 4]), Some(6));
        assert_eq!(executions.sum(&[2]), None, "one did not answer");
    }
}
