//! Journeys against small servers: what is sent, and what the bench is told of it and when.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use goose::config::GooseConfiguration;
use goose::goose::GooseUser;
use serde_json::json;
use x402_assay_protocol::{PayerKey, header};

use super::order::Order;
use super::process::client_builder;
use super::shop::Shop;
use super::visit::{Visitor, Walk};
use super::wire::{Event, Task};
use crate::client::Payer;
use crate::client::testing::offer_v2;
use crate::load::tally::Outcome;
use crate::load::users::Journey;

/// Statuses of the paid answers, in turn; the last one stays.
struct Server {
    url: String,
    paid: Arc<Mutex<Vec<String>>>,
}

async fn serve(statuses: &[u16]) -> Server {
    let paid: Arc<Mutex<Vec<String>>> = Arc::default();
    let (seen, statuses) = (Arc::clone(&paid), statuses.to_vec());
    let challenge = header::encode(&json!({
        "x402Version": 2, "resource": { "url": "http://localhost/paid" }, "accepts": [offer_v2()],
    }));
    let answer = move |request: Request| {
        let payment = request.headers().get("payment-signature").cloned();
        let mut answer = Response::builder();
        match payment {
            _ if request.uri().path() == "/free" => {}
            None => answer = answer.status(402).header("payment-required", &challenge),
            Some(value) => {
                let mut seen = seen.lock().unwrap();
                let status = statuses.get(seen.len()).or(statuses.last()).copied();
                seen.push(value.to_str().unwrap().to_owned());
                answer = answer.status(status.unwrap());
            }
        }
        std::future::ready(answer.body(Body::from("content")).unwrap())
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    Server { url, paid }
}

fn order(server: &Server) -> Order {
    Order::read(Task {
        url: format!("{}/paid", server.url),
        method: "GET".to_owned(),
        headers: Vec::new(),
        body: None,
        free: Some(format!("{}/free", server.url)),
        ca: None,
        insecure: false,
        version: 2,
        chain_id: None,
        keys: vec![PayerKey::derived("load", 1, 0).to_hex()],
        journeys: "pay=100".to_owned(),
        think_ms: (0, 0),
        warm_up_ms: 0,
        length_ms: 1_000,
        timeout_ms: 60_000,
        seed: 1,
        clock_ahead_s: 0,
        marker: None,
    })
    .unwrap()
}

/// Goes one way; gives its end and what the bench was told, the beginning left out.
async fn go(server: &Server, journey: Journey) -> (Outcome, Vec<Event>) {
    let file = tempfile::tempfile().unwrap();
    let shop = Shop::new(order(server), file.try_clone().unwrap());
    shop.begin();
    let words = ["--host", &server.url, "--users", "1", "--no-metrics"];
    let configuration = GooseConfiguration::parse_args_default(&words).unwrap();
    let mut user = GooseUser::single(server.url.parse().unwrap(), &configuration).unwrap();
    let builder = client_builder(&shop.order);
    user.set_client_builder(builder).await.unwrap();
    let visitor = Visitor {
        number: 0,
        payer: Payer::new(shop.order.keys[0].clone()),
    };
    let mut walk = Walk {
        shop: &shop,
        visitor: &visitor,
        visit: shop.depart(journey),
        pause: None,
    };
    let outcome = walk.go(&mut user, journey).await;
    let visit = walk.visit;
    shop.arrive(&visit, &outcome);
    (outcome, told(file))
}

fn told(mut file: File) -> Vec<Event> {
    let mut text = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    let events = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let is_begun = |event: &Event| matches!(event, Event::Begun { .. } | Event::Terms(_));
    events.filter(|event| !is_begun(event)).collect()
}

#[tokio::test]
async fn a_payment_is_told_before_it_is_sent_and_after_it_was_answered() {
    let server = serve(&[200]).await;
    let (outcome, told) = go(&server, Journey::Pay).await;
    assert!(outcome.meant && outcome.good, "{outcome:?}");
    let [Event::Signed(signed), Event::Sold(sold)] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert_eq!((signed.number, signed.sent, sold.number), (0, 1, 0));
    assert_eq!(
        (sold.status, sold.sent, sold.answered, sold.grants),
        (200, 1, 1, 1)
    );
    assert!(sold.done_us > 0);
    assert_eq!(server.paid.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_retry_sends_the_same_payment_until_it_is_taken() {
    let server = serve(&[503, 500, 200]).await;
    let (outcome, told) = go(&server, Journey::Retry).await;
    assert!(outcome.good, "{outcome:?}");
    let paid = server.paid.lock().unwrap().clone();
    assert_eq!(paid.len(), 3);
    assert!(
        paid.iter().all(|value| *value == paid[0]),
        "one authorization"
    );
    let signed = told
        .iter()
        .filter(|event| matches!(event, Event::Signed(_)));
    assert_eq!(signed.count(), 1);
    let Some(Event::Sold(last)) = told.last() else {
        panic!("{told:?}");
    };
    assert_eq!((last.sent, last.answered, last.grants), (3, 3, 1));
}

#[tokio::test]
async fn a_payment_is_not_sent_for_ever_and_pay_sends_it_once() {
    for (journey, times) in [(Journey::Retry, 3), (Journey::Pay, 1)] {
        let server = serve(&[503]).await;
        let (outcome, _) = go(&server, journey).await;
        assert!(!outcome.meant && !outcome.good);
        assert_eq!(outcome.class, "503");
        assert_eq!(server.paid.lock().unwrap().len(), times, "{journey:?}");
    }
}

#[tokio::test]
async fn who_does_not_pay_sends_no_payment() {
    let classes = BTreeMap::from([
        (Journey::Browse, "200"),
        (Journey::Quote, "402"),
        (Journey::Abandon, "abandoned"),
    ]);
    for (journey, class) in classes {
        let server = serve(&[200]).await;
        let (outcome, told) = go(&server, journey).await;
        assert!(outcome.meant && !outcome.good, "{journey:?}: {outcome:?}");
        assert_eq!(outcome.class, class);
        assert!(server.paid.lock().unwrap().is_empty());
        match (journey, told.as_slice()) {
            (Journey::Abandon, [Event::Signed(signed)]) => assert_eq!(signed.sent, 0),
            (Journey::Abandon, other) => panic!("{other:?}"),
            (_, told) => assert!(told.is_empty(), "{told:?}"),
        }
    }
}

#[tokio::test]
async fn nobody_there_is_an_outcome_and_no_panic() {
    let place = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server {
        url: format!("http://{}", place.local_addr().unwrap()),
        paid: Arc::default(),
    };
    drop(place);
    let gone = tokio::time::timeout(Duration::from_secs(60), go(&server, Journey::Pay));
    let (outcome, told) = gone.await.unwrap();
    assert_eq!((outcome.class.as_ref(), outcome.meant), ("refused", false));
    assert!(told.is_empty());
}
