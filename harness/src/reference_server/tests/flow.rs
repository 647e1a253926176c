//! The correct server: what is sold, what is refused, what moves.

use alloy_primitives::U256;
use futures_util::future::join_all;
use serde_json::json;
use x402_assay_protocol::Version;
use x402_assay_protocol::header::Encoding;

use super::rig::{PAY_TO, PRICE, Rig, granted, receipt};
use crate::client::{MALFORMED, VARIATIONS, read};

const BOTH: [Version; 2] = [Version::V1, Version::V2];

#[tokio::test]
async fn a_good_payment_buys_once_and_is_settled_once() {
    for version in BOTH {
        let rig = Rig::honest().await;
        let response = rig.buy(version, "/paid").await;
        assert_eq!(response.status, 200, "{}", response.text());
        assert!(granted(&response));
        assert_eq!(
            response.headers.text("cache-control").as_deref(),
            Some("private")
        );
        let receipt = receipt(version, &response).expect("a receipt");
        assert_eq!(receipt.problems, []);
        assert_eq!(receipt.success, Some(true));
        assert_eq!(receipt.payer, Some(rig.payer.address().to_checksum(None)));
        assert!(rig.mined(&receipt.transaction.unwrap()).await);
        let moved = rig.moved().await;
        assert_eq!(moved.len(), 1);
        assert_eq!((moved[0].1, moved[0].2), (PAY_TO, U256::from(PRICE)));
        assert_eq!(
            (rig.verifies(), rig.settles(), rig.server.executions()),
            (1, 1, 1)
        );
    }
}

#[tokio::test]
async fn an_unpaid_request_gets_flawless_challenges_and_runs_nothing() {
    let rig = Rig::honest().await;
    let response = rig.get("/paid").await;
    assert_eq!((response.status, granted(&response)), (402, false));
    assert_eq!(
        response.headers.text("cache-control").as_deref(),
        Some("no-store")
    );
    for version in BOTH {
        let read = read(version, &response).unwrap();
        assert_eq!(read.challenge.problems, [], "{version}");
        assert_ne!(read.encoding, Some(Encoding::UrlSafe));
    }
    assert_eq!((rig.verifies(), rig.server.executions()), (0, 0));
}

#[tokio::test]
async fn the_servers_own_terms_are_forwarded() {
    let rig = Rig::honest().await;
    let (choice, _) = rig.quote(Version::V2, "/paid").await;
    rig.buy(Version::V2, "/paid").await;
    for endpoint in ["verify", "settle"] {
        let body = rig.front.calls(endpoint).remove(0);
        assert_eq!(body["paymentRequirements"], choice.offer.raw);
        assert_eq!(body["x402Version"], 2);
    }
}

#[tokio::test]
async fn every_wrong_payment_is_refused_and_moves_nothing() {
    let rig = Rig::honest().await;
    for variation in VARIATIONS {
        for version in variation.versions {
            let response = rig.cheat(variation.name, *version).await;
            assert_eq!(response.status, 402, "{} {version}", variation.name);
            assert!(!granted(&response), "{} {version}", variation.name);
            let refusal = read(*version, &response).unwrap().challenge;
            assert!(refusal.error.is_some_and(|error| !error.is_empty()));
        }
    }
    assert_eq!(rig.moved().await, []);
    assert_eq!((rig.settles(), rig.server.executions()), (0, 0));
}

#[tokio::test]
async fn every_malformed_header_is_a_400_and_nobody_is_asked() {
    let rig = Rig::honest().await;
    for variation in MALFORMED {
        for version in variation.versions {
            let response = rig.cheat(variation.name, *version).await;
            assert_eq!(response.status, 400, "{} {version}", variation.name);
            assert!(response.text().contains("\"error\""), "{}", response.text());
        }
    }
    assert_eq!(
        (rig.verifies(), rig.settles(), rig.server.executions()),
        (0, 0, 0)
    );
}

#[tokio::test]
async fn odd_headers_are_a_400_too() {
    let rig = Rig::honest().await;
    let payment = rig.sign(Version::V2, "/paid").await;
    let twice = rig
        .paying("/paid", &payment)
        .with_header(payment.header_name, payment.header_value.clone());
    assert_eq!(rig.send(twice).await.status, 400);
    let other_version = rig
        .request("/paid")
        .with_header("X-PAYMENT", payment.header_value.clone());
    assert_eq!(rig.send(other_version).await.status, 400);
    assert_eq!(rig.pay("/paid", &payment).await.status, 200);
}

#[tokio::test]
async fn a_payment_is_good_once() {
    for version in BOTH {
        let rig = Rig::honest().await;
        let payment = rig.sign(version, "/paid").await;
        assert_eq!(rig.pay("/paid", &payment).await.status, 200);
        let again = rig.pay("/paid", &payment).await;
        assert_eq!((again.status, granted(&again)), (409, false));
        let elsewhere = rig.pay("/items/7", &payment).await;
        assert_eq!((elsewhere.status, granted(&elsewhere)), (409, false));
        assert_eq!((rig.moved().await.len(), rig.server.executions()), (1, 1));
    }
}

#[tokio::test]
async fn of_many_copies_at_once_one_buys() {
    let rig = Rig::honest().await;
    let payment = rig.sign(Version::V2, "/paid/delay/50").await;
    let copies = (0..10).map(|_| rig.pay("/paid/delay/50", &payment));
    let statuses: Vec<u16> = join_all(copies).await.iter().map(|r| r.status).collect();
    assert_eq!(
        statuses.iter().filter(|status| **status == 200).count(),
        1,
        "{statuses:?}"
    );
    assert!(
        statuses.iter().all(|status| [200, 409].contains(status)),
        "{statuses:?}"
    );
    assert_eq!((rig.server.executions(), rig.settles()), (1, 1));
    assert_eq!(rig.moved().await.len(), 1);
}

#[tokio::test]
async fn a_failing_handler_costs_nothing_and_burns_nothing() {
    let rig = Rig::honest().await;
    let payment = rig.sign(Version::V2, "/paid/status/500").await;
    let failed = rig.pay("/paid/status/500", &payment).await;
    assert_eq!((failed.status, granted(&failed)), (500, false));
    assert!(receipt(Version::V2, &failed).is_none());
    assert_eq!((rig.settles(), rig.moved().await.len()), (0, 0));
    assert_eq!(rig.pay("/paid", &payment).await.status, 200);
}

#[tokio::test]
async fn a_superset_of_extra_and_unknown_members_still_match() {
    let rig = Rig::honest().await;
    let payment = rig.sign(Version::V2, "/paid").await;
    let mut message = payment.message.clone();
    message["accepted"]["extra"]["more"] = json!(1);
    message["accepted"]["x-more"] = json!(1);
    let value = x402_assay_protocol::header::encode(&message);
    assert_eq!(rig.present(&value).await.status, 200);
}

#[tokio::test]
async fn one_generation_alone_works_and_ignores_the_other() {
    for (version, other) in [(Version::V1, Version::V2), (Version::V2, Version::V1)] {
        let both = Rig::honest().await;
        let foreign = both.sign(other, "/paid").await;
        let rig = Rig::with(|options| options.versions = vec![version]).await;
        assert_eq!(crate::client::detect(&rig.get("/paid").await), [version]);
        assert_eq!(rig.pay("/paid", &foreign).await.status, 402);
        assert_eq!(rig.verifies(), 0);
        assert_eq!(rig.buy(version, "/paid").await.status, 200);
    }
}
