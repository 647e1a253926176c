//! Faults that do not answer: resets, hangs, outages.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use x402_assay_protocol::Version;
use x402_mock_facilitator::faults::{Hang, Moment, Outage, Reset, When};
use x402_mock_facilitator::{CallStep, Endpoint, Match};

use crate::bench::Bench;

fn on(endpoint: Endpoint) -> Match {
    Match {
        endpoint: Some(endpoint),
        ..Match::default()
    }
}

fn steps(bench: &Bench) -> Vec<&'static str> {
    let name = |what: CallStep| match what {
        CallStep::Received { .. } => "received",
        CallStep::Broadcast { .. } => "broadcast",
        CallStep::Mined { .. } => "mined",
        CallStep::Answered { .. } => "answered",
        CallStep::Cut => "cut",
        CallStep::Fault { .. } => "fault",
        CallStep::Held { .. } => "held",
        CallStep::Released { .. } => "released",
    };
    bench.events().into_iter().map(|e| name(e.what)).collect()
}

/// Sends a request by hand and reads to the end.
async fn by_hand(bench: &Bench, path: &str, body: &Value) -> (Vec<u8>, std::io::Result<usize>) {
    let address = bench.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let body = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let end = stream.read_to_end(&mut bytes).await;
    (bytes, end)
}

#[tokio::test]
async fn the_connection_is_reset_at_each_moment_and_the_work_is_done_or_not() {
    for (when, expected) in [
        (Moment::Before, vec!["received", "fault", "cut"]),
        (
            Moment::AfterBroadcast,
            vec!["received", "broadcast", "fault", "mined", "cut"],
        ),
        (
            Moment::AfterMined,
            vec!["received", "broadcast", "mined", "fault", "cut"],
        ),
        (
            Moment::BeforeAnswer,
            vec!["received", "broadcast", "mined", "fault", "cut"],
        ),
    ] {
        let bench = Bench::start().await;
        bench.fault("reset", Reset { when }, on(Endpoint::Settle));
        let body = bench.honest(Version::V2);
        let (bytes, end) = by_hand(&bench, "/settle", &body).await;
        assert!(
            bytes.is_empty(),
            "{when:?}: {}",
            String::from_utf8_lossy(&bytes)
        );
        assert_eq!(
            end.unwrap_err().kind(),
            std::io::ErrorKind::ConnectionReset,
            "{when:?}"
        );
        bench.wait_for(|step| *step == CallStep::Cut).await;
        assert_eq!(steps(&bench), expected, "{when:?}");
        let moved = bench.transfers().await.len();
        assert_eq!(moved, usize::from(when != Moment::Before), "{when:?}");
    }
}

#[tokio::test]
async fn a_moment_that_never_comes_resets_nothing() {
    let bench = Bench::start().await;
    let when = Moment::AfterBroadcast;
    bench.fault("reset", Reset { when }, Match::default());
    let body = bench.honest(Version::V2);
    assert_eq!(bench.verify(&body).await["isValid"], true);
    assert!(bench.raw("/settle", &body).await.is_err());
    let again = bench.settle(&body).await;
    assert_eq!(again["errorReason"], "invalid_exact_evm_nonce_already_used");
    let state = bench.facilitator.faults().get("reset").unwrap();
    assert_eq!((state.seen, state.fired), (3, 1));
}

#[tokio::test]
async fn a_body_breaks_off_in_the_middle() {
    let bench = Bench::start().await;
    let when = Moment::MidBody;
    bench.fault("cut", Reset { when }, on(Endpoint::Settle));
    let (bytes, _) = by_hand(&bench, "/settle", &bench.honest(Version::V2)).await;
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(body.starts_with(r#"{"success":true"#), "{text}");
    let declared = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    assert_eq!(
        declared.unwrap().parse::<usize>().unwrap() / 2,
        body.len(),
        "{text}"
    );
    let error = bench.raw("/settle", &bench.honest(Version::V2)).await;
    assert!(error.unwrap().bytes().await.is_err());
    assert_eq!(bench.transfers().await.len(), 2);
}

#[tokio::test]
async fn a_hang_ends_when_the_caller_hangs_up() {
    for (when, moved) in [(When::Before, 0), (When::After, 1)] {
        let bench = Bench::start().await;
        let hang = Hang {
            max_ms: 600_000,
            when,
        };
        bench.fault("hang", hang, on(Endpoint::Settle));
        let body = bench.honest(Version::V2);
        tokio::select! {
            answer = bench.raw("/settle", &body) => panic!("{answer:?}"),
            _ = bench.wait_for(|step| matches!(step, CallStep::Fault { .. })) => {}
        }
        bench.wait_for(|step| *step == CallStep::Cut).await;
        assert_eq!(bench.transfers().await.len(), moved, "{when:?}");
    }
}

#[tokio::test]
async fn a_hang_ends_after_its_longest_time() {
    let bench = Bench::start().await;
    let hang = Hang {
        max_ms: 30,
        when: When::Before,
    };
    bench.fault("hang", hang, Match::default());
    let (bytes, end) = by_hand(&bench, "/verify", &bench.honest(Version::V2)).await;
    assert!(bytes.is_empty() && end.is_err());
    assert_eq!(steps(&bench), ["received", "fault", "cut"]);
}

#[tokio::test]
async fn an_outage_resets_open_connections_and_new_ones_until_it_is_over() {
    let bench = Bench::start().await;
    let body = bench.honest(Version::V2);
    let address = bench.url.strip_prefix("http://").unwrap().to_owned();
    let mut idle = TcpStream::connect(&address).await.unwrap();
    // One answer over it, so that it is surely accepted.
    let ask = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n";
    idle.write_all(ask).await.unwrap();
    assert!(idle.read(&mut [0; 1024]).await.unwrap() > 0);

    bench.fault("outage", Outage {}, Match::default());
    let wait = Duration::from_secs(30);
    let mut rest = Vec::new();
    let end = tokio::time::timeout(wait, idle.read_to_end(&mut rest));
    assert!(end.await.unwrap().is_err(), "an idle connection is reset");
    for path in ["/verify", "/settle", "/supported", "/health"] {
        assert!(bench.raw(path, &body).await.is_err(), "{path}");
    }
    assert_eq!(bench.facilitator.calls(Endpoint::Verify), 0);

    bench.facilitator.faults().remove("outage").unwrap();
    assert_eq!(bench.settle(&body).await["success"], true);
}

#[tokio::test]
async fn an_outage_cuts_what_is_under_way_and_its_work_goes_on() {
    let bench = Bench::start().await;
    let slow = Hang {
        max_ms: 600_000,
        when: When::After,
    };
    bench.fault("slow", slow, on(Endpoint::Settle));
    let body = bench.honest(Version::V2);
    let (answer, _) = tokio::join!(bench.raw("/settle", &body), async {
        bench
            .wait_for(|step| matches!(step, CallStep::Fault { .. }))
            .await;
        bench.fault("outage", Outage {}, Match::default());
    });
    assert!(answer.is_err());
    bench.wait_for(|step| *step == CallStep::Cut).await;
    assert_eq!(bench.transfers().await.len(), 1);
}
