//! A process group: ask, wait, kill.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{
    Pid, Signal, WaitOptions, kill_process_group, test_kill_process_group, waitpgid,
};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::signal::unix::{Signal as SignalStream, SignalKind, signal};

use crate::guard::lifeline::ChildEnd;

/// How often a group that was asked to end is looked at.
const POLL: Duration = Duration::from_millis(10);

/// How long we watch a killed group go; longer only in uninterruptible sleep.
const AFTER_KILL: Duration = Duration::from_secs(2);

/// A program that leads a process group.
pub(in crate::guard) struct Group {
    child: Child,
    id: Pid,
}

impl Group {
    /// Makes this process the guard of what it will start: Ctrl-C in the terminal is for the bench to handle, not for
    /// us; and orphans of the program come to us, so that they can be reaped.
    pub(in crate::guard) fn prepare() {
        // Fails only for a session leader, which is in a group of its own already.
        let _ = rustix::process::setpgid(None, None);
        #[cfg(target_os = "linux")]
        let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    }

    /// Starts the program.
    pub(in crate::guard) fn spawn(mut command: Command) -> io::Result<Self> {
        let child = command.process_group(0).spawn()?;
        let id = child.id().and_then(group_of);
        let id = id.ok_or_else(|| io::Error::other("the program has no process id"))?;
        Ok(Self { child, id })
    }

    /// Process id of the program, which is its group's id as well.
    pub(in crate::guard) fn pid(&self) -> u32 {
        self.id.as_raw_nonzero().get().unsigned_abs()
    }

    /// Standard output and error of the program, where they are piped.
    pub(in crate::guard) fn output(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.child.stdout.take(), self.child.stderr.take())
    }

    /// Waits for the program, not for what it started.
    pub(in crate::guard) async fn wait(&mut self) -> Option<ExitStatus> {
        self.child.wait().await.ok()
    }

    /// Ends the program: a request to its group, the kill after `grace`.
    pub(in crate::guard) async fn end(&mut self, grace: Duration) -> Option<ExitStatus> {
        if !grace.is_zero() {
            self.signal(Signal::TERM);
            if let Ok(status) = tokio::time::timeout(grace, self.wait()).await {
                return status;
            }
        }
        self.signal(Signal::KILL);
        self.wait().await
    }

    /// Ends what is left of the group when its program has been waited for.
    pub(in crate::guard) async fn sweep(&mut self, grace: Duration) {
        if !grace.is_zero() && alive(self.id) {
            self.signal(Signal::TERM);
            wait_gone(self.id, grace).await;
        }
        if alive(self.id) {
            self.signal(Signal::KILL);
            wait_gone(self.id, AFTER_KILL).await;
        }
    }

    fn signal(&self, signal: Signal) {
        signal_group(self.id, signal);
    }
}

/// Kills a group whose guard is gone.
pub(in crate::guard) fn kill_by_leader(pid: u32) {
    if let Some(group) = group_of(pid) {
        signal_group(group, Signal::KILL);
    }
}

/// How a program ended.
pub(in crate::guard) fn end_of(status: ExitStatus) -> ChildEnd {
    match (status.code(), status.signal()) {
        (Some(code), _) => ChildEnd::Exited(code),
        (None, Some(signal)) => ChildEnd::Signalled(signal),
        (None, None) => ChildEnd::GuardLost,
    }
}

fn group_of(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

/// Sends a signal to every process of the group; a group already gone is fine.
fn signal_group(group: Pid, signal: Signal) {
    // The only failure that can happen is that nobody is left.
    let _ = kill_process_group(group, signal);
}

async fn wait_gone(group: Pid, limit: Duration) {
    let gone = async {
        while alive(group) {
            tokio::time::sleep(POLL).await;
        }
    };
    // Whoever still lives after the limit is the caller's next step.
    let _ = tokio::time::timeout(limit, gone).await;
}

/// Whether the group has a living member. Orphans of the group are ours to reap, since the guard
/// is their subreaper where the system knows such a thing; a zombie would count as alive.
fn alive(group: Pid) -> bool {
    while let Ok(Some(_)) = waitpgid(group, WaitOptions::NOHANG) {}
    test_kill_process_group(group).is_ok()
}

/// The signals that ask a guard to end.
pub(in crate::guard) struct EndRequests {
    terminate: SignalStream,
    interrupt: SignalStream,
    hang_up: SignalStream,
}

impl EndRequests {
    /// From here on they do not end this process.
    pub(in crate::guard) fn install() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for one.
    pub(in crate::guard) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}
