//! A program and everything it starts, to be ended together.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(super) use self::unix::{EndRequests, Group, end_of, kill_by_leader};
#[cfg(windows)]
pub(super) use self::windows::{EndRequests, Group, end_of, kill_by_leader};
