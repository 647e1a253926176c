//! Repeats, replay files, `replay` and the smallest form of a failing case.

use std::path::Path;

use tempfile::TempDir;
use x402_assay::reference_server::{ReferenceServer, ReferenceServerOptions};

use crate::support::assay::{Ran, command};
use crate::support::up::Up;
use crate::support::{assay, assay_in, files_with, shop};

const FILE: &str = "x402-assay-report/replay/eight-copies-1.yaml";

/// Eight payments whose settlement is refused; a server that ignores failed settlements serves them all.
const SCENARIO: &str = "scenario: eight-copies
about: Payments whose settlement is refused buy nothing.
role: server
tags: [copies]
needs: [facilitator, chain]
vary: { copies: [8] }
steps:
  - quote: { as: offer }
  - sign: { offer: offer, count: \"${copies}\", as: payments }
  - facilitator: { on: settle, refuse: insufficient_funds }
  - facilitator: { on: verify, delay: 5ms }
  - send: { payment: payments, as: bought }
  - settle_down
expect:
  - responses: { of: bought, delivered: { at_most: 1 } }
  - transfers: 0
";

/// A folder with the scenario in it.
fn folder() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("eight-copies.yaml"), SCENARIO).unwrap();
    dir
}

async fn run(more: &[&str]) -> Ran {
    let words = [
        "run",
        "eight-copies.yaml",
        "--chain",
        "memory",
        "--seed",
        "7",
    ];
    assay_in(folder(), &[&words, more].concat()).await
}

fn read(dir: &Path, file: &str) -> String {
    std::fs::read_to_string(dir.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_is_made_again_from_its_file_and_not_on_a_mended_server() {
    let ran = run(&["--defect", "settle-ignored"]).await.exits(3);
    let report = ran.report();
    let case = &report["scenarios"][0]["cases"][0];
    assert_eq!(
        case["replay"],
        format!("x402-assay replay {FILE}"),
        "{}",
        ran.said()
    );
    assert!(ran.stdout.contains(FILE), "{}", ran.said());
    let body = read(ran.dir.path(), &FILE.replace(".yaml", ".md"));
    for part in [
        "### Expected",
        "### Observed",
        "### Timeline",
        "### Reproduce",
        FILE,
        "count: 8",
        "**Seed:** 7",
    ] {
        assert!(body.contains(part), "{part}\n{body}");
    }
    let again = assay_in(ran.dir, &["replay", FILE]).await.exits(3);
    assert!(
        again
            .stdout
            .starts_with("reproduced in 1 try: eight-copies, "),
        "{}",
        again.said()
    );
    assert_eq!(again.stdout.lines().count(), 1, "{}", again.said());
    let file = read(again.dir.path(), FILE);
    let mended = file.replace("[\"settle-ignored\"]", "[]");
    assert_ne!(file, mended);
    std::fs::write(again.dir.path().join("mended.yaml"), mended).unwrap();
    let tried = ["replay", "mended.yaml", "--repeat", "2", "--out", "shown"];
    let mended = assay_in(again.dir, &tried).await.exits(0);
    assert!(
        mended.stdout.starts_with("not reproduced in 2 tries"),
        "{}",
        mended.said()
    );
    assert!(mended.dir.path().join("shown/report.json").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_smallest_form_is_looked_for_on_the_target() {
    let ran = run(&["--defect", "settle-ignored", "--minimise"])
        .await
        .exits(3);
    let report = ran.report();
    let least = &report["scenarios"][0]["cases"][0]["minimised"];
    assert_eq!(least["label"], "copies=2", "{}", ran.said());
    assert_eq!(
        least["confirmed"],
        serde_json::json!([3, 3]),
        "{}",
        ran.said()
    );
    let file = read(ran.dir.path(), FILE);
    for gone in ["on: verify", "settle_down", "transfers"] {
        assert!(!file.contains(gone), "{gone}\n{file}");
    }
    // Without the refusal a correct server sells too, so it stays.
    for kept in ["count: 2", "on: settle"] {
        assert!(file.contains(kept), "{kept}\n{file}");
    }
    assert!(ran.stdout.contains("smallest"), "{}", ran.said());
    let again = assay_in(ran.dir, &["replay", FILE]).await.exits(3);
    // What was taken away was not what a correct server stands on.
    let mended = file.replace("[\"settle-ignored\"]", "[]");
    std::fs::write(again.dir.path().join("mended.yaml"), mended).unwrap();
    assay_in(again.dir, &["replay", "mended.yaml"])
        .await
        .exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn repeats_are_counted_and_each_has_its_seed() {
    let ran = run(&["--defect", "settle-ignored", "--repeat", "3"])
        .await
        .exits(3);
    let report = ran.report();
    let repeats = &report["scenarios"][0]["cases"][0]["repeats"];
    assert_eq!(
        (&repeats["ran"], &repeats["with_verdict"]),
        (&3.into(), &3.into())
    );
    let seeds = repeats["seeds"].as_array().unwrap();
    assert_eq!((seeds.len(), &seeds[0]), (3, &7.into()));
    assert!(ran.stdout.contains("in 3 of 3 repeats"), "{}", ran.said());
    let few = assay(&[
        "run",
        "racing-settles",
        "--chain",
        "memory",
        "--cases",
        "1",
        "--repeat",
        "2",
    ]);
    let few = few.await.exits(0);
    let report = few.report();
    let cases = report["scenarios"][0]["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 1);
    assert_eq!(
        (&cases[0]["rounds"], &cases[0]["repeats"]["ran"]),
        (&6.into(), &2.into())
    );
    assert!(!few.dir.path().join("x402-assay-report/replay").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_select_scenarios() {
    let none = run(&["--tag", "nothing-has-it"]).await.exits(4);
    assert!(
        none.stderr.contains("no scenario has such a tag"),
        "{}",
        none.said()
    );
    let listed = assay(&["run", "all", "--tag", "race", "--dry-run"])
        .await
        .exits(0);
    assert!(
        listed.stdout.contains("racing-settles"),
        "{}",
        listed.said()
    );
    assert!(
        !listed.stdout.contains("handler-outcomes"),
        "{}",
        listed.said()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_is_refused_with_line_and_column() {
    let ran = run(&["--defect", "settle-ignored"]).await.exits(3);
    let file = read(ran.dir.path(), FILE);
    let bad = file
        .replace("seed: 7", "seed: seven")
        .replace("{ send:", "{ sned:");
    std::fs::write(ran.dir.path().join("bad.yaml"), &bad).unwrap();
    let refused = assay_in(ran.dir, &["replay", "bad.yaml"]).await.exits(2);
    for part in ["seed: seven", "{ sned:"] {
        let line = bad.lines().position(|line| line.contains(part)).unwrap() + 1;
        assert!(
            refused.stderr.contains(&format!("bad.yaml:{line}:")),
            "{part} {}",
            refused.said()
        );
    }
    let missing = assay_in(refused.dir, &["replay", "missing.yaml"])
        .await
        .exits(2);
    assert!(
        missing.stderr.contains("cannot read the replay file"),
        "{}",
        missing.said()
    );
    let bare = assay_in(missing.dir, &["replay"]).await.exits(2);
    let gone = [
        "replay",
        FILE,
        "--server",
        "http://127.0.0.1:1/paid",
        "--facilitator-port",
        "0",
        "--control-port",
        "0",
        "--rpc-port",
        "0",
    ];
    let unreachable = assay_in(bare.dir, &gone).await.exits(5);
    assert!(
        unreachable.stdout.starts_with("could not run: "),
        "{}",
        unreachable.said()
    );
}

const SECRET: &str = "tok-1a2b3c4d5e-very-secret";

#[tokio::test(flavor = "multi_thread")]
async fn a_server_s_secrets_are_in_no_file_and_a_replay_asks_for_them() {
    let up = Up::start().await;
    let network = x402_assay_protocol::network::by_chain_id(84532).unwrap();
    let payee = alloy_primitives::Address::repeat_byte(0x77);
    let options = ReferenceServerOptions {
        defects: "settle-ignored".parse().unwrap(),
        ..ReferenceServerOptions::new(&up.facilitator, network, payee)
    };
    let server = ReferenceServer::start(options, ([127, 0, 0, 1], 0).into())
        .await
        .unwrap();
    let url = format!("{}/paid", server.url());
    let profiles = tempfile::tempdir().unwrap();
    let profile = profiles.path().join("target.yaml");
    let text = format!(
        "server: {url}\nheaders: {{ Authorization: \"Bearer {SECRET}\" }}\nauth: {{ command: \"echo 'X-Auth: {SECRET}'\" }}\n"
    );
    std::fs::write(&profile, text).unwrap();
    let target = profile.to_str().unwrap();
    let words = [
        "run",
        "eight-copies.yaml",
        "--server",
        target,
        "--attach",
        &up.control,
    ];
    let ran = assay_in(folder(), &words).await.exits(3);
    assert_eq!(
        files_with(ran.dir.path(), SECRET),
        [] as [&str; 0],
        "{}",
        ran.said()
    );
    let file = read(ran.dir.path(), FILE);
    assert!(file.contains("${TARGET_HEADER_AUTHORIZATION}"), "{file}");
    assert!(file.contains("${TARGET_AUTH_COMMAND}"), "{file}");

    let replay = ["replay", FILE, "--attach", &up.control];
    let unset = assay_in(ran.dir, &replay).await.exits(2);
    assert!(
        unset
            .stderr
            .contains("`TARGET_HEADER_AUTHORIZATION` is not set"),
        "{}",
        unset.said()
    );
    let mut again = command(unset.dir.path(), &replay);
    again.env("TARGET_HEADER_AUTHORIZATION", format!("Bearer {SECRET}"));
    again.env("TARGET_AUTH_COMMAND", format!("echo 'X-Auth: {SECRET}'"));
    let output = again.output().await.unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(!said.contains(SECRET), "{said}");

    let good = shop::reference(&up.facilitator).await;
    let other = format!("{}/paid", good.url());
    let mended = ["replay", FILE, "--server", &other, "--attach", &up.control];
    assay_in(unset.dir, &mended).await.exits(0);
    good.stop().await;
    server.stop().await;
}
