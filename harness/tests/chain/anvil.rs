//! Starting, watching and ending Anvil.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use alloy_primitives::U256;
use alloy_provider::Provider;
use alloy_provider::ext::AnvilApi;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use x402_assay::chain::{
    AnvilChain, AnvilConfig, AnvilError, AssayToken, TokenSpec, connect, place_helpers,
};
use x402_assay_protocol::network;

use crate::provision::executable;
use crate::support::chain::{anvil_binary, guard_exe, start_anvil};

const PATIENCE: Duration = Duration::from_secs(20);

fn pid(raw: u32) -> Pid {
    Pid::from_raw(i32::try_from(raw).unwrap()).unwrap()
}

async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(
            Instant::now() < deadline,
            "still not true after {PATIENCE:?}: {what}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_chain_has_the_asked_id_and_leaves_with_its_handle() {
    let Some(chain) = start_anvil(8453).await else {
        return;
    };
    assert!(chain.is_alive());
    let provider = connect(chain.endpoint());
    assert_eq!(provider.get_chain_id().await.unwrap(), 8453);
    let block = provider
        .get_block_by_number(0.into())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(block.header.gas_limit, 16_000_000_000);
    let anvil = pid(chain.pid());
    drop(chain);
    eventually("anvil is gone", || test_kill_process(anvil).is_err()).await;
}

#[tokio::test]
async fn stop_waits_until_it_is_gone() {
    let Some(chain) = start_anvil(84532).await else {
        return;
    };
    let anvil = pid(chain.pid());
    chain.stop().await;
    assert!(test_kill_process(anvil).is_err());
}

#[tokio::test]
async fn its_death_is_noticed() {
    let Some(chain) = start_anvil(84532).await else {
        return;
    };
    kill_process(pid(chain.pid()), Signal::KILL).unwrap();
    let mut status = chain.status();
    tokio::time::timeout(PATIENCE, status.wait_for(|s| s.end.is_some()))
        .await
        .unwrap()
        .unwrap();
    assert!(!chain.is_alive());
}

/// Alloy drops Anvil's output once it listens; a node that logs must survive that.
#[tokio::test]
async fn a_talkative_node_survives_its_dropped_output() {
    let Some(chain) = start_anvil(84532).await else {
        return;
    };
    let provider = connect(chain.endpoint());
    provider.anvil_set_logging(true).await.unwrap();
    for _ in 0..2_000 {
        provider.get_block_number().await.unwrap();
    }
    assert!(chain.is_alive());
}

#[tokio::test]
async fn blocks_come_by_themselves_with_a_block_time() {
    let Some(binary) = anvil_binary().await else {
        return;
    };
    let mut config = AnvilConfig::new(binary, guard_exe(), 84532);
    config.block_time = Some(Duration::from_secs(1));
    let chain = AnvilChain::start(&config).await.unwrap();
    let provider = connect(chain.endpoint());
    let deadline = Instant::now() + PATIENCE;
    while provider.get_block_number().await.unwrap() == 0 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Set-up does not wait for the interval.
    let spec = TokenSpec::usdc(network::by_chain_id(84532).unwrap());
    let token = AssayToken::place(&provider, spec).await.unwrap();
    token.mint(token.spec().asset, U256::from(1)).await.unwrap();
}

#[tokio::test]
async fn chain_and_token_are_up_quickly() {
    if anvil_binary().await.is_none() {
        return;
    }
    let begin = Instant::now();
    let chain = start_anvil(84532).await.unwrap();
    let started = begin.elapsed();
    let provider = connect(chain.endpoint());
    place_helpers(&provider).await.unwrap();
    let spec = TokenSpec::usdc(network::by_chain_id(84532).unwrap());
    AssayToken::place(&provider, spec).await.unwrap();
    println!("anvil {started:?}, with token {:?}", begin.elapsed());
    assert!(
        begin.elapsed() < Duration::from_secs(10),
        "{:?}",
        begin.elapsed()
    );
}

#[tokio::test]
async fn an_anvil_that_dies_at_once_says_why_without_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let broken = dir.path().join("anvil");
    executable(
        &broken,
        "#!/bin/sh\n[ \"$1\" = --version ] && { echo 'anvil Version: 0.1'; exit; }\n\
         echo \"error: unexpected argument '--prune-history'\" >&2\nexit 2\n",
    );
    let begin = Instant::now();
    let config = AnvilConfig::new(&broken, guard_exe(), 1);
    let error = AnvilChain::start(&config).await.unwrap_err();
    assert!(
        begin.elapsed() < Duration::from_secs(8),
        "alloy alone takes its whole time-out"
    );
    assert!(matches!(error, AnvilError::Start { .. }));
    let text = error.to_string();
    for part in [
        "exited with code 2",
        "unexpected argument",
        "anvil Version: 0.1",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
}

#[tokio::test]
async fn a_binary_that_cannot_run_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let config = AnvilConfig::new(dir.path().join("none"), guard_exe(), 1);
    let text = AnvilChain::start(&config).await.unwrap_err().to_string();
    assert!(text.contains("No such file"), "{text}");
}

#[tokio::test]
async fn an_abandoned_start_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let (mute, note) = (dir.path().join("anvil"), dir.path().join("pid"));
    executable(
        &mute,
        &format!(
            "#!/bin/sh\necho $$ > '{0}.new'\nmv '{0}.new' '{0}'\nexec sleep 1000\n",
            note.display()
        ),
    );
    let config = AnvilConfig::new(&mute, guard_exe(), 1);
    let started = tokio::spawn(async move { AnvilChain::start(&config).await.map(drop) });
    eventually("it runs", || note.exists()).await;
    let running = pid(std::fs::read_to_string(&note)
        .unwrap()
        .trim()
        .parse()
        .unwrap());
    assert!(test_kill_process(running).is_ok());
    started.abort();
    eventually("it is gone", || test_kill_process(running).is_err()).await;
}

/// Set in the process that plays the bench in [`kill_9_of_the_bench_ends_anvil`].
const PLAY_BENCH: &str = "CHAIN_TEST_PLAY_BENCH";

#[tokio::test]
async fn kill_9_of_the_bench_ends_anvil() {
    if anvil_binary().await.is_none() {
        return;
    }
    // This very test program again; its `bench_player` then holds a chain.
    let mut bench = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "anvil::bench_player", "--nocapture"])
        .env(PLAY_BENCH, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(bench.stdout.take().unwrap()).lines();
    let anvil = output.find_map(|line| line.unwrap().strip_prefix("anvil ")?.parse().ok());
    let anvil = pid(anvil.expect("the player prints a pid"));
    assert!(test_kill_process(anvil).is_ok(), "alive before the kill");
    bench.kill().unwrap();
    bench.wait().unwrap();
    eventually("anvil is gone", || test_kill_process(anvil).is_err()).await;
}

/// Not a test by itself: the process that gets killed.
#[tokio::test]
async fn bench_player() {
    if std::env::var_os(PLAY_BENCH).is_none() {
        return;
    }
    let chain = start_anvil(84532).await.unwrap();
    println!("\nanvil {}", chain.pid());
    // Ends only when the test that started us does.
    let _ = std::io::stdin().read(&mut [0]);
}
