//! A job object: Windows' own way to end a program together with everything it started.
//!
//! The job ends when the last handle to it is closed, and the guard holds the only one: however the guard ends, nothing
//! is left. Windows knows no request to end that every program understands: a stop is a kill.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use process_wrap::tokio::{ChildWrapper, CommandWrap, JobObject, KillOnDrop};
use tokio::process::{ChildStderr, ChildStdout, Command};

use crate::guard::lifeline::ChildEnd;

/// A program in a job.
pub(in crate::guard) struct Group {
    child: Box<dyn ChildWrapper>,
}

impl Group {
    /// Nothing is to be done before the program is started.
    pub(in crate::guard) const fn prepare() {}

    /// Starts the program; it is in the job before it runs.
    pub(in crate::guard) fn spawn(command: Command) -> io::Result<Self> {
        let mut command = CommandWrap::from(command);
        let child = command.wrap(KillOnDrop).wrap(JobObject).spawn()?;
        Ok(Self { child })
    }

    /// Process id of the program.
    pub(in crate::guard) fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// Standard output and error of the program, where they are piped.
    pub(in crate::guard) fn output(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.child.stdout().take(), self.child.stderr().take())
    }

    /// Waits for the program, not for what it started.
    pub(in crate::guard) async fn wait(&mut self) -> Option<ExitStatus> {
        self.child.inner_mut().wait().await.ok()
    }

    /// Ends the program and what it started.
    pub(in crate::guard) async fn end(&mut self, grace: Duration) -> Option<ExitStatus> {
        self.sweep(grace).await;
        self.wait().await
    }

    /// Ends what is left when the program has been waited for.
    pub(in crate::guard) async fn sweep(&mut self, _grace: Duration) {
        // It fails only where nothing is left.
        let _ = self.child.start_kill();
    }
}

/// Kills a group whose guard is gone: the system has done that.
pub(in crate::guard) const fn kill_by_leader(_pid: u32) {}

/// How a program ended.
pub(in crate::guard) fn end_of(status: ExitStatus) -> ChildEnd {
    status.code().map_or(ChildEnd::GuardLost, ChildEnd::Exited)
}

/// Nobody asks a guard to end here: it is told over its lifeline, or killed.
pub(in crate::guard) struct EndRequests;

impl EndRequests {
    /// There is nothing to install.
    pub(in crate::guard) const fn install() -> io::Result<Self> {
        Ok(Self)
    }

    /// Waits for ever.
    pub(in crate::guard) async fn next(&mut self) {
        std::future::pending().await
    }
}
