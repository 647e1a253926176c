//! Virtual users: whole runs, and what becomes of them when somebody is killed. Counts are asserted, never times.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

use crate::support::assay::command;
use crate::support::load::{all_as_meant, invariant, number};
use crate::support::{Ran, assay};

const COMMON: [&str; 7] = [
    "load",
    "--chain",
    "memory",
    "--users",
    "5",
    "--timeout",
    "60s",
];

/// Ends of one kind of journey.
fn ended(load: &Value, of: &str, class: &str) -> u64 {
    let rows = load["outcomes"].as_array().unwrap();
    let row = rows
        .iter()
        .find(|row| row["of"] == of && row["class"] == class);
    row.map_or(0, |row| number(&row["count"]))
}

async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Processes that a run in the folder started, with their names.
fn processes_of(dir: &Path) -> Vec<(Pid, String)> {
    let marker = dir.to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<i32>() else {
            continue;
        };
        let read = |name| std::fs::read(entry.path().join(name)).unwrap_or_default();
        if String::from_utf8_lossy(&read("environ")).contains(&marker) {
            let name = String::from_utf8_lossy(&read("comm")).trim().to_owned();
            found.extend(Pid::from_raw(pid).map(|pid| (pid, name)));
        }
    }
    found
}

/// The process of the users, once it has told of payments: so many bytes were written.
fn busy_users(dir: &Path) -> Option<Pid> {
    let all = processes_of(dir);
    let (pid, _) = all.into_iter().find(|(_, name)| name == "load-users")?;
    let path = format!("/proc/{}/io", pid.as_raw_nonzero());
    let io = std::fs::read_to_string(path).ok()?;
    let written = io.lines().find_map(|line| line.strip_prefix("wchar: "))?;
    (written.parse::<u64>().ok()? > 30_000).then_some(pid)
}

fn start(dir: &Path) -> Child {
    command(
        dir,
        &[&COMMON[..], &["--for", "5m", "--think", "1ms..5ms"]].concat(),
    )
    .env("ASSAY_TEST_FOLDER", dir)
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .unwrap()
}

async fn end_of(child: Child, dir: tempfile::TempDir) -> Ran {
    let output = tokio::time::timeout(Duration::from_secs(90), child.wait_with_output());
    let output = output.await.unwrap().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        dir,
    }
}

/// Every phase has its histogram, and as many samples as there were payments.
fn phases_are_counted(load: &Value, bought: u64, signed: u64) {
    let phase = |name: &str| {
        let rows = load["latency"].as_array().unwrap();
        let row = rows.iter().find(|row| row["phase"] == name);
        row.unwrap_or_else(|| panic!("no {name}: {rows:?}")).clone()
    };
    assert_eq!(number(&phase("sign")["count"]), signed);
    for name in ["paid_to_headers", "paid_body", "whole_from_send"] {
        assert_eq!(number(&phase(name)["count"]), bought, "{name}");
        assert!(phase(name)["hdr"].as_str().unwrap().starts_with("HIST"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_journey_ends_as_it_is_meant_to_and_the_money_agrees() {
    let ran = assay(
        &[
            &COMMON[..],
            &["--for", "2s", "--think", "5ms..20ms", "--seed", "3"],
            &["--journey", "pay=40,quote=15,browse=15,abandon=15,retry=15"],
        ]
        .concat(),
    )
    .await
    .exits(0);
    let report = ran.report();
    assert_eq!(report["verdict"], "conformant", "{}", ran.said());
    let load = &report["load"];
    assert_eq!(
        (&load["model"], &load["plan"]["arrivals"]),
        (&Value::from("closed"), &Value::Null)
    );
    assert_eq!(number(&load["plan"]["payers"]), 5);
    assert_eq!(load["plan"]["mix"].as_array().unwrap().len(), 5);
    all_as_meant(load);
    // A 402 is what a quote is for, and the free page answers 200.
    let bought = ended(load, "pay", "200") + ended(load, "retry", "200");
    let abandoned = ended(load, "abandon", "abandoned");
    let (quoted, browsed) = (ended(load, "quote", "402"), ended(load, "browse", "200"));
    assert!(
        bought > 0 && abandoned > 0 && quoted > 0 && browsed > 0,
        "{load}"
    );
    let arrivals = &load["arrivals"];
    assert_eq!(
        (number(&arrivals["sent"]), number(&arrivals["completed"])),
        (number(&arrivals["offered"]), number(&arrivals["offered"]))
    );
    assert_eq!(
        number(&arrivals["completed"]),
        bought + abandoned + quoted + browsed
    );
    // Money is the judge: what was bought moved once and was given once; what was abandoned never moved.
    let books = &load["books"];
    assert_eq!(number(&books["authorizations"]), bought + abandoned);
    assert_eq!(
        (number(&books["settled"]), number(&books["granted"])),
        (bought, bought)
    );
    assert_eq!(number(&load["goodput"]), bought);
    for id in ["I1", "I2", "I3", "I4", "I5"] {
        assert_eq!(invariant(&report, id)["verdict"], "pass", "{id}");
    }
    phases_are_counted(load, bought, bought + abandoned);
    let caveats = load["caveats"].to_string();
    assert!(
        caveats.contains("closed model") && caveats.contains("5 virtual users on goose"),
        "{caveats}"
    );
    assert!(caveats.contains("none was sent again"), "{caveats}");
    let history = ran.dir.path().join("x402-assay-report/history.jsonl");
    let history = std::fs::read_to_string(history).unwrap();
    let payments = history
        .lines()
        .filter(|line| line.contains("\"payment\":{\"payer\""));
    assert_eq!(payments.count() as u64, bought + abandoned);
}

#[tokio::test(flavor = "multi_thread")]
async fn thresholds_are_those_of_every_load() {
    let ran = assay(
        &[
            &COMMON[..],
            &["--for", "1s", "--threshold", "p99(paid) < 60s"],
            &["--threshold", "goodput >= 900000/s"],
        ]
        .concat(),
    )
    .await
    .exits(6);
    let report = ran.report();
    let verdicts: Vec<&Value> = report["load"]["thresholds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["verdict"])
        .collect();
    assert_eq!(verdicts, ["held", "missed"], "{}", ran.said());
}

/// Whatever ends the process of the users early, what it told until then is audited.
async fn cut_off(signals: &[Signal], said: &str) {
    let dir = tempfile::tempdir().unwrap();
    let bench = start(dir.path());
    let mut users = None;
    eventually("users pay", || {
        users = busy_users(dir.path());
        users.is_some()
    })
    .await;
    for signal in signals {
        // The second one may find nobody left.
        let _ = kill_process(users.unwrap(), *signal);
    }
    let ran = end_of(bench, dir).await.exits(5);
    let report = ran.report();
    assert_eq!(report["verdict"], "inconclusive", "{}", ran.said());
    let load = &report["load"];
    assert!(load["caveats"].to_string().contains(said), "{load}");
    let books = &load["books"];
    let (signed, settled) = (number(&books["authorizations"]), number(&books["settled"]));
    assert!(settled > 0 && settled <= signed, "{books}");
    // Nobody's payment is unknown, and at most one of each user was still under way.
    assert!(number(&books["granted"]) + 5 >= settled, "{books}");
    assert_eq!(number(&books["unpaid_grants"]), 0);
    assert_eq!(invariant(&report, "I4")["verdict"], "pass", "{report}");
    eventually("nobody is left", || processes_of(ran.dir.path()).is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_of_users_leaves_its_records() {
    cut_off(&[Signal::KILL], "signal 9").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gooses_own_ctrl_c_loses_nothing_either() {
    cut_off(&[Signal::INT, Signal::INT], "virtual users: ").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_the_users_and_leaves_the_report() {
    let dir = tempfile::tempdir().unwrap();
    let bench = start(dir.path());
    eventually("users pay", || busy_users(dir.path()).is_some()).await;
    let pid = Pid::from_raw(bench.id().unwrap().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let ran = end_of(bench, dir).await.exits(130);
    let report = ran.report();
    assert_eq!(report["interrupted"], true);
    let load = &report["load"];
    assert!(number(&load["goodput"]) > 0, "{load}");
    let books = &load["books"];
    assert_eq!(
        number(&books["settled"]),
        number(&books["granted"]),
        "{books}"
    );
    assert!(!load["latency"].as_array().unwrap().is_empty());
    eventually("nobody is left", || processes_of(ran.dir.path()).is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_bench_leaves_no_users_behind() {
    let dir = tempfile::tempdir().unwrap();
    let mut bench = start(dir.path());
    eventually("users pay", || busy_users(dir.path()).is_some()).await;
    bench.kill().await.unwrap();
    eventually("nobody is left", || processes_of(dir.path()).is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_cannot_be_read_is_refused_in_one_line() {
    for (task, said) in [
        ("", "the task: "),
        ("{}\n", "missing field"),
        ("not json\n", "the task: "),
        (&"[".repeat(100_000), "the task: "),
    ] {
        let mut users = Command::new(env!("CARGO_BIN_EXE_x402-assay"))
            .env("X402_ASSAY_LOAD_USERS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stdin = users.stdin.take().unwrap();
        let task = task.to_owned();
        tokio::spawn(async move {
            // It may have seen enough before everything was written.
            let _ = stdin.write_all(task.as_bytes()).await;
        });
        let output = tokio::time::timeout(Duration::from_secs(30), users.wait_with_output());
        let output = output.await.unwrap().unwrap();
        let lines: Vec<Value> = String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0]["event"], "failed");
        assert!(
            lines[0]["why"].as_str().unwrap().contains(said),
            "{lines:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_users_cannot_do_is_refused_with_its_flag() {
    for (args, said) in [
        (&["--users", "0"][..], "`users` is 0"),
        (&["--users", "many"], "--users"),
        (&["--users", "5", "--rate", "5/s"], "--rate"),
        (&["--users", "5", "--mix", "buy=100"], "--mix"),
        (&["--users", "5", "--unpaid"], "--unpaid"),
        (
            &["--users", "5", "--journey", "steal=100"],
            "`steal` is no journey",
        ),
        (&["--users", "5", "--journey", "pay=60"], "--journey"),
        (&["--users", "5", "--think", "soon"], "--think"),
        (&["--journey", "pay=100"], "--users 50"),
        (&["--think", "1s"], "--users 50"),
    ] {
        let args = [&["load", "--chain", "memory"], args].concat();
        let ran = assay(&args).await.exits(2);
        assert!(ran.stderr.contains(said), "{args:?}: {}", ran.said());
    }
}
