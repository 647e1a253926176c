//! What the facilitator says that it supports: asked at the start, and by requests for as long as it was no yes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};
use x402_assay_protocol::{Version, network};

use super::options::ReferenceServerOptions;
use super::shop::Shop;

/// Longest that a request waits for the answer.
const WAIT: Duration = Duration::from_secs(10);

/// Whether the facilitator settles what this server offers. As long as that is not known nothing is sold.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    known: AtomicBool,
    asked: AtomicU64,
    turn: Mutex<()>,
}

impl Kinds {
    /// Asks unless it is known; requests at the same time share one question.
    pub(super) async fn ready(&self, shop: &Shop) -> bool {
        if self.known.load(Ordering::SeqCst) {
            return true;
        }
        let before = self.asked.load(Ordering::SeqCst);
        let deadline = Instant::now() + WAIT.min(shop.options.facilitator_timeout);
        let Ok(_turn) = timeout_at(deadline, self.turn.lock()).await else {
            return false;
        };
        if self.known.load(Ordering::SeqCst) || self.asked.load(Ordering::SeqCst) > before {
            return self.known.load(Ordering::SeqCst);
        }
        let networks = networks(&shop.options);
        let asked = shop.facilitator.supports(&networks);
        let supports = match timeout_at(deadline, asked).await {
            Ok(Ok(supports)) => supports,
            Ok(Err(trouble)) => {
                tracing::warn!("the facilitator does not say what it supports: {trouble}");
                false
            }
            Err(_) => false,
        };
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.known.store(supports, Ordering::SeqCst);
        supports
    }
}

/// The names under which the offered network may be listed.
fn networks(options: &ReferenceServerOptions) -> Vec<String> {
    let chain_id = options.token.chain_id;
    let mut names = Vec::new();
    if options.speaks(Version::V2) {
        names.push(network::caip2(chain_id));
        names.push("eip155:*".to_owned());
    }
    if options.speaks(Version::V1) {
        let known = network::by_chain_id(chain_id);
        names.extend(known.and_then(|known| known.v1_name).map(str::to_owned));
    }
    names
}
