//! The log of a facilitator that is not ours: kept at our end of every call, and counted like our own's.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use alloy_primitives::B256;
use serde_json::Value;
use tokio::sync::watch;
use x402_assay_protocol::eip3009::parse_address;
use x402_assay_protocol::network;
use x402_mock_facilitator::event::{AuthorizationKey, Endpoint};

use super::facilitator_events::CallCounts;
use crate::history::{Recorder, What};
use crate::http::now_us;
use crate::reference_server::Witness;

/// Calls are numbered from here, so that they are never taken for those of our own facilitator.
const FIRST_CALL: u64 = 1 << 40;

/// Records what the reference server and the bench asked the facilitator under test, and what it answered.
#[derive(Debug)]
pub struct Bystander {
    recorder: Recorder,
    state: Mutex<State>,
    /// Counts endings, to wake those who wait for rest.
    ended: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    calls: u64,
    open: BTreeMap<u64, Endpoint>,
    counts: CallCounts,
    asked: bool,
}

impl Bystander {
    /// One that writes to this history.
    pub fn new(recorder: Recorder) -> Self {
        Self {
            recorder,
            state: Mutex::default(),
            ended: watch::Sender::new(0),
        }
    }

    /// Calls so far.
    pub(crate) fn counts(&self) -> CallCounts {
        self.lock().counts
    }

    /// True when a call named an authorization.
    pub(crate) fn was_asked(&self) -> bool {
        self.lock().asked
    }

    /// Waits until no call is open.
    pub(crate) async fn rest(&self) {
        let mut ended = self.ended.subscribe();
        // A closed channel cannot be: `self` holds the sender.
        let _ = ended.wait_for(|_| self.lock().open.is_empty()).await;
    }

    fn end(&self, call: u64) {
        let mut state = self.lock();
        if let Some(endpoint) = state.open.remove(&call) {
            state.counts.end(endpoint);
        }
        drop(state);
        self.ended.send_modify(|count| *count += 1);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Witness for Bystander {
    fn asked(&self, endpoint: Endpoint, body: &[u8]) -> u64 {
        let authorization = key(body);
        let mut state = self.lock();
        let call = FIRST_CALL + state.calls;
        state.calls += 1;
        state.open.insert(call, endpoint);
        state.counts.begin(endpoint);
        state.asked |= authorization.is_some();
        drop(state);
        let at_us = now_us();
        let body = self.recorder.body(at_us, body);
        let received = What::FacilitatorReceived {
            call,
            endpoint,
            authorization: authorization.map(Box::new),
            body,
        };
        self.recorder.append(at_us, received);
        call
    }

    fn answered(&self, call: u64, status: u16, body: &[u8]) {
        let at_us = now_us();
        let body = self.recorder.body(at_us, body);
        let answered = What::FacilitatorAnswered {
            call,
            status,
            body,
            lied: false,
        };
        self.recorder.append(at_us, answered);
        self.end(call);
    }

    fn cut(&self, call: u64) {
        self.recorder
            .append(now_us(), What::FacilitatorCut { call });
        self.end(call);
    }
}

/// Whose authorization a request is about, as far as it can be told.
fn key(body: &[u8]) -> Option<AuthorizationKey> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let required = body.get("paymentRequirements")?;
    let signed = body.pointer("/paymentPayload/payload/authorization")?;
    let text = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(AuthorizationKey {
        payer: parse_address(&text(signed, "from")?)?,
        nonce: text(signed, "nonce")?.parse::<B256>().ok()?,
        asset: parse_address(&text(required, "asset")?)?,
        chain_id: network::chain_id(&text(required, "network")?)?,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::reference_server::Watched;

    #[tokio::test]
    async fn a_call_is_recorded_with_its_end_whatever_that_is() {
        let recorder = Recorder::in_memory(Arc::new(str::to_owned));
        let bystander = Arc::new(Bystander::new(recorder.clone()));
        let witness: Arc<dyn Witness> = bystander.clone();
        let first = Watched::begin(Some(&witness), Endpoint::Verify, b"{}");
        let second = Watched::begin(Some(&witness), Endpoint::Settle, b"no json");
        assert_eq!(bystander.counts().seen, [1, 1, 0]);
        first.answered(200, b"{\"isValid\":true}");
        let resting = bystander.rest();
        drop(second);
        resting.await;
        assert_eq!(bystander.counts().ended, [1, 1, 0]);
        assert!(!bystander.was_asked(), "no call named an authorization");
        let kinds: Vec<bool> = recorder
            .snapshot()
            .iter()
            .filter_map(|event| match event.what {
                What::FacilitatorAnswered { .. } => Some(true),
                What::FacilitatorCut { .. } => Some(false),
                _ => None,
            })
            .collect();
        assert_eq!(kinds, [true, false]);
    }

    #[test]
    fn the_authorization_of_a_request_is_found() {
        let body = crate::history::direct::body(
            2,
            r#"{"payload":{"authorization":{"from":"0x70997970C51812dc3A010C7d01b50e0d17dc79C8","nonce":"0x0101010101010101010101010101010101010101010101010101010101010101"}}}"#,
            r#"{"asset":"0x036CbD53842c5426634e7929541eC2318f3dCF7e","network":"base-sepolia"}"#,
        );
        let found = key(body.as_bytes()).unwrap();
        assert_eq!((found.chain_id, found.nonce), (84532, B256::repeat_byte(1)));
        assert_eq!(key(b"[]"), None);
    }
}
