//! Which payments of a load the history keeps.

use alloy_primitives::Address;

use super::audit::Audit;
use crate::history::LoadPayment;

/// Payments that the history keeps at most.
pub(crate) const PAYMENTS_MAX: usize = 100_000;

/// Payments for the history: those with something wrong before others, as many as are kept.
pub(super) fn payments(audit: &Audit<'_>, addresses: &[Address]) -> (Vec<LoadPayment>, usize) {
    let odd = |grants: u8, transfers: u8, honest: bool| (grants, transfers) != (1, 1) && honest;
    let total = audit.rows().count();
    let kept = |wanted: bool| {
        audit.rows().filter(move |(sale, transfers, _)| {
            odd(sale.grants, *transfers, sale.is_honest()) == wanted
        })
    };
    let payments: Vec<LoadPayment> = kept(true)
        .chain(kept(false))
        .take(PAYMENTS_MAX)
        .map(|(sale, transfers, transaction)| LoadPayment {
            payer: addresses
                .get(usize::from(sale.payer))
                .copied()
                .unwrap_or_default(),
            nonce: sale.nonce,
            part: sale.part.word().to_owned(),
            due_us: sale.due_us,
            sent_us: sale.sent_us,
            done_us: (sale.done_us > 0).then_some(sale.done_us),
            status: (sale.status > 0).then_some(sale.status),
            sent: sale.sent,
            grants: sale.grants,
            transfers,
            transaction: (!transaction.is_zero()).then_some(transaction),
        })
        .collect();
    let left_out = total - payments.len();
    (payments, left_out)
}
