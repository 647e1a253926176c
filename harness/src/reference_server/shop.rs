//! What all requests share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use alloy_primitives::U256;

use super::ask::Ask;
use super::breaker::Breaker;
use super::buyers::Buyers;
use super::content::Content;
use super::defects::Defect;
use super::facilitator::FacilitatorClient;
use super::guard::Guard;
use super::guard_policy::Policy;
use super::identifier::Identifiers;
use super::kinds::Kinds;
use super::metered::{Drawn, Settler, Usage};
use super::offers::Ware;
use super::one_at_a_time::Turns;
use super::options::ReferenceServerOptions;
use super::page::Page;
use super::replays::Replays;
use super::variants::Variant;

/// Base units by which a price that changes does so.
const PRICE_STEP: u64 = 1_000;

/// The server's state.
#[derive(Debug)]
pub(super) struct Shop {
    pub(super) options: ReferenceServerOptions,
    pub(super) facilitator: FacilitatorClient,
    pub(super) guard: Arc<Guard>,
    pub(super) replays: Replays,
    pub(super) identifiers: Identifiers,
    pub(super) buyers: Buyers,
    pub(super) kinds: Kinds,
    pub(super) turns: Turns,
    pub(super) breaker: Breaker,
    pub(super) settler: Settler,
    pub(super) drawn: Drawn,
    executions: AtomicU64,
    challenges: AtomicU64,
}

impl Shop {
    pub(super) fn new(options: ReferenceServerOptions, facilitator: FacilitatorClient) -> Self {
        let guard = Guard::new(Policy::of(&options));
        Self {
            options,
            facilitator,
            guard: Arc::new(guard),
            replays: Replays::default(),
            identifiers: Identifiers::default(),
            buyers: Buyers::default(),
            kinds: Kinds::default(),
            turns: Turns::default(),
            breaker: Breaker::default(),
            settler: Settler::default(),
            drawn: Drawn::default(),
            executions: AtomicU64::new(0),
            challenges: AtomicU64::new(0),
        }
    }

    /// True when the server has this defect.
    pub(super) fn has(&self, defect: Defect) -> bool {
        self.options.defects.has(defect)
    }

    /// True when the server is unusual in this way.
    pub(super) fn does(&self, variant: Variant) -> bool {
        self.options.variants.has(variant)
    }

    /// What is sold to a request.
    pub(super) fn ware<'a>(&self, ask: &'a Ask) -> Ware<'a> {
        let price = match ask.content {
            Content::Premium => self.options.premium_price,
            Content::Metered(_) => Usage::of(None).charge(self.options.price),
            _ => self.options.price,
        };
        let by_use = matches!(ask.content, Content::Metered(_));
        Ware {
            url: &ask.url,
            price,
            ceiling: by_use.then_some(self.options.price),
        }
    }

    /// Runs a paid handler and counts it.
    pub(super) async fn run(&self, content: &Content) -> Page {
        self.executions.fetch_add(1, Ordering::SeqCst);
        match content {
            Content::Generate(order) if self.has(Defect::PaidBodyDropped) => {
                let emptied = order.with_body(bytes::Bytes::new());
                Content::Generate(emptied).produce().await
            }
            _ => content.produce().await,
        }
    }

    /// Counts a handler run whose answer is produced elsewhere.
    pub(super) fn count_run(&self) {
        self.executions.fetch_add(1, Ordering::SeqCst);
    }

    /// Paid handler runs so far.
    pub(super) fn executions(&self) -> u64 {
        self.executions.load(Ordering::SeqCst)
    }

    /// The number of the next challenge, from 0.
    pub(super) fn next_challenge(&self) -> u64 {
        self.challenges.fetch_add(1, Ordering::Relaxed)
    }

    /// True when the price changes with every challenge.
    fn is_dynamic(&self) -> bool {
        self.does(Variant::DynamicPrice) || self.has(Defect::StalePriceError)
    }

    /// The challenge whose terms count now: the last one where they change, else any.
    pub(super) fn quote_in_force(&self) -> u64 {
        match self.is_dynamic() {
            true => self.challenges.load(Ordering::Relaxed).saturating_sub(1),
            false => 0,
        }
    }

    /// The price in a challenge of what costs `base` at first, in base units.
    pub(super) fn price(&self, base: U256, quote: u64) -> U256 {
        let step = U256::from(if self.is_dynamic() { quote % 3 } else { 0 });
        base + step * U256::from(PRICE_STEP)
    }

    /// Puts the caching header of a paid or unpaid answer in place.
    pub(super) fn cache(&self, page: &mut Page, correct: &'static str) {
        let paid = correct == "private";
        if self.has(Defect::CachePublic) || (paid && self.has(Defect::PaidPublic)) {
            page.set("cache-control", "public, max-age=60");
        } else if !self.does(Variant::NoCacheHeaders) {
            page.set("cache-control", correct);
        }
    }
}
