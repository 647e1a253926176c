//! What time it is on each chain: time windows are counted on its clock, which may have been warped.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::session::Session;
use crate::client::{BACKDATED_SECONDS, SignOptions};
use crate::http::now_us;
use crate::service::ControlError;

/// How far each chain's clock is ahead of ours, in seconds.
#[derive(Debug, Default)]
pub(crate) struct Clocks {
    ahead_s: Mutex<BTreeMap<u64, i64>>,
}

impl Clocks {
    /// Unix seconds on the chain's clock; ours for a chain that was never read.
    pub(crate) fn now_s(&self, chain_id: u64) -> u64 {
        let ahead_s = self.lock().get(&chain_id).copied().unwrap_or_default();
        wall_s().saturating_add_signed(ahead_s)
    }

    /// Chains that were read.
    pub(crate) fn chains(&self) -> Vec<u64> {
        self.lock().keys().copied().collect()
    }

    /// What an honest payment for the chain looks like now, and the chain's time.
    ///
    /// Where the chain's clock was warped ahead, the payment is valid on ours too: targets look at either.
    pub(crate) fn honest(&self, chain_id: u64) -> (u64, SignOptions) {
        let (wall, now) = (wall_s(), self.now_s(chain_id));
        let valid_after = (now > wall).then(|| wall.saturating_sub(BACKDATED_SECONDS));
        let options = SignOptions {
            valid_after,
            ..SignOptions::default()
        };
        (now, options)
    }

    /// Notes that the chain's clock showed `chain_s` at some moment between `before_s` and `after_s` of ours.
    fn set(&self, chain_id: u64, (before_s, after_s): (u64, u64), chain_s: u64) {
        let same = (before_s..=after_s).contains(&chain_s);
        let signed = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
        let ahead_s = if same {
            0
        } else {
            signed(chain_s).saturating_sub(signed(after_s))
        };
        self.lock().insert(chain_id, ahead_s);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, i64>> {
        self.ahead_s.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session<'_> {
    /// Looks at a chain's clock.
    pub(super) async fn read_clock(&self, chain_id: u64) -> Result<(), ControlError> {
        let before = wall_s();
        let chain_s = self.control.chain_time(chain_id).await?;
        self.clocks.set(chain_id, (before, wall_s()), chain_s);
        Ok(())
    }

    /// Looks at the clock of every chain again: blocks in quick succession run ahead of ours.
    pub(super) async fn read_clocks(&self) -> Result<(), ControlError> {
        for chain_id in self.clocks.chains() {
            self.read_clock(chain_id).await?;
        }
        Ok(())
    }
}

fn wall_s() -> u64 {
    now_us() / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warped_chain_has_its_own_time_and_payments_are_valid_on_both_clocks() {
        let clocks = Clocks::default();
        let wall = wall_s();
        clocks.set(5, (wall, wall), wall + 7_200);
        assert!((7_200..7_210).contains(&(clocks.now_s(5) - wall)));
        let (now, options) = clocks.honest(5);
        assert!(now >= wall + 7_200);
        assert!(options.valid_after.unwrap() <= wall_s() - BACKDATED_SECONDS);
        assert_eq!(clocks.chains(), [5]);
    }

    #[test]
    fn an_honest_clock_changes_nothing() {
        let clocks = Clocks::default();
        let wall = wall_s();
        // Read while the second changed.
        clocks.set(5, (wall, wall + 1), wall);
        for chain_id in [5, 6] {
            assert!((wall..wall + 10).contains(&clocks.now_s(chain_id)));
            assert_eq!(clocks.honest(chain_id).1.valid_after, None);
        }
    }
}
