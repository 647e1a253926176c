//! The event log: append-only, bounded, readable while it grows.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::event::{CallStep, FacilitatorEvent};
use crate::tally::{CallTally, Recording, Tally};

/// Text of a message longer than this is cut when it is recorded, in bytes.
pub const TEXT_MAX_BYTES: usize = 64 * 1024;
/// Most text one page carries, in bytes, unless a single event is larger.
const PAGE_MAX_BYTES: usize = 8 * 1024 * 1024;

/// How much a log keeps; beyond either limit the oldest events go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLimits {
    /// Events.
    pub events_max: usize,
    /// Bytes of message text in them.
    pub text_max_bytes: usize,
}

impl Default for LogLimits {
    fn default() -> Self {
        Self {
            events_max: 200_000,
            text_max_bytes: 256 * 1024 * 1024,
        }
    }
}

/// Some consecutive events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventPage {
    /// The events, in order.
    pub events: Vec<FacilitatorEvent>,
    /// What to pass as `after` to go on reading: the sequence number that follows the last one read.
    pub next: u64,
    /// Events between `after` and the first one still held: they were dropped unread.
    pub dropped: u64,
}

/// Everything a facilitator did, in order.
#[derive(Debug)]
pub struct EventLog {
    limits: LogLimits,
    held: Mutex<Held>,
    end: watch::Sender<u64>,
    light: AtomicBool,
    tally: Mutex<Option<Tally>>,
}

#[derive(Debug, Default)]
struct Held {
    events: VecDeque<FacilitatorEvent>,
    next: u64,
    text_bytes: usize,
}

impl EventLog {
    /// An empty log.
    pub fn new(limits: LogLimits) -> Self {
        Self {
            limits,
            held: Mutex::default(),
            end: watch::Sender::new(0),
            light: AtomicBool::new(false),
            tally: Mutex::default(),
        }
    }

    /// Records everything, or counts only, from zero; either way what is held stays readable.
    pub fn record(&self, recording: Recording) -> CallTally {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let light = recording == Recording::Light;
        *tally = light.then(Tally::new);
        self.light.store(light, Ordering::Release);
        tally.as_ref().map_or_else(CallTally::full, Tally::view)
    }

    /// What was counted since recording became light.
    pub fn tally(&self) -> CallTally {
        let tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.as_ref().map_or_else(CallTally::full, Tally::view)
    }

    /// True while messages are not kept: nobody need write them down.
    pub(crate) fn is_light(&self) -> bool {
        self.light.load(Ordering::Acquire)
    }

    /// Appends a step of a call and wakes the readers; gives the sequence number that follows what was appended before.
    /// While recording is light the step is counted and not kept.
    pub fn append(&self, call: u64, what: CallStep) -> u64 {
        if self.is_light()
            && let Some(tally) = &mut *self.tally.lock().unwrap_or_else(PoisonError::into_inner)
        {
            tally.note(call, &what, Instant::now());
            return self.lock().next;
        }
        let added = text_bytes(&what);
        let mut held = self.lock();
        let seq = held.next;
        held.next += 1;
        held.text_bytes += added;
        held.events.push_back(FacilitatorEvent {
            seq,
            at_us: unix_us(),
            call,
            what,
        });
        while held.events.len() > self.limits.events_max
            || (held.text_bytes > self.limits.text_max_bytes && held.events.len() > 1)
        {
            let Some(oldest) = held.events.pop_front() else {
                break;
            };
            held.text_bytes -= text_bytes(&oldest.what);
        }
        self.end.send_replace(held.next);
        seq
    }

    /// Up to `limit` events from sequence number `after` on.
    pub fn page(&self, after: u64, limit: usize) -> EventPage {
        let held = self.lock();
        let first = held.next - held.events.len() as u64;
        let start = after.clamp(first, held.next);
        let mut events = Vec::new();
        let mut bytes = 0;
        for event in held.events.range(offset(start - first)..).take(limit) {
            bytes += text_bytes(&event.what);
            if bytes > PAGE_MAX_BYTES && !events.is_empty() {
                break;
            }
            events.push(event.clone());
        }
        EventPage {
            next: start + events.len() as u64,
            dropped: first.saturating_sub(after),
            events,
        }
    }

    /// As [`Self::page`], waiting up to `wait` for the first event.
    pub async fn wait_page(&self, after: u64, limit: usize, wait: Duration) -> EventPage {
        let mut end = self.end.subscribe();
        // A closed channel cannot be: `self` holds the sender. A time-out gives an empty page.
        let _ = tokio::time::timeout(wait, end.wait_for(|next| *next > after)).await;
        self.page(after, limit)
    }

    /// Number of events ever appended.
    pub fn total(&self) -> u64 {
        self.lock().next
    }

    /// Number of events dropped to stay within the limits.
    pub fn dropped(&self) -> u64 {
        let held = self.lock();
        held.next - held.events.len() as u64
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Message bytes as text, cut to [`TEXT_MAX_BYTES`].
pub(crate) fn bounded_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(TEXT_MAX_BYTES)]).into_owned()
}

fn text_bytes(what: &CallStep) -> usize {
    match what {
        CallStep::Received { body, .. } | CallStep::Answered { body, .. } => body.len(),
        CallStep::Fault { fault: name, .. }
        | CallStep::Held { hold: name }
        | CallStep::Released { hold: name, .. } => name.len(),
        CallStep::Broadcast { .. } | CallStep::Mined { .. } | CallStep::Cut => 0,
    }
}

fn offset(distance: u64) -> usize {
    usize::try_from(distance).unwrap_or(usize::MAX)
}

fn unix_us() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Endpoint;
    use std::sync::Arc;

    fn received(body: &str) -> CallStep {
        CallStep::Received {
            endpoint: Endpoint::Other,
            authorization: None,
            body: body.to_owned(),
        }
    }

    fn small(events_max: usize, text_max_bytes: usize) -> EventLog {
        EventLog::new(LogLimits {
            events_max,
            text_max_bytes,
        })
    }

    fn numbers(page: &EventPage) -> Vec<u64> {
        page.events.iter().map(|event| event.seq).collect()
    }

    #[test]
    fn pages_follow_each_other_without_gap_or_repeat() {
        let log = small(100, 1000);
        for call in 0..5 {
            log.append(call, received("x"));
        }
        let first = log.page(0, 3);
        assert_eq!((numbers(&first), first.next), (vec![0, 1, 2], 3));
        let second = log.page(first.next, 3);
        assert_eq!((numbers(&second), second.next), (vec![3, 4], 5));
        let none = log.page(second.next, 3);
        assert_eq!((numbers(&none), none.next, none.dropped), (vec![], 5, 0));
    }

    #[test]
    fn the_oldest_go_first_and_the_reader_is_told_how_many() {
        let log = small(3, 1000);
        for call in 0..10 {
            log.append(call, received("x"));
        }
        let page = log.page(2, 100);
        assert_eq!((numbers(&page), page.dropped), (vec![7, 8, 9], 5));
        assert_eq!((log.total(), log.dropped()), (10, 7));
    }

    #[test]
    fn text_is_bounded_too_and_the_newest_event_stays() {
        let log = small(100, 10);
        log.append(0, received("12345678"));
        log.append(1, received("12345678"));
        assert_eq!(numbers(&log.page(0, 10)), vec![1]);
        log.append(2, received("a body larger than the limit"));
        assert_eq!(numbers(&log.page(0, 10)), vec![2]);
    }

    #[test]
    fn a_cursor_beyond_the_end_gives_nothing() {
        let log = small(10, 100);
        log.append(0, received("x"));
        let page = log.page(99, 10);
        assert_eq!((page.events.len(), page.next), (0, 1));
    }

    #[tokio::test]
    async fn a_waiting_reader_is_woken_by_the_next_event() {
        let log = Arc::new(small(10, 100));
        log.append(0, received("x"));
        let reader = tokio::spawn({
            let log = Arc::clone(&log);
            async move { log.wait_page(1, 10, Duration::from_secs(60)).await }
        });
        tokio::task::yield_now().await;
        log.append(1, received("y"));
        assert_eq!(numbers(&reader.await.unwrap()), vec![1]);
    }

    #[test]
    fn text_is_cut_and_never_fails_on_odd_bytes() {
        assert_eq!(bounded_text(&[0xff, b'a']), "\u{fffd}a");
        let long = bounded_text("é".repeat(TEXT_MAX_BYTES).as_bytes());
        assert!(long.len() <= TEXT_MAX_BYTES + 3);
    }
}
