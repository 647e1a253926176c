//! Ending a process group: ask, wait, kill.

use std::time::Duration;

use rustix::process::{
    Pid, Signal, WaitOptions, kill_process_group, test_kill_process_group, waitpgid,
};

/// How often a group that was asked to end is looked at.
const POLL: Duration = Duration::from_millis(10);

/// How long we watch a killed group go; longer only in uninterruptible sleep.
const AFTER_KILL: Duration = Duration::from_secs(2);

/// Sends a signal to every process of the group; a group already gone is fine.
pub(super) fn signal_group(group: Pid, signal: Signal) {
    // The only failure that can happen is that nobody is left.
    let _ = kill_process_group(group, signal);
}

/// Ends what is left of a group whose leader has been waited for.
pub(super) async fn sweep(group: Pid, grace: Duration) {
    if !grace.is_zero() && alive(group) {
        signal_group(group, Signal::TERM);
        wait_gone(group, grace).await;
    }
    if alive(group) {
        signal_group(group, Signal::KILL);
        wait_gone(group, AFTER_KILL).await;
    }
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
