//! The facilitator's log, copied into the history as it grows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use alloy_primitives::Address;
use x402_mock_facilitator::event::{CallStep, Endpoint, FacilitatorEvent};

use crate::history::{Recorder, What};
use crate::service::{ControlClient, ControlError};

/// Reads the log from where the run began.
#[derive(Debug)]
pub(crate) struct FacilitatorEvents {
    control: ControlClient,
    next: u64,
    payers: BTreeSet<Address>,
    /// Calls of other runs on the same service: not ours to record.
    foreign: BTreeSet<u64>,
    /// Our calls that have no answer yet.
    open: BTreeMap<u64, Endpoint>,
    counts: CallCounts,
    asked: bool,
}

/// Calls of this run per endpoint: verify, settle, supported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CallCounts {
    /// Calls that arrived.
    pub(crate) seen: [u64; 3],
    /// Calls that ended.
    pub(crate) ended: [u64; 3],
    /// Calls that a hold kept.
    pub(crate) held: [u64; 3],
}

const fn slot(endpoint: Endpoint) -> usize {
    match endpoint {
        Endpoint::Verify => 0,
        Endpoint::Settle => 1,
        Endpoint::Supported | Endpoint::Other => 2,
    }
}

impl CallCounts {
    pub(super) fn begin(&mut self, endpoint: Endpoint) {
        self.seen[slot(endpoint)] += 1;
    }

    pub(super) fn end(&mut self, endpoint: Endpoint) {
        self.ended[slot(endpoint)] += 1;
    }

    /// Both together.
    pub(super) fn and(mut self, other: Self) -> Self {
        let rows = [
            (&mut self.seen, other.seen),
            (&mut self.ended, other.ended),
            (&mut self.held, other.held),
        ];
        for (ours, theirs) in rows {
            for (sum, more) in ours.iter_mut().zip(theirs) {
                *sum += more;
            }
        }
        self
    }
}

impl FacilitatorEvents {
    /// Starts at the log's present end: what was before is not ours.
    pub(crate) async fn from_now(
        control: ControlClient,
        payers: BTreeSet<Address>,
    ) -> Result<Self, ControlError> {
        let mut next = 0;
        loop {
            let page = control.events(next, Duration::ZERO).await?;
            if page.events.is_empty() {
                next = page.next;
                break;
            }
            next = page.next;
        }
        Ok(Self {
            control,
            next,
            payers,
            foreign: BTreeSet::new(),
            open: BTreeMap::new(),
            counts: CallCounts::default(),
            asked: false,
        })
    }

    /// Counts events about one more payer as ours.
    pub(crate) fn adopt(&mut self, payer: Address) {
        self.payers.insert(payer);
    }

    /// Everybody whose calls are ours.
    pub(crate) const fn payers(&self) -> &BTreeSet<Address> {
        &self.payers
    }

    /// Whether one of our payers was asked about.
    pub(crate) const fn was_asked(&self) -> bool {
        self.asked
    }

    /// Calls so far.
    pub(crate) const fn counts(&self) -> CallCounts {
        self.counts
    }

    fn end(&mut self, call: u64) {
        if let Some(endpoint) = self.open.remove(&call) {
            self.counts.ended[slot(endpoint)] += 1;
        }
    }

    /// Records what happened since the last call.
    pub(crate) async fn pull(&mut self, recorder: &Recorder) -> Result<(), ControlError> {
        self.pull_waiting(recorder, Duration::ZERO).await
    }

    /// Records until none of our calls is open, or `patience` is over; tells whether it is quiet.
    pub(crate) async fn settle_down(
        &mut self,
        recorder: &Recorder,
        patience: Duration,
    ) -> Result<bool, ControlError> {
        let until = Instant::now() + patience;
        self.pull(recorder).await?;
        while !self.open.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            self.pull_waiting(recorder, left.min(Duration::from_secs(1)))
                .await?;
        }
        Ok(true)
    }

    async fn pull_waiting(
        &mut self,
        recorder: &Recorder,
        wait: Duration,
    ) -> Result<(), ControlError> {
        loop {
            let page = self.control.events(self.next, wait).await?;
            let last = page.events.is_empty();
            self.next = page.next;
            for event in page.events {
                self.take(event, recorder);
            }
            if last || !wait.is_zero() {
                return Ok(());
            }
        }
    }

    fn take(&mut self, event: FacilitatorEvent, recorder: &Recorder) {
        let FacilitatorEvent {
            at_us, call, what, ..
        } = event;
        if self.foreign.contains(&call) {
            if matches!(what, CallStep::Answered { .. } | CallStep::Cut) {
                self.foreign.remove(&call);
            }
            return;
        }
        let what = match what {
            CallStep::Received {
                endpoint,
                authorization,
                body,
            } => {
                if authorization.is_some_and(|key| !self.payers.contains(&key.payer)) {
                    self.foreign.insert(call);
                    return;
                }
                self.open.insert(call, endpoint);
                self.counts.seen[slot(endpoint)] += 1;
                self.asked |= authorization.is_some();
                let body = recorder.body(at_us, body.as_bytes());
                What::FacilitatorReceived {
                    call,
                    endpoint,
                    authorization: authorization.map(Box::new),
                    body,
                }
            }
            CallStep::Broadcast { transaction } => What::Broadcast { call, transaction },
            CallStep::Mined {
                transaction,
                success,
            } => What::Mined {
                call,
                transaction,
                success,
            },
            CallStep::Answered { status, body, lied } => {
                self.end(call);
                let body = recorder.body(at_us, body.as_bytes());
                What::FacilitatorAnswered {
                    call,
                    status,
                    body,
                    lied,
                }
            }
            CallStep::Cut => {
                self.end(call);
                What::FacilitatorCut { call }
            }
            CallStep::Fault { fault, kind } => What::FaultInjected {
                call: Some(call),
                exchange: None,
                authorization: None,
                fault: in_words(fault, &kind),
            },
            CallStep::Held { .. } => {
                if let Some(endpoint) = self.open.get(&call) {
                    self.counts.held[slot(*endpoint)] += 1;
                }
                What::Held { call }
            }
            CallStep::Released { position, of, .. } => What::Released { call, position, of },
        };
        recorder.append(at_us, what);
    }
}

/// What a fault is, and whose: the step's of a scenario, which names its rules `….s3.0`, or somebody's who named it.
fn in_words(name: String, kind: &str) -> String {
    let step = name
        .rsplit('.')
        .nth(1)
        .and_then(|part| part.strip_prefix('s'))
        .filter(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
    match (kind, step) {
        ("", _) => name,
        (kind, Some(step)) => format!("{kind} of step {step}"),
        // The battery aims its faults at one payment each; whose it is stands beside it.
        (kind, None) if name.starts_with("battery.") => kind.to_owned(),
        (kind, None) => format!("{kind} `{name}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn a_fault_is_told_by_what_it_is() {
        let told = |name: &str, kind| in_words(name.to_owned(), kind);
        let rule = "run1a2b.settle-lies.2.1.s12.0";
        assert_eq!(told(rule, "lie"), "lie of step 12");
        assert_eq!(told("slow-one", "latency"), "latency `slow-one`");
        assert_eq!(told("a.slow.b", "latency"), "latency `a.slow.b`");
        // A facilitator of before does not say what it is.
        assert_eq!(told(rule, ""), rule);
    }
}
