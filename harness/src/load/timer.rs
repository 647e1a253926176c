//! Waiting finer than the runtime's own timers, which have steps of a millisecond.

use std::time::{Duration, Instant};

/// A timer of one thread.
#[derive(Debug)]
pub(super) enum Timer {
    /// A timer of the system, on the runtime's own poll.
    #[cfg(target_os = "linux")]
    Fine(fine::Fine),
    /// The runtime's.
    Coarse,
}

impl Timer {
    /// The finest there is; called inside the runtime that will wait.
    pub(super) fn new() -> Self {
        #[cfg(target_os = "linux")]
        match fine::Fine::new() {
            Ok(timer) => return Self::Fine(timer),
            Err(error) => tracing::warn!(%error, "no timerfd: timers have steps of 1 ms"),
        }
        Self::Coarse
    }

    /// Waits until `at`, or a little longer.
    pub(super) async fn until(&self, at: Instant) {
        let left = at.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return tokio::task::yield_now().await;
        }
        match self {
            #[cfg(target_os = "linux")]
            Self::Fine(timer) => {
                if let Err(error) = timer.wait(left).await {
                    tracing::warn!(%error, "timerfd");
                    tokio::time::sleep(left).await;
                }
            }
            Self::Coarse => tokio::time::sleep(left.max(Duration::from_millis(1))).await,
        }
    }
}

#[cfg(target_os = "linux")]
mod fine {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::unix::AsyncFd;

    /// A timerfd that the runtime polls.
    #[derive(Debug)]
    pub(in super::super) struct Fine(AsyncFd<OwnedFd>);

    impl Fine {
        pub(super) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let fd = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            // What is deprecated is safe where the object keeps its descriptor, as an owned one does; the way in its
            // place is an unsafe function, and those are forbidden here.
            #[expect(deprecated, reason = "an owned descriptor stays the same")]
            Ok(Self(AsyncFd::new(fd)?))
        }

        /// Waits once.
        pub(super) async fn wait(&self, left: Duration) -> io::Result<()> {
            let value = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            };
            let once = Itimerspec {
                it_interval: Timespec {
                    tv_sec: 0,
                    tv_nsec: 0,
                },
                it_value: value,
            };
            timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &once)?;
            loop {
                let mut ready = self.0.readable().await?;
                let mut expirations = [0u8; 8];
                let read = ready.try_io(|fd| {
                    rustix::io::read(fd.get_ref(), &mut expirations).map_err(io::Error::from)
                });
                match read {
                    Ok(Ok(_)) => return Ok(()),
                    Ok(Err(error)) => return Err(error),
                    // Woken for nothing.
                    Err(_) => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_never_wakes_early() {
        let timer = Timer::new();
        for wait in [0, 50, 250, 1_500, 3_000] {
            let at = Instant::now() + Duration::from_micros(wait);
            timer.until(at).await;
            assert!(Instant::now() >= at, "{wait} µs");
        }
    }
}
