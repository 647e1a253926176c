//! Ctrl-C keeps what ran; `kill -9` leaves nobody behind.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use crate::support::assay::command;
use crate::support::{Ran, shop};

/// Waits until `true`, looking again and again; fails after a deadline.
async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Processes whose command line or environment names the folder: everything a run there started.
fn processes_of(dir: &Path) -> Vec<String> {
    let marker = dir.to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        if pid == std::process::id() {
            continue;
        }
        let read = |name| std::fs::read(entry.path().join(name)).unwrap_or_default();
        let environment = String::from_utf8_lossy(&read("environ")).into_owned();
        if environment.contains(&marker) {
            found.push(String::from_utf8_lossy(&read("cmdline")).replace('\0', " "));
        }
    }
    found
}

async fn first_line_with(child: &mut Child, words: &str) {
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let found = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains(words) {
                return true;
            }
        }
        false
    };
    let found = tokio::time::timeout(Duration::from_secs(60), found)
        .await
        .unwrap();
    assert!(found, "no line with {words:?}");
    // Keep reading, so that the child never blocks on a full pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_mid_run_exits_130_with_the_report_of_what_ran() {
    // The second and every later request is answered after a minute: the run is surely under way.
    let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let seen = count.clone();
    let challenge = shop::challenge(|_| {});
    let answer = move || {
        let (seen, challenge) = (seen.clone(), challenge.clone());
        async move {
            if seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst) > 1 {
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
            axum::response::Response::builder()
                .status(402)
                .header("payment-required", challenge)
                .body(axum::body::Body::empty())
                .unwrap()
        }
    };
    let server = shop::serve(axum::Router::new().fallback(answer)).await;
    let dir = tempfile::tempdir().unwrap();
    let url = format!("{}/paid", server.url);
    let args = [
        "run",
        "--server",
        &url,
        "--chain",
        "memory",
        "--facilitator-port",
        "0",
        "--control-port",
        "0",
        "--rpc-port",
        "0",
        "--patience",
        "300ms",
    ];
    let child = command(dir.path(), &args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = rustix::process::Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap();
    eventually("the run is under way", || {
        count.load(std::sync::atomic::Ordering::SeqCst) > 2
    })
    .await;
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = tokio::time::timeout(Duration::from_secs(30), child.wait_with_output());
    let output = output.await.unwrap().unwrap();
    let ran = Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        dir,
    };
    let ran = ran.exits(130);
    let report = ran.report();
    assert_eq!(report["interrupted"], true);
    let history = ran.dir.path().join("x402-assay-report/history.jsonl");
    let history = std::fs::read_to_string(history).unwrap();
    assert!(
        history.lines().last().unwrap().contains("run_ended"),
        "{history}"
    );
    assert!(history.contains("v2/unpaid"), "what ran is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_leaves_no_anvil_and_no_launched_process() {
    for round in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        // A launched target that never gets ready: the bench waits for it while Anvil runs.
        let args = [
            "run",
            "--server",
            "http://127.0.0.1:{port}/paid",
            "--launch",
            "sleep 300",
        ];
        let mut child = command(dir.path(), &args)
            .env("ASSAY_TEST_FOLDER", dir.path())
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        first_line_with(&mut child, "starting the target").await;
        eventually("anvil and the target run", || {
            let all = processes_of(dir.path());
            // Rounds differ in how far it got: half of them are killed before both are up.
            round % 2 == 1
                || (all.iter().any(|line| line.contains("--prune-history"))
                    && all.iter().any(|line| line.starts_with("sleep 300")))
        })
        .await;
        child.kill().await.unwrap();
        let mut left = Vec::new();
        eventually(&format!("round {round}: {left:?}"), || {
            left = processes_of(dir.path());
            left.is_empty()
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_dies_mid_run_is_inconclusive_and_loses_nothing() {
    // Each challenge takes a while, so that Anvil can be killed between two purchases.
    let dir = tempfile::tempdir().unwrap();
    let mut child = command(dir.path(), &["--timeout", "20s"])
        .env("ASSAY_TEST_FOLDER", dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut anvil = None;
    eventually("anvil is up", || {
        anvil = pid_of(dir.path(), "--prune-history");
        anvil.is_some()
    })
    .await;
    let history = dir.path().join("x402-assay-report/history.jsonl");
    eventually("the first purchase is under way", || {
        std::fs::read_to_string(&history).is_ok_and(|text| text.contains("{\"signed\":"))
    })
    .await;
    rustix::process::kill_process(anvil.unwrap(), rustix::process::Signal::KILL).unwrap();
    let output = tokio::time::timeout(Duration::from_secs(120), child.wait()).await;
    assert_eq!(output.unwrap().unwrap().code(), Some(5));
    let report = std::fs::read_to_string(dir.path().join("x402-assay-report/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["verdict"], "inconclusive");
    assert!(
        report["summary"].as_str().unwrap().contains("chain"),
        "{}",
        report["summary"]
    );
}

/// The native process whose command line holds the words and that is no guard of ours.
fn pid_of(dir: &Path, words: &str) -> Option<rustix::process::Pid> {
    let marker = dir.to_string_lossy().into_owned();
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .find_map(|entry| {
            let pid: i32 = entry.file_name().to_string_lossy().parse().ok()?;
            let read = |name| std::fs::read(entry.path().join(name)).unwrap_or_default();
            let line = String::from_utf8_lossy(&read("cmdline")).replace('\0', " ");
            let ours = String::from_utf8_lossy(&read("environ")).contains(&marker);
            let guard = line.starts_with(env!("CARGO_BIN_EXE_x402-assay"));
            (ours && !guard && line.contains(words)).then(|| rustix::process::Pid::from_raw(pid))?
        })
}
