//! The rules that are armed, and which calls they strike.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use super::calls::Call;
use super::lies::concerns;
use super::rule::{RpcFault, RpcFaultRule, RpcHit};
use crate::link::{HitLog, HitPage};

/// Most rules armed at a time.
const RULES_MAX: usize = 256;
/// Longest method name kept in a hit.
const METHOD_MAX: usize = 80;

/// A rule that cannot be armed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RpcFaultError {
    /// Too many.
    #[error("the RPC proxy holds at most {RULES_MAX} fault rules: clear them")]
    TooMany,
    /// Not a share of a hundred.
    #[error("percent is {0}: write 1 to 100")]
    Percent(u32),
}

/// A fault striking a call.
#[derive(Debug, Clone)]
pub(super) struct Strike {
    pub(super) fault: RpcFault,
    /// Cancelled when the rule is disarmed.
    pub(super) over: CancellationToken,
}

#[derive(Debug)]
struct Armed {
    id: u64,
    rule: RpcFaultRule,
    seen: u32,
    over: CancellationToken,
}

/// Every fault of one RPC proxy.
#[derive(Debug, Default)]
pub struct RpcFaults {
    state: Mutex<(Vec<Armed>, u64)>,
    /// Read on every call, mostly 0.
    count: AtomicUsize,
    hits: HitLog<RpcHit>,
}

impl RpcFaults {
    /// Arms a rule; its number is for [`Self::disarm`] and stands in every hit.
    ///
    /// # Errors
    /// When there are too many, or `percent` is none.
    pub fn arm(&self, rule: RpcFaultRule) -> Result<u64, RpcFaultError> {
        if !(1..=100).contains(&rule.percent) {
            return Err(RpcFaultError::Percent(rule.percent));
        }
        let mut state = self.lock();
        let (armed, last) = &mut *state;
        if armed.len() >= RULES_MAX {
            return Err(RpcFaultError::TooMany);
        }
        *last += 1;
        armed.push(Armed {
            id: *last,
            rule,
            seen: 0,
            over: CancellationToken::new(),
        });
        self.count.store(armed.len(), Ordering::Relaxed);
        Ok(*last)
    }

    /// Ends a rule and what waits for it; false when there is none.
    pub fn disarm(&self, id: u64) -> bool {
        let mut state = self.lock();
        let Some(index) = state.0.iter().position(|armed| armed.id == id) else {
            return false;
        };
        state.0.remove(index).over.cancel();
        self.count.store(state.0.len(), Ordering::Relaxed);
        true
    }

    /// Ends every rule.
    pub fn clear(&self) {
        let mut state = self.lock();
        for armed in state.0.drain(..) {
            armed.over.cancel();
        }
        self.count.store(0, Ordering::Relaxed);
    }

    /// Calls that were struck, from number `from` on; waits up to `wait` for the first.
    pub async fn hits(&self, from: u64, wait: Duration) -> HitPage<RpcHit> {
        self.hits.page_within(from, wait).await
    }

    /// True while no call can be struck.
    pub(super) fn idle(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 0
    }

    /// The faults that strike this call, in the order they were armed.
    pub(super) fn strike(&self, call: &Call, chain_id: Option<u64>) -> Vec<Strike> {
        let mut strikes = Vec::new();
        for armed in &mut self.lock().0 {
            let rule = &armed.rule;
            let chain = rule.chain_id.is_none() || rule.chain_id == chain_id;
            let method = rule.methods.is_empty() || rule.methods.contains(&call.method);
            if !chain || !method || !concerns(rule.fault, call) {
                continue;
            }
            armed.seen = armed.seen.saturating_add(1);
            let nth = rule.nth.is_none_or(|nth| nth == armed.seen);
            let times = rule.times.is_none_or(|times| armed.seen <= times);
            if !nth || !times || !chosen(rule.seed, armed.seen, rule.percent) {
                continue;
            }
            self.hits.push(RpcHit {
                rule: armed.id,
                fault: rule.fault.word().to_owned(),
                method: call.method.chars().take(METHOD_MAX).collect(),
                chain_id,
            });
            strikes.push(Strike {
                fault: rule.fault,
                over: armed.over.clone(),
            });
        }
        strikes
    }

    fn lock(&self) -> MutexGuard<'_, (Vec<Armed>, u64)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the seed means this one.
fn chosen(seed: u64, number: u32, percent: u32) -> bool {
    if percent >= 100 {
        return true;
    }
    let mut hash = Sha256::new();
    hash.update(seed.to_be_bytes());
    hash.update(number.to_be_bytes());
    let digest = hash.finalize();
    let drawn = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    drawn % 100 < percent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_is_about_right_and_follows_from_the_seed() {
        let drawn = |seed| {
            (1..=1_000)
                .filter(move |n| chosen(seed, *n, 30))
                .collect::<Vec<_>>()
        };
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
        assert!((230..370).contains(&drawn(7).len()), "{}", drawn(7).len());
    }

    #[test]
    fn impossible_rules_are_refused() {
        let faults = RpcFaults::default();
        let never = RpcFaultRule {
            percent: 0,
            ..RpcFaultRule::every(RpcFault::Reset)
        };
        assert_eq!(faults.arm(never), Err(RpcFaultError::Percent(0)));
        for _ in 0..RULES_MAX {
            assert!(faults.arm(RpcFaultRule::every(RpcFault::Reset)).is_ok());
        }
        let more = faults.arm(RpcFaultRule::every(RpcFault::Reset));
        assert_eq!(more, Err(RpcFaultError::TooMany));
        faults.clear();
        assert!(faults.idle());
    }

    #[test]
    fn methods_nth_and_chain_select() {
        let faults = RpcFaults::default();
        let rule = RpcFaultRule {
            methods: vec!["eth_call".to_owned()],
            nth: Some(2),
            chain_id: Some(5),
            ..RpcFaultRule::every(RpcFault::Internal)
        };
        let id = faults.arm(rule).unwrap();
        let struck = |method: &str, chain| {
            let call = Call {
                method: method.to_owned(),
                ..Call::default()
            };
            !faults.strike(&call, chain).is_empty()
        };
        let seen = [
            struck("eth_call", Some(5)),
            struck("eth_chainId", Some(5)),
            struck("eth_call", Some(6)),
            struck("eth_call", None),
            struck("eth_call", Some(5)),
            struck("eth_call", Some(5)),
        ];
        assert_eq!(seen, [false, false, false, false, true, false]);
        assert!(faults.disarm(id));
        assert!(!faults.disarm(id));
    }
}
