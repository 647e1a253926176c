//! The replay guard by itself.

use std::sync::Arc;

use alloy_primitives::{Address, U256};
use serde_json::{Value, json};
use x402_assay_protocol::payment::fresh_nonce;
use x402_assay_protocol::{Authorization, Version};

use super::super::guard::{Claim, Guard, OpenPurchase, Taken};
use super::super::guard_policy::{Insert, Policy};
use super::super::incoming::Presented;
use super::super::page::Page;

fn authorization() -> Presented {
    let nonce = fresh_nonce();
    Presented {
        version: Version::V2,
        header: b"header".to_vec(),
        raw: json!({ "payload": { "authorization": { "nonce": nonce.to_string() } } }),
        accepted: None,
        unsettled: false,
        authorization: Authorization {
            from: Address::repeat_byte(1),
            to: Address::repeat_byte(2),
            value: U256::from(1),
            valid_after: U256::ZERO,
            valid_before: U256::from(1_000),
            nonce,
        }
        .into(),
    }
}

fn claimed(guard: &Arc<Guard>, payment: &Presented) -> Option<Claim> {
    match guard.take(payment, 500) {
        Taken::Claimed(claim) => Some(claim),
        _ => None,
    }
}

#[test]
fn an_authorization_is_held_once_and_comes_back_only_when_released() {
    let guard = Arc::new(Guard::new(Policy::default()));
    let one = authorization();
    let claim = claimed(&guard, &one).unwrap();
    assert!(claimed(&guard, &one).is_none());
    assert!(claimed(&guard, &authorization()).is_some());
    claim.release();
    claimed(&guard, &one).unwrap().spend();
    assert!(claimed(&guard, &one).is_none());
}

#[test]
fn an_undecided_claim_stays_used_up() {
    let guard = Arc::new(Guard::new(Policy::default()));
    let one = authorization();
    drop(claimed(&guard, &one).unwrap());
    assert!(claimed(&guard, &one).is_none());
}

#[test]
fn an_open_purchase_is_found_again() {
    let guard = Arc::new(Guard::new(Policy::default()));
    let one = authorization();
    let open = Arc::new(OpenPurchase {
        url: "u".to_owned(),
        request: Value::Null,
        page: Page::empty(http::StatusCode::OK),
    });
    claimed(&guard, &one).unwrap().keep_open(open);
    let Taken::Open(_claim, found) = guard.take(&one, 500) else {
        panic!("the purchase is open");
    };
    assert_eq!(found.url, "u");
    assert!(matches!(guard.take(&one, 500), Taken::Refused(_)));
}

#[test]
fn a_burning_guard_gives_nothing_back_and_an_absent_one_holds_nothing() {
    let one = authorization();
    let burning = Arc::new(Guard::new(Policy {
        burns: true,
        ..Policy::default()
    }));
    claimed(&burning, &one).unwrap().release();
    assert!(claimed(&burning, &one).is_none());
    let off = Arc::new(Guard::new(Policy {
        off: true,
        ..Policy::default()
    }));
    claimed(&off, &one).unwrap().spend();
    assert!(claimed(&off, &one).is_some());
}

#[test]
fn a_guard_that_notes_late_lets_copies_pass_until_then() {
    for insert in [Insert::AfterVerify, Insert::AfterSettle] {
        let guard = Arc::new(Guard::new(Policy {
            insert,
            ..Policy::default()
        }));
        let one = authorization();
        let (first, second) = (
            claimed(&guard, &one).unwrap(),
            claimed(&guard, &one).unwrap(),
        );
        first.verified();
        let third = claimed(&guard, &one);
        assert_eq!(third.is_none(), insert == Insert::AfterVerify);
        first.spend();
        assert!(claimed(&guard, &one).is_none());
        second.release();
    }
}
