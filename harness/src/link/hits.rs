//! What injected faults struck: a bounded log that callers pull, and can wait on.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// Newest hits that are kept.
const KEPT_MAX: usize = 20_000;
/// Most hits in one page.
const PAGE_MAX: usize = 5_000;

/// One thing a fault did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit<T> {
    /// Position in the log, from 0, without gaps.
    pub seq: u64,
    /// Unix time in microseconds.
    pub at_us: u64,
    /// What.
    #[serde(flatten)]
    pub what: T,
}

/// Some hits, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HitPage<T> {
    /// In order.
    pub hits: Vec<Hit<T>>,
    /// Ask from here next.
    pub next: u64,
    /// Hits before the first one here that are no longer kept.
    pub dropped: u64,
}

/// The log.
#[derive(Debug)]
pub struct HitLog<T> {
    kept: Mutex<VecDeque<Hit<T>>>,
    /// Number of the next hit.
    next: watch::Sender<u64>,
}

impl<T> Default for HitLog<T> {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            next: watch::Sender::new(0),
        }
    }
}

impl<T: Clone> HitLog<T> {
    /// Adds a hit, now.
    pub fn push(&self, what: T) {
        let at_us = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| {
                u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
            });
        let mut kept = self.lock();
        let seq = *self.next.borrow();
        if kept.len() == KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back(Hit { seq, at_us, what });
        // While the log is locked, so that numbers and order agree.
        self.next.send_replace(seq + 1);
    }

    /// Number of the next hit.
    pub fn next(&self) -> u64 {
        *self.next.borrow()
    }

    /// Hits from number `from` on.
    pub fn page(&self, from: u64) -> HitPage<T> {
        let kept = self.lock();
        let first = kept.front().map_or(*self.next.borrow(), |hit| hit.seq);
        let skip = usize::try_from(from.saturating_sub(first)).unwrap_or(usize::MAX);
        let hits: Vec<_> = kept.iter().skip(skip).take(PAGE_MAX).cloned().collect();
        let next = hits.last().map_or(from.max(first), |hit| hit.seq + 1);
        HitPage {
            hits,
            next,
            dropped: first.saturating_sub(from),
        }
    }

    /// As [`Self::page`]; waits up to `wait` for the first hit.
    pub async fn page_within(&self, from: u64, wait: Duration) -> HitPage<T> {
        let mut next = self.next.subscribe();
        // A time-out is an empty page.
        let _ = tokio::time::timeout(wait, next.wait_for(|next| *next > from)).await;
        self.page(from)
    }

    /// The first hit from number `from` on that `wanted` accepts; `None` when none comes within `wait`.
    pub async fn find(
        &self,
        mut from: u64,
        wait: Duration,
        wanted: impl Fn(&T) -> bool,
    ) -> Option<Hit<T>> {
        let search = async {
            loop {
                let page = self.page_within(from, wait).await;
                from = page.next;
                if let Some(hit) = page.hits.into_iter().find(|hit| wanted(&hit.what)) {
                    return hit;
                }
            }
        };
        tokio::time::timeout(wait, search).await.ok()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Hit<T>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_one_another_and_old_hits_go() {
        let log = HitLog::default();
        for number in 0..KEPT_MAX as u64 + 10 {
            log.push(number);
        }
        let first = log.page(0);
        assert_eq!(
            (first.dropped, first.hits[0].seq, first.hits[0].what),
            (10, 10, 10)
        );
        assert_eq!(first.hits.len(), PAGE_MAX);
        let second = log.page(first.next);
        assert_eq!((second.dropped, second.hits[0].seq), (0, first.next));
        let end = log.page(KEPT_MAX as u64 + 10);
        assert!(end.hits.is_empty());
        assert_eq!(end.next, KEPT_MAX as u64 + 10);
    }

    #[tokio::test(start_paused = true)]
    async fn finding_waits_for_what_is_wanted() {
        let log = std::sync::Arc::new(HitLog::default());
        log.push(1);
        let found = {
            let log = std::sync::Arc::clone(&log);
            tokio::spawn(async move { log.find(0, Duration::from_secs(60), |n| *n == 3).await })
        };
        log.push(2);
        log.push(3);
        assert_eq!(found.await.unwrap().unwrap().seq, 2);
        assert!(
            log.find(0, Duration::from_secs(60), |n| *n == 4)
                .await
                .is_none()
        );
    }
}
