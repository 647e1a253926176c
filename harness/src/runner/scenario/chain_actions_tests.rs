use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::address;
use x402_assay_protocol::{Signature, Version};

use super::*;
use crate::chain::chaos::{SignedTransfer, cancel_digest};
use crate::client::testing::{NOW, choice, payer};
use crate::client::{self, SignOptions};
use crate::config::profile::Route;
use crate::runner::scenario::state::{OnChain, Quoted};
use crate::scenario::Scheme;

const ASSET: Address = address!("036CbD53842c5426634e7929541eC2318f3dCF7e");
const CHAIN: u64 = 84532;

fn route() -> Route {
    crate::runner::builtin_profile("http://127.0.0.1:1")
        .routes
        .remove(0)
}

fn state(payments: u32) -> State {
    let mut state = State::default();
    let (payer, choice) = (Arc::new(payer()), choice(Version::V2));
    let signed = (0..payments).map(|number| {
        let signed = client::sign(&payer, &choice, None, NOW, &SignOptions::default());
        Paying {
            number,
            header_name: signed.header_name,
            header_value: signed.header_value.clone(),
            nonce: signed.key.nonce,
            on_chain: Arc::new(OnChain {
                domain: signed.terms.domain.clone(),
                transfer: Some(SignedTransfer::new(
                    &signed.authorization,
                    &signed.signature,
                )),
            }),
            valid_before_s: NOW,
            payer: Arc::clone(&payer),
            route: route(),
            version: Version::V2,
            scheme: Scheme::Exact,
            offer: serde_json::Value::Null,
        }
    });
    let signed = signed.collect();
    state.payments.push(("payments".to_owned(), signed));
    state.payers.push(("alice".to_owned(), payer));
    let quoted = Quoted {
        settler: None,
        choice,
        resource: None,
        extensions: None,
        route: route(),
        version: Version::V2,
    };
    state.offers.insert("offer".to_owned(), quoted);
    state
}

#[test]
fn payments_and_payers_are_resolved_by_name() {
    let state = state(2);
    let payer = state.payers[0].1.address();
    let payments = state.payment("payments").to_vec();
    let name = "payments".to_owned();
    let cancelled = deeds(&Chain::Cancel(name.clone()), &state, 1, &[]).unwrap();
    assert_eq!(cancelled.len(), 2);
    for (deed, payment) in cancelled.iter().zip(&payments) {
        // The payment's own chain, whatever the round's is.
        assert_eq!((deed.chain_id, &deed.aims), (CHAIN, &vec![payment.number]));
        let ChaosAction::Cancel {
            nonce, signature, ..
        } = &deed.action
        else {
            panic!("{deed:?}")
        };
        let digest = cancel_digest(&payment.on_chain.domain.separator(), payer, *nonce);
        let signature = Signature(signature.as_ref().try_into().unwrap());
        assert_eq!(signature.recover(&digest), Some(payer));
        assert_eq!(*nonce, payment.nonce);
        assert!(!deed.lasts());
    }
    let preempted = deeds(&Chain::Preempt(name.clone()), &state, 1, &[]).unwrap();
    let ChaosAction::Preempt { asset, transfer } = &preempted[0].action else {
        panic!("{preempted:?}")
    };
    assert_eq!((*asset, transfer.nonce), (ASSET, payments[0].nonce));
    let revert = deeds(&Chain::Revert(name), &state, 1, &[]).unwrap();
    assert!(revert[0].lasts());
    let drained = deeds(&Chain::Drain("alice".to_owned()), &state, 1, &[]).unwrap();
    let drain = ChaosAction::Drain {
        asset: ASSET,
        payer,
    };
    assert_eq!(
        (&drained[0].action, &drained[0].aims),
        (&drain, &vec![0, 1])
    );
    for unknown in [
        Chain::Cancel("nobody".to_owned()),
        Chain::Drain("nobody".to_owned()),
    ] {
        let why = deeds(&unknown, &state, 1, &[]).unwrap_err();
        assert!(why.contains("`nobody`"), "{why}");
    }
}

#[test]
fn copies_of_one_authorization_are_one() {
    let mut state = state(1);
    let copy = state.payments[0].1[0].clone();
    state.payments[0].1.push(copy);
    let name = || "payments".to_owned();
    assert_eq!(
        deeds(&Chain::Preempt(name()), &state, 1, &[])
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn what_names_nobody_is_done_to_the_rounds_chain() {
    let state = state(1);
    let one = |chain: Chain| {
        let deed = deeds(&chain, &state, 7, &[ASSET]).unwrap().remove(0);
        (deed.chain_id, deed.action)
    };
    let second = Duration::from_millis(1_000);
    assert_eq!(
        one(Chain::Warp(second)),
        (7, ChaosAction::Warp { ms: 1_000 })
    );
    assert_eq!(one(Chain::Reorg(3)), (7, ChaosAction::Reorg { depth: 3 }));
    let accounts = vec![ASSET];
    assert_eq!(
        one(Chain::EmptyGas),
        (7, ChaosAction::EmptyGas { accounts })
    );
    for (word, kind) in TokenKind::ALL {
        let (chain_id, action) = one(Chain::Token(*kind));
        assert_eq!(chain_id, CHAIN);
        // Both sides of the mapping have the same words.
        let written = serde_json::to_value(&action).unwrap();
        assert_eq!(written["code"], *word);
    }
    for (word, order) in Mining::ALL {
        let written = serde_json::to_value(one(Chain::Mine(*order)).1).unwrap();
        assert_eq!(written["order"], *word);
    }
    let nothing = deeds(&Chain::Token(TokenKind::Paused), &State::default(), 7, &[]);
    assert!(nothing.unwrap_err().contains("quote an offer"));
}

#[test]
fn rules_of_the_rpc_have_the_steps_words() {
    let rpc = |fault| Rpc {
        fault,
        percent: 100,
        methods: Vec::new(),
    };
    for (word, error) in RpcError::ALL {
        let rpc = rpc(RpcFault::Error(*error));
        assert_eq!(rpc_rule(&rpc, CHAIN, 1).fault.word(), *word);
        assert!(must_strike(&rpc));
    }
    for (word, lie) in RpcLie::ALL {
        let rpc = rpc(RpcFault::Lie(*lie, 4));
        assert_eq!(rpc_rule(&rpc, CHAIN, 1).fault.word(), *word);
        assert!(!must_strike(&rpc), "a node may never be asked for it");
    }
    let claims = |chain_id| match rpc_rule(
        &rpc(RpcFault::Lie(RpcLie::WrongChainId, 1)),
        chain_id,
        1,
    )
    .fault
    {
        Fault::WrongChainId { claims } => claims,
        other => panic!("{other:?}"),
    };
    assert!(claims(1) != 1 && claims(CHAIN) != CHAIN);
    let some = Rpc {
        percent: 30,
        methods: vec!["eth_call".to_owned()],
        ..rpc(RpcFault::Latency(Duration::from_millis(250)))
    };
    let rule = rpc_rule(&some, CHAIN, 9);
    assert_eq!(rule.fault, Fault::Latency { ms: 250 });
    assert_eq!(
        (rule.percent, rule.seed, rule.chain_id),
        (30, 9, Some(CHAIN))
    );
    assert_eq!(rule.methods, ["eth_call"]);
    assert!(!must_strike(&some));
}
