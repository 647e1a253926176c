//! Linux, macOS and their like.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, Timespec, clock_gettime};
use tokio::signal::unix::{SignalKind, signal};

use super::Shell;

/// What the names of programs end with.
pub(crate) const ENDINGS: [&str; 1] = [""];

/// True for a file that may be run.
pub(crate) fn is_executable(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// The process gets a group of its own: Ctrl-C in our terminal is not for it.
pub(crate) fn own_group(command: &mut Command) {
    command.process_group(0);
}

/// The process outlives us and our terminal.
pub(crate) fn left_behind(command: &mut Command) {
    command.process_group(0);
}

/// A command line with arguments behind it, for `sh`.
pub(crate) fn shell(command: &str, args: &[String]) -> Shell {
    let line = match args.is_empty() {
        true => command.to_owned(),
        false => format!("{command} \"$@\""),
    };
    let mut words = vec!["-c".to_owned(), line, "sh".to_owned()];
    words.extend_from_slice(args);
    Shell {
        program: "sh",
        args: words,
        raw: None,
    }
}

/// Adds a last argument as it is, which is what arguments are here.
pub(crate) fn raw_arg(command: &mut tokio::process::Command, text: &OsStr) {
    command.arg(text);
}

/// Waits until somebody asks this process to end, other than by Ctrl-C.
pub(crate) async fn asked_to_end() {
    match signal(SignalKind::terminate()) {
        Ok(mut stream) => {
            stream.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

/// Standard output as it is now; from here on what is printed goes to standard error.
pub(crate) fn take_stdout() -> io::Result<File> {
    let out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok(out)
}

/// CPU time of the thread that asks.
pub(crate) fn thread_cpu() -> Option<Duration> {
    duration(clock_gettime(ClockId::ThreadCPUTime))
}

/// CPU time of this process.
pub(crate) fn process_cpu() -> Option<Duration> {
    duration(clock_gettime(ClockId::ProcessCPUTime))
}

fn duration(time: Timespec) -> Option<Duration> {
    let seconds = u64::try_from(time.tv_sec).ok()?;
    Some(Duration::new(seconds, u32::try_from(time.tv_nsec).ok()?))
}

/// Descriptors this process may open: now, and at most.
pub(crate) fn descriptors() -> (Option<u64>, Option<u64>) {
    let limit = getrlimit(Resource::Nofile);
    (limit.current, limit.maximum)
}

/// Lets this process open so many descriptors.
pub(crate) fn allow_descriptors(wanted: u64) -> io::Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let wanted = Rlimit {
        current: Some(wanted),
        maximum,
    };
    Ok(setrlimit(Resource::Nofile, wanted)?)
}
