//! `GET /metered`: sold by use with the `upto` scheme (wire-format section 6). The payer signs a ceiling, and what the
//! request used is settled; whoever pays `exact` pays a flat price.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use alloy_primitives::{Address, B256, U256};
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use x402_assay_protocol::write::set;
use x402_assay_protocol::{network, upto};

use super::deal::Deal;
use super::defects::Defect;
use super::facilitator::Verified;
use super::incoming::Presented;
use super::offers::Ware;
use super::options::{MARKER, METERED_UNITS};
use super::page::Page;
use super::purchase::Purchase;
use super::settlement::{self, Outcome};
use super::shop::Shop;

/// Parameter of the query that says how many units a request uses.
const UNITS: &str = "units";
/// Units the ceiling pays for: the handler gives no more than these.
const UNITS_MAX: u64 = 10;
/// Permits that the defect `upto-draws-again` remembers.
const DRAWN_MAX: usize = 10_000;

/// What a metered request uses, from its query: units, or what is wrong with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Usage(Option<u64>);

impl Usage {
    /// Reads `units=N`; without it a request uses [`METERED_UNITS`], and never more than the ceiling pays for.
    pub(super) fn of(query: Option<&str>) -> Self {
        let pairs = query.unwrap_or_default().split('&');
        let mut named = pairs.filter_map(|pair| pair.strip_prefix(UNITS)?.strip_prefix('='));
        Self(match named.next() {
            None => Some(METERED_UNITS),
            Some(text) => text.parse().ok().map(|units: u64| units.min(UNITS_MAX)),
        })
    }

    /// Runs the handler.
    pub(super) fn produce(self) -> Page {
        match self.0 {
            Some(units) => Page::json(
                StatusCode::OK,
                &json!({ "content": MARKER, "units": units }),
            ),
            None => Page::error(StatusCode::BAD_REQUEST, "units must be a whole number"),
        }
    }

    /// What that costs, base units; `ceiling` is the price of all units.
    pub(super) fn charge(self, ceiling: U256) -> U256 {
        ceiling * U256::from(self.0.unwrap_or_default()) / U256::from(UNITS_MAX)
    }
}

/// Who settles `upto`, as the facilitator's `/supported` says; asked until it is known.
#[derive(Debug, Default)]
pub(super) struct Settler(OnceCell<Option<Address>>);

impl Settler {
    /// Asks, unless it is known. Trouble means that nothing is offered by use this time.
    pub(super) async fn learn(&self, shop: &Shop) {
        let network = network::caip2(shop.options.token.chain_id);
        let asked = self
            .0
            .get_or_try_init(|| shop.facilitator.upto_settler(&network));
        if let Err(trouble) = asked.await {
            tracing::warn!("the facilitator does not say whether it settles upto: {trouble}");
        }
    }

    /// Its address; none where nobody settles `upto`, or it is not known.
    pub(super) fn address(&self) -> Option<Address> {
        self.0.get().copied().flatten()
    }
}

/// The `upto` offer beside an `exact` one, for a ware that is sold by use.
pub(super) fn offer(shop: &Shop, ware: Ware<'_>, exact: &Value) -> Option<Value> {
    let (ceiling, settler) = (ware.ceiling?, shop.settler.address()?);
    let mut offer = exact.clone();
    offer["scheme"] = json!(upto::SCHEME);
    offer["amount"] = json!(ceiling.to_string());
    offer["extra"][upto::FACILITATOR_ADDRESS] = json!(settler.to_checksum(None));
    for exacts in ["assetTransferMethod", "paymentFlow"] {
        set(&mut offer, &format!("/extra/{exacts}"), None);
    }
    Some(offer)
}

/// True for an offer that is settled by use.
pub(super) fn is_upto(offer: &Value) -> bool {
    offer["scheme"] == upto::SCHEME && offer["extra"].get(upto::FACILITATOR_ADDRESS).is_some()
}

/// What is settled for a metered request whose requirements ask for the ceiling.
pub(super) fn charge(shop: &Shop, usage: Usage, ceiling: U256) -> U256 {
    let used = usage.charge(ceiling);
    if shop.has(Defect::UptoAboveCeiling) {
        return ceiling + used;
    }
    match shop.has(Defect::UptoTakesCeiling) {
        true => ceiling,
        false => used,
    }
}

/// Permits that were drawn on, for the defect `upto-draws-again`.
#[derive(Debug, Default)]
pub(super) struct Drawn(Mutex<HashSet<(Address, B256)>>);

impl Drawn {
    /// Notes one; false when it was noted before.
    fn note(&self, payment: &Presented) -> bool {
        let signed = &payment.authorization;
        let mut drawn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        drawn.len() < DRAWN_MAX && drawn.insert((signed.from, signed.nonce))
    }
}

/// Defect `upto-draws-again`: a permit that was verified once stands for an allowance, and every request that costs no
/// more than that draws on it, whatever settle says of it.
pub(super) async fn draw(purchase: &Purchase, deal: &Deal, payment: &Presented) -> Response {
    let shop = &purchase.shop;
    if shop.drawn.note(payment) {
        match shop.facilitator.verify(&deal.request).await {
            Ok(Verified::Valid) => {}
            Ok(Verified::Invalid(reason)) => return purchase.refusal(&reason).into(),
            Err(trouble) => return purchase.outage(&trouble.to_string()).into(),
        }
    }
    let page = shop.run(&purchase.ask.content).await;
    if page.status.as_u16() >= 400 {
        return page.into();
    }
    match settlement::settle(shop, deal).await {
        Outcome::Done(settled) => purchase.deliver(page, deal, &settled, payment).into(),
        Outcome::Failed(settled) if settled.is_used() => purchase.paid_page(page).into(),
        Outcome::Failed(settled) => purchase.failed(deal, &settled).into(),
        Outcome::Unknown(open) => purchase.outage(&open.why).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn use_is_read_from_the_query_and_ends_at_the_ceiling() {
        let ceiling = U256::from(10_000);
        let charged = |query| Usage::of(query).charge(ceiling).to::<u64>();
        assert_eq!(charged(None), 4_000);
        assert_eq!(charged(Some("x=1&units=7")), 7_000);
        assert_eq!(charged(Some("units=0")), 0);
        assert_eq!(charged(Some("units=50")), 10_000);
        let odd = Usage::of(Some("units=-1"));
        assert_eq!(odd.charge(ceiling), U256::ZERO);
        assert_eq!(odd.produce().status, StatusCode::BAD_REQUEST);
    }
}
