//! Calls for the tests of single faults, without HTTP.

use std::sync::Arc;

use alloy_primitives::{Address, B256};
use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::armed::Armed;
use super::inject::{CallFacts, Shot};
use super::{Fault, FaultSpec};
use crate::answer::{Answer, Payload};
use crate::event::{AuthorizationKey, Endpoint};
use crate::facilitator::{Facilitator, Options};

/// A call and a seed.
pub(super) struct Trial {
    call: Arc<CallFacts>,
    seed: u64,
}

impl Trial {
    pub(super) fn verify() -> Self {
        Self::new(Endpoint::Verify)
    }

    pub(super) fn settle() -> Self {
        Self::new(Endpoint::Settle)
    }

    pub(super) fn new(endpoint: Endpoint) -> Self {
        let key = AuthorizationKey {
            payer: Address::repeat_byte(1),
            nonce: B256::repeat_byte(2),
            asset: Address::repeat_byte(3),
            chain_id: 84532,
        };
        let call = CallFacts {
            facilitator: Arc::new(Facilitator::new(Options::default())),
            call: 0,
            endpoint,
            key: Some(key),
            gone: CancellationToken::new(),
        };
        Self {
            call: Arc::new(call),
            seed: 1,
        }
    }

    pub(super) fn seeded(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    pub(super) fn arm(&self, fault: impl Into<Fault>) -> Arc<Armed> {
        Arc::new(Armed::new(FaultSpec::new("trial", fault.into()), self.seed))
    }

    pub(super) fn shot_of(&self, armed: &Arc<Armed>, position: u64) -> Shot {
        Shot::new(Arc::clone(armed), position, Arc::clone(&self.call))
    }

    pub(super) fn shot(&self, fault: impl Into<Fault>, position: u64) -> Shot {
        self.shot_of(&self.arm(fault), position)
    }
}

pub(super) fn yes() -> Answer {
    Answer::new(StatusCode::OK, &json!({ "isValid": true, "payer": "0x01" }))
}

pub(super) fn settled() -> Answer {
    let body = json!({
        "success": true,
        "transaction": B256::repeat_byte(9).to_string(),
        "network": "eip155:84532",
        "payer": "0x01",
    });
    Answer::new(StatusCode::OK, &body)
}

pub(super) fn unsettled() -> Answer {
    let body = json!({
        "success": false,
        "errorReason": "invalid_exact_evm_nonce_already_used",
        "transaction": "",
        "network": "eip155:84532",
    });
    Answer::new(StatusCode::OK, &body)
}

pub(super) fn json(answer: &Answer) -> Value {
    match &answer.body {
        Payload::Json(value) => value.clone(),
        Payload::Raw(bytes) => panic!("{bytes:?}"),
    }
}
