//! The times of one exchange.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use super::exchange::{Exchange, Failure, Request, Response};

/// Runs from the moment at which a request is sent.
#[derive(Debug)]
pub(super) struct Stopwatch {
    started_at_us: u64,
    started: Instant,
    headers_us: Option<u64>,
}

impl Stopwatch {
    pub(super) fn start() -> Self {
        // In this order: a thread that is not run between the two makes the exchange look longer. The other way round its
        // answer would seem to come before what it waited for.
        let started = Instant::now();
        Self {
            started_at_us: now_us(),
            started,
            headers_us: None,
        }
    }

    /// When an exchange that may take so long is given up.
    pub(super) fn deadline(&self, timeout: Duration) -> Instant {
        self.started + timeout
    }

    /// The last header is there.
    pub(super) fn note_headers(&mut self) {
        self.headers_us = Some(micros(self.started));
    }

    /// The exchange, which ends now.
    pub(super) fn exchange(self, request: Request, outcome: Result<Response, Failure>) -> Exchange {
        let total_us = micros(self.started);
        Exchange {
            request,
            outcome,
            headers_us: self.headers_us.unwrap_or(total_us),
            total_us,
            started_at_us: self.started_at_us,
        }
    }
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// The wall clock, unix microseconds.
pub(crate) fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |elapsed| {
        u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
    })
}
