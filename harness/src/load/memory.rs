//! Resident memory of the bench while a load runs.

use x402_assay_reports::model::load::LoadMemory;

use super::cpu::resident;

/// What was seen of it.
#[derive(Debug)]
pub(super) struct Footprint {
    before_bytes: Option<u64>,
    peak_bytes: u64,
    /// Connections and histograms are there once so much of the run is over, in seconds.
    settles_s: u64,
    settled: Option<Seen>,
    last: Option<Seen>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    sent: u64,
    bytes: u64,
}

impl Footprint {
    /// Before a run of so many seconds.
    pub(super) fn new(seconds: u64) -> Self {
        Self::of(seconds, resident())
    }

    fn of(seconds: u64, before_bytes: Option<u64>) -> Self {
        Self {
            before_bytes,
            peak_bytes: before_bytes.unwrap_or_default(),
            settles_s: seconds / 4,
            settled: None,
            last: None,
        }
    }

    /// Looks again, in this second of the run, after so many arrivals.
    pub(super) fn look(&mut self, second: u64, sent: u64) {
        if let Some(bytes) = resident() {
            self.note(second, Seen { sent, bytes });
        }
    }

    fn note(&mut self, second: u64, seen: Seen) {
        self.peak_bytes = self.peak_bytes.max(seen.bytes);
        if second >= self.settles_s && self.settled.is_none() {
            self.settled = Some(seen);
        }
        self.last = Some(seen);
    }

    /// What came of it, for a run that sent so many arrivals and signed so many authorizations (none: each arrival counts).
    ///
    /// The growth for each is that of the last three quarters: what a run takes once and for all is no growth.
    pub(super) fn told(&self, sent: u64, signed: u64) -> Option<LoadMemory> {
        let before_bytes = self.before_bytes?;
        let share = match signed {
            0 => 1.0,
            signed => ratio(signed, sent),
        };
        let from = self.settled.zip(self.last).filter(|(a, b)| b.sent > a.sent);
        let (bytes, arrivals) = match from {
            Some((early, late)) => (
                late.bytes.saturating_sub(early.bytes),
                late.sent - early.sent,
            ),
            None => (self.peak_bytes - before_bytes, sent),
        };
        Some(LoadMemory {
            before_bytes,
            peak_bytes: self.peak_bytes,
            bytes_per_authorization: ratio(bytes, arrivals) / share,
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "bytes for each")]
fn ratio(of: u64, to: u64) -> f64 {
    of as f64 / to.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1_000_000;

    fn each(footprint: &Footprint, sent: u64, signed: u64) -> f64 {
        footprint
            .told(sent, signed)
            .unwrap()
            .bytes_per_authorization
    }

    #[test]
    fn what_a_run_takes_at_its_beginning_is_no_growth() {
        let mut footprint = Footprint::of(40, Some(20 * MB));
        for second in 1..=40 {
            // 60 MB for connections, and 200 bytes an arrival of a thousand each second.
            let (sent, bytes) = (second * 1_000, 80 * MB + second * 200_000);
            footprint.note(second, Seen { sent, bytes });
        }
        assert!((each(&footprint, 40_000, 40_000) - 200.0).abs() < 1e-9);
        assert!(
            (each(&footprint, 40_000, 20_000) - 400.0).abs() < 1e-9,
            "half of the arrivals signed something"
        );
        assert_eq!(footprint.told(40_000, 0).unwrap().peak_bytes, 88 * MB);
    }

    #[test]
    fn a_run_too_short_to_see_growth_counts_all_of_it() {
        let mut footprint = Footprint::of(1, Some(20 * MB));
        footprint.note(
            0,
            Seen {
                sent: 100,
                bytes: 21 * MB,
            },
        );
        assert!((each(&footprint, 1_000, 0) - 1_000.0).abs() < 1e-9);
        assert_eq!(Footprint::of(1, None).told(1, 1), None);
    }
}
