//! Looking for the defects of repeats, races and capacity.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use x402_assay_protocol::{Version, header};

use super::super::Defect;
use super::front::{Fault, Hold};
use super::rig::{Rig, granted};
use crate::client::SignedPayment;
use crate::http::Response;

const V2: Version = Version::V2;
/// Time after which a held-up purchase is taken to wait for another one.
const HELD_UP: Duration = Duration::from_secs(3);
/// Pause between two looks, and how often is looked.
const LOOK_AGAIN: Duration = Duration::from_millis(30);
const LOOKS: usize = 50;

/// `None` when the defect is not one of these.
pub(super) async fn observed(rig: &Rig, defect: Defect) -> Option<bool> {
    Some(match defect {
        Defect::AlreadySettledIsSuccess | Defect::GuardInsertsAfterSettle => {
            copy_is_served(rig, "settle", |_| {}, 1).await
        }
        Defect::GuardInsertsAfterVerify => {
            let in_settle = copy_is_served(rig, "settle", |_| {}, 1).await;
            copy_is_served(rig, "verify", |_| {}, 1).await && !in_settle
        }
        Defect::GuardKeyedByHeader => {
            copy_is_served(rig, "settle", |m| m["other"] = 1.into(), 1).await
                && !copy_is_served(rig, "settle", |_| {}, 1).await
        }
        Defect::GuardKeyedByNonceText => {
            copy_is_served(rig, "settle", upper_case_nonce, 1).await
                && !copy_is_served(rig, "settle", |_| {}, 1).await
        }
        Defect::GuardForgetsEarly => copy_is_served(rig, "settle", |_| {}, LOOKS).await,
        Defect::GuardReleasedOnUnknown => {
            let payment = rig.sign(V2, "/paid").await;
            rig.front.next("settle", Fault::Say(500, String::new()));
            let lost = rig.pay("/paid", &payment).await.status == 502;
            let again = granted(&rig.pay("/paid", &payment).await);
            lost && again && rig.server.executions() == 2
        }
        Defect::ReplayCacheAnyRoute => {
            let payment = rig.sign(V2, "/paid").await;
            let bought = granted(&rig.pay("/paid", &payment).await);
            bought && granted(&rig.pay("/items/7", &payment).await)
        }
        Defect::CacheWithoutPayer => {
            let bought = granted(&rig.buy(V2, "/paid").await);
            let forged = rig.cheat("signature-flipped", V2).await;
            bought && granted(&forged) && rig.server.executions() == 1
        }
        Defect::OnePurchaseAtATime => {
            let hold = Arc::new(Hold::default());
            rig.front.next("settle", Fault::Hold(Arc::clone(&hold)));
            let beside = async {
                hold.arrived.notified().await;
                let waited = tokio::time::timeout(HELD_UP, rig.buy(V2, "/paid")).await;
                hold.release.notify_one();
                waited.is_err()
            };
            let (first, held_up) = tokio::join!(rig.buy(V2, "/paid"), beside);
            granted(&first) && held_up
        }
        Defect::AbandonedPurchaseJams => {
            let hold = Arc::new(Hold::default());
            rig.front.next("verify", Fault::Hold(Arc::clone(&hold)));
            tokio::select! {
                _ = rig.buy(V2, "/paid") => return Some(false),
                () = hold.arrived.notified() => {}
            }
            hold.release.notify_one();
            // The server sees only after a moment that the client is gone.
            for _ in 0..LOOKS {
                if rig.buy(V2, "/paid").await.status == 502 {
                    return Some(true);
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            false
        }
        _ => return None,
    })
}

/// A copy, written in its own way, is sent while a call for the first one is held back; both are served, and the money
/// moves once.
async fn copy_is_served(rig: &Rig, held: &str, change: impl Fn(&mut Value), tries: usize) -> bool {
    let payment = rig.sign(V2, "/paid").await;
    let before = rig.moved().await.len();
    let hold = Arc::new(Hold::default());
    let fault = match held {
        "verify" => Fault::HoldAnswer(Arc::clone(&hold)),
        _ => Fault::Hold(Arc::clone(&hold)),
    };
    rig.front.next(held, fault);
    let copies = async {
        hold.arrived.notified().await;
        let mut served = granted(&send_changed(rig, &payment, &change).await);
        for _ in 1..tries {
            if served {
                break;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
            served = granted(&send_changed(rig, &payment, &change).await);
        }
        hold.release.notify_one();
        served
    };
    let (first, copy) = tokio::join!(rig.pay("/paid", &payment), copies);
    granted(&first) && copy && rig.moved().await.len() == before + 1
}

async fn send_changed(rig: &Rig, payment: &SignedPayment, change: impl Fn(&mut Value)) -> Response {
    let mut message = payment.message.clone();
    change(&mut message);
    rig.present(&header::encode(&message)).await
}

fn upper_case_nonce(message: &mut Value) {
    let nonce = &mut message["payload"]["authorization"]["nonce"];
    let text = nonce.as_str().unwrap();
    *nonce = format!("0x{}", text[2..].to_uppercase()).into();
}
