//! The origin contract, start and stop.

use alloy_primitives::Address;
use http::Method;
use serde_json::Value;
use x402_assay_protocol::{Version, network};

use super::super::{MARKER, ReferenceServer, ReferenceServerOptions};
use super::rig::{LOCAL, Rig, granted};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn every_paid_route_is_sold() {
    let rig = Rig::honest().await;
    let routes = [
        "/paid",
        "/generate",
        "/premium",
        "/items/7",
        "/files/a/b.txt",
        "/paid/delay/1",
        "/paid/stream",
    ];
    for path in routes {
        let unpaid = rig.get(path).await;
        assert_eq!((unpaid.status, granted(&unpaid)), (402, false), "{path}");
        let paid = rig.buy(Version::V2, path).await;
        assert_eq!((paid.status, granted(&paid)), (200, true), "{path}");
    }
    assert_eq!(rig.moved().await.len(), routes.len());
    let count = rig.get("/_bench/executions").await;
    assert_eq!(json(&count.text())["count"], routes.len());
    assert_eq!(rig.server.executions(), routes.len() as u64);
}

#[tokio::test]
async fn a_dearer_route_is_not_sold_for_the_price_of_another() {
    let rig = Rig::honest().await;
    for version in [Version::V1, Version::V2] {
        let cheap = rig.sign(version, "/paid").await;
        let refused = rig.pay("/premium", &cheap).await;
        assert_eq!((refused.status, granted(&refused)), (402, false));
        // Nothing was spent: it still buys what it was signed for.
        assert!(granted(&rig.pay("/paid", &cheap).await));
        assert!(granted(&rig.buy(version, "/premium").await));
    }
    let values: Vec<_> = rig.moved().await.iter().map(|moved| moved.2).collect();
    let [paid, premium] = [10_000, 30_000].map(alloy_primitives::U256::from);
    assert_eq!(values, [paid, premium, paid, premium]);
}

#[tokio::test]
async fn handlers_echo_what_they_were_given() {
    let rig = Rig::honest().await;
    let echo = rig.buy(Version::V1, "/generate").await;
    assert_eq!(json(&echo.text())["echo"]["q"], 1);
    assert_eq!(
        json(&rig.buy(Version::V2, "/items/7").await.text())["item"],
        "7"
    );
    assert_eq!(
        json(&rig.buy(Version::V2, "/files/a/b").await.text())["file"],
        "a/b"
    );
    let created = rig.buy(Version::V2, "/paid/status/201").await;
    assert_eq!((created.status, granted(&created)), (201, true));
    let odd = rig.buy(Version::V2, "/paid/status/99").await;
    assert_eq!(odd.status, 400);
    assert_eq!(rig.buy(Version::V2, "/paid/delay/999999").await.status, 400);
    assert_eq!(rig.buy(Version::V2, "/paid/status/204").await.status, 204);
}

#[tokio::test]
async fn a_body_that_is_no_json_is_not_charged() {
    let rig = Rig::honest().await;
    let payment = rig.sign(Version::V2, "/generate").await;
    let broken = rig.paying("/generate", &payment).with_body("{");
    assert_eq!(rig.send(broken).await.status, 400);
    assert_eq!(rig.settles(), 0);
    let large = rig
        .paying("/generate", &payment)
        .with_body(vec![b' '; 2 << 20]);
    assert_eq!(rig.send(large).await.status, 413);
    assert_eq!(rig.pay("/generate", &payment).await.status, 200);
}

#[tokio::test]
async fn what_is_free_stays_free_and_the_rest_is_not_there() {
    let rig = Rig::honest().await;
    assert_eq!(rig.get("/health").await.status, 200);
    for path in ["/nothing", "/PAID", "/paid/", "/%70aid", "//paid"] {
        let response = rig.get(path).await;
        assert_eq!(
            (response.status, granted(&response)),
            (404, false),
            "{path}"
        );
    }
    let mut head = rig.request("/paid");
    head.method = Method::HEAD;
    assert_eq!(rig.send(head).await.status, 402);
    let mut post = rig.request("/paid");
    post.method = Method::POST;
    assert_eq!(rig.send(post).await.status, 405);
    assert_eq!(rig.server.executions(), 0);
    assert!(!rig.get("/health").await.text().contains(MARKER));
}

#[tokio::test]
async fn the_resource_is_named_as_the_client_knows_it() {
    let rig = Rig::honest().await;
    let request = rig
        .request("/paid")
        .with_header("Host", "shop.example:8443");
    let read = crate::client::read(Version::V2, &rig.send(request).await).unwrap();
    let url = read.challenge.resource_url.unwrap();
    assert_eq!(url, "http://shop.example:8443/paid");
}

#[tokio::test]
async fn it_stops_and_frees_its_port() {
    let rig = Rig::honest().await;
    let (addr, request) = (rig.server.addr(), rig.request("/health"));
    assert_eq!(rig.send(request.clone()).await.status, 200);
    rig.server.stop().await;
    tokio::net::TcpListener::bind(addr)
        .await
        .expect("the port is free again");
}

#[tokio::test]
async fn impossible_options_are_refused() {
    let arbitrum = network::by_chain_id(42161).unwrap();
    let mut options = ReferenceServerOptions::new("http://127.0.0.1:1", arbitrum, Address::ZERO);
    assert_eq!(options.versions, [Version::V2]);
    let start = async |options: &ReferenceServerOptions, addr| {
        ReferenceServer::start(options.clone(), addr)
            .await
            .map(|_| ())
            .map_err(|e| e.to_string())
    };
    let running = ReferenceServer::start(options.clone(), LOCAL)
        .await
        .unwrap();
    let taken = start(&options, running.addr()).await.unwrap_err();
    assert!(taken.contains(&running.addr().to_string()), "{taken}");
    options.versions = vec![Version::V1];
    let unnamed = start(&options, LOCAL).await.unwrap_err();
    assert_eq!(unnamed, "chain 42161 has no v1 network name; serve v2 only");
    options.versions = vec![];
    assert!(
        start(&options, LOCAL)
            .await
            .unwrap_err()
            .contains("no x402 version")
    );
    options.versions = vec![Version::V2];
    options.facilitator_url = "nowhere".to_owned();
    assert!(
        start(&options, LOCAL)
            .await
            .unwrap_err()
            .contains("\"nowhere\"")
    );
}
