//! How fast and how often the bench may ask a target.

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep_until};

use super::exchange::Response;

/// The longest a target can make the bench pause with `Retry-After`.
pub const MAX_PAUSE: Duration = Duration::from_secs(30);

/// The pause after a 429 that names no time.
const DEFAULT_PAUSE: Duration = Duration::from_secs(1);

/// `limits` of a profile.
#[derive(Debug, Clone, Copy, Default)]
pub struct ThrottleOptions {
    /// Requests per second; unlimited when absent.
    pub rps: Option<f64>,
    /// Requests in all; unlimited when absent.
    pub requests: Option<u64>,
}

/// The run may send no further request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("all {0} requests of `limits.requests` are spent; raise it or select fewer checks")]
pub struct BudgetSpent(pub u64);

/// Spaces requests evenly, counts them, and pauses when the target asks for it.
#[derive(Debug)]
pub struct Throttle {
    interval: Duration,
    budget: Option<u64>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    next: Instant,
    sent: u64,
}

impl Throttle {
    /// A throttle whose first request goes at once.
    pub fn new(options: ThrottleOptions) -> Self {
        let interval = options
            .rps
            .filter(|rps| rps.is_finite() && *rps > 0.0)
            .and_then(|rps| Duration::try_from_secs_f64(1.0 / rps).ok())
            .unwrap_or_default();
        Self {
            interval,
            budget: options.requests,
            state: Mutex::new(State {
                next: Instant::now(),
                sent: 0,
            }),
        }
    }

    /// Waits for the next slot and takes it.
    ///
    /// # Errors
    /// When the budget is spent.
    pub async fn admit(&self) -> Result<(), BudgetSpent> {
        // Nothing is reserved while waiting, so that a pause asked for meanwhile holds for everybody.
        while let Some(wait_until) = self.try_take()? {
            sleep_until(wait_until).await;
        }
        Ok(())
    }

    /// Looks at an answer: a 429 (or a 503 with `Retry-After`) pauses all further requests. Returns the pause.
    pub fn note(&self, response: &Response) -> Option<Duration> {
        let pause = retry_after(response, SystemTime::now())?;
        let mut state = self.lock();
        state.next = state.next.max(Instant::now() + pause);
        Some(pause)
    }

    /// Requests admitted so far.
    pub fn sent(&self) -> u64 {
        self.lock().sent
    }

    /// Requests left, when there is a budget.
    pub fn left(&self) -> Option<u64> {
        let sent = self.sent();
        self.budget.map(|budget| budget.saturating_sub(sent))
    }

    /// Takes the slot if it is due; else says when to come back.
    fn try_take(&self) -> Result<Option<Instant>, BudgetSpent> {
        let mut state = self.lock();
        if let Some(budget) = self.budget.filter(|budget| state.sent >= *budget) {
            return Err(BudgetSpent(budget));
        }
        let now = Instant::now();
        if state.next > now {
            return Ok(Some(state.next));
        }
        state.sent += 1;
        state.next = now + self.interval;
        Ok(None)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// How long an answer asks the bench to wait, at most [`MAX_PAUSE`]: seconds or an HTTP date.
pub fn retry_after(response: &Response, now: SystemTime) -> Option<Duration> {
    let named = response.headers.text("retry-after").and_then(|text| {
        let text = text.trim();
        match text.parse::<u64>() {
            Ok(seconds) => Some(Duration::from_secs(seconds)),
            Err(_) => httpdate::parse_http_date(text)
                .ok()
                .map(|date| date.duration_since(now).unwrap_or_default()),
        }
    });
    match response.status {
        429 => Some(named.unwrap_or(DEFAULT_PAUSE).min(MAX_PAUSE)),
        503 => named.map(|pause| pause.min(MAX_PAUSE)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Headers;

    fn answer(status: u16, retry_after: Option<&str>) -> Response {
        Response {
            status,
            headers: retry_after
                .map(|value| ("retry-after".to_owned(), value.as_bytes().to_vec()))
                .into_iter()
                .collect::<Headers>(),
            body: bytes::Bytes::new(),
            truncated_from: None,
            cut_off: false,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn requests_are_spaced() {
        let throttle = Throttle::new(ThrottleOptions {
            rps: Some(4.0),
            requests: None,
        });
        let start = Instant::now();
        for _ in 0..5 {
            throttle.admit().await.unwrap();
        }
        let took = start.elapsed();
        assert!(took >= Duration::from_secs(1), "{took:?}");
        assert!(took < Duration::from_millis(1100), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_nothing_waits() {
        let throttle = Throttle::new(ThrottleOptions::default());
        let start = Instant::now();
        for _ in 0..1000 {
            throttle.admit().await.unwrap();
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert_eq!((throttle.sent(), throttle.left()), (1000, None));
    }

    #[tokio::test(start_paused = true)]
    async fn the_budget_ends() {
        let throttle = Throttle::new(ThrottleOptions {
            rps: None,
            requests: Some(2),
        });
        assert!(throttle.admit().await.is_ok());
        assert!(throttle.admit().await.is_ok());
        assert_eq!(throttle.admit().await, Err(BudgetSpent(2)));
        assert_eq!((throttle.sent(), throttle.left()), (2, Some(0)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_429_pauses_everybody_also_those_who_wait_already() {
        let throttle = std::sync::Arc::new(Throttle::new(ThrottleOptions {
            rps: Some(1.0),
            requests: None,
        }));
        let start = Instant::now();
        throttle.admit().await.unwrap();
        let waiting = {
            let throttle = std::sync::Arc::clone(&throttle);
            tokio::spawn(async move { throttle.admit().await })
        };
        tokio::task::yield_now().await;
        assert_eq!(
            throttle.note(&answer(429, Some("10"))),
            Some(Duration::from_secs(10))
        );
        waiting.await.unwrap().unwrap();
        assert!(
            start.elapsed() >= Duration::from_secs(10),
            "{:?}",
            start.elapsed()
        );
    }

    #[test]
    fn retry_after_is_read_and_bounded() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let read = |status, value| retry_after(&answer(status, value), now);
        assert_eq!(read(429, Some("2")), Some(Duration::from_secs(2)));
        assert_eq!(read(429, Some("99999")), Some(MAX_PAUSE));
        assert_eq!(read(429, None), Some(DEFAULT_PAUSE));
        assert_eq!(read(429, Some("soon")), Some(DEFAULT_PAUSE));
        assert_eq!(
            read(503, Some("Sun, 06 Nov 1994 08:49:40 GMT")),
            Some(Duration::from_secs(3))
        );
        assert_eq!(read(503, None), None);
        assert_eq!(read(200, Some("5")), None);
    }
}
