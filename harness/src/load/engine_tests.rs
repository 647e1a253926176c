//! The engine against targets that answer, hang, reset and talk nonsense. Counts are asserted, never times.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::routing::get;
use http::HeaderValue;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use x402_assay_protocol::Version;
use x402_assay_reports::model::load::{LoadKind, class};

use super::Mix;
use super::connection::{Peer, Template};
use super::engine;
use super::schedule::{Schedule, Spacing, Stretch};
use super::shard::{UNPAID, Work};
use super::tally::{Counts, Tally};

/// An unpaid load of so many arrivals within so many milliseconds, on two shards.
fn work(addr: SocketAddr, arrivals: u32, ms: u64) -> Work {
    let length = Duration::from_millis(ms);
    let rate = f64::from(arrivals) / length.as_secs_f64();
    let stretch = Stretch {
        length,
        from: rate,
        to: rate,
    };
    let host = HeaderValue::try_from(addr.to_string()).unwrap();
    Work {
        desk: None,
        kind: LoadKind::Unpaid,
        peer: Peer { addr, tls: None },
        template: Template::new(
            &http::Method::GET,
            &"/paid".parse().unwrap(),
            &HeaderMap::from_iter([(http::header::HOST, host)]),
            b"",
        ),
        version: Version::V2,
        chain_id: None,
        schedule: Some(Schedule::new(&[stretch], Spacing::Even)),
        length,
        warm_up: Duration::ZERO,
        mix: Mix::default(),
        seed: 1,
        timeout: Duration::from_secs(60),
        grace: Duration::from_secs(60),
        queue: 10_000,
        at_once: 8,
        per_payment: false,
        idempotent: false,
        payers: Vec::new(),
        ahead: false,
        clock_ahead_s: 0,
        marker: None,
        shards: 2,
    }
}

/// Runs it to its end; what all shards counted, and what the ticks told.
async fn run(work: Work) -> (Tally, Counts) {
    let (mut tally, mut ticked) = (Tally::default(), Counts::default());
    let stop = CancellationToken::new();
    let ended = engine::run(Arc::new(work), stop, |tick| ticked.add(&tick.counts)).await;
    for shard in &ended.unwrap().shards {
        tally.add(&shard.tally);
        assert_eq!(shard.sales.len(), 0);
    }
    (tally, ticked)
}

fn classes(tally: &Tally) -> BTreeMap<&str, u64> {
    let classes = tally.outcomes.get(UNPAID).into_iter().flatten();
    classes
        .map(|(class, ends)| (class.as_str(), ends.times.len()))
        .collect()
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    (listener, addr)
}

/// Answers every request with this status and header.
async fn answering(status: StatusCode, header: Option<(&'static str, &'static str)>) -> SocketAddr {
    let (listener, addr) = listener().await;
    let mut headers = HeaderMap::new();
    if let Some((name, value)) = header {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    let router = Router::new().route("/paid", get(async move || (status, headers, "{}")));
    tokio::spawn(async move { axum::serve(listener, router).await });
    addr
}

/// Does this to every connection once a request has come.
async fn raw(reply: Option<&'static [u8]>) -> SocketAddr {
    let (listener, addr) = listener().await;
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0u8; 1024];
            // Whatever comes of it, the client sees what is done next.
            let _ = stream.read(&mut request).await;
            match reply {
                Some(bytes) => {
                    let _ = stream.write_all(bytes).await;
                }
                None => kept.push(stream),
            }
        }
    });
    addr
}

#[tokio::test(flavor = "multi_thread")]
async fn every_arrival_is_sent_once_and_counted_once() {
    let addr = answering(StatusCode::PAYMENT_REQUIRED, None).await;
    let (tally, ticked) = run(work(addr, 200, 400)).await;
    let counts = tally.counts;
    assert_eq!((counts.due, counts.sent, counts.completed), (200, 200, 200));
    assert_eq!((counts.dropped, counts.good, counts.errors), (0, 200, 0));
    assert_eq!(counts.requests, 200);
    assert_eq!(classes(&tally), BTreeMap::from([("402", 200)]));
    // Kept open: far fewer connections than requests.
    assert!(counts.connections <= 16, "{counts:?}");
    assert_eq!(ticked, counts);
}

#[tokio::test(flavor = "multi_thread")]
async fn warm_up_is_sent_and_not_measured() {
    let addr = answering(StatusCode::PAYMENT_REQUIRED, None).await;
    let warm = Work {
        warm_up: Duration::from_millis(200),
        ..work(addr, 200, 400)
    };
    let (tally, ticked) = run(warm).await;
    assert_eq!((tally.counts.due, tally.counts.completed), (100, 100));
    assert_eq!((ticked.due, ticked.completed), (200, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_hangs_times_out_and_the_queue_is_bounded() {
    let addr = raw(None).await;
    let hanging = Work {
        timeout: Duration::from_millis(600),
        at_once: 2,
        queue: 3,
        ..work(addr, 100, 200)
    };
    let (tally, _) = run(hanging).await;
    let counts = tally.counts;
    assert_eq!(counts.due, 100);
    assert_eq!(counts.sent + counts.dropped, 100);
    // Two shards with two connections and three places each, within one time-out.
    assert!(counts.dropped >= 80, "{counts:?}");
    assert!(tally.queue_high_water <= 6);
    assert_eq!(
        classes(&tally),
        BTreeMap::from([(class::TIMEOUT, counts.sent)])
    );
    assert_eq!(counts.errors, counts.sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn resets_and_nonsense_are_outcomes() {
    let addr = raw(Some(b"")).await;
    let (tally, _) = run(work(addr, 20, 100)).await;
    assert_eq!(classes(&tally), BTreeMap::from([(class::RESET, 20)]));
    let addr = raw(Some(b"220 mail.example.org ESMTP\r\n")).await;
    let (tally, _) = run(work(addr, 20, 100)).await;
    assert_eq!(classes(&tally), BTreeMap::from([(class::GARBAGE, 20)]));
    assert_eq!((tally.counts.errors, tally.counts.good), (20, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_at_home_is_an_outcome() {
    let (listener, addr) = listener().await;
    drop(listener);
    let (tally, _) = run(work(addr, 20, 100)).await;
    assert_eq!(classes(&tally), BTreeMap::from([(class::REFUSED, 20)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_asks_for_a_pause_gets_it() {
    let header = Some(("retry-after", "30"));
    let addr = answering(StatusCode::TOO_MANY_REQUESTS, header).await;
    let (tally, _) = run(work(addr, 200, 400)).await;
    let counts = tally.counts;
    assert_eq!(counts.due, 200);
    assert_eq!(counts.sent + counts.dropped, 200);
    assert_eq!(counts.throttled, counts.dropped);
    assert!(counts.throttled > 0 && counts.limited > 0, "{counts:?}");
    assert_eq!(classes(&tally), BTreeMap::from([("429", counts.sent)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unpaid_answer_with_content_is_a_stray_grant() {
    let addr = answering(StatusCode::OK, None).await;
    let (tally, _) = run(work(addr, 10, 50)).await;
    assert_eq!((tally.counts.strays, tally.counts.good), (10, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_loop_sends_the_next_when_the_last_has_ended() {
    let addr = answering(StatusCode::PAYMENT_REQUIRED, None).await;
    let closed = Work {
        schedule: None,
        ..work(addr, 1, 200)
    };
    let (tally, _) = run(closed).await;
    let counts = tally.counts;
    assert!(counts.due >= 16, "{counts:?}");
    assert_eq!((counts.sent, counts.completed), (counts.due, counts.due));
    assert_eq!(tally.in_flight_high_water, 16);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_a_long_run() {
    let addr = answering(StatusCode::PAYMENT_REQUIRED, None).await;
    let stop = CancellationToken::new();
    let mut seconds = 0;
    let long = Arc::new(work(addr, 360_000, 3_600_000));
    let ended = engine::run(long, stop.clone(), |_| {
        seconds += 1;
        stop.cancel();
    });
    let ended = ended.await.unwrap();
    let completed: u64 = ended
        .shards
        .iter()
        .map(|shard| shard.tally.counts.completed)
        .sum();
    assert!(seconds >= 2, "every shard tells its last");
    assert!((1..360_000).contains(&completed), "{completed}");
}
