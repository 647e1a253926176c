//! The rules that are armed, and which of them strike.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::about::About;
use super::event::LinkEvent;
use super::rule::{LinkFault, LinkRule, LinkSelect};

/// Most rules armed at a time.
pub(super) const RULES_MAX: usize = 256;

/// One rule striking one event.
#[derive(Debug, Clone)]
pub(super) struct Strike {
    pub(super) rule: u64,
    pub(super) fault: LinkFault,
    pub(super) select: LinkSelect,
    /// Cancelled when the rule is disarmed.
    pub(super) over: CancellationToken,
}

#[derive(Debug)]
struct Armed {
    id: u64,
    rule: LinkRule,
    seen: u32,
    over: CancellationToken,
}

/// The armed rules of one link.
#[derive(Debug, Default)]
pub(super) struct Rules {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    armed: Vec<Armed>,
    next: u64,
}

impl Rules {
    /// Arms a rule; `None` when there are too many.
    pub(super) fn arm(&self, rule: LinkRule) -> Option<u64> {
        let mut state = self.lock();
        if state.armed.len() >= RULES_MAX {
            return None;
        }
        state.next += 1;
        let id = state.next;
        state.armed.push(Armed {
            id,
            rule,
            seen: 0,
            over: CancellationToken::new(),
        });
        Some(id)
    }

    /// Ends one rule and what waits for it; false when there is none.
    pub(super) fn disarm(&self, id: u64) -> bool {
        let mut state = self.lock();
        let Some(index) = state.armed.iter().position(|armed| armed.id == id) else {
            return false;
        };
        state.armed.remove(index).over.cancel();
        true
    }

    /// Ends every rule.
    pub(super) fn clear(&self) {
        for armed in self.lock().armed.drain(..) {
            armed.over.cancel();
        }
    }

    /// The rules that strike this event, in the order they were armed.
    pub(super) fn strike(&self, event: LinkEvent, about: &About) -> Vec<Strike> {
        let mut strikes = Vec::new();
        for armed in &mut self.lock().armed {
            let select = &armed.rule.select;
            if armed.rule.on != event || !select.chooses(about) || !select.on_path(about) {
                continue;
            }
            armed.seen = armed.seen.saturating_add(1);
            let nth = select.nth.is_none_or(|nth| nth == armed.seen);
            let times = select.times.is_none_or(|times| armed.seen <= times);
            let lucky = select.share.is_none_or(|share| share.takes(armed.seen));
            if nth && times && lucky && armed.rule.fault != LinkFault::Cache {
                strikes.push(Strike {
                    rule: armed.id,
                    fault: armed.rule.fault.clone(),
                    select: armed.rule.select.clone(),
                    over: armed.over.clone(),
                });
            }
        }
        strikes
    }

    /// True when some rule could strike at this stage: the answer must then be whole before it is passed back.
    pub(super) fn any_at(&self, event: LinkEvent) -> bool {
        self.any(|rule| rule.on == event)
    }

    /// True when a request may have to be sent twice.
    pub(super) fn any_duplicate(&self) -> bool {
        self.any(|rule| rule.fault == LinkFault::Duplicate)
    }

    /// The number of the rule that makes the link a shared cache, and its event.
    pub(super) fn cache(&self) -> Option<(u64, LinkEvent)> {
        let state = self.lock();
        let found = state
            .armed
            .iter()
            .find(|armed| armed.rule.fault == LinkFault::Cache);
        found.map(|armed| (armed.id, armed.rule.on))
    }

    fn any(&self, wanted: impl Fn(&LinkRule) -> bool) -> bool {
        self.lock().armed.iter().any(|armed| wanted(&armed.rule))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LinkSelect {
    /// Whether an exchange is about the chosen payer and authorization; counting is the caller's.
    pub(super) fn chooses(&self, about: &About) -> bool {
        let payer = self.payer.is_none_or(|payer| about.payer == Some(payer));
        let chosen = |nonce| self.nonces.contains(&nonce);
        payer && (self.nonces.is_empty() || about.nonce.is_some_and(chosen))
    }

    fn on_path(&self, about: &About) -> bool {
        let suffix = self.path.as_deref();
        suffix.is_none_or(|suffix| about.path().ends_with(suffix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::event::Subject;
    use crate::link::rule::Share;
    use alloy_primitives::{Address, B256};

    fn settle(payer: u8, nonce: u8) -> About {
        About {
            subject: Some(Subject::Settle),
            target: "/base/settle?x=1".to_owned(),
            payer: Some(Address::repeat_byte(payer)),
            nonce: Some(B256::repeat_byte(nonce)),
            ..About::default()
        }
    }

    fn rules(select: LinkSelect) -> Rules {
        let rules = Rules::default();
        let on = LinkEvent::before(Subject::Settle);
        let fault = LinkFault::Reset;
        assert!(rules.arm(LinkRule { on, select, fault }).is_some());
        rules
    }

    fn struck(rules: &Rules, about: &About) -> bool {
        !rules
            .strike(LinkEvent::before(Subject::Settle), about)
            .is_empty()
    }

    #[test]
    fn nth_and_times_count_matching_events_only() {
        let second = rules(LinkSelect {
            nth: Some(2),
            payer: Some(Address::repeat_byte(1)),
            ..LinkSelect::default()
        });
        let seen = [(1, 1), (2, 1), (1, 2), (1, 3)]
            .map(|(payer, nonce)| struck(&second, &settle(payer, nonce)));
        assert_eq!(seen, [false, false, true, false]);
        let twice = rules(LinkSelect {
            times: Some(2),
            ..LinkSelect::default()
        });
        assert_eq!(
            [1, 2, 3].map(|nonce| struck(&twice, &settle(1, nonce))),
            [true, true, false]
        );
    }

    #[test]
    fn a_share_is_chosen_by_the_seed() {
        let chosen = |percent, seed| {
            let share = Some(Share { percent, seed });
            let rules = rules(LinkSelect {
                share,
                ..LinkSelect::default()
            });
            let all = (0..200).map(|_| struck(&rules, &settle(1, 1)));
            all.collect::<Vec<bool>>()
        };
        assert!(chosen(100, 1).iter().all(|struck| *struck));
        let third = chosen(33, 1);
        let count = third.iter().filter(|struck| **struck).count();
        assert!((40..95).contains(&count), "{count} of 200");
        assert_eq!(third, chosen(33, 1));
        assert_ne!(third, chosen(33, 2));
    }

    #[test]
    fn nonces_and_paths_narrow() {
        let nonces = rules(LinkSelect {
            nonces: vec![B256::repeat_byte(7), B256::repeat_byte(8)],
            ..LinkSelect::default()
        });
        assert!(struck(&nonces, &settle(1, 8)));
        assert!(!struck(&nonces, &settle(1, 9)));
        assert!(!struck(&nonces, &About::default()));
        let path = rules(LinkSelect {
            path: Some("base/settle".to_owned()),
            ..LinkSelect::default()
        });
        assert!(struck(&path, &settle(1, 1)));
        let other = About {
            target: "/settle".to_owned(),
            ..settle(1, 1)
        };
        assert!(!struck(&path, &other));
    }

    #[test]
    fn other_events_do_not_strike_and_disarming_ends_the_wait() {
        let rules = rules(LinkSelect::default());
        let after = LinkEvent::after(Subject::Settle);
        assert!(rules.strike(after, &settle(1, 1)).is_empty());
        let strikes = rules.strike(LinkEvent::before(Subject::Settle), &settle(1, 1));
        assert!(!strikes[0].over.is_cancelled());
        assert!(rules.disarm(strikes[0].rule));
        assert!(strikes[0].over.is_cancelled());
        assert!(!rules.disarm(strikes[0].rule));
        assert!(!struck(&rules, &settle(1, 1)));
    }

    #[test]
    fn rules_are_bounded() {
        let rules = rules(LinkSelect::default());
        let rule = LinkRule {
            on: LinkEvent::before(Subject::Quote),
            select: LinkSelect::default(),
            fault: LinkFault::Close,
        };
        for _ in 1..RULES_MAX {
            assert!(rules.arm(rule.clone()).is_some());
        }
        assert!(rules.arm(rule.clone()).is_none());
        rules.clear();
        assert!(rules.arm(rule).is_some());
    }
}
