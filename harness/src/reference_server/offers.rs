//! What the server offers (wire-format section 3.2).

use alloy_primitives::U256;
use serde_json::{Value, json};
use x402_assay_protocol::network::{self, SOLANA};
use x402_assay_protocol::write::set;
use x402_assay_protocol::{Version, network::by_chain_id};

use super::defects::Defect;
use super::metered;
use super::odd_offers::{odd_offers, pay_to};
use super::options::ReferenceServerOptions;
use super::shop::Shop;
use super::variants::Variant;

/// Member of `extra` that differs with every challenge (variant `fresh-extra`).
pub(super) const QUOTE_ID: &str = "quoteId";
/// Prose about the resource; three question marks show in base64 which alphabet was used.
pub(super) const DESCRIPTION: &str = "Reference content: what is paid for???";
const MIME_TYPE: &str = "application/json";

/// One offer: as it is advertised, and as the server itself understands it.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    /// In the challenge.
    pub(super) advertised: Value,
    /// For the facilitator; `None` for offers the server could not settle anyway.
    pub(super) own: Option<Value>,
}

/// What an offer is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ware<'a> {
    /// The URL under which the client knows it.
    pub(super) url: &'a str,
    /// Base units.
    pub(super) price: U256,
    /// The most it may cost, if it is sold by use as well.
    pub(super) ceiling: Option<U256>,
}

/// The network as a generation writes it.
pub(super) fn network_name(options: &ReferenceServerOptions, version: Version) -> String {
    let chain_id = options.token.chain_id;
    match version {
        Version::V2 => network::caip2(chain_id),
        Version::V1 => by_chain_id(chain_id)
            .and_then(|network| network.v1_name)
            .map_or_else(|| network::caip2(chain_id), str::to_owned),
    }
}

/// The offers for a ware. `quote` numbers the challenge they stand in.
pub(super) fn offers(shop: &Shop, version: Version, ware: Ware<'_>, quote: u64) -> Vec<Offer> {
    let first = payable(shop, version, ware, quote);
    let odd = odd_offers(shop, version, &first, quote);
    let mut offers = Vec::new();
    if shop.does(Variant::ForeignOffersFirst) && version == Version::V2 {
        offers.extend(foreign(&first));
    }
    offers.push(first.clone());
    if version == Version::V2 {
        offers.extend(metered::offer(shop, ware, &first));
    }
    if shop.does(Variant::TwoOffers) || shop.has(Defect::OtherOfferForwarded) {
        let mut longer = first;
        set(
            &mut longer,
            "/maxTimeoutSeconds",
            Some(json!(shop.options.max_timeout_seconds + 240)),
        );
        offers.push(longer);
        if quote % 2 == 1 {
            offers.reverse();
        }
    }
    let honoured = offers.into_iter().map(|own| Offer {
        advertised: deviating(shop, version, ware.price, own.clone()),
        own: (is_payable(&own) || metered::is_upto(&own)).then_some(own),
    });
    let odd = odd.into_iter().map(|advertised| Offer {
        advertised,
        own: None,
    });
    honoured.chain(odd).collect()
}

fn payable(shop: &Shop, version: Version, ware: Ware<'_>, quote: u64) -> Value {
    let options = &shop.options;
    let address = |address: alloy_primitives::Address| {
        if shop.does(Variant::LowerCaseAddresses) {
            format!("{address:#x}")
        } else {
            address.to_checksum(None)
        }
    };
    let mut offer = json!({
        "scheme": "exact",
        "network": network_name(options, version),
        (version.amount_field()): shop.price(ware.price, quote).to_string(),
        "asset": address(options.token.verifying_contract),
        "payTo": address(pay_to(shop, ware.url)),
        "maxTimeoutSeconds": options.max_timeout_seconds,
        "extra": { "name": options.token.name, "version": options.token.version },
    });
    if version == Version::V1 {
        offer["resource"] = json!(ware.url);
        offer["description"] = json!(DESCRIPTION);
        offer["mimeType"] = json!(MIME_TYPE);
        if shop.does(Variant::NullMembers) {
            offer["outputSchema"] = Value::Null;
        }
    }
    if shop.does(Variant::TransferMethodNamed) {
        offer["extra"]["assetTransferMethod"] = json!("eip3009");
    }
    if shop.does(Variant::Upfront) {
        offer["extra"]["paymentFlow"] = json!("upfront");
    }
    if shop.does(Variant::FreshExtra) {
        offer["extra"][QUOTE_ID] = json!(format!("quote-{quote}"));
    }
    if shop.does(Variant::ExtraFields) {
        offer["x-shop"] = json!({ "shelf": 7 });
        offer["extra"]["x-note"] = json!("unknown to clients");
    }
    offer
}

/// Offers of kinds that the bench has no payer for.
fn foreign(payable: &Value) -> Vec<Value> {
    let mut solana = payable.clone();
    set(&mut solana, "/network", Some(json!(SOLANA[1].0)));
    set(
        &mut solana,
        "/asset",
        Some(json!("4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU")),
    );
    set(
        &mut solana,
        "/payTo",
        Some(json!("2wKupLR9q6wXYppw8Gr2NvWxKBUqm4PPJKkQfoxHDBg4")),
    );
    set(
        &mut solana,
        "/extra",
        Some(json!({ "feePayer": "2wKupLR9q6wXYppw8Gr2NvWxKBUqm4PPJKkQfoxHDBg4" })),
    );
    let mut upto = payable.clone();
    set(&mut upto, "/scheme", Some(json!("upto")));
    let mut permit2 = payable.clone();
    set(
        &mut permit2,
        "/extra/assetTransferMethod",
        Some(json!("permit2")),
    );
    vec![solana, upto, permit2]
}

fn is_payable(offer: &Value) -> bool {
    let method = offer["extra"]["assetTransferMethod"].as_str();
    offer["scheme"] == "exact"
        && offer["network"]
            .as_str()
            .is_some_and(|name| network::chain_id(name).is_some())
        && method.is_none_or(|method| method == "eip3009")
}

/// The offer with the challenge's defects in it.
fn deviating(shop: &Shop, version: Version, price: U256, mut offer: Value) -> Value {
    let amount = format!("/{}", version.amount_field());
    let decimal = match version {
        Version::V1 => Defect::V1AmountDecimal,
        Version::V2 => Defect::AmountDecimal,
    };
    if shop.has(decimal) {
        set(&mut offer, &amount, Some(json!("0.01")));
    }
    if shop.has(Defect::AmountNumber) {
        let number = price.saturating_to::<u64>();
        set(&mut offer, &amount, Some(json!(number)));
    }
    if shop.has(Defect::AcceptsMissingAmount) {
        set(&mut offer, &amount, None);
    }
    if shop.has(Defect::AcceptsMissingPayTo) {
        set(&mut offer, "/payTo", None);
    }
    match version {
        Version::V2 if shop.has(Defect::NetworkNotCaip2) => {
            let name = network_name(&shop.options, Version::V1);
            set(&mut offer, "/network", Some(json!(name)));
        }
        Version::V1 if shop.has(Defect::V1MissingField) => {
            set(&mut offer, "/resource", None);
            set(&mut offer, "/description", None);
        }
        _ => {}
    }
    offer
}

/// The v2 `resource` object.
pub(super) fn resource(url: &str) -> Value {
    json!({ "url": url, "description": DESCRIPTION, "mimeType": MIME_TYPE })
}
