//! `up`, a server, `run`: three terminals, and a second run beside the first.

use std::time::Duration;

use crate::support::up::Up;
use crate::support::{assay, assay_in};

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_attach_to_one_up_and_down_ends_it() {
    let mut up = Up::start().await;
    let (facilitator, control) = (up.facilitator.clone(), up.control.clone());
    let environment = std::fs::read_to_string(up.dir.path().join("assay.env")).unwrap();
    assert!(environment.contains(&facilitator), "{environment}");

    let server = crate::support::shop::reference(&facilitator).await;
    let paid = format!("{}/paid", server.url());
    let run = ["run", "--server", &paid, "--attach", &control];
    let (first, second) = tokio::join!(assay(&run), assay(&run));
    for ran in [first, second] {
        let ran = ran.exits(0);
        let money = &ran.report()["money"];
        assert!(money["settled"].as_u64().unwrap() > 0, "{money}");
        let count = |name: &str| money[name].as_u64().unwrap();
        let spoilt = count("charged_without_service");
        assert_eq!(count("settled"), count("granted") + spoilt, "{money}");
        assert_eq!(ran.report()["target"]["uses_our_facilitator"], true);
    }
    server.stop().await;

    let ran = assay(&["down", "--control-url", &control]).await.exits(0);
    assert!(ran.stderr.contains("stopped"), "{}", ran.said());
    let status = tokio::time::timeout(Duration::from_secs(20), up.child.wait())
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
