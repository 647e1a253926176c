//! Restarts: what a facilitator forgets when its process ends, and what stays.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use x402_assay_protocol::Version;
use x402_mock_facilitator::faults::{Latency, When};
use x402_mock_facilitator::holds::Point;
use x402_mock_facilitator::{CallStep, Ending, Endpoint, HoldSpec, Match};

use crate::bench::Bench;

/// A call that a hold keeps; it ends with the bytes that came, or how the connection ended.
async fn held(bench: &Arc<Bench>, body: &Value, at: Point) -> tokio::task::JoinHandle<bool> {
    let hold = HoldSpec {
        or_quiet_ms: 30_000,
        at,
        ..HoldSpec::new("told", Endpoint::Settle, 100)
    };
    bench.facilitator.faults().add_hold(hold).unwrap();
    let (address, body) = (bench.url.replace("http://", ""), body.to_string());
    let call = tokio::spawn(async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /settle HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        let end = stream.read_to_end(&mut bytes).await;
        bytes.is_empty() && end.is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionReset)
    });
    let parked = || bench.facilitator.faults().hold("told").unwrap().parked;
    while parked().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    call
}

/// Asked on a fresh connection: those of before are reset.
async fn anew(bench: &Bench, path: &str, body: &Value) -> (u16, Value) {
    let call = reqwest::Client::new().post(format!("{}{path}", bench.url));
    let answer = call.body(body.to_string()).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn last_step(bench: &Bench, call: u64) -> Option<CallStep> {
    let mut events = bench.events();
    events.retain(|event| event.call == call);
    events.pop().map(|event| event.what)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settlement_that_had_not_begun_is_lost_and_can_be_made_again() {
    let bench = Arc::new(Bench::start().await);
    let body = bench.honest(Version::V2);
    let call = held(&bench, &body, Point::Arrival).await;
    assert_eq!(bench.facilitator.restart(Ending::Kill).await, 1);
    assert!(call.await.unwrap(), "its connection is reset");
    assert_eq!(last_step(&bench, 0), Some(CallStep::Cut));
    // The call was met by the hold, which waits for others now.
    let view = bench.facilitator.faults().remove_hold("told").unwrap();
    assert_eq!(
        (view.parked.len(), view.rounds[0].calls.clone()),
        (0, vec![0])
    );
    let (status, answer) = anew(&bench, "/settle", &body).await;
    assert_eq!((status, &answer["success"]), (200, &json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_settled_stays_settled_and_is_not_settled_twice() {
    let bench = Arc::new(Bench::start().await);
    let body = bench.honest(Version::V2);
    let call = held(&bench, &body, Point::Answer).await;
    assert_eq!(bench.facilitator.restart(Ending::Kill).await, 1);
    assert!(call.await.unwrap(), "its connection is reset");
    bench.facilitator.faults().remove_hold("told");
    let (_, answer) = anew(&bench, "/settle", &body).await;
    assert_eq!(answer["success"], false);
    assert_eq!(
        answer["errorReason"],
        "invalid_exact_evm_nonce_already_used"
    );
    let mined = |what: &CallStep| matches!(what, CallStep::Mined { success: true, .. });
    let events = bench.events();
    assert_eq!(events.iter().filter(|event| mined(&event.what)).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_good_order_calls_end_first() {
    let bench = Arc::new(Bench::start().await);
    let body = bench.honest(Version::V2);
    let slow = Latency {
        delay_ms: 300,
        when: When::After,
        jitter_ms: 0,
    };
    let on = Match {
        endpoint: Some(Endpoint::Settle),
        ..Match::default()
    };
    bench.fault("slow", slow, on);
    let sent = {
        let (bench, body) = (Arc::clone(&bench), body.to_string());
        tokio::spawn(async move { bench.send("/settle", body).await })
    };
    while bench.facilitator.calls(Endpoint::Settle) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(bench.facilitator.restart(Ending::Stop).await, 0);
    let (status, answer) = sent.await.unwrap();
    assert_eq!((status, &answer["success"]), (200, &json!(true)));
    // And it is there again, at the same port.
    let (_, answer) = anew(&bench, "/verify", &bench.honest(Version::V2)).await;
    assert_eq!(answer["isValid"], true);
}
