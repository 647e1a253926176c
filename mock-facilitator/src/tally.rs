//! Counters and times in place of the event log, for as long as a load runs: nothing here grows with the number of calls.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hashbrown::HashMap;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer as _, V2DeflateSerializer};
use serde::{Deserialize, Serialize};

use crate::event::{CallStep, Endpoint};

/// Calls under way that are followed; of those beyond it only the end is counted.
const OPEN_MAX: usize = 100_000;
/// Longest time a histogram tells apart: a minute, in microseconds.
const LONGEST_US: u64 = 60_000_000;

/// How much is recorded of every call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Recording {
    /// Every step, with the messages.
    Full,
    /// Counters and times only.
    Light,
}

/// What calls of one endpoint came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointTally {
    /// Calls that arrived.
    pub calls: u64,
    /// Answered below 500.
    pub answered: u64,
    /// Answered 500 or above.
    pub errors: u64,
    /// Cut off without an answer.
    pub cut: u64,
    /// From the request's arrival to its answer.
    pub times: Times,
}

/// Times in microseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// Samples.
    pub count: u64,
    /// Median.
    pub p50_us: u64,
    /// 99th percentile.
    pub p99_us: u64,
    /// The histogram: 1 to 60,000,000, three digits, HDR V2, compressed, base64; empty where there are no samples.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hdr: String,
}

/// What was counted since recording became light.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallTally {
    /// How much is recorded now; all counters are zero where it is `full`.
    pub recording: Recording,
    /// Calls under way.
    pub open: u64,
    /// `/verify`
    pub verify: EndpointTally,
    /// `/settle`
    pub settle: EndpointTally,
    /// Settlement transactions handed to the chain.
    pub broadcast: u64,
    /// Mined with status 1.
    pub mined: u64,
    /// Mined with status 0.
    pub reverted: u64,
    /// From broadcast to mined.
    pub mining: Times,
}

impl CallTally {
    /// What is told while everything is recorded.
    pub(crate) fn full() -> Self {
        Self {
            recording: Recording::Full,
            open: 0,
            verify: EndpointTally::default(),
            settle: EndpointTally::default(),
            broadcast: 0,
            mined: 0,
            reverted: 0,
            mining: Times::default(),
        }
    }
}

/// The running counters.
#[derive(Debug)]
pub(crate) struct Tally {
    open: HashMap<u64, Open>,
    verify: Side,
    settle: Side,
    broadcast: u64,
    mined: u64,
    reverted: u64,
    mining: Histogram<u64>,
}

#[derive(Debug)]
struct Open {
    endpoint: Endpoint,
    since: Instant,
    broadcast: Option<Instant>,
}

#[derive(Debug)]
struct Side {
    counts: EndpointTally,
    times: Histogram<u64>,
}

impl Side {
    fn new() -> Self {
        Self {
            counts: EndpointTally::default(),
            times: histogram(),
        }
    }

    fn view(&self) -> EndpointTally {
        EndpointTally {
            times: times(&self.times),
            ..self.counts.clone()
        }
    }
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            open: HashMap::new(),
            verify: Side::new(),
            settle: Side::new(),
            broadcast: 0,
            mined: 0,
            reverted: 0,
            mining: histogram(),
        }
    }

    /// Counts one step of a call.
    pub(crate) fn note(&mut self, call: u64, what: &CallStep, now: Instant) {
        match what {
            CallStep::Received { endpoint, .. } => {
                if let Some(side) = self.side(*endpoint) {
                    side.counts.calls += 1;
                }
                if self.open.len() < OPEN_MAX {
                    let (endpoint, since) = (*endpoint, now);
                    let broadcast = None;
                    self.open.insert(
                        call,
                        Open {
                            endpoint,
                            since,
                            broadcast,
                        },
                    );
                }
            }
            CallStep::Broadcast { .. } => {
                self.broadcast += 1;
                if let Some(open) = self.open.get_mut(&call) {
                    open.broadcast = Some(now);
                }
            }
            CallStep::Mined { success, .. } => {
                *(if *success {
                    &mut self.mined
                } else {
                    &mut self.reverted
                }) += 1;
                let sent = self.open.get(&call).and_then(|open| open.broadcast);
                if let Some(sent) = sent {
                    self.mining.saturating_record(us(now - sent));
                }
            }
            CallStep::Answered { status, .. } => self.ended(call, Some(*status), now),
            CallStep::Cut => self.ended(call, None, now),
            CallStep::Fault { .. } | CallStep::Held { .. } | CallStep::Released { .. } => {}
        }
    }

    /// The counters as they stand.
    pub(crate) fn view(&self) -> CallTally {
        CallTally {
            recording: Recording::Light,
            open: self.open.len() as u64,
            verify: self.verify.view(),
            settle: self.settle.view(),
            broadcast: self.broadcast,
            mined: self.mined,
            reverted: self.reverted,
            mining: times(&self.mining),
        }
    }

    fn ended(&mut self, call: u64, status: Option<u16>, now: Instant) {
        // A call that began before, or beyond the limit, has no endpoint here.
        let Some(open) = self.open.remove(&call) else {
            return;
        };
        let Some(side) = self.side(open.endpoint) else {
            return;
        };
        match status {
            None => side.counts.cut += 1,
            Some(status) if status >= 500 => side.counts.errors += 1,
            Some(_) => side.counts.answered += 1,
        }
        side.times.saturating_record(us(now - open.since));
    }

    const fn side(&mut self, endpoint: Endpoint) -> Option<&mut Side> {
        match endpoint {
            Endpoint::Verify => Some(&mut self.verify),
            Endpoint::Settle => Some(&mut self.settle),
            Endpoint::Supported | Endpoint::Other => None,
        }
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_US, 3).expect("the bounds are constants that fit")
}

fn times(from: &Histogram<u64>) -> Times {
    Times {
        count: from.len(),
        p50_us: from.value_at_quantile(0.5),
        p99_us: from.value_at_quantile(0.99),
        hdr: match from.is_empty() {
            true => String::new(),
            false => text(from),
        },
    }
}

fn text(from: &Histogram<u64>) -> String {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new()
        .serialize(from, &mut bytes)
        .expect("a histogram of three digits fits in memory");
    STANDARD.encode(bytes)
}

fn us(elapsed: std::time::Duration) -> u64 {
    u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::B256;
    use std::time::Duration;

    fn received(endpoint: Endpoint) -> CallStep {
        CallStep::Received {
            endpoint,
            authorization: None,
            body: String::new(),
        }
    }

    fn answered(status: u16) -> CallStep {
        CallStep::Answered {
            status,
            body: String::new(),
            lied: false,
        }
    }

    #[test]
    fn calls_are_counted_by_how_they_end_and_timed() {
        let (mut tally, start) = (Tally::new(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        let transaction = B256::ZERO;
        tally.note(1, &received(Endpoint::Verify), at(0));
        tally.note(2, &received(Endpoint::Settle), at(0));
        tally.note(3, &received(Endpoint::Settle), at(0));
        tally.note(4, &received(Endpoint::Supported), at(0));
        tally.note(1, &answered(200), at(5));
        tally.note(2, &CallStep::Broadcast { transaction }, at(10));
        let success = true;
        tally.note(
            2,
            &CallStep::Mined {
                transaction,
                success,
            },
            at(30),
        );
        assert_eq!(tally.view().open, 3);
        tally.note(2, &answered(200), at(40));
        tally.note(3, &CallStep::Cut, at(50));
        tally.note(4, &answered(500), at(60));
        // An unknown call is none of ours.
        tally.note(9, &answered(500), at(60));
        let view = tally.view();
        assert_eq!(
            (view.open, view.broadcast, view.mined, view.reverted),
            (0, 1, 1, 0)
        );
        assert_eq!(
            (view.verify.calls, view.verify.answered, view.verify.errors),
            (1, 1, 0)
        );
        assert_eq!(
            (view.settle.calls, view.settle.answered, view.settle.cut),
            (2, 1, 1)
        );
        assert_eq!(view.mining.count, 1);
        assert!((19_900..20_100).contains(&view.mining.p50_us), "{view:?}");
        assert!(
            (49_900..50_100).contains(&view.settle.times.p99_us),
            "{view:?}"
        );
    }

    #[test]
    fn what_is_kept_does_not_grow_with_the_calls() {
        let (mut tally, now) = (Tally::new(), Instant::now());
        for call in 0..10_000 {
            tally.note(call, &received(Endpoint::Verify), now);
            tally.note(call, &answered(200), now);
        }
        assert_eq!(tally.view().verify.answered, 10_000);
        assert!(tally.open.capacity() < 100, "{}", tally.open.capacity());
    }
}
