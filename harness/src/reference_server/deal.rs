//! Which own offer a payment answers, and what the facilitator is asked (wire-format section 10).

use alloy_primitives::U256;
use serde_json::{Value, json};
use x402_assay_protocol::write::set;
use x402_assay_protocol::{Version, facilitator};

use super::content::Content;
use super::defects::Defect;
use super::incoming::Presented;
use super::metered::{charge, is_upto};
use super::offers::{Offer, QUOTE_ID, Ware, offers};
use super::shop::Shop;
use super::variants::Variant;

/// A payment together with the server's own terms.
#[derive(Debug, Clone)]
pub(super) struct Deal {
    /// Body of `/verify`.
    pub(super) request: Value,
    /// Body of `/settle`; the same, but for a defect.
    pub(super) settle_request: Value,
    /// Network in the spelling of the generation.
    pub(super) network: String,
    /// Base units that were asked for.
    pub(super) price: U256,
    /// Payer named by the authorization.
    pub(super) payer: String,
    /// Generation.
    pub(super) version: Version,
    /// True when verify is asked about a ceiling, and settle about what was used.
    pub(super) by_use: bool,
}

/// Finds the offer; `None` when the payment answers none of ours.
pub(super) fn strike(
    shop: &Shop,
    (ware, content): (Ware<'_>, &Content),
    payment: &Presented,
) -> Option<Deal> {
    let requirements = match shop.has(Defect::TrustClientTerms) {
        true => client_terms(shop, ware, payment)?,
        false => own_terms(shop, ware, payment)?,
    };
    let network = requirements["network"].as_str().unwrap_or_default();
    let mut forwarded = payment.raw.clone();
    if shop.has(Defect::PayloadRewritten) {
        set(
            &mut forwarded,
            "/resource",
            Some(json!({ "url": "http://elsewhere.example/" })),
        );
    }
    let mut request = facilitator::request(payment.version, &forwarded, &requirements);
    if shop.has(Defect::FacilitatorRequestWithoutVersion) {
        set(&mut request, "/x402Version", None);
    }
    let by_use = is_upto(&requirements);
    let mut settle_request = match (&payment.accepted, shop.has(Defect::SettleWithClientTerms)) {
        (Some(claimed), true) => facilitator::request(payment.version, &forwarded, claimed),
        _ => request.clone(),
    };
    if let (true, Content::Metered(usage), Some(ceiling)) = (by_use, content, ware.ceiling) {
        let charged = charge(shop, *usage, ceiling).to_string();
        let amount = Some(json!(charged));
        set(&mut settle_request, "/paymentRequirements/amount", amount);
    }
    Some(Deal {
        by_use,
        settle_request,
        network: network.to_owned(),
        price: shop.price(ware.price, shop.quote_in_force()),
        payer: payment.authorization.from.to_checksum(None),
        version: payment.version,
        request,
    })
}

/// The server's own requirements: what must be forwarded, whatever the client copied.
fn own_terms(shop: &Shop, mut ware: Ware<'_>, payment: &Presented) -> Option<Value> {
    let value = payment.authorization.value;
    let sold_at = [shop.options.price, shop.options.premium_price];
    if shop.has(Defect::AnyRoutePrice) && sold_at.contains(&value) {
        ware.price = value;
    }
    let ours = offers(shop, payment.version, ware, shop.quote_in_force());
    let chosen = ours.iter().position(|offer| match payment.version {
        Version::V1 => matches_v1(offer, payment),
        Version::V2 => matches_v2(shop, offer, payment),
    })?;
    let mut offer = &ours[chosen];
    if shop.has(Defect::OtherOfferForwarded) && payment.version == Version::V2 {
        offer = ours.iter().rev().find(|other| other.own != offer.own)?;
    }
    let mut own = offer.own.clone()?;
    if shop.does(Variant::FreshExtra)
        && let Some(quote) = payment
            .accepted
            .as_ref()
            .and_then(|a| a["extra"].get(QUOTE_ID))
    {
        set(&mut own, &format!("/extra/{QUOTE_ID}"), Some(quote.clone()));
    }
    let authorization = &payment.authorization;
    let amount = format!("/{}", payment.version.amount_field());
    if shop.has(Defect::IgnoreAmount) {
        set(
            &mut own,
            &amount,
            Some(json!(authorization.value.to_string())),
        );
    }
    if shop.has(Defect::OtherAmountForwarded) {
        let half = ware.price / U256::from(2);
        set(&mut own, &amount, Some(json!(half.to_string())));
    }
    if shop.has(Defect::IgnoreRecipient) {
        set(
            &mut own,
            "/payTo",
            Some(json!(authorization.to.to_checksum(None))),
        );
    }
    if shop.has(Defect::IgnoreAsset)
        && let Some(asset) = payment.accepted.as_ref().and_then(|a| a.get("asset"))
    {
        set(&mut own, "/asset", Some(asset.clone()));
    }
    Some(own)
}

fn matches_v1(offer: &Offer, payment: &Presented) -> bool {
    ["scheme", "network"]
        .into_iter()
        .all(|name| payment.raw.get(name) == offer.advertised.get(name))
}

/// Defect `stale-price-error`: the payment is for a price of an earlier challenge.
pub(super) fn is_outdated(shop: &Shop, ware: Ware<'_>, payment: &Presented) -> bool {
    let now = shop.quote_in_force();
    let value = payment.authorization.value;
    let before = [now + 1, now + 2].map(|quote| shop.price(ware.price, quote));
    shop.has(Defect::StalePriceError)
        && value != shop.price(ware.price, now)
        && before.contains(&value)
}

/// Every member as advertised; `extra` may hold more than we put there.
fn matches_v2(shop: &Shop, offer: &Offer, payment: &Presented) -> bool {
    let (Some(ours), Some(accepted)) = (offer.advertised.as_object(), &payment.accepted) else {
        return false;
    };
    let unread = shop.has(Defect::SettleWithClientTerms);
    let ignored = |name: &str| match name {
        "amount" => unread || shop.has(Defect::IgnoreAmount),
        "payTo" => unread || shop.has(Defect::IgnoreRecipient),
        "asset" => unread || shop.has(Defect::IgnoreAsset),
        _ => false,
    };
    ours.iter().all(|(name, value)| match value.as_object() {
        Some(extra) if name == "extra" => extra
            .iter()
            .all(|(key, value)| key == QUOTE_ID || accepted["extra"].get(key) == Some(value)),
        _ => ignored(name) || accepted.get(name) == Some(value),
    })
}

/// Defect `local-check-on-refusal`: what a server can compare without asking anybody; the signature is not looked at.
pub(super) fn looks_right(shop: &Shop, ware: Ware<'_>, payment: &Presented) -> bool {
    let authorization = &payment.authorization;
    shop.has(Defect::LocalCheckOnRefusal)
        && authorization.value == ware.price
        && authorization.to == shop.options.pay_to
}

/// Defect `trust-client-terms`: what the client says becomes what is asked of it.
fn client_terms(shop: &Shop, ware: Ware<'_>, payment: &Presented) -> Option<Value> {
    if payment.version == Version::V2 {
        return payment.accepted.clone();
    }
    let ours = offers(shop, Version::V1, ware, 0);
    let mut terms = ours.into_iter().next()?.own?;
    let authorization = &payment.authorization;
    terms["maxAmountRequired"] = json!(authorization.value.to_string());
    terms["payTo"] = json!(authorization.to.to_checksum(None));
    terms["network"] = payment.raw["network"].clone();
    Some(terms)
}
