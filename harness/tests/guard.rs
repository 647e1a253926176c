//! The guard ends what it guards: on request, on drop, when killed, and when we are killed.
#![expect(clippy::unwrap_used, reason = "test helpers fail by panicking")]

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use x402_assay::guard::{ChildEnd, GuardError, GuardedChild, GuardedCommand};

const PATIENCE: Duration = Duration::from_secs(20);

/// Set in the process that plays the bench in [`kill_9_of_the_bench_leaves_no_orphan`].
const PLAY_BENCH: &str = "GUARD_TEST_PLAY_BENCH";

fn guard_exe() -> PathBuf {
    env!("CARGO_BIN_EXE_x402-assay").into()
}

fn pid(raw: u32) -> Pid {
    Pid::from_raw(i32::try_from(raw).unwrap()).unwrap()
}

/// Gone means reaped, or a zombie that only waits for a lazy init process.
fn is_gone(raw: u32) -> bool {
    if test_kill_process(pid(raw)).is_err() {
        return true;
    }
    let stat = std::fs::read_to_string(format!("/proc/{raw}/stat")).unwrap_or_default();
    stat.rsplit(") ")
        .next()
        .is_some_and(|rest| rest.starts_with('Z'))
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(
            Instant::now() < deadline,
            "still not true after {PATIENCE:?}: {what}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A shell that starts a background process, prints its pid, and waits for ever.
async fn shell_with_background_process() -> (GuardedChild, u32) {
    let script = "sleep 1000 & echo $!; wait";
    let child = GuardedCommand::new(guard_exe(), "sh")
        .args(["-c", script])
        .spawn()
        .await
        .unwrap();
    let mut background = None;
    eventually("the shell prints a pid", || {
        background = child.tail().text().trim().parse().ok();
        background.is_some()
    });
    (child, background.unwrap())
}

#[tokio::test]
async fn output_code_arguments_and_environment_pass_through() {
    let dir = tempfile::tempdir().unwrap();
    let child = GuardedCommand::new(guard_exe(), "sh")
        .args([
            "-c",
            "echo \"$1 $WORD\"; pwd; env | grep -c X402_ASSAY_GUARD >&2; exit 7",
            "sh",
        ])
        .arg("a b")
        .env("WORD", "w")
        .current_dir(dir.path())
        .spawn()
        .await
        .unwrap();
    assert_eq!(child.wait().await, ChildEnd::Exited(7));
    assert_eq!(child.try_wait(), Some(ChildEnd::Exited(7)));
    let lines = child.tail().lines();
    assert_eq!(
        lines.len(),
        3,
        "all output is there after the wait: {lines:?}"
    );
    assert!(lines.contains(&"a b w".to_owned()), "{lines:?}");
    assert!(
        lines.contains(&dir.path().canonicalize().unwrap().display().to_string()),
        "{lines:?}"
    );
    assert!(
        lines.contains(&"0".to_owned()),
        "guard variables must not leak: {lines:?}"
    );
}

#[tokio::test]
async fn a_missing_program_is_a_typed_error() {
    let error = GuardedCommand::new(guard_exe(), "/no/such/program")
        .spawn()
        .await
        .unwrap_err();
    assert!(matches!(error, GuardError::Program { .. }), "{error}");
    assert!(
        error
            .to_string()
            .starts_with("could not start /no/such/program: "),
        "{error}"
    );
}

#[tokio::test]
async fn a_missing_guard_is_a_typed_error() {
    let error = GuardedCommand::new("/no/such/guard", "true")
        .spawn()
        .await
        .unwrap_err();
    assert!(matches!(error, GuardError::Spawn { .. }), "{error}");
}

#[tokio::test]
async fn drop_ends_the_whole_group() {
    let (child, background) = shell_with_background_process().await;
    let shell = child.pid();
    drop(child);
    eventually("shell and background process are gone", || {
        is_gone(shell) && is_gone(background)
    });
}

#[tokio::test]
async fn stop_asks_first_and_waits_for_the_group() {
    let child = GuardedCommand::new(guard_exe(), "sh")
        .args([
            "-c",
            "trap 'echo asked; exit 5' TERM; echo ready; while :; do sleep 0.01; done",
        ])
        .spawn()
        .await
        .unwrap();
    eventually("the trap is set", || child.tail().text().contains("ready"));
    assert_eq!(child.stop(PATIENCE).await.unwrap(), ChildEnd::Exited(5));
    assert!(child.tail().text().contains("asked"));
    assert!(is_gone(child.pid()));
}

#[tokio::test]
async fn a_deaf_program_is_killed_after_the_grace() {
    let child = GuardedCommand::new(guard_exe(), "sh")
        .args([
            "-c",
            "trap '' TERM; echo ready; while :; do sleep 0.01; done",
        ])
        .spawn()
        .await
        .unwrap();
    eventually("the trap is set", || child.tail().text().contains("ready"));
    let end = child.stop(Duration::from_millis(100)).await.unwrap();
    assert_eq!(end, ChildEnd::Signalled(9));
    assert!(is_gone(child.pid()));
}

#[tokio::test]
async fn what_the_program_leaves_behind_is_ended_with_it() {
    let child = GuardedCommand::new(guard_exe(), "sh")
        .args(["-c", "sleep 1000 & echo $!"])
        .spawn()
        .await
        .unwrap();
    assert_eq!(child.wait().await, ChildEnd::Exited(0));
    assert!(is_gone(child.tail().text().trim().parse().unwrap()));
}

#[tokio::test]
async fn kill_9_of_the_guard_still_ends_the_group() {
    let (child, background) = shell_with_background_process().await;
    kill_process(parent_of(child.pid()), Signal::KILL).unwrap();
    assert_eq!(child.wait().await, ChildEnd::GuardLost);
    eventually("the group is gone", || {
        is_gone(child.pid()) && is_gone(background)
    });
}

#[tokio::test]
async fn sigterm_to_the_guard_ends_the_group() {
    let (child, background) = shell_with_background_process().await;
    kill_process(parent_of(child.pid()), Signal::TERM).unwrap();
    assert_eq!(child.wait().await, ChildEnd::Signalled(15));
    assert!(is_gone(child.pid()) && is_gone(background));
}

#[test]
fn a_guard_without_a_bench_runs_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let dir = tempfile::tempdir().unwrap();
    let witness = dir.path().join("ran");
    let status = Command::new(guard_exe())
        .arg(&witness)
        .env("X402_ASSAY_GUARD_PROGRAM", "touch")
        .env("X402_ASSAY_GUARD_LIFELINE", format!("{address}/token"))
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(125));
    assert!(!witness.exists());
}

#[test]
fn kill_9_of_the_bench_leaves_no_orphan() {
    let mut bench = play_bench();
    let mut output = BufReader::new(bench.stdout.take().unwrap());
    let mut pids = Vec::new();
    while pids.len() < 2 {
        let mut line = String::new();
        assert_ne!(
            output.read_line(&mut line).unwrap(),
            0,
            "the player ended early"
        );
        if let Some(found) = line.split("pids ").nth(1) {
            pids = found
                .split_whitespace()
                .map(|pid| pid.parse().unwrap())
                .collect();
        }
    }
    assert!(
        pids.iter().all(|pid| !is_gone(*pid)),
        "alive before the kill"
    );
    bench.kill().unwrap();
    bench.wait().unwrap();
    eventually("shell and background process are gone", || {
        pids.iter().all(|pid| is_gone(*pid))
    });
}

/// Runs this very test binary again; its [`bench_player`] then holds a guarded child.
fn play_bench() -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "bench_player", "--nocapture"])
        .env(PLAY_BENCH, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Not a test by itself: the process that gets killed.
#[tokio::test]
async fn bench_player() {
    if std::env::var_os(PLAY_BENCH).is_none() {
        return;
    }
    let (child, background) = shell_with_background_process().await;
    println!("\npids {} {background}", child.pid());
    // Ends only when the test that started us does.
    let _ = std::io::stdin().read(&mut [0]);
}

fn parent_of(raw: u32) -> Pid {
    let output = Command::new("ps")
        .args(["-o", "ppid=", "-p", &raw.to_string()])
        .output()
        .unwrap();
    pid(String::from_utf8(output.stdout)
        .unwrap()
        .trim()
        .parse()
        .unwrap())
}
