//! I5: receipts are true.

use x402_assay_reports::model::{Evidence, Verdict};

use super::{Holding, Invariant, answer_was_lost};
use crate::audit::books::Book;
use crate::audit::receipt::{Receipt, receipts};
use crate::audit::{Span, by_use};
use crate::history::Facts;

/// Success names a mined transaction with this payment's Transfer; after a final failure nothing moves.
pub(super) const INVARIANT: Invariant = Invariant {
    id: "I5",
    title: "Receipts are true: success was mined and moved this payment, final failure moved nothing",
    judge,
};

fn judge(span: &Span<'_, '_>) -> Holding {
    let (facts, books) = (span.facts, span.books);
    let mut holding = Holding::default();
    // A target that settles elsewhere names transactions our ledger cannot know.
    if !facts.facilitator_called() && facts.ledger.is_empty() {
        return holding;
    }
    for book in books.books.iter().filter(|book| !book.faulted) {
        super::direct_receipts::judge(span, book, &mut holding);
        let receipts = receipts(facts, book);
        if receipts.is_empty() {
            continue;
        }
        holding.observed += 1;
        for receipt in receipts
            .iter()
            .filter(|r| r.settlement.success == Some(true))
        {
            if is_free(book, receipt) {
                continue;
            }
            if let Err((verdict, text)) = success_is_true(facts, book, receipt) {
                let evidence = receipt_evidence(book, receipt);
                holding.breach(verdict, Some(book), text, evidence);
            }
        }
        for untold in by_use::untold(facts, book) {
            let evidence = book.evidence(facts);
            holding.breach(Verdict::Fail, Some(book), untold.0, evidence);
        }
        let telling: Vec<_> = receipts.iter().filter(|r| !r.says_used()).collect();
        let all_failed = telling.iter().all(|receipt| receipt.is_final_failure());
        if let Some(first) = telling.first()
            && all_failed
            && book.grants.is_empty()
            && !book.transfers.is_empty()
        {
            let text =
                "the receipt says that the payment failed, and its transfer is on the ledger";
            let (verdict, why) = match answer_was_lost(facts, book) {
                true => (
                    Verdict::Warn,
                    "; the facilitator's answer was lost on purpose",
                ),
                false => (Verdict::Fail, ""),
            };
            let evidence = receipt_evidence(book, first);
            holding.breach(verdict, Some(book), format!("{text}{why}"), evidence);
        }
    }
    holding
}

/// True when nothing was charged, and the receipt says so: there is no transaction to name.
fn is_free(book: &Book<'_>, receipt: &Receipt<'_, '_>) -> bool {
    let amount = receipt.settlement.raw.get("amount");
    let amount = amount.and_then(serde_json::Value::as_str);
    receipt.transaction().is_none() && by_use::is_free_receipt(book, amount)
}

fn success_is_true(
    facts: &Facts<'_>,
    book: &Book<'_>,
    receipt: &Receipt<'_, '_>,
) -> Result<(), (Verdict, String)> {
    let fail = |text: String| Err((Verdict::Fail, text));
    let Some(hash) = receipt.transaction() else {
        return fail("the receipt says success and names no transaction".to_owned());
    };
    let moved_there = book.transfers.iter().any(|moved| {
        moved
            .record
            .transaction
            .to_string()
            .eq_ignore_ascii_case(hash)
    });
    match facts.transactions.get(&hash.to_ascii_lowercase()) {
        Some(None) => fail(format!(
            "the ledger does not know the receipt's transaction {hash}"
        )),
        Some(Some(found)) if !found.success => {
            fail(format!("the receipt's transaction {hash} was reverted"))
        }
        _ if moved_there => Ok(()),
        Some(Some(_)) if book.at_rest => fail(format!(
            "the receipt's transaction {hash} holds no transfer of this payment"
        )),
        _ => {
            let text = format!("the ledger was not asked about the receipt's transaction {hash}");
            Err((Verdict::Inconclusive, text))
        }
    }
}

fn receipt_evidence(book: &Book<'_>, receipt: &Receipt<'_, '_>) -> Vec<Evidence> {
    let mut evidence = vec![receipt.exchange.evidence()];
    if let Some(hash) = receipt.transaction() {
        evidence.push(Evidence {
            kind: "transaction".to_owned(),
            id: hash.to_owned(),
            text: "named by the receipt".to_owned(),
        });
    }
    evidence.extend(book.transfers.iter().map(|moved| moved.evidence()));
    evidence
}
