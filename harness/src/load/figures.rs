//! What the chain tells of a facilitator under load: blocks, gas, reverted transactions, account nonces.

use std::time::{Duration, Instant};

use x402_assay_reports::model::load::{AccountGap, FacilitatorFigures};

use super::audit::{Audit, Rules};
use super::desk::AtFacilitator;
use super::run::{Field, LoadError, OnChain};
use super::times::{Times, record, times};
use crate::service::{ControlClient, ControlError, SenderState, Spent};

/// How often it is asked whether everything is at rest.
const REST_POLL: Duration = Duration::from_millis(100);

/// Waits until no account that settles has anything to be mined, and a block was mined after the last answer; false when
/// that did not come true in time.
pub(super) async fn at_rest(
    control: &ControlClient,
    at: &AtFacilitator,
    chain: &OnChain,
    deadline: Instant,
) -> Result<bool, ControlError> {
    let first = control.senders(chain.id, &at.signers).await?.head;
    loop {
        let now = control.senders(chain.id, &at.signers).await?;
        let waits = now.senders.iter().any(|one| one.pending > one.latest);
        if !waits && (now.head > first || !chain.in_intervals) {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        tokio::time::sleep(REST_POLL).await;
    }
}

/// From the request to the first sight of the block, of what settled in the measured span.
pub(super) fn mined(
    audit: &Audit<'_>,
    seen: &[(u64, Instant)],
    origin: Instant,
    rules: &Rules,
) -> Times {
    let mut all = times();
    for (sale, block) in audit.blocks() {
        let place = seen.partition_point(|(head, _)| *head < block);
        let sent = origin + Duration::from_micros(sale.sent_us);
        if let Some((_, at)) = seen
            .get(place)
            .filter(|_| sale.due_us >= rules.measured_from_us)
        {
            record(&mut all, at.saturating_duration_since(sent));
        }
    }
    all
}

/// What the accounts' transactions after block `head` came to; nothing where the ledger has none.
pub(super) async fn read(
    field: &Field<'_>,
    head: u64,
    settled: u64,
) -> Result<Option<FacilitatorFigures>, LoadError> {
    let (Some(at), Some(chain)) = (field.facilitator, &field.chain) else {
        return Ok(None);
    };
    if !at.on_node || at.signers.is_empty() {
        return Ok(None);
    }
    let mut sum = Spent::default();
    let mut from = head + 1;
    loop {
        let page = field.control.spent(chain.id, &at.signers, from).await?;
        sum.mined += page.mined;
        sum.reverted += page.reverted;
        sum.gas += page.gas;
        if page.to_block >= page.head {
            break;
        }
        from = page.to_block + 1;
    }
    let senders = field.control.senders(chain.id, &at.signers).await?.senders;
    Ok(Some(figures(&sum, &senders, settled)))
}

fn figures(sum: &Spent, senders: &[SenderState], settled: u64) -> FacilitatorFigures {
    #[expect(clippy::cast_precision_loss, reason = "a share and a mean")]
    let of = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
    let gaps = senders
        .iter()
        .filter(|one| one.pending > one.latest || one.stuck > 0);
    FacilitatorFigures {
        signers: senders.len() as u64,
        transactions: sum.mined,
        reverted: sum.reverted,
        reverted_share: of(sum.reverted, sum.mined),
        gas_per_settlement: of(sum.gas, settled),
        account_gaps: gaps
            .map(|one| AccountGap {
                account: one.account.to_checksum(None),
                latest: one.latest,
                pending: one.pending,
                stuck: one.stuck,
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::Address;

    use super::*;

    #[test]
    fn shares_are_told_where_there_is_something_to_share() {
        let sum = Spent {
            mined: 40,
            reverted: 10,
            gas: 3_000_000,
            ..Spent::default()
        };
        let account = |byte, pending, stuck| SenderState {
            account: Address::repeat_byte(byte),
            latest: 5,
            pending,
            stuck,
        };
        let senders = [account(1, 5, 0), account(2, 6, 0), account(3, 5, 2)];
        let told = figures(&sum, &senders, 30);
        assert_eq!((told.signers, told.reverted_share), (3, Some(0.25)));
        assert_eq!(told.gas_per_settlement, Some(100_000.0));
        let gaps: Vec<u64> = told.account_gaps.iter().map(|gap| gap.stuck).collect();
        assert_eq!(gaps, [0, 2]);
        let none = figures(&Spent::default(), &[], 0);
        assert_eq!((none.reverted_share, none.gas_per_settlement), (None, None));
    }
}
