//! `call`: the facilitator is called directly, as a server would, but without one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::Value;
use x402_assay_protocol::header;
use x402_mock_facilitator::event::Endpoint as Called;

use super::Stage;
use super::round::Broken;
use super::state::{Paying, State};
use crate::history::direct;
use crate::runner::session::SendError;
use crate::scenario::steps::{Call, Endpoint};

/// Everything one `call` step does; it borrows nothing of the round, so that it may go on in the background.
pub(super) struct Calls {
    probe: String,
    endpoint: Called,
    /// Body and authorization of each call.
    jobs: Vec<(Option<Bytes>, Option<u32>)>,
    concurrency: usize,
    done: Arc<AtomicBool>,
}

impl Calls {
    /// Prepares the calls of a step.
    pub(super) fn new(state: &mut State, step: &Call, probe: String) -> Result<Self, Broken> {
        let done = state.begin(step.name.as_deref());
        let terms = match &step.terms {
            None => None,
            Some(name) => {
                let offer = state.offers.get(name);
                let offer =
                    offer.ok_or_else(|| Broken::Trouble(format!("there is no offer `{name}`")))?;
                Some(&offer.choice.offer.raw)
            }
        };
        let one = match &step.payment {
            None => vec![(None, None)],
            Some(name) => {
                let payments = state.payment(name).iter();
                let about = |paying: &Paying| {
                    let body = body(paying, terms.unwrap_or(&paying.offer));
                    (Some(Bytes::from(body)), Some(paying.number))
                };
                payments.map(about).collect()
            }
        };
        let copies = usize::try_from(step.copies).unwrap_or(1);
        Ok(Self {
            probe,
            endpoint: match step.on {
                Endpoint::Verify => Called::Verify,
                Endpoint::Settle => Called::Settle,
                Endpoint::Supported => Called::Supported,
            },
            jobs: (0..copies).flat_map(|_| one.clone()).collect(),
            concurrency: usize::try_from(step.concurrency).unwrap_or(1).max(1),
            done,
        })
    }

    /// Calls, and waits for every answer.
    pub(super) async fn run(self, stage: &Stage<'_>) -> Result<(), SendError> {
        let Self {
            probe,
            endpoint,
            jobs,
            concurrency,
            done,
        } = self;
        let probe: Arc<str> = probe.into();
        let calls = jobs.into_iter().map(|(body, authorization)| {
            let probe = Arc::clone(&probe);
            async move {
                let session = stage.session;
                let call = session.call_facilitator(&probe, endpoint, body, authorization);
                call.await.map(|_| ())
            }
        });
        let ran = stream::iter(calls)
            .buffer_unordered(concurrency)
            .try_collect::<Vec<()>>()
            .await;
        done.store(true, Ordering::SeqCst);
        ran.map(|_| ())
    }
}

/// The body of verify and settle; the payment stays in the very writing of its header.
fn body(paying: &Paying, terms: &Value) -> String {
    let payment = header::decode(paying.header_value.as_bytes())
        .ok()
        .and_then(|decoded| String::from_utf8(decoded.bytes).ok())
        .unwrap_or_else(|| Value::from(paying.header_value.as_str()).to_string());
    direct::body(paying.version.number(), payment.trim(), &terms.to_string())
}
