//! Every variant sells, refuses and stays free of findings.

use x402_assay_protocol::Version;
use x402_assay_protocol::header::PAYMENT_REQUIRED;

use super::super::Variant;
use super::front::Fault;
use super::rig::{Rig, granted, receipt};
use crate::client::{choose, read};

#[tokio::test]
async fn every_variant_sells_once_with_flawless_messages() {
    for variant in Variant::ALL {
        let rig = Rig::with_variant(*variant).await;
        for version in [Version::V1, Version::V2] {
            let challenge = read(version, &rig.get("/paid").await).unwrap().challenge;
            assert_eq!(challenge.problems, [], "{variant} {version}");
            let before = rig.moved().await.len();
            let payment = rig.sign(version, "/paid").await;
            let response = rig.pay("/paid", &payment).await;
            assert_eq!(
                (response.status, granted(&response)),
                (200, true),
                "{variant} {version}"
            );
            let receipt = receipt(version, &response).expect("a receipt");
            assert_eq!(receipt.problems, [], "{variant} {version}");
            assert_eq!(receipt.success, Some(true));
            let runs = rig.server.executions();
            let again = rig.pay("/paid", &payment).await;
            // What carries an identifier is answered from what it bought.
            let by_id = *variant == Variant::IdRequired && version == Version::V2;
            let replays = *variant == Variant::CachedReplay || by_id;
            assert_eq!(granted(&again), replays, "{variant} {version}");
            assert_eq!(rig.server.executions(), runs, "{variant} {version}");
            assert_eq!(rig.moved().await.len(), before + 1, "{variant} {version}");
        }
        let cheat = rig.cheat("signature-flipped", Version::V2).await;
        assert!(!granted(&cheat), "{variant}");
    }
}

#[tokio::test]
async fn an_identifier_that_is_required_is_asked_for_and_an_old_price_is_refused() {
    let rig = Rig::with_variant(Variant::IdRequired).await;
    let payment = rig.sign(Version::V2, "/paid").await;
    let without = x402_assay_protocol::header::encode(&payment.message);
    assert_eq!(rig.present(&without).await.status, 400);
    assert!(granted(&rig.pay("/paid", &payment).await));

    let rig = Rig::with_variant(Variant::DynamicPrice).await;
    let payment = rig.sign(Version::V2, "/paid").await;
    rig.get("/paid").await;
    let refused = rig.pay("/paid", &payment).await;
    assert_eq!(refused.status, 402);
    let challenge = read(Version::V2, &refused).unwrap().challenge;
    let signed = payment.authorization.value.to_string();
    assert_ne!(challenge.accepts[0].amount(), Some(signed.as_str()));
    assert!(rig.moved().await.is_empty());
}

#[tokio::test]
async fn bodies_and_members_are_as_unusual_as_they_say() {
    let body = async |variant| {
        let rig = Rig::with(|options| {
            options.versions = vec![Version::V2];
            options.variants = [variant].into_iter().collect();
        });
        rig.await.get("/paid").await.text().into_owned()
    };
    assert!(body(Variant::HtmlBody).await.starts_with("<!doctype html>"));
    assert_eq!(body(Variant::EmptyBody).await, "");
    assert!(
        body(Variant::BodyMirrorsChallenge)
            .await
            .contains("accepts")
    );
    let challenge = async |variant| {
        let response = Rig::with_variant(variant).await.get("/paid").await;
        read(Version::V2, &response).unwrap().challenge
    };
    assert!(
        challenge(Variant::ExtraFields)
            .await
            .raw
            .get("x-shop")
            .is_some()
    );
    assert!(challenge(Variant::NullMembers).await.raw["extensions"].is_null());
    let foreign = challenge(Variant::ForeignOffersFirst).await;
    assert_eq!(choose(&foreign, None).unwrap().index, 3);
    let lower = challenge(Variant::LowerCaseAddresses).await;
    let pay_to = lower.accepts[0].text("payTo").unwrap();
    assert_eq!(pay_to, pay_to.to_lowercase());
    let named = challenge(Variant::TransferMethodNamed).await;
    assert_eq!(
        named.accepts[0].extra_text("assetTransferMethod"),
        Some("eip3009")
    );
}

#[tokio::test]
async fn challenges_differ_from_one_to_the_next() {
    for variant in [Variant::TwoOffers, Variant::FreshExtra] {
        let rig = Rig::with_variant(variant).await;
        let (first, _) = rig.quote(Version::V2, "/paid").await;
        let (second, _) = rig.quote(Version::V2, "/paid").await;
        assert_ne!(first.offer.raw, second.offer.raw, "{variant}");
    }
}

#[tokio::test]
async fn statuses_and_headers_are_as_unusual_as_they_say() {
    let rig = Rig::with_variant(Variant::MalformedIs402).await;
    assert_eq!(rig.present("!!!").await.status, 402);
    let rig = Rig::with_variant(Variant::NoCacheHeaders).await;
    assert!(
        rig.get("/paid")
            .await
            .headers
            .first("cache-control")
            .is_none()
    );
    let rig = Rig::with_variant(Variant::OutageIs503).await;
    rig.front.next("verify", Fault::Say(500, String::new()));
    let response = rig.buy(Version::V2, "/paid").await;
    assert_eq!(response.status, 503);
    assert!(response.headers.first("retry-after").is_some());
    let rig = Rig::with_variant(Variant::ChallengeOnSettleFailure).await;
    rig.front
        .next("settle", Fault::Say(200, r#"{"success":false}"#.to_owned()));
    let response = rig.buy(Version::V2, "/paid").await;
    assert!(response.headers.first(PAYMENT_REQUIRED).is_some());
    let rig = Rig::with_variant(Variant::MinimalReceipt).await;
    let response = rig.buy(Version::V2, "/paid").await;
    assert_eq!(receipt(Version::V2, &response).unwrap().payer, None);
}

#[tokio::test]
async fn upfront_charges_before_the_handler_and_says_so() {
    let rig = Rig::with_variant(Variant::Upfront).await;
    let (choice, _) = rig.quote(Version::V2, "/paid").await;
    assert_eq!(choice.offer.payment_flow(), "upfront");
    let response = rig.buy(Version::V2, "/paid/status/500").await;
    assert_eq!(response.status, 500);
    assert_eq!(receipt(Version::V2, &response).unwrap().success, Some(true));
    assert_eq!((rig.verifies(), rig.moved().await.len()), (0, 1));
}
