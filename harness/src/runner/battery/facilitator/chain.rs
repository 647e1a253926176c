//! What happens on the chain between verify and settle: cancelled, landed by somebody else, blocks that do not come.

use alloy_primitives::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{Either, select};

use super::asking::Signed;
use super::{Battery, HELD_MAX, Section};
use crate::chain::chaos::{ChaosAction, MiningOrder, SignedTransfer, sign_cancel};
use crate::history::What;
use crate::http::now_us;
use crate::runner::session::SendError;

pub(super) const SECTION: Section = Section {
    calls: 8,
    run: |battery| chain(battery).boxed(),
};

async fn chain(battery: &Battery<'_>) -> Result<(), SendError> {
    cancelled(battery).await?;
    preempted(battery).await?;
    held(battery).await
}

async fn cancelled(battery: &Battery<'_>) -> Result<(), SendError> {
    let signed = battery.sign(crate::client::facilitator::How::Honest, Some("cancelled"));
    let payment = &signed.ask.payment;
    let (domain, nonce) = (&payment.terms.domain, payment.key.nonce);
    let payer = &battery.session.payers[0];
    let signature = sign_cancel(payer.key(), &domain.separator(), nonce);
    let action = ChaosAction::Cancel {
        asset: domain.verifying_contract,
        payer: payer.address(),
        nonce,
        signature: Bytes::copy_from_slice(&signature.0),
    };
    battery.verify("before-cancel", &signed).await?;
    battery.inject(&action, &signed).await?;
    battery.both("cancelled", &signed).await
}

async fn preempted(battery: &Battery<'_>) -> Result<(), SendError> {
    let signed = battery.good();
    let payment = &signed.ask.payment;
    let action = ChaosAction::Preempt {
        asset: payment.terms.domain.verifying_contract,
        transfer: SignedTransfer::new(&payment.authorization, &payment.signature),
    };
    battery.verify("before-preempt", &signed).await?;
    battery.inject(&action, &signed).await?;
    battery.settle("preempted", &signed).await?;
    Ok(())
}

/// Mining stands still while one payment is settled: an answer of success in that time is none.
async fn held(battery: &Battery<'_>) -> Result<(), SendError> {
    let session = battery.session;
    if battery.bench.in_memory {
        session.note(
            Some("settle/held"),
            "needs evm: blocks of the memory ledger cannot be held back",
        );
        return Ok(());
    }
    if session.shared {
        let text = "mining is not held where other runs may use the same chain (--attach)";
        session.note(Some("settle/held"), text);
        return Ok(());
    }
    let signed = battery.good();
    let order = |order| ChaosAction::Mine { order };
    battery.inject(&order(MiningOrder::Stop), &signed).await?;
    let while_held = async {
        let settling = battery.settle("held", &signed).boxed();
        let waiting = tokio::time::sleep(session.patience.min(HELD_MAX)).boxed();
        let settling = match select(settling, waiting).await {
            Either::Left((answer, _)) => {
                answer?;
                None
            }
            Either::Right(((), settling)) => Some(settling),
        };
        // Marks in the history when the hold was over.
        let over = battery.get("held-over", "/supported").await;
        battery.inject(&ChaosAction::Calm, &signed).await?;
        over?;
        match settling {
            Some(settling) => settling.await.map(|_| ()),
            None => Ok(()),
        }
    };
    let ended = while_held.await;
    if ended.is_err() {
        // Also when it broke off: a chain that stands still helps nobody.
        session
            .control
            .chaos(battery.network.chain_id, &ChaosAction::Calm)
            .await?;
    }
    ended?;
    // What was pending may be asked about again; what is settled is refused.
    battery.settle("held-again", &signed).await?;
    Ok(())
}

impl Battery<'_> {
    /// Does something to the chain, on the record.
    pub(super) async fn inject(
        &self,
        action: &ChaosAction,
        about: &Signed,
    ) -> Result<(), SendError> {
        let session = self.session;
        session.control.chaos(self.network.chain_id, action).await?;
        let what = What::FaultInjected {
            call: None,
            exchange: None,
            authorization: Some(about.number),
            fault: format!("chain {}", action.word()),
        };
        session.recorder.append(now_us(), what);
        Ok(session.read_clocks().await?)
    }
}
