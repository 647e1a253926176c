//! What was given on a route, held against what that route is sold for: a payment that is right for one route may be
//! too little for another.

use x402_assay_reports::model::Evidence;

use crate::audit::books::{Book, Repeat};
use crate::history::{Advert, Exchange, Facts};

/// A delivery that cost less than its route.
#[derive(Debug)]
pub(super) struct Undersold {
    pub(super) text: String,
    /// The challenge that names the price.
    pub(super) evidence: Option<Evidence>,
}

/// Deliveries on routes that none of the transfers pays for, at the least that was ever asked for there. Silent where
/// prices change on purpose and where nothing was paid, which is for I1.
pub(super) fn undersold(facts: &Facts<'_>, book: &Book<'_>) -> Vec<Undersold> {
    // Of what is sold by use, the amount moved says nothing of a route's price.
    if book.transfers.is_empty()
        || book.signed.upto.is_some()
        || facts.run.is_some_and(|run| run.dynamic_price)
    {
        return Vec::new();
    }
    // A repeat gives what was bought already.
    let counting = book.grants.iter();
    let counting = counting.filter(|grant| grant.repeat == Repeat::Distinct);
    counting
        .filter_map(|grant| facts.exchange(grant.exchange))
        .filter_map(|exchange| undersold_in(facts, book, exchange))
        .collect()
}

fn undersold_in(facts: &Facts<'_>, book: &Book<'_>, exchange: &Exchange<'_>) -> Option<Undersold> {
    let adverts = facts.adverts(exchange, book.signed.version);
    let pays = |advert: &Advert| {
        book.transfers.iter().any(|moved| {
            let token = (moved.record.chain_id, moved.record.asset);
            token == (advert.chain_id, advert.asset) && moved.value >= advert.amount
        })
    };
    if adverts.is_empty() || adverts.iter().any(pays) {
        return None;
    }
    let moved = book.transfers.first()?;
    let token = (moved.record.chain_id, moved.record.asset);
    let asked = adverts
        .iter()
        .find(|advert| (advert.chain_id, advert.asset) == token);
    let (method, route) = (&exchange.sent.method, &exchange.sent.route);
    let text = match asked {
        Some(asked) => format!(
            "{method} {route} was given for {}, and is offered for {}",
            moved.value, asked.amount
        ),
        None => format!(
            "{method} {route} was given for {}, and is not offered for that token",
            moved.record.asset
        ),
    };
    let quote = asked.or_else(|| adverts.first())?.quoted_in;
    Some(Undersold {
        text,
        evidence: facts.exchange(quote).map(Exchange::evidence),
    })
}

/// True when it was sent to a route that is not sold for as little, and the server could have been fooled by it.
pub(super) fn is_too_low_somewhere(facts: &Facts<'_>, book: &Book<'_>) -> bool {
    let signed = book.signed;
    if signed.upto.is_some() {
        return false;
    }
    let covers = |advert: &Advert| {
        let token = (signed.offered.chain_id, signed.offered.asset);
        token == (advert.chain_id, advert.asset) && signed.value >= advert.amount
    };
    let mut answered = facts
        .carrying(signed.authorization)
        .filter(|exchange| exchange.answer().is_some() && !exchange.is_direct());
    answered.any(|exchange| {
        let adverts = facts.adverts(exchange, signed.version);
        !adverts.is_empty() && !adverts.iter().any(covers)
    })
}
