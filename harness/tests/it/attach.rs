//! `up`, a server, `run`: three terminals, and a second run beside the first.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::support::assay::command;
use crate::support::{assay, assay_in};

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_attach_to_one_up_and_down_ends_it() {
    let dir = tempfile::tempdir().unwrap();
    let args = [
        "up",
        "--chain",
        "memory",
        "--facilitator-port",
        "0",
        "--control-port",
        "0",
        "--rpc-port",
        "0",
        "--env-file",
        "assay.env",
    ];
    let mut up = command(dir.path(), &args)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(up.stdout.take().unwrap()).lines();
    let (mut facilitator, mut control) = (None, None);
    while facilitator.is_none() || control.is_none() {
        let line = tokio::time::timeout(Duration::from_secs(60), lines.next_line()).await;
        let line = line.unwrap().unwrap().expect("up prints its addresses");
        let value = |name: &str| line.strip_prefix(name).map(str::to_owned);
        facilitator = facilitator.or(value("FACILITATOR_URL="));
        control = control.or(value("X402_ASSAY_ATTACH="));
    }
    let (facilitator, control) = (facilitator.unwrap(), control.unwrap());
    let environment = std::fs::read_to_string(dir.path().join("assay.env")).unwrap();
    assert!(environment.contains(&facilitator), "{environment}");

    let server = crate::support::shop::reference(&facilitator).await;
    let paid = format!("{}/paid", server.url());
    let run = ["run", "--server", &paid, "--attach", &control];
    let (first, second) = tokio::join!(assay(&run), assay(&run));
    for ran in [first, second] {
        let ran = ran.exits(0);
        let money = &ran.report()["money"];
        assert!(money["settled"].as_u64().unwrap() > 0, "{money}");
        assert_eq!(money["settled"], money["granted"]);
        assert_eq!(ran.report()["target"]["uses_our_facilitator"], true);
    }
    server.stop().await;

    let ran = assay(&["down", "--control-url", &control]).await.exits(0);
    assert!(ran.stderr.contains("stopped"), "{}", ran.said());
    let status = tokio::time::timeout(Duration::from_secs(20), up.wait())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(status.code(), Some(0));
    assay(&["down", "--control-url", &control]).await.exits(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detached_up_returns_when_it_answers() {
    let dir = tempfile::tempdir().unwrap();
    let args = [
        "up",
        "-d",
        "--wait",
        "--chain",
        "memory",
        "--facilitator-port",
        "0",
        "--control-port",
        "0",
        "--rpc-port",
        "0",
    ];
    let ran = assay_in(dir, &args).await.exits(0);
    let control = ran
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("X402_ASSAY_ATTACH="));
    assay(&["down", "--control-url", control.unwrap()])
        .await
        .exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn attaching_to_nothing_is_a_usage_error() {
    let held = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let control = format!("http://{}", held.local_addr().unwrap());
    drop(held);
    let ran = assay(&[
        "run",
        "--server",
        "http://127.0.0.1:1/paid",
        "--attach",
        &control,
    ])
    .await;
    let ran = ran.exits(2);
    assert!(ran.stderr.contains("x402-assay up"), "{}", ran.said());
}
