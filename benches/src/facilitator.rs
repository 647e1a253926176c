//! The mock on a memory ledger, asked without a socket.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use tokio::runtime::Runtime;
use tower::{Service as _, ServiceExt as _};
use x402_assay_protocol::{PayerKey, Requirement, Version, facilitator, header};
use x402_mock_facilitator::{Facilitator, Ledger, MemoryLedger, Options, Recording, router};

use crate::cpu;
use crate::payment as sample;

/// Purchases the payer can afford.
const PURCHASES: u64 = 1_000_000_000;
/// Requests that lie ready while others are answered: few enough to stay in the cache, as from a socket.
const BATCH: u32 = 32;
/// Longest answer, in bytes.
const ANSWER_MAX: usize = 10_000;

/// A facilitator, and somebody who pays.
#[derive(Debug)]
pub struct Bench {
    runtime: Runtime,
    router: Router,
    payer: PayerKey,
    offer: Requirement,
    challenge: String,
    now: u64,
}

impl Bench {
    /// Ready to be asked.
    ///
    /// # Errors
    /// When there is no runtime.
    pub fn new() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (offer, terms) = sample::offer();
        let payer = sample::payer();
        let ledger = MemoryLedger::new(terms.domain.chain_id);
        ledger.register_token(terms.domain.clone());
        let asset = terms.domain.verifying_contract;
        let funds = terms.amount * alloy_primitives::U256::from(PURCHASES);
        ledger
            .mint(asset, payer.address(), funds)
            .map_err(|error| anyhow::anyhow!("{error:?}"))?;
        let now = runtime
            .block_on(ledger.now())
            .map_err(|error| anyhow::anyhow!("{error:?}"))?;
        let served = Arc::new(Facilitator::new(Options::default()));
        served.add_ledger(Arc::new(ledger));
        // As under load.
        served.log().record(Recording::Light);
        Ok(Self {
            runtime,
            router: router(served),
            payer,
            offer,
            challenge: sample::challenge_header(),
            now,
        })
    }

    /// A request about a fresh payment.
    ///
    /// # Errors
    /// Never, for a payment of ours.
    pub fn request(&self) -> Result<String> {
        // A day ahead, so that the payment outlives the bench.
        let payment = sample::pay(&self.challenge, &self.payer, self.now + 86_400);
        let payment = header::decode(payment.as_bytes()).context("our own header decodes")?;
        Ok(facilitator::request(Version::V2, &payment.value, &self.offer.raw).to_string())
    }

    /// The answer to a request.
    ///
    /// # Errors
    /// When it is no answer.
    pub fn ask(&self, path: &str, body: String) -> Result<String> {
        let request = post(path, body)?;
        self.runtime.block_on(async {
            let answer = self.router.clone().oneshot(request).await?;
            text(answer).await
        })
    }

    /// Microseconds of CPU of one of so many calls about fresh payments, all of which must be answered with yes.
    ///
    /// # Errors
    /// When one is refused.
    pub fn cost(&self, path: &str, calls: u32) -> Result<f64> {
        let mut spent = Duration::ZERO;
        for _ in 0..calls.div_ceil(BATCH) {
            let requests: Result<Vec<_>> =
                (0..BATCH).map(|_| post(path, self.request()?)).collect();
            // In a task, as a server runs each connection: whoever blocks on a runtime is woken through the kernel.
            let asking = self.runtime.spawn(ask_all(self.router.clone(), requests?));
            let (took, answers) = self.runtime.block_on(asking)??;
            spent += took;
            for answer in answers {
                let answer = self.runtime.block_on(text(answer))?;
                let yes =
                    answer.contains("\"isValid\":true") || answer.contains("\"success\":true");
                ensure!(yes, "{path} said no: {answer}");
            }
        }
        Ok(spent.as_secs_f64() * 1e6 / f64::from(calls.div_ceil(BATCH) * BATCH))
    }
}

/// The answers, and the CPU time of this thread until the last of them.
async fn ask_all(
    mut router: Router,
    requests: Vec<Request<Body>>,
) -> Result<(Duration, Vec<Response>)> {
    let mut answers = Vec::with_capacity(requests.len());
    let before = cpu::this_thread();
    for request in requests {
        answers.push(router.call(request).await?);
    }
    Ok((cpu::this_thread() - before, answers))
}

fn post(path: &str, body: String) -> Result<Request<Body>> {
    Ok(Request::post(path)
        .header("content-type", "application/json")
        .body(Body::from(body))?)
}

async fn text(answer: Response) -> Result<String> {
    let bytes = axum::body::to_bytes(answer.into_body(), ANSWER_MAX).await?;
    Ok(String::from_utf8(bytes.into())?)
}
