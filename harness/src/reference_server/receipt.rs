//! The settlement header (wire-format section 3.6).

use alloy_primitives::{Address, B256};
use serde_json::{Value, json};
use x402_assay_protocol::write::set;
use x402_assay_protocol::{Version, header, network};

use super::deal::Deal;
use super::defects::Defect;
use super::facilitator::Settled;
use super::page::Page;
use super::shop::Shop;
use super::variants::Variant;

/// Puts the receipt of a settlement onto a page.
pub(super) fn attach(shop: &Shop, page: &mut Page, deal: &Deal, settled: &Settled) {
    if shop.has(Defect::ReceiptMissing) && settled.success {
        return;
    }
    let receipt = deviating(shop, deal, receipt(shop, deal, settled));
    let value = match shop.has(Defect::ReceiptNotBase64) {
        true => receipt.to_string(),
        false => header::encode(&receipt),
    };
    page.set(deal.version.settlement_header(), &value);
}

fn receipt(shop: &Shop, deal: &Deal, settled: &Settled) -> Value {
    let payer = settled.payer.as_ref().unwrap_or(&deal.payer);
    let mut receipt = json!({
        "success": settled.success,
        "transaction": settled.transaction,
        "network": deal.network,
        "payer": payer,
    });
    if !settled.success {
        let reason = settled.reason.as_deref().unwrap_or("settlement failed");
        receipt["errorReason"] = json!(reason);
    } else if shop.does(Variant::NullMembers) {
        receipt["errorReason"] = Value::Null;
    }
    if let Some(amount) = settled.amount.as_ref().filter(|_| deal.by_use) {
        receipt["amount"] = json!(amount);
    }
    if shop.does(Variant::MinimalReceipt) && deal.version == Version::V2 {
        set(&mut receipt, "/payer", None);
    }
    if shop.does(Variant::ExtraFields) {
        if !deal.by_use {
            receipt["amount"] = json!(deal.price.to_string());
        }
        receipt["x-shop"] = json!("reference");
    }
    receipt
}

fn deviating(shop: &Shop, deal: &Deal, mut receipt: Value) -> Value {
    if receipt["success"] == false {
        if shop.has(Defect::ReceiptClaimsSuccess) {
            receipt["success"] = json!(true);
        }
        if shop.has(Defect::ReceiptInventsTransaction) {
            receipt["transaction"] = json!(B256::random().to_string());
        }
        return receipt;
    }
    if shop.has(Defect::ReceiptWrongTransaction) {
        receipt["transaction"] = json!(B256::random().to_string());
    }
    if shop.has(Defect::ReceiptWrongPayer) {
        receipt["payer"] = json!(Address::random().to_checksum(None));
    }
    if shop.has(Defect::ReceiptWrongNetwork) {
        receipt["network"] = json!(other_network(deal));
    }
    if shop.has(Defect::ReceiptWithoutNetwork) {
        set(&mut receipt, "/network", None);
    }
    if shop.has(Defect::ReceiptErrorReason) {
        receipt["errorReason"] = json!("insufficient_funds");
    }
    receipt
}

/// A network that is not the deal's, in the same spelling.
fn other_network(deal: &Deal) -> &'static str {
    network::NETWORKS
        .iter()
        .filter_map(|network| match deal.version {
            Version::V1 => network.v1_name,
            Version::V2 => Some(network.caip2),
        })
        .find(|name| *name != deal.network)
        .unwrap_or_default()
}
