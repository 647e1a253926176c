//! Payments of the `upto` scheme: what settle was asked for, and what came of it.

use alloy_primitives::U256;
use x402_assay_protocol::eip3009::parse_decimal;
use x402_mock_facilitator::event::Endpoint;

use super::books::Book;
use super::receipt::receipts;
use crate::history::event::Signed;
use crate::history::{FacilitatorCall, Facts};

/// Something about a payment by use that is not as signed, asked or told.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misused(pub(super) String);

/// Settle calls about an authorization.
fn settles<'f, 'h>(
    facts: &'f Facts<'h>,
    signed: &Signed,
) -> impl Iterator<Item = &'f FacilitatorCall<'h>> {
    facts
        .calls_about(signed.key)
        .filter(|call| call.endpoint == Endpoint::Settle)
}

/// Base units that a settle call asks to be charged.
fn asked(call: &FacilitatorCall<'_>) -> Option<U256> {
    let amount = call.request()?.pointer("/paymentRequirements/amount")?;
    parse_decimal(amount.as_str()?)
}

/// How often settle was asked for nothing, and said yes.
pub(super) fn settled_for_nothing(facts: &Facts<'_>, signed: &Signed) -> usize {
    if signed.upto.is_none() {
        return 0;
    }
    settles(facts, signed)
        .filter(|call| asked(call) == Some(U256::ZERO) && call.says_yes())
        .count()
}

/// True for a receipt of success that names no transaction because nothing was charged.
pub(super) fn is_free_receipt(book: &Book<'_>, amount: Option<&str>) -> bool {
    book.signed.upto.is_some()
        && book.transfers.is_empty()
        && book.settled_for_nothing > 0
        && amount == Some("0")
}

/// What is wrong with the amounts of a payment by use: more asked for than was signed, another amount moved than settle
/// was asked for, or than the route is meant to cost. The ceiling itself is compared with the offer's terms.
pub(super) fn misused(facts: &Facts<'_>, book: &Book<'_>) -> Vec<Misused> {
    let signed = book.signed;
    let Some(upto) = signed.upto else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let calls: Vec<(&FacilitatorCall<'_>, U256)> = settles(facts, signed)
        .filter_map(|call| Some((call, asked(call)?)))
        .collect();
    // What the bench asks itself, it asks on purpose.
    let above = calls
        .iter()
        .find(|(call, asked)| !call.direct && *asked > signed.value);
    if let Some((_, asked)) = above {
        found.push(format!(
            "settle was asked for {asked}, above the signed ceiling of {}",
            signed.value
        ));
    }
    for moved in &book.transfers {
        let value = moved.value;
        if value > signed.value {
            found.push(format!(
                "{value} moved, above the signed ceiling of {}",
                signed.value
            ));
        }
        if !calls.is_empty() && calls.iter().all(|(_, asked)| *asked != value) {
            let asked: Vec<String> = calls.iter().map(|(_, asked)| asked.to_string()).collect();
            found.push(format!(
                "{value} moved, and settle was asked for {}",
                asked.join(" and ")
            ));
        }
        if let Some(price) = upto
            .price
            .filter(|price| !book.called_directly && *price != value)
        {
            found.push(format!(
                "{value} moved, and by the profile's `price` the use costs {price}"
            ));
        }
    }
    found.into_iter().map(Misused).collect()
}

/// What is not true of the amounts that receipts of success tell.
pub(super) fn untold(facts: &Facts<'_>, book: &Book<'_>) -> Vec<Misused> {
    if book.signed.upto.is_none() || !book.at_rest {
        return Vec::new();
    }
    let succeeded = receipts(facts, book)
        .into_iter()
        .filter(|receipt| receipt.settlement.success == Some(true));
    let told = succeeded.map(|receipt| {
        let amount = receipt.settlement.raw.get("amount");
        amount
            .and_then(serde_json::Value::as_str)
            .map(str::to_owned)
    });
    told.filter_map(|amount| {
        let moved = book.transfers.iter();
        let moved: Vec<String> = moved.map(|moved| moved.value.to_string()).collect();
        match amount {
            Some(amount) if moved.contains(&amount) => None,
            Some(amount) if is_free_receipt(book, Some(&amount)) => None,
            Some(amount) => {
                let moved = match moved.as_slice() {
                    [] => "nothing".to_owned(),
                    moved => moved.join(" and "),
                };
                Some(format!(
                    "the receipt tells an amount of {amount}, and {moved} moved"
                ))
            }
            None => Some("the receipt of a payment by use tells no amount".to_owned()),
        }
    })
    .map(Misused)
    .collect()
}
