//! Sending a settlement and learning what became of it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use alloy_consensus::{SignableTransaction as _, TxEip1559};
use alloy_eips::{BlockId, Encodable2718 as _};
use alloy_primitives::{B256, Bytes, TxKind};
use alloy_signer::SignerSync as _;
use tokio::time::Instant;

use super::abi::settlement_call;
use super::lane::{Lane, LaneSlot};
use super::ledger::EvmLedger;
use super::mined::Mined;
use super::pending::{Sent, key_of};
use super::rpc::{CallError, Rpc, SendError};
use crate::event::Movement;
use crate::ledger::{
    Ledger as _, LedgerError, OnStep, SettleOutcome, SettleStep, SignedAuthorization,
};

/// A transaction is sent at most this often: again only after the node refused its nonce or its price.
const SENDS_MAX: u32 = 3;
/// Age at which an open transaction is checked before the lane sends another.
const OVERDUE: Duration = Duration::from_secs(5);
/// Shortest pause between two such checks of a lane: on a busy chain much is overdue, and the node has other work.
const LOOK_AFTER: Duration = Duration::from_secs(1);
/// Most overdue transactions checked at a time.
const OVERDUE_MAX: usize = 4;
/// Age at which the gas price is asked for again.
const FEES_FRESH: Duration = Duration::from_secs(2);
/// Tip to the block's producer, in wei.
const TIP_WEI: u128 = 1_000_000_000;

/// What a transaction may pay for gas; the same for all lanes.
#[derive(Debug, Default)]
pub(super) struct Fees {
    known: Mutex<Option<(Instant, u128)>>,
}

impl Fees {
    /// Twice the going price, so that a few full blocks do not strand a transaction; in wei per gas.
    async fn max_per_gas(&self, rpc: &Rpc) -> Result<u128, LedgerError> {
        let known = *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((read, price)) = known
            && read.elapsed() < FEES_FRESH
        {
            return Ok(price);
        }
        let price = rpc.gas_price().await?.saturating_mul(2).max(TIP_WEI);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), price));
        Ok(price)
    }

    fn forget(&self) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl EvmLedger {
    /// Sends the payment, or waits for its transaction if that is on its way already.
    pub(super) async fn settle_or_wait(
        &self,
        payment: &SignedAuthorization,
        on_step: OnStep<'_>,
    ) -> SettleOutcome {
        let deadline = Instant::now() + self.options.receipt_wait;
        if let Some(sent) = self.pending.sent(&key_of(payment)) {
            self.revive(&sent).await;
            return self
                .await_receipt(payment, sent.hash, deadline, on_step)
                .await;
        }
        let Ok(Some(_room)) = tokio::time::timeout_at(deadline, self.lanes.room()).await else {
            let reason = "every signer is busy: no room for another settlement".to_owned();
            return SettleOutcome::NotSent { reason };
        };
        match self.broadcast(payment).await {
            Ok(transaction) => {
                on_step(SettleStep::Broadcast { transaction });
                self.await_receipt(payment, transaction, deadline, on_step)
                    .await
            }
            Err(reason) => SettleOutcome::NotSent { reason },
        }
    }

    /// Hands the transaction to the node, in the least busy lane.
    async fn broadcast(&self, payment: &SignedAuthorization) -> Result<B256, String> {
        let mut refused = String::new();
        for _ in 0..SENDS_MAX {
            let slot = self.lanes.take().ok_or("there is no signer")?;
            match self.send_in(slot, payment).await? {
                Ok(hash) => return Ok(hash),
                Err(why) => refused = why,
            }
            self.fees.forget();
        }
        Err(format!("the node refused the transaction: {refused}"))
    }

    /// One attempt: the hash, or inside why the node refused it; outside why no further attempt makes sense.
    ///
    /// The lane is locked until the node has answered; a refusal makes it ask for its nonce again.
    async fn send_in(
        &self,
        slot: LaneSlot,
        payment: &SignedAuthorization,
    ) -> Result<Result<B256, String>, String> {
        let lane = slot.signer();
        let mut counter = lane.counter.lock().await;
        if counter
            .looked_after
            .is_none_or(|then| then.elapsed() >= LOOK_AFTER)
        {
            for overdue in self.pending.overdue(slot.lane(), OVERDUE, OVERDUE_MAX) {
                self.revive(&overdue).await;
            }
            counter.looked_after = Some(Instant::now());
        }
        let nonce = match counter.next_nonce {
            Some(nonce) => nonce,
            None => self.lane_nonce(&lane).await?,
        };
        let sent = self.sign(&lane, nonce, payment).await?;
        // Remembered before it is sent: from here on a repeat must find this transaction and no other.
        self.pending.insert(payment, sent.clone(), slot)?;
        match self.rpc.send(&sent.raw).await {
            Ok(()) => {
                counter.next_nonce = Some(nonce + 1);
                Ok(Ok(sent.hash))
            }
            Err(SendError::Refused(why)) => {
                counter.next_nonce = None;
                self.pending.remove(&key_of(payment));
                Ok(Err(why))
            }
            Err(SendError::Unknown(why)) => {
                // It may be in the pool: only a node that answers "no" lets us say that nothing was sent.
                counter.next_nonce = None;
                if matches!(self.rpc.knows(sent.hash).await, Ok(false)) {
                    self.pending.remove(&key_of(payment));
                    return Err(format!("the node did not answer: {why}"));
                }
                Ok(Ok(sent.hash))
            }
        }
    }

    async fn lane_nonce(&self, lane: &Lane) -> Result<u64, String> {
        let address = lane.signer.address();
        let asked = self.rpc.account_nonce(address, BlockId::pending()).await;
        asked.map_err(|error| error.to_string())
    }

    async fn sign(
        &self,
        lane: &Lane,
        nonce: u64,
        payment: &SignedAuthorization,
    ) -> Result<Sent, String> {
        let fee = self.fees.max_per_gas(&self.rpc).await;
        let max_fee_per_gas = fee.map_err(|error| error.to_string())?;
        let transaction = TxEip1559 {
            chain_id: self.chain_id,
            nonce,
            gas_limit: self.options.gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas: TIP_WEI.min(max_fee_per_gas),
            to: TxKind::Call(payment.asset),
            input: settlement_call(payment),
            ..TxEip1559::default()
        };
        let signature = lane
            .signer
            .sign_hash_sync(&transaction.signature_hash())
            .map_err(|error| format!("signing the transaction failed: {error}"))?;
        let signed = transaction.into_signed(signature);
        Ok(Sent {
            hash: *signed.hash(),
            raw: Bytes::from(signed.encoded_2718()),
        })
    }

    /// Sends a transaction again that the node has lost: its nonce would block the lane for ever.
    async fn revive(&self, sent: &Sent) {
        if matches!(self.rpc.knows(sent.hash).await, Ok(false)) {
            // A refusal shows as a missing receipt; there is nobody else to tell.
            let _ = self.rpc.send(&sent.raw).await;
        }
    }

    async fn await_receipt(
        &self,
        payment: &SignedAuthorization,
        transaction: B256,
        deadline: Instant,
        on_step: OnStep<'_>,
    ) -> SettleOutcome {
        let Some(mined) = self.head.mined(&self.rpc, transaction, deadline).await else {
            return SettleOutcome::Pending { transaction };
        };
        self.pending.remove(&key_of(payment));
        let success = mined.success;
        on_step(SettleStep::Mined {
            transaction,
            success,
        });
        if !success {
            let reason = self.why_reverted(payment).await;
            return SettleOutcome::Reverted {
                transaction,
                reason,
            };
        }
        judge_logs(payment, transaction, &mined)
    }

    /// Asks the token once more, on the state the transaction left behind.
    async fn why_reverted(&self, payment: &SignedAuthorization) -> String {
        let at = self.now().await.ok();
        let said = match self.rpc.call(self.request(payment), at).await {
            Err(CallError::Reverted(why)) => why,
            Ok(_) | Err(CallError::Ledger(_)) => "the token gives no reason".to_owned(),
        };
        format!("the transaction reverted: {said}")
    }
}

/// Status 1 is not enough: the logs must show this very transfer.
fn judge_logs(payment: &SignedAuthorization, transaction: B256, mined: &Mined) -> SettleOutcome {
    let authorization = &payment.authorization;
    let signed = Movement::Transfer {
        from: authorization.from,
        to: authorization.to,
        value: authorization.value,
    };
    let transfers: Vec<&Movement> = mined
        .moved
        .iter()
        .filter(|(asset, what)| {
            *asset == payment.asset && matches!(what, Movement::Transfer { .. })
        })
        .map(|(_, what)| what)
        .collect();
    if transfers.contains(&&signed) {
        return SettleOutcome::Mined {
            transaction,
            block: mined.block,
        };
    }
    let reason = match transfers.first() {
        None => "the transaction succeeded without a Transfer".to_owned(),
        Some(Movement::Transfer { from, to, value }) => format!(
            "signed {} from {} to {}, and moved {value} from {from} to {to}",
            authorization.value, authorization.from, authorization.to
        ),
        Some(_) => "the transaction succeeded with another log".to_owned(),
    };
    SettleOutcome::WrongTransfer {
        transaction,
        reason,
    }
}
