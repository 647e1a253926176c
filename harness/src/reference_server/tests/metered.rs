//! `/metered`: what was used is settled, at most the signed ceiling, and each permit once.

use futures_util::future::join;
use serde_json::json;
use x402_assay_protocol::{Version, header};

use super::super::{Defect, Variant};
use super::front::Fault;
use super::rig::{PRICE, Rig, granted, now, receipt};
use crate::client::{self, SignOptions, SignedPermit};
use crate::http::Response;

const PATH: &str = "/metered";

async fn permit(rig: &Rig) -> SignedPermit {
    let read = client::read(Version::V2, &rig.get(PATH).await).unwrap();
    let (choice, settler) = client::choose_upto(&read.challenge, None).unwrap();
    let (resource, options) = (read.challenge.resource(), SignOptions::default());
    client::sign_upto(&rig.payer, (&choice, settler), resource, now(), &options)
}

async fn pay(rig: &Rig, path: &str, permit: &SignedPermit) -> Response {
    let request = rig.request(path);
    let value = permit.header_value.clone();
    let request = request.with_header(header::PAYMENT_SIGNATURE, value);
    rig.send(request).await
}

/// Base units that moved, in order.
async fn amounts(rig: &Rig) -> Vec<u64> {
    let moved = rig.moved().await.into_iter();
    moved.map(|(_, _, value)| value.to()).collect()
}

/// `None` when the defect is not one of these.
pub(super) async fn observed(rig: &Rig, defect: Defect) -> Option<bool> {
    Some(match defect {
        Defect::UptoAboveCeiling => {
            let permit = permit(rig).await;
            pay(rig, PATH, &permit).await;
            let asked = &rig.front.calls("settle")[0]["paymentRequirements"]["amount"];
            *asked == json!("14000")
        }
        Defect::UptoTakesCeiling => {
            let permit = permit(rig).await;
            granted(&pay(rig, PATH, &permit).await) && amounts(rig).await == [PRICE]
        }
        Defect::UptoDrawsAgain => {
            let permit = permit(rig).await;
            let first = pay(rig, PATH, &permit).await;
            let second = pay(rig, PATH, &permit).await;
            granted(&first) && granted(&second) && amounts(rig).await.len() == 1
        }
        _ => return None,
    })
}

#[tokio::test]
async fn what_was_used_is_settled_and_told() {
    let rig = Rig::honest().await;
    for (path, units) in [
        (PATH, 4),
        ("/metered?units=7", 7),
        ("/metered?units=99", 10),
    ] {
        let permit = permit(&rig).await;
        let bought = pay(&rig, path, &permit).await;
        assert!(granted(&bought), "{}", bought.text());
        let told = receipt(Version::V2, &bought).unwrap();
        let charged = (units * PRICE / 10).to_string();
        assert_eq!(
            (told.success, &told.raw["amount"]),
            (Some(true), &json!(charged))
        );
        assert_eq!(amounts(&rig).await.last(), Some(&(units * PRICE / 10)));
        let verified = rig.front.calls("verify").pop().unwrap();
        assert_eq!(verified["paymentRequirements"]["amount"], "10000");
        assert_eq!(verified["paymentPayload"]["accepted"]["amount"], "10000");
    }
    assert_eq!(amounts(&rig).await, [4_000, 7_000, 10_000]);
}

#[tokio::test]
async fn a_request_that_used_nothing_is_served_without_a_transaction() {
    let rig = Rig::honest().await;
    let permit = permit(&rig).await;
    let bought = pay(&rig, "/metered?units=0", &permit).await;
    assert!(granted(&bought));
    let told = receipt(Version::V2, &bought).unwrap();
    assert_eq!(
        (&told.raw["transaction"], &told.raw["amount"]),
        (&json!(""), &json!("0"))
    );
    assert_eq!(amounts(&rig).await, [0; 0]);
    // It was a purchase all the same.
    assert!(!granted(&pay(&rig, PATH, &permit).await));
}

#[tokio::test]
async fn a_permit_buys_once_with_a_guard_and_without() {
    for variants in [vec![], vec![Variant::NoReplayGuard]] {
        let rig = Rig::with(|options| options.variants = variants.into_iter().collect()).await;
        let permit = permit(&rig).await;
        let both = join(pay(&rig, PATH, &permit), pay(&rig, PATH, &permit)).await;
        assert_eq!(
            usize::from(granted(&both.0)) + usize::from(granted(&both.1)),
            1
        );
        let again = pay(&rig, PATH, &permit).await;
        assert!(!granted(&again));
        assert_eq!(amounts(&rig).await, [4_000]);
    }
}

#[tokio::test]
async fn a_permit_is_for_the_metered_route_and_exact_payments_are_flat() {
    let rig = Rig::honest().await;
    let permit = permit(&rig).await;
    assert!(!granted(&pay(&rig, "/paid", &permit).await));
    assert_eq!(rig.verifies(), 0);
    for version in [Version::V1, Version::V2] {
        assert!(granted(&rig.buy(version, PATH).await));
    }
    assert_eq!(amounts(&rig).await, [4_000, 4_000]);
}

#[tokio::test]
async fn what_fails_is_not_charged() {
    let rig = Rig::honest().await;
    let permit = permit(&rig).await;
    let odd = pay(&rig, "/metered?units=many", &permit).await;
    assert_eq!(odd.status, 400);
    assert_eq!(rig.settles(), 0);
    assert!(granted(&pay(&rig, PATH, &permit).await));
    assert_eq!(amounts(&rig).await, [4_000]);
}

#[tokio::test]
async fn by_use_is_offered_where_somebody_settles_it() {
    let schemes = async |rig: &Rig| {
        let read = client::read(Version::V2, &rig.get(PATH).await).unwrap();
        let offers = read.challenge.accepts.into_iter();
        offers
            .map(|offer| offer.text("scheme").unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let rig = Rig::honest().await;
    let kinds =
        json!({ "kinds": [{ "x402Version": 2, "scheme": "exact", "network": "eip155:84532" }] });
    rig.front.next("supported", Fault::Say(503, String::new()));
    assert_eq!(schemes(&rig).await, ["exact"], "nobody knows yet");
    assert_eq!(schemes(&rig).await, ["exact", "upto"]);
    let other = Rig::honest().await;
    other
        .front
        .next("supported", Fault::Say(200, kinds.to_string()));
    assert_eq!(schemes(&other).await, ["exact"]);
    assert_eq!(schemes(&other).await, ["exact"], "asked once");

    let without = Rig::with(|options| options.meters = false).await;
    assert_eq!(without.get(PATH).await.status, 404);
}
