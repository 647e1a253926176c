//! Settlement: verify again, claim the authorization, move the money, say truly what happened.

use std::time::Duration;

use alloy_primitives::{B256, U256};
use tokio::time::Instant;

use crate::event::{AuthorizationKey, CallStep};
use crate::facilitator::{Facilitator, Settling};
use crate::faults::steer::Steer;
use crate::ledger::{Ledger, SettleOutcome, SettleStep, SignedAuthorization};
use crate::refusal::{Refusal, reason};
use crate::request::Claim;
use crate::verify::{Checked, Scope, Window, check_claim, check_state};

/// Longest wait for the clock to pass `validAfter`; verification let at most one second remain.
const BEGIN_WAIT_MAX: Duration = Duration::from_secs(3);
/// How often the ledger's clock is read during that wait.
const BEGIN_POLL: Duration = Duration::from_millis(50);

/// A settlement that failed, with the transaction if one was broadcast.
#[derive(Debug)]
pub(crate) struct Unsettled {
    /// Why.
    pub(crate) refusal: Refusal,
    /// The transaction, mined or not.
    pub(crate) transaction: Option<B256>,
}

/// A settlement that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settled {
    /// The transaction; none when nothing had to move.
    pub(crate) transaction: Option<B256>,
    /// Base units that moved, where the scheme wants them told.
    pub(crate) amount: Option<U256>,
}

impl From<B256> for Settled {
    fn from(transaction: B256) -> Self {
        Self {
            transaction: Some(transaction),
            amount: None,
        }
    }
}

impl From<Refusal> for Unsettled {
    fn from(mut refusal: Refusal) -> Self {
        if refusal.code == reason::UNEXPECTED_VERIFY {
            refusal.code = reason::UNEXPECTED_SETTLE;
        }
        Self {
            refusal,
            transaction: None,
        }
    }
}

/// Settles one claim; the steps go to the log under `call`.
pub(crate) async fn settle(
    facilitator: &Facilitator,
    call: u64,
    claim: Claim,
    steer: Option<&Steer>,
) -> Result<B256, Unsettled> {
    let ledger = facilitator.ledger_or_refusal(claim.domain.chain_id)?;
    let scope = Scope {
        window: Window::Settling,
        ..Scope::ALL
    };
    let prepared = prepare(facilitator, ledger.as_ref(), claim, scope).await?;
    let on_step = |step| record(facilitator, call, steer, step);
    judge(ledger.settle(&prepared.payment, &on_step).await)
}

/// A payment that may be settled, by whoever holds this.
#[derive(Debug)]
pub(crate) struct Prepared<'f> {
    /// The payment.
    pub(crate) payment: SignedAuthorization,
    _claimed: Settling<'f>,
}

/// Everything before the money moves: verify again, and be the only one.
pub(crate) async fn prepare<'f>(
    facilitator: &'f Facilitator,
    ledger: &dyn Ledger,
    claim: Claim,
    mut scope: Scope,
) -> Result<Prepared<'f>, Unsettled> {
    let key = key_of(&claim);
    if pending(ledger, key, &claim.payment)? {
        scope.window = Window::Ignored;
    }
    let checked = check_claim(ledger, claim, scope).await?;
    let claimed = facilitator.claim(key).ok_or_else(|| {
        Refusal::new(
            reason::DUPLICATE,
            "the same authorization is being settled right now",
        )
    })?;
    // Asked again under the claim: the earlier settlement may have ended in between.
    if scope.state && !pending(ledger, key, &checked.payment)? {
        check_state(ledger, &checked).await?;
        wait_until_begun(ledger, &checked).await?;
    }
    Ok(Prepared {
        payment: checked.payment,
        _claimed: claimed,
    })
}

/// Tells the log, then the faults, of a step.
pub(crate) fn record(
    facilitator: &Facilitator,
    call: u64,
    steer: Option<&Steer>,
    step: SettleStep,
) {
    facilitator.log().append(call, recorded(step));
    if let Some(steer) = steer {
        steer.on_step(step);
    }
}

/// True when this very payment is already broadcast; another one under the same nonce is refused.
fn pending(
    ledger: &dyn Ledger,
    key: AuthorizationKey,
    payment: &SignedAuthorization,
) -> Result<bool, Refusal> {
    match ledger.pending(key.asset, key.payer, key.nonce) {
        None => Ok(false),
        Some(sent) if sent.authorization == payment.authorization => Ok(true),
        Some(_) => Err(Refusal::new(
            reason::DUPLICATE,
            "another authorization with the same nonce is broadcast already",
        )),
    }
}

/// An authorization that begins this second is good in the next block only.
async fn wait_until_begun(ledger: &dyn Ledger, checked: &Checked) -> Result<(), Refusal> {
    let deadline = Instant::now() + BEGIN_WAIT_MAX;
    while checked.begins_later() && ledger.now().await? < checked.first_valid_block() {
        if Instant::now() >= deadline {
            return Err(Refusal::new(
                reason::VALID_AFTER,
                "the ledger's clock stands still before validAfter",
            ));
        }
        tokio::time::sleep(BEGIN_POLL).await;
    }
    Ok(())
}

pub(crate) fn judge(outcome: SettleOutcome) -> Result<B256, Unsettled> {
    let (code, message, transaction) = match outcome {
        SettleOutcome::Mined { transaction, .. } => return Ok(transaction),
        SettleOutcome::Reverted {
            transaction,
            reason,
        } => (reason::TRANSACTION, reason, Some(transaction)),
        SettleOutcome::WrongTransfer {
            transaction,
            reason,
        } => (reason::TRANSFER_EVENT, reason, Some(transaction)),
        SettleOutcome::Pending { transaction } => (
            reason::PENDING,
            "the transaction is broadcast and not yet mined: send the same request again"
                .to_owned(),
            Some(transaction),
        ),
        SettleOutcome::NotSent { reason } => (reason::TRANSACTION, reason, None),
    };
    Err(Unsettled {
        refusal: Refusal::new(code, message),
        transaction,
    })
}

pub(crate) const fn key_of(claim: &Claim) -> AuthorizationKey {
    AuthorizationKey {
        payer: claim.payment.authorization.from,
        nonce: claim.payment.authorization.nonce,
        asset: claim.payment.asset,
        chain_id: claim.domain.chain_id,
    }
}

const fn recorded(step: SettleStep) -> CallStep {
    match step {
        SettleStep::Broadcast { transaction } => CallStep::Broadcast { transaction },
        SettleStep::Mined {
            transaction,
            success,
        } => CallStep::Mined {
            transaction,
            success,
        },
    }
}
