//! A running guarded child.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::error::GuardError;
use super::lifeline::{ChildEnd, ChildStatus, Lifeline};
use super::tail::LogTail;

/// What the guard may take on top of the grace to end the group and report.
const STOP_MARGIN: Duration = Duration::from_secs(5);

/// How long the rest of an ended child's output may take to be read.
const OUTPUT_WAIT: Duration = Duration::from_secs(1);

/// How long a dropped child's guard may take before it is killed itself.
const REAP_WAIT: Duration = Duration::from_secs(10);

const REAP_POLL: Duration = Duration::from_millis(20);

/// A program under a guard. Dropping it ends the program's whole group, in the background.
#[derive(Debug)]
pub struct GuardedChild {
    guard: Option<Child>,
    lifeline: Lifeline,
    tail: LogTail,
    /// Closed once both outputs have been read to their ends.
    drained: watch::Receiver<()>,
}

impl GuardedChild {
    pub(super) fn new(
        guard: Child,
        lifeline: Lifeline,
        tail: LogTail,
        drained: watch::Receiver<()>,
    ) -> Self {
        Self {
            guard: Some(guard),
            lifeline,
            tail,
            drained,
        }
    }

    /// Waits for the guard's first word on the program.
    pub(super) async fn await_start(
        &self,
        guard: &Path,
        program: &OsStr,
        limit: Duration,
    ) -> Result<(), GuardError> {
        let mut status = self.lifeline.status();
        let first = status.wait_for(|s| s.pid.is_some() || s.failure.is_some() || s.end.is_some());
        let seen = match tokio::time::timeout(limit, first).await {
            Ok(Ok(seen)) => seen.clone(),
            Ok(Err(_)) | Err(_) => {
                return Err(GuardError::Silent {
                    guard: guard.to_owned(),
                    waited: limit,
                });
            }
        };
        let failed = |reason| GuardError::Program {
            program: program.to_string_lossy().into_owned(),
            reason,
        };
        match (seen.pid, seen.failure) {
            (Some(_), _) => Ok(()),
            (None, Some(reason)) => Err(failed(reason)),
            (None, None) => Err(failed("its guard ended at once".to_owned())),
        }
    }

    /// Process id of the program, which is its group's id as well.
    pub fn pid(&self) -> u32 {
        self.lifeline.status().borrow().pid.unwrap_or_default()
    }

    /// The newest lines of stdout and stderr.
    pub fn tail(&self) -> &LogTail {
        &self.tail
    }

    /// A receiver that shows the program's state and can be awaited by anyone.
    pub fn status(&self) -> watch::Receiver<ChildStatus> {
        self.lifeline.status()
    }

    /// How it ended, if it has.
    pub fn try_wait(&self) -> Option<ChildEnd> {
        self.lifeline.status().borrow().end
    }

    /// Waits until the program and its group have ended and all their output is in the tail.
    pub async fn wait(&self) -> ChildEnd {
        let mut status = self.lifeline.status();
        let ended = status.wait_for(|s| s.end.is_some()).await;
        let end = ended.ok().and_then(|s| s.end);
        let mut drained = self.drained.clone();
        // A process that left the group may hold the pipes open: its words do not keep us.
        let _ = tokio::time::timeout(OUTPUT_WAIT, drained.changed()).await;
        end.unwrap_or(ChildEnd::GuardLost)
    }

    /// Ends the group: a request, then the kill after `grace` (zero kills at once).
    pub async fn stop(&self, grace: Duration) -> Result<ChildEnd, GuardError> {
        self.lifeline.request_stop(grace);
        let limit = grace + STOP_MARGIN;
        tokio::time::timeout(limit, self.wait())
            .await
            .map_err(|_| GuardError::Unkillable {
                pid: self.pid(),
                waited: limit,
            })
    }
}

impl Drop for GuardedChild {
    fn drop(&mut self) {
        self.lifeline.close();
        let Some(mut guard) = self.guard.take() else {
            return;
        };
        if matches!(guard.try_wait(), Ok(Some(_))) {
            return;
        }
        // The guard takes up to its grace; nobody waits for that on an async thread. Without a
        // thread the guard ends all the same and stays a zombie until we exit.
        let _ = thread::Builder::new()
            .name("guard reaper".to_owned())
            .spawn(move || {
                let deadline = Instant::now() + REAP_WAIT;
                while Instant::now() < deadline {
                    if !matches!(guard.try_wait(), Ok(None)) {
                        return;
                    }
                    thread::sleep(REAP_POLL);
                }
                let _ = guard.kill();
                let _ = guard.wait();
            });
    }
}
