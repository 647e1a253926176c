//! Windows.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::windows::io::AsHandle as _;
use std::os::windows::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tokio::signal::windows::{ctrl_break, ctrl_close, ctrl_shutdown};

use super::Shell;

/// What the names of programs end with.
pub(crate) const ENDINGS: [&str; 2] = [".exe", ".cmd"];

/// `CREATE_NEW_PROCESS_GROUP`: Ctrl-C in our console does not reach it.
const NEW_GROUP: u32 = 0x0000_0200;
/// `DETACHED_PROCESS`: it has no console, and ours may go.
const DETACHED: u32 = 0x0000_0008;

/// True for a file; its ending says whether it may be run.
pub(crate) fn is_executable(path: &Path) -> bool {
    path.is_file()
}

/// The process gets a group of its own: Ctrl-C in our console is not for it.
pub(crate) fn own_group(command: &mut Command) {
    command.creation_flags(NEW_GROUP);
}

/// The process outlives us and our console.
pub(crate) fn left_behind(command: &mut Command) {
    command.creation_flags(NEW_GROUP | DETACHED);
}

/// A command line with arguments behind it, for `cmd`.
pub(crate) fn shell(command: &str, args: &[String]) -> Shell {
    let mut line = command.to_owned();
    for arg in args {
        line.push_str(" \"");
        line.push_str(arg);
        line.push('"');
    }
    Shell {
        program: "cmd.exe",
        args: ["/d", "/s", "/c"].map(str::to_owned).to_vec(),
        // It takes the outermost quotes away and the rest as it stands.
        raw: Some(format!("\"{line}\"")),
    }
}

/// Adds to the command line as it is: `cmd` has rules of its own for quotes.
pub(crate) fn raw_arg(command: &mut tokio::process::Command, text: &OsStr) {
    command.raw_arg(text);
}

/// Waits until somebody asks this process to end, other than by Ctrl-C.
pub(crate) async fn asked_to_end() {
    let (Ok(mut broken), Ok(mut closed), Ok(mut shut_down)) =
        (ctrl_break(), ctrl_close(), ctrl_shutdown())
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = broken.recv() => {}
        _ = closed.recv() => {}
        _ = shut_down.recv() => {}
    }
}

/// Standard output. Here it stays what it is for everybody else too: whoever reads it must bear other lines in it.
pub(crate) fn take_stdout() -> io::Result<File> {
    let out = io::stdout().as_handle().try_clone_to_owned()?;
    Ok(File::from(out))
}

/// CPU time of the thread that asks: not told here.
pub(crate) const fn thread_cpu() -> Option<Duration> {
    None
}

/// CPU time of this process: not told here.
pub(crate) const fn process_cpu() -> Option<Duration> {
    None
}

/// Handles this process may open, now and at most: there is no limit that matters.
pub(crate) const fn descriptors() -> (Option<u64>, Option<u64>) {
    (None, None)
}

/// Nothing has to be allowed.
pub(crate) const fn allow_descriptors(_: u64) -> io::Result<()> {
    Ok(())
}
