//! CPU time as the operating system counts it.

use std::fs;
use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::time::{ClockId, clock_gettime};

/// Clock ticks a second in `/proc`.
const TICKS: f64 = 100.0;

/// CPU time of this thread.
pub(crate) fn this_thread() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanos)
}

/// Microseconds of CPU that one of `count` calls takes on this thread. What they return is not optimised away.
pub(crate) fn us_each<T>(count: u32, mut call: impl FnMut(u32) -> T) -> f64 {
    let before = this_thread();
    for number in 0..count {
        black_box(call(number));
    }
    (this_thread() - before).as_secs_f64() * 1e6 / f64::from(count)
}

/// CPU seconds of every child that has ended and was waited for.
///
/// # Errors
/// Where there is no `/proc`.
pub(crate) fn ended_children() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat").context("CPU time of children needs /proc")?;
    let after_name = stat.rfind(')').map_or("", |end| &stat[end + 1..]);
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |place: usize| -> Option<f64> { fields.get(place)?.parse().ok() };
    // Fields 16 and 17 of proc(5); the list here begins with the third.
    let ticks = ticks(13).zip(ticks(14)).context("/proc/self/stat is odd")?;
    Ok((ticks.0 + ticks.1) / TICKS)
}
