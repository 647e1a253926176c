//! One purchase: 402 → verify → handler → settle → respond.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};
use x402_assay_protocol::Version;

use super::ask::Ask;
use super::browser;
use super::challenge::challenge;
use super::content::Content;
use super::deal::{Deal, is_outdated, looks_right, strike};
use super::defects::Defect;
use super::facilitator::{EXTENSION_RESPONSES, Settled, Verified, says_used};
use super::guard::{Claim, OpenPurchase, Taken};
use super::hygiene;
use super::identifier::{InUse, Known};
use super::incoming::{self, Incoming, Presented, Undecodable};
use super::metered;
use super::offers::Ware;
use super::one_at_a_time::MidPurchase;
use super::outage;
use super::page::Page;
use super::receipt;
use super::settlement::{self, Outcome, Unsettled};
use super::shop::Shop;
use super::start;
use super::streaming;
use super::variants::Variant;

/// Answers a request for paid content. The purchase runs to its end even when the client goes away: half of one
/// would leave a payment that was neither made nor given back.
pub(super) async fn sell(shop: Arc<Shop>, ask: Ask) -> Response {
    if let Some(page) = outage::answer(&shop, shop.ware(&ask)).await {
        return page.into();
    }
    if shop.has(Defect::AbandonedPurchaseJams) {
        let purchase = MidPurchase::begin(&shop);
        let answer = Purchase { shop, ask }.run().await;
        purchase.end();
        return answer;
    }
    let purchase = tokio::spawn(async move { Purchase { shop, ask }.run().await });
    purchase.await.unwrap_or_else(|_| {
        Page::error(StatusCode::INTERNAL_SERVER_ERROR, "the purchase broke off").into()
    })
}

/// Defect `free-route-charges`: what is paid along with a free request is taken.
pub(super) async fn charge(shop: &Shop, ask: &Ask) {
    if let Incoming::Payment(payment) = incoming::read(&shop.options, &ask.headers)
        && let Some(deal) = strike(shop, (shop.ware(ask), &ask.content), &payment)
        && let Ok(Verified::Valid) = shop.facilitator.verify(&deal.request).await
    {
        // The request is free: what came of it changes nothing.
        let _ = settlement::settle(shop, &deal).await;
    }
}

/// One request on its way through the shop.
pub(super) struct Purchase {
    pub(super) shop: Arc<Shop>,
    pub(super) ask: Ask,
}

impl Purchase {
    async fn run(self) -> Response {
        if let Some(page) = start::answer(&self.shop, &self.ask.content).await {
            return page.unwrap_or_else(|why| self.outage(why)).into();
        }
        if let Some(page) = hygiene::answer(&self.shop, &self.ask) {
            return self.uncached(page).into();
        }
        if matches!(self.ask.content, Content::Metered(_)) {
            self.shop.settler.learn(&self.shop).await;
        }
        let incoming = incoming::read(&self.shop.options, &self.ask.headers);
        let paying = !matches!(incoming, Incoming::Nothing);
        if outage::open_door(&self.shop, &self.ask, paying) {
            return outage::give_away(&self.shop, &self.ask.content)
                .await
                .into();
        }
        if let Some(content) = outage::slipped_through(&self.shop, &self.ask) {
            return outage::give_away(&self.shop, &content).await.into();
        }
        match incoming {
            Incoming::Nothing => self.challenge("Payment required").into(),
            Incoming::Undecodable(header) => self.undecodable(header).await.into(),
            Incoming::Payment(payment) => self.paid(&payment).await,
        }
    }

    fn ware(&self) -> Ware<'_> {
        self.shop.ware(&self.ask)
    }

    fn challenge(&self, error: &str) -> Page {
        let page = challenge(&self.shop, self.ware(), error);
        browser::dressed(&self.shop, &self.ask.headers, &self.ask.url, page)
    }

    /// The 402 to a payment that is refused.
    pub(super) fn refusal(&self, error: &str) -> Page {
        match self.shop.has(Defect::RefusalWithoutChallenge) {
            true => self.uncached(Page::error(StatusCode::PAYMENT_REQUIRED, error)),
            false => self.challenge(error),
        }
    }

    async fn undecodable(&self, header: Undecodable) -> Page {
        let shop = &self.shop;
        if shop.has(Defect::ServeUndecodable) {
            return outage::give_away(shop, &self.ask.content).await;
        }
        if shop.has(Defect::SettleUndecodable) {
            let text = String::from_utf8_lossy(&header.header).into_owned();
            let request = x402_assay_protocol::facilitator::request(
                header.version,
                &Value::from(text),
                &Value::Null,
            );
            // The junk is forwarded and forgotten.
            let _ = shop.facilitator.settle(&request, "").await;
        }
        if shop.does(Variant::MalformedIs402) {
            return self.challenge(&header.why);
        }
        let status = match shop.has(Defect::Status500OnMalformed) {
            true => StatusCode::INTERNAL_SERVER_ERROR,
            false => StatusCode::BAD_REQUEST,
        };
        let name = header.version.payment_header();
        let why = format!("{name}: {}", header.why);
        self.uncached(match shop.has(Defect::ErrorsLeak) {
            true => outage::bared(status, &why),
            false => Page::error(status, &why),
        })
    }

    async fn paid(&self, payment: &Presented) -> Response {
        let shop = &self.shop;
        if shop.has(Defect::RefuseEverything) {
            return self.challenge("Payment required").into();
        }
        if shop.turns.jammed() {
            return self.outage("another purchase is under way").into();
        }
        if shop.breaker.is_open() {
            return self.outage("the facilitator is gone").into();
        }
        let _turn = shop.turns.wait(shop).await;
        let payer = (payment.version, payment.authorization.from);
        if shop.has(Defect::DedupeByPayer) && shop.buyers.knows(payer) {
            return self.challenge("this payment was used before").into();
        }
        let _in_use = match self.identified(payment).await {
            Ok(in_use) => in_use,
            Err(page) => return page.into(),
        };
        if let Some(page) = self.replayed(payment).await {
            return page.into();
        }
        let Some(deal) = strike(shop, (self.ware(), &self.ask.content), payment) else {
            if is_outdated(shop, self.ware(), payment) {
                let why = "the price has changed";
                return Page::error(StatusCode::INTERNAL_SERVER_ERROR, why).into();
            }
            return self.refusal("No matching payment requirements").into();
        };
        let deal = hygiene::overridden(shop, &self.ask.headers, deal);
        if deal.by_use && shop.has(Defect::UptoDrawsAgain) {
            return metered::draw(self, &deal, payment).await;
        }
        match shop.guard.take(payment, now()) {
            Taken::Refused(why) => self.used(why).into(),
            Taken::Full => self.outage("too many payments are remembered").into(),
            Taken::Open(claim, open) => self.resume(claim, &open, &deal, payment).await.into(),
            Taken::Claimed(claim)
                if (shop.does(Variant::Upfront)
                    && !shop.has(Defect::UpfrontLate)
                    && !deal.by_use)
                    || shop.has(Defect::UpfrontUndeclared) =>
            {
                self.settle_first(claim, &deal, payment).await.into()
            }
            Taken::Claimed(claim) => self.verified(claim, deal, payment).await,
        }
    }

    /// Holds the payment's identifier through the purchase; the error is the answer to one that was seen before, or is
    /// none (wire-format section 14.1).
    async fn identified(&self, payment: &Presented) -> Result<Option<InUse>, Page> {
        let shop = &self.shop;
        let bad = |why: &str| self.uncached(Page::error(StatusCode::BAD_REQUEST, why));
        match shop.identifiers.look_up(payment, &self.ask, shop) {
            Known::New(in_use) => Ok(in_use),
            Known::Answered(page) => Err(page),
            Known::GivenAway => Err(outage::give_away(shop, &self.ask.content).await),
            Known::Conflict => Err(self.uncached(Page::error(
                StatusCode::CONFLICT,
                "this payment identifier belongs to another payment or request",
            ))),
            Known::Malformed(why) => Err(bad(&why)),
            Known::Missing => Err(bad("a payment identifier is required")),
        }
    }

    /// The answer to a header that bought before, for servers that look there first.
    async fn replayed(&self, payment: &Presented) -> Option<Page> {
        let shop = &self.shop;
        if shop.has(Defect::CacheWithoutPayer) {
            return shop.replays.get(&self.ask.url, b"");
        }
        let anywhere = shop.has(Defect::ReplayCacheAnyRoute);
        if anywhere || shop.has(Defect::ReplayCache) {
            let url = if anywhere { "" } else { &self.ask.url };
            shop.replays.get(url, &payment.header)?;
            return Some(outage::give_away(shop, &self.ask.content).await);
        }
        match shop.does(Variant::CachedReplay) {
            true => shop.replays.get(&self.ask.url, &payment.header),
            false => None,
        }
    }

    async fn verified(&self, claim: Claim, deal: Deal, payment: &Presented) -> Response {
        let shop = &self.shop;
        match shop.facilitator.verify(&deal.request).await {
            Ok(Verified::Valid) => claim.verified(),
            Ok(Verified::Invalid(reason)) => {
                if shop.has(Defect::SettleDespiteInvalid) {
                    // The refusal stands; what the settlement answers is thrown away.
                    let _ = shop.facilitator.settle(&deal.request, &deal.network).await;
                }
                claim.release();
                let used = says_used(&reason);
                if used && !shop.has(Defect::UsedNonceIsPaid) {
                    return self.refused_as_used(&deal, &reason).into();
                }
                let slips =
                    used || self.serves_invalid(&reason) || looks_right(shop, self.ware(), payment);
                return match slips {
                    true => outage::give_away(shop, &self.ask.content).await.into(),
                    false if shop.has(Defect::EchoesPayment) => {
                        let header = String::from_utf8_lossy(&payment.header);
                        self.challenge(&format!("{reason}: {header}")).into()
                    }
                    false => self.refusal(&reason).into(),
                };
            }
            Err(trouble) => {
                claim.release();
                shop.breaker.trip(shop).await;
                return match shop.has(Defect::ServeOnFacilitatorError) {
                    true => outage::give_away(shop, &self.ask.content).await.into(),
                    false => self.outage(&trouble.to_string()).into(),
                };
            }
        }
        if shop.has(Defect::SettleBeforeHandler) {
            return self.settle_first(claim, &deal, payment).await.into();
        }
        if shop.has(Defect::StreamBeforeSettlement) && matches!(self.ask.content, Content::Stream) {
            return streaming::respond(Arc::clone(shop), deal, claim);
        }
        if shop.has(Defect::SettleInBackground) {
            return self.settle_later(claim, deal).await.into();
        }
        self.handled(claim, &deal, payment).await.into()
    }

    /// Defect: the answer leaves, and the money moves when it will.
    async fn settle_later(&self, claim: Claim, deal: Deal) -> Page {
        let page = self.shop.run(&self.ask.content).await;
        claim.spend();
        let shop = Arc::clone(&self.shop);
        tokio::spawn(async move {
            // Nobody is left to be told.
            let _ = settlement::settle(&shop, &deal).await;
        });
        self.paid_page(page)
    }

    fn serves_invalid(&self, reason: &str) -> bool {
        let names = |parts: &[&str]| parts.iter().any(|part| reason.contains(part));
        let shop = &self.shop;
        shop.has(Defect::VerifyIgnored)
            || (shop.has(Defect::ServeExpired) && names(&["valid_before", "expired"]))
            || (shop.has(Defect::ServeNotYetValid) && names(&["valid_after", "early"]))
            || (shop.has(Defect::ServeBadSignature) && names(&["signature"]))
    }

    /// The handler runs, then the money moves, then the answer leaves.
    async fn handled(&self, claim: Claim, deal: &Deal, payment: &Presented) -> Page {
        let shop = &self.shop;
        let page = shop.run(&self.ask.content).await;
        if page.status.as_u16() >= 400 && !shop.has(Defect::SettleOnHandlerError) {
            claim.release();
            return page;
        }
        if shop.has(Defect::VerifyOnly) || payment.unsettled {
            claim.spend();
            return self.paid_page(page);
        }
        match settlement::settle(shop, deal).await {
            Outcome::Done(settled) => {
                claim.spend();
                self.deliver(page, deal, &settled, payment)
            }
            Outcome::Failed(settled) if self.counts_as_paid(&settled) => {
                claim.spend();
                self.deliver(page, deal, &settled, payment)
            }
            Outcome::Failed(settled) => {
                claim.release();
                self.not_settled(page, deal, &settled)
            }
            Outcome::Unknown(open) => self.unknown(claim, deal, page, &open),
        }
    }

    /// The money moves before the handler runs: declared as `upfront`, else a defect.
    async fn settle_first(&self, claim: Claim, deal: &Deal, payment: &Presented) -> Page {
        match settlement::settle(&self.shop, deal).await {
            Outcome::Done(settled) => {
                claim.spend();
                let page = self.shop.run(&self.ask.content).await;
                self.deliver(page, deal, &settled, payment)
            }
            Outcome::Failed(settled) => {
                claim.release();
                self.failed(deal, &settled)
            }
            Outcome::Unknown(open) => {
                // Nothing is owed yet, and whether anything was paid is not known: the claim stays used up.
                drop(claim);
                self.unsettled(deal, &open.why, &open)
            }
        }
    }

    /// A repeat of a purchase whose settlement is open: the identical body is settled again.
    async fn resume(
        &self,
        claim: Claim,
        open: &Arc<OpenPurchase>,
        deal: &Deal,
        payment: &Presented,
    ) -> Page {
        if open.url != self.ask.url || open.request != deal.settle_request {
            claim.keep_open(Arc::clone(open));
            return self.challenge("this payment is being processed for another request");
        }
        match settlement::attempt(&self.shop, &open.request, &deal.network).await {
            Outcome::Done(settled) => {
                claim.spend();
                let mut page = self.paid_page(open.page.clone());
                receipt::attach(&self.shop, &mut page, deal, &settled);
                self.shop.identifiers.remember(payment, &self.ask, &page);
                page
            }
            Outcome::Failed(settled) => {
                claim.keep_open(Arc::clone(open));
                self.failed(deal, &settled)
            }
            Outcome::Unknown(unsettled) => {
                claim.keep_open(Arc::clone(open));
                self.unsettled(deal, &unsettled.why, &unsettled)
            }
        }
    }

    pub(super) fn deliver(
        &self,
        page: Page,
        deal: &Deal,
        settled: &Settled,
        payment: &Presented,
    ) -> Page {
        let shop = &self.shop;
        if shop.has(Defect::ChargeWithoutService) {
            return Page::error(StatusCode::INTERNAL_SERVER_ERROR, "internal error");
        }
        shop.buyers
            .remember((payment.version, payment.authorization.from));
        let mut page = self.paid_page(page);
        receipt::attach(shop, &mut page, deal, settled);
        self.leave_inside(&mut page, settled);
        shop.identifiers.remember(payment, &self.ask, &page);
        if shop.has(Defect::CacheWithoutPayer) {
            shop.replays.put(&self.ask.url, b"", &page);
        } else if shop.has(Defect::ReplayCacheAnyRoute) {
            shop.replays.put("", &payment.header, &page);
        } else if shop.has(Defect::ReplayCache) || shop.does(Variant::CachedReplay) {
            shop.replays.put(&self.ask.url, &payment.header, &page);
        }
        page
    }

    /// What is said between handler, server and facilitator does not leave, but for a defect.
    fn leave_inside(&self, page: &mut Page, settled: &Settled) {
        let shop = &self.shop;
        if shop.has(Defect::SettlementOverridesLeak) {
            page.set("settlement-overrides", r#"{"amount":"100%"}"#);
        }
        if shop.has(Defect::ExtensionResponsesForwarded)
            && let Some(aside) = &settled.aside
        {
            page.set(EXTENSION_RESPONSES, aside);
        }
    }

    fn not_settled(&self, page: Page, deal: &Deal, settled: &Settled) -> Page {
        let shop = &self.shop;
        if shop.has(Defect::SettleIgnored) {
            let mut page = self.paid_page(page);
            receipt::attach(shop, &mut page, deal, settled);
            return page;
        }
        let mut failed = self.failed(deal, settled);
        if shop.has(Defect::LeakInHeader) {
            failed.set("x-preview", &String::from_utf8_lossy(&page.body));
        }
        if shop.has(Defect::LeakOnSettleFailure) {
            failed.body = page.body;
        }
        failed
    }

    /// The settlement failed for good (section 2.3): 402 with the failed receipt.
    pub(super) fn failed(&self, deal: &Deal, settled: &Settled) -> Page {
        let shop = &self.shop;
        let reason = settled.reason.as_deref().unwrap_or("Settlement failed");
        let challenges =
            deal.version == Version::V1 || shop.does(Variant::ChallengeOnSettleFailure);
        let mut page = match challenges {
            true => self.challenge(reason),
            false => self.uncached(Page::json(StatusCode::PAYMENT_REQUIRED, &json!({}))),
        };
        receipt::attach(shop, &mut page, deal, settled);
        page
    }

    /// A payment that bought already, or is about to: whoever lost the answer must not be asked to pay again.
    fn used(&self, why: &str) -> Page {
        if self.shop.has(Defect::UsedIs500) {
            return self.uncached(Page::error(StatusCode::INTERNAL_SERVER_ERROR, why));
        }
        match self.shop.has(Defect::ChallengeOnUsed) {
            true => self.challenge(why),
            false => self.uncached(Page::error(StatusCode::CONFLICT, why)),
        }
    }

    /// The facilitator says that the nonce is used: a failed verification is answered 402, and the receipt tells the
    /// client that this payment bought already and no new one is asked for.
    fn refused_as_used(&self, deal: &Deal, reason: &str) -> Page {
        let mut page = self.challenge(reason);
        if !self.shop.has(Defect::ChallengeOnUsed) {
            let refused = Settled {
                success: false,
                transaction: String::new(),
                reason: Some(reason.to_owned()),
                payer: None,
                amount: None,
                aside: None,
            };
            receipt::attach(&self.shop, &mut page, deal, &refused);
        }
        page
    }

    fn counts_as_paid(&self, settled: &Settled) -> bool {
        settled.is_used() && self.shop.has(Defect::UsedNonceIsPaid)
    }

    /// The settlement may have happened: no fresh challenge, or the client would sign and pay again.
    fn unknown(&self, claim: Claim, deal: &Deal, page: Page, open: &Unsettled) -> Page {
        let (shop, why) = (&self.shop, open.why.as_str());
        if shop.has(Defect::ServeOnFacilitatorError) || shop.has(Defect::ServeOnSettleTrouble) {
            claim.spend();
            return self.paid_page(page);
        }
        if shop.has(Defect::ChallengeOnUnknown) || shop.has(Defect::ImpatientWithFacilitator) {
            claim.spend();
            return self.challenge(why);
        }
        if shop.has(Defect::GuardReleasedOnUnknown) {
            claim.release();
            return self.unsettled(deal, why, open);
        }
        claim.keep_open(Arc::new(OpenPurchase {
            url: self.ask.url.clone(),
            request: deal.settle_request.clone(),
            page,
        }));
        let why = format!("{why}; send the same payment again");
        self.unsettled(deal, &why, open)
    }

    /// An outage; a settlement that is pending is told with its transaction, so that the client can look for it.
    fn unsettled(&self, deal: &Deal, why: &str, open: &Unsettled) -> Page {
        let mut page = self.outage(why);
        if let Some(pending) = &open.pending {
            receipt::attach(&self.shop, &mut page, deal, pending);
        }
        page
    }

    pub(super) fn outage(&self, why: &str) -> Page {
        // Expected: the bench makes its facilitator fail on purpose.
        tracing::info!(url = %self.ask.url, "failing closed: {why}");
        let status = match self.shop.does(Variant::OutageIs503) {
            true => StatusCode::SERVICE_UNAVAILABLE,
            false => StatusCode::BAD_GATEWAY,
        };
        self.uncached(Page::error(status, why).with("retry-after", "1"))
    }

    pub(super) fn paid_page(&self, mut page: Page) -> Page {
        self.shop.cache(&mut page, "private");
        page
    }

    fn uncached(&self, mut page: Page) -> Page {
        self.shop.cache(&mut page, "no-store");
        page
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |elapsed| elapsed.as_secs())
}
