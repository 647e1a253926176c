//! Facilitator trouble: the server fails closed, charges nobody twice and burns nothing that can be given back.

use std::sync::Arc;

use serde_json::json;
use x402_assay_protocol::Version;
use x402_assay_protocol::header::PAYMENT_REQUIRED;

use super::front::{Fault, Hold};
use super::rig::{Rig, granted, receipt};

const PENDING: &str = r#"{"success":false,"errorReason":"settlement_pending","transaction":"0x1111111111111111111111111111111111111111111111111111111111111111","network":"eip155:84532"}"#;

/// Answers to `/verify` that are no yes.
const NO_VERDICT: &[(u16, &str)] = &[
    (500, "internal error"),
    (500, r#"{"isValid":true}"#),
    (200, ""),
    (200, "<html>"),
    (200, "{}"),
    (200, "[]"),
    (200, r#"{"isValid":"true"}"#),
    (200, r#"{"isValid":1}"#),
    (200, r#"{"isValid":null}"#),
    (
        200,
        r#"{"isValid":false,"invalidReason":"unexpected_verify_error"}"#,
    ),
];

#[tokio::test]
async fn without_a_verdict_nothing_is_given_and_the_payment_stays_good() {
    let rig = Rig::honest().await;
    let payment = rig.sign(Version::V2, "/paid").await;
    for (status, answer) in NO_VERDICT {
        rig.front
            .next("verify", Fault::Say(*status, (*answer).to_owned()));
        let response = rig.pay("/paid", &payment).await;
        assert_eq!(
            (response.status, granted(&response)),
            (502, false),
            "{answer}"
        );
    }
    assert_eq!((rig.settles(), rig.server.executions()), (0, 0));
    assert_eq!(rig.pay("/paid", &payment).await.status, 200);
}

#[tokio::test]
async fn a_facilitator_that_is_not_there_is_a_502() {
    let rig =
        Rig::with(|options| "http://127.0.0.1:1".clone_into(&mut options.facilitator_url)).await;
    let response = rig.buy(Version::V2, "/paid").await;
    assert_eq!((response.status, granted(&response)), (502, false));
    assert_eq!(rig.server.executions(), 0);
}

#[tokio::test]
async fn a_no_is_a_no_at_any_status() {
    let rig = Rig::honest().await;
    for status in [200, 400, 500] {
        let answer = r#"{"isValid":false,"invalidReason":"insufficient_funds"}"#.to_owned();
        rig.front.next("verify", Fault::Say(status, answer));
        let response = rig.buy(Version::V2, "/paid").await;
        assert_eq!(response.status, 402);
        let read = crate::client::read(Version::V2, &response).unwrap();
        assert_eq!(read.challenge.error.as_deref(), Some("insufficient_funds"));
    }
}

#[tokio::test]
async fn a_failed_settlement_gives_nothing_but_its_receipt() {
    for version in [Version::V1, Version::V2] {
        let rig = Rig::honest().await;
        let payment = rig.sign(version, "/paid").await;
        let answer = json!({
            "success": false, "errorReason": "insufficient_funds", "transaction": "", "network": "x",
        });
        rig.front
            .next("settle", Fault::Say(200, answer.to_string()));
        let response = rig.pay("/paid", &payment).await;
        assert_eq!((response.status, granted(&response)), (402, false));
        let receipt = receipt(version, &response).unwrap();
        assert_eq!(receipt.problems, []);
        assert_eq!(receipt.success, Some(false));
        assert_eq!(receipt.error_reason.as_deref(), Some("insufficient_funds"));
        let challenged = response.headers.first(PAYMENT_REQUIRED).is_some();
        assert_eq!(challenged, version == Version::V1);
        assert_eq!(rig.pay("/paid", &payment).await.status, 200);
    }
}

#[tokio::test]
async fn a_pending_settlement_is_asked_for_once_more_with_the_same_body() {
    let rig = Rig::honest().await;
    rig.front
        .next("settle", Fault::Say(200, PENDING.to_owned()));
    assert_eq!(rig.buy(Version::V2, "/paid").await.status, 200);
    let bodies = rig.front.calls("settle");
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[0], bodies[1]);
    assert_eq!((rig.moved().await.len(), rig.server.executions()), (1, 1));
}

/// Answers to `/settle` that do not say whether money moved.
fn no_outcome() -> Vec<Fault> {
    let hash = "0x1111111111111111111111111111111111111111111111111111111111111111";
    let good = |network: &str, transaction: &str| {
        let answer = json!({"success": true, "transaction": transaction, "network": network});
        Fault::Say(200, answer.to_string())
    };
    let say = |status, text: &str| Fault::Say(status, text.to_owned());
    vec![
        say(500, "internal error"),
        say(200, ""),
        say(200, "{}"),
        say(200, r#"{"success":"true"}"#),
        say(
            200,
            r#"{"success":false,"errorReason":"unexpected_settle_error"}"#,
        ),
        good("eip155:1", hash),
        good("eip155:84532", ""),
        say(
            500,
            &json!({"success": true, "transaction": hash, "network": "eip155:84532"}).to_string(),
        ),
    ]
}

#[tokio::test]
async fn an_unknown_outcome_is_no_challenge_and_the_same_payment_ends_it() {
    for fault in no_outcome() {
        let rig = Rig::honest().await;
        let payment = rig.sign(Version::V2, "/paid").await;
        rig.front.next("settle", fault.clone());
        let response = rig.pay("/paid", &payment).await;
        assert_eq!(
            (response.status, granted(&response)),
            (502, false),
            "{fault:?}"
        );
        assert!(response.headers.first(PAYMENT_REQUIRED).is_none());
        let elsewhere = rig.pay("/items/7", &payment).await;
        assert_eq!((elsewhere.status, granted(&elsewhere)), (402, false));
        let again = rig.pay("/paid", &payment).await;
        assert_eq!((again.status, granted(&again)), (200, true), "{fault:?}");
        assert_eq!((rig.moved().await.len(), rig.server.executions()), (1, 1));
        assert_eq!(rig.pay("/paid", &payment).await.status, 409);
    }
}

#[tokio::test]
async fn a_lost_settlement_is_never_charged_twice() {
    let rig = Rig::honest().await;
    let payment = rig.sign(Version::V2, "/paid").await;
    rig.front.next("settle", Fault::Lose);
    assert_eq!(rig.pay("/paid", &payment).await.status, 502);
    assert_eq!(rig.moved().await.len(), 1);
    let again = rig.pay("/paid", &payment).await;
    assert!(again.headers.first(PAYMENT_REQUIRED).is_none());
    assert_eq!((rig.moved().await.len(), rig.server.executions()), (1, 1));
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_no_half_purchase() {
    let rig = Rig::honest().await;
    let payment = rig.sign(Version::V2, "/paid").await;
    let hold = Arc::new(Hold::default());
    rig.front.next("settle", Fault::Hold(Arc::clone(&hold)));
    tokio::select! {
        _ = rig.pay("/paid", &payment) => panic!("the settlement is held back"),
        () = hold.arrived.notified() => {}
    }
    // The client is gone; the purchase goes on: a copy is refused meanwhile, and the money moves once.
    assert_eq!(rig.pay("/paid", &payment).await.status, 409);
    hold.release.notify_one();
    hold.answered.notified().await;
    assert_eq!(rig.moved().await.len(), 1);
    assert_eq!(rig.pay("/paid", &payment).await.status, 409);
    assert_eq!((rig.moved().await.len(), rig.server.executions()), (1, 1));
}
