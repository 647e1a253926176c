//! The control port.

use alloy_primitives::{B256, U256};
use serde_json::{Value, json};
use x402_assay_protocol::Version;
use x402_mock_facilitator::control::{AccountNonces, Balance, Health, Records, State};
use x402_mock_facilitator::event::TransactionRecord;
use x402_mock_facilitator::{CallStep, CallTally, EventPage, LedgerKind, Movement, Recording};

use crate::bench::{Bench, CHAIN, PAYEE, PRICE, hash, usdc};

async fn read<T: serde::de::DeserializeOwned>(bench: &Bench, path: &str) -> T {
    let (status, answer) = bench.get(&format!("{}{path}", bench.control)).await;
    assert_eq!(status, 200, "{path}: {answer}");
    serde_json::from_value(answer).unwrap()
}

#[tokio::test]
async fn health_names_the_service() {
    let bench = Bench::start().await;
    let health: Health = read(&bench, "/health").await;
    assert_eq!(health.service, "x402-assay");
    assert_eq!(health.version, env!("CARGO_PKG_VERSION"));
}

#[tokio::test]
async fn events_are_paged_by_cursor() {
    let bench = Bench::start().await;
    bench.settle(&bench.honest(Version::V2)).await;
    let first: EventPage = read(&bench, "/events?limit=3").await;
    assert_eq!((first.events.len(), first.next, first.dropped), (3, 3, 0));
    let rest: EventPage = read(&bench, "/events?after=3").await;
    assert_eq!((rest.events.len(), rest.next), (1, 4));
    assert!(matches!(
        rest.events[0].what,
        CallStep::Answered { status: 200, .. }
    ));
}

#[tokio::test]
async fn a_long_poll_returns_with_the_first_event() {
    let bench = Bench::start().await;
    let body = bench.honest(Version::V2);
    let (page, _) = tokio::join!(
        read::<EventPage>(&bench, "/events?after=0&wait_ms=30000"),
        bench.verify(&body),
    );
    assert!(!page.events.is_empty());
    assert!(matches!(page.events[0].what, CallStep::Received { .. }));
}

#[tokio::test]
async fn records_show_what_moved_and_stop_at_the_head() {
    let bench = Bench::start().await;
    let answer = bench.settle(&bench.honest(Version::V2)).await;
    let all: Records = read(&bench, &format!("/ledger/{CHAIN}/records")).await;
    assert_eq!((all.head, all.records.len()), (2, 3), "{all:?}");
    let last: Records = read(&bench, &format!("/ledger/{CHAIN}/records?from_block=2")).await;
    assert!(matches!(
        last.records[0].what,
        Movement::AuthorizationUsed { .. }
    ));
    assert!(matches!(
        last.records[1].what,
        Movement::Transfer { to: PAYEE, .. }
    ));
    assert!(
        last.records
            .iter()
            .all(|r| r.transaction == hash(&answer) && r.block == 2)
    );
    let mint: Records = read(&bench, &format!("/ledger/{CHAIN}/records?to_block=1")).await;
    assert_eq!(mint.records.len(), 1);
    for beyond in [
        "from_block=3",
        "from_block=18446744073709551615",
        "from_block=2&to_block=1",
    ] {
        let none: Records = read(&bench, &format!("/ledger/{CHAIN}/records?{beyond}")).await;
        assert_eq!((none.head, none.records), (2, vec![]), "{beyond}");
    }
}

#[tokio::test]
async fn transactions_balances_and_nonces_can_be_asked_for() {
    let bench = Bench::start().await;
    let answer = bench.settle(&bench.honest(Version::V1)).await;
    let path = format!("/ledger/{CHAIN}/transaction/{}", hash(&answer));
    let found: TransactionRecord = read(&bench, &path).await;
    assert!(found.success && found.block == 2 && found.chain_id == CHAIN);
    let path = format!(
        "/ledger/{CHAIN}/balance?asset={}&owner={PAYEE}",
        usdc().usdc
    );
    let balance: Balance = read(&bench, &path).await;
    assert_eq!(balance.balance, U256::from(PRICE).to_string());
    let nonces: AccountNonces = read(&bench, &format!("/ledger/{CHAIN}/nonces")).await;
    assert_eq!((nonces.nonces.len(), nonces.nonces[0].nonce), (1, 1));
    let signer = nonces.nonces[0].signer;
    let path = format!("/ledger/{CHAIN}/nonces?of={signer},{signer}");
    let named: AccountNonces = read(&bench, &path).await;
    assert_eq!(named, nonces, "each account once");
}

#[tokio::test]
async fn state_counts_the_calls() {
    let bench = Bench::start().await;
    let body = bench.honest(Version::V2);
    bench.verify(&body).await;
    bench.verify(&body).await;
    bench.settle(&body).await;
    bench.get(&format!("{}/supported", bench.url)).await;
    let state: State = read(&bench, "/state").await;
    assert_eq!(state.networks[0].chain_id, CHAIN);
    assert_eq!(state.networks[0].kind, LedgerKind::Memory);
    assert_eq!(
        (
            state.calls.verify,
            state.calls.settle,
            state.calls.supported
        ),
        (2, 1, 1)
    );
    assert_eq!((state.events, state.events_dropped), (10, 0));
    assert_eq!(state.signers.len(), 1);
}

#[tokio::test]
async fn mistakes_are_answered_in_json() {
    let bench = Bench::start().await;
    let unknown = format!("/ledger/{CHAIN}/transaction/{}", B256::ZERO);
    for (path, status) in [
        (unknown.as_str(), 404),
        ("/ledger/1/records", 404),
        ("/ledger/x/records", 400),
        ("/ledger/84532/transaction/0x12", 400),
        ("/ledger/84532/balance?asset=1", 400),
        ("/ledger/84532/nonces?of=0x12", 400),
        ("/ledger/84532/nonces?off=1", 400),
        ("/events?after=-1", 400),
        ("/events?since=1", 400),
    ] {
        let (found, answer): (u16, Value) = bench.get(&format!("{}{path}", bench.control)).await;
        assert_eq!(found, status, "{path}: {answer}");
        assert!(answer["error"].is_string(), "{path}: {answer}");
    }
    assert_eq!(
        bench
            .get(&format!("{}/events?wait_ms=0", bench.control))
            .await
            .1["next"],
        json!(0)
    );
}

#[tokio::test]
async fn a_light_recording_counts_and_keeps_nothing() {
    let bench = Bench::start().await;
    let record = async |what: &str| {
        let url = format!("{}/recording", bench.control);
        let answer = bench.client.put(url).json(&json!({ "recording": what }));
        let tally: CallTally = answer.send().await.unwrap().json().await.unwrap();
        tally
    };
    bench.verify(&bench.honest(Version::V2)).await;
    let before: State = read(&bench, "/state").await;
    assert_eq!(record("light").await.recording, Recording::Light);
    let body = bench.honest(Version::V2);
    bench.verify(&body).await;
    bench.settle(&body).await;
    bench.settle(&body).await;
    let tally: CallTally = read(&bench, "/recording").await;
    assert_eq!(
        (tally.open, tally.verify.answered, tally.settle.answered),
        (0, 1, 2)
    );
    assert_eq!(
        (tally.broadcast, tally.mined, tally.mining.count),
        (1, 1, 1)
    );
    assert!(!tally.settle.times.hdr.is_empty());
    let after: State = read(&bench, "/state").await;
    assert_eq!(after.events, before.events);
    // Back to everything, from where it was left.
    assert_eq!(record("full").await.recording, Recording::Full);
    bench.verify(&bench.honest(Version::V2)).await;
    let page: EventPage = read(&bench, &format!("/events?after={}", before.events)).await;
    assert_eq!((page.events.len(), page.dropped), (2, 0));
    assert_eq!(page.events[0].seq, before.events);
}
