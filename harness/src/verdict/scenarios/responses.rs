//! `responses`: what clients got.

use x402_assay_protocol::header;

use super::expectation::{Miss, count};
use super::scene::Scene;
use crate::history::Exchange;
use crate::history::event::Trouble;
use crate::scenario::expect::{Receipt, Responses};

pub(super) fn judge(scene: &Scene<'_, '_>, wanted: &Responses) -> Vec<Miss> {
    let all = scene.responses(wanted.of.as_deref());
    let of = wanted.of.as_deref().unwrap_or("responses");
    let delivered: Vec<&Exchange<'_>> = all
        .iter()
        .filter(|exchange| scene.is_delivered(exchange))
        .copied()
        .collect();
    let answered = all
        .iter()
        .filter(|exchange| exchange.answer().is_some())
        .count();
    let is_hung = |exchange: &&&Exchange<'_>| exchange.trouble() == Some(Trouble::TimedOut);
    let hung: Vec<&Exchange<'_>> = all.iter().filter(is_hung).copied().collect();
    let mut misses = Vec::new();
    if all.is_empty() {
        misses.push(Miss::unseen(
            "responses",
            &format!("{of}: nothing was sent"),
        ));
    }
    // A repeat that is answered again without a new handler run is legal and no duty: it may count or not.
    let distinct = delivered
        .iter()
        .filter(|exchange| scene.books.is_distinct_grant(exchange));
    let fits = |count: &usize| {
        wanted
            .delivered
            .is_some_and(|wanted| wanted.contains(u64::try_from(*count).unwrap_or(u64::MAX)))
    };
    let told = (distinct.count()..=delivered.len()).rev().find(fits);
    let told = told.unwrap_or(delivered.len());
    for (text, evidence) in [
        (
            count(of, "delivered", wanted.delivered, told),
            if delivered.is_empty() {
                &all
            } else {
                &delivered
            },
        ),
        (count(of, "answered", wanted.answered, answered), &all),
        (
            count(of, "unanswered", wanted.unanswered, all.len() - answered),
            &all,
        ),
        (count(of, "hung", wanted.hung, hung.len()), &hung),
    ] {
        misses.extend(text.map(|text| Miss::new("responses", text, scene.evidence(evidence))));
    }
    misses.extend(of_each(scene, wanted, &all, of));
    misses
}

/// Statuses and receipts, answer by answer.
fn of_each(
    scene: &Scene<'_, '_>,
    wanted: &Responses,
    all: &[&Exchange<'_>],
    of: &str,
) -> Vec<Miss> {
    let mut misses = Vec::new();
    for exchange in all.iter().copied() {
        let Some(status) = exchange.status() else {
            continue;
        };
        let odd = !wanted.statuses.is_empty() && !wanted.statuses.iter().any(|p| p.matches(status));
        if odd || wanted.never.iter().any(|pattern| pattern.matches(status)) {
            let text = format!("{of}: answered {status}");
            misses.push(Miss::new("responses", text, scene.evidence(&[exchange])));
        }
        let is_delivered = scene.is_delivered(exchange);
        let receipt = if is_delivered {
            wanted.delivered_receipt
        } else {
            wanted.refused_receipt
        };
        if let Some(receipt) = receipt.filter(|receipt| !has(exchange, *receipt)) {
            let text = format!(
                "{of}: {} expected in the receipt header of HTTP {status}",
                receipt.word()
            );
            misses.push(Miss::new("responses", text, scene.evidence(&[exchange])));
        }
    }
    misses
}

/// What a receipt header says: `None` when there is none, else its `success`.
pub(super) fn receipt(exchange: &Exchange<'_>) -> Option<Option<bool>> {
    let names = [header::PAYMENT_RESPONSE, header::X_PAYMENT_RESPONSE];
    let value = names.iter().find_map(|name| exchange.header(name))?;
    let read = header::decode(value.as_bytes()).ok();
    Some(read.and_then(|read| read.value.get("success")?.as_bool()))
}

fn has(exchange: &Exchange<'_>, wanted: Receipt) -> bool {
    let found = receipt(exchange);
    match wanted {
        Receipt::Present => found.is_some(),
        Receipt::Absent => found.is_none(),
        Receipt::Success => found == Some(Some(true)),
        Receipt::Failure => found == Some(Some(false)),
    }
}
