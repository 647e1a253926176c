//! Defects that are one more offer in the challenge, after the payable one: advertised, and never honoured.

use alloy_primitives::{Address, U256};
use serde_json::{Value, json};
use x402_assay_protocol::write::set;
use x402_assay_protocol::{Version, network};

use super::defects::Defect;
use super::shop::Shop;

/// Who pays the fees of a Solana payment.
const FEE_PAYER: &str = "2wKupLR9q6wXYppw8Gr2NvWxKBUqm4PPJKkQfoxHDBg4";
/// A Solana network that our facilitator does not list.
const SOLANA_TESTNET: &str = "solana:4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z";
/// Whose money it is when the request comes by another host name.
const OTHER_TENANT: Address = Address::repeat_byte(0x7e);

/// The odd offers of a generation, made of the payable one. `quote` numbers the challenge.
pub(super) fn odd_offers(shop: &Shop, version: Version, payable: &Value, quote: u64) -> Vec<Value> {
    let rows: &[(Defect, Version, &str, Value)] = &[
        (Defect::OfferFree, Version::V2, "/amount", json!("0")),
        (
            Defect::OfferWrongDomain,
            Version::V2,
            "/extra/version",
            json!("1"),
        ),
        (
            Defect::OfferUnsupported,
            Version::V2,
            "/network",
            json!(SOLANA_TESTNET),
        ),
        (
            Defect::OfferDrifts,
            Version::V2,
            "/amount",
            json!((shop.options.price + U256::from(1 + quote)).to_string()),
        ),
        (
            Defect::V1NetworkCaip2,
            Version::V1,
            "/network",
            json!(network::caip2(shop.options.token.chain_id)),
        ),
    ];
    rows.iter()
        .filter(|(defect, of, ..)| shop.has(*defect) && *of == version)
        .map(|(_, _, place, value)| {
            let mut offer = payable.clone();
            set(&mut offer, place, Some(value.clone()));
            if *value == json!(SOLANA_TESTNET) {
                set(&mut offer, "/extra/feePayer", Some(json!(FEE_PAYER)));
            }
            offer
        })
        .collect()
}

/// Who is paid for a resource: with the defect, the host name of the request decides.
pub(super) fn pay_to(shop: &Shop, url: &str) -> Address {
    let foreign = shop.has(Defect::TenantByHost)
        && url::Url::parse(url).is_ok_and(|url| {
            url.host_str()
                .is_some_and(|host| host.ends_with(".example"))
        });
    if foreign {
        OTHER_TENANT
    } else {
        shop.options.pay_to
    }
}
