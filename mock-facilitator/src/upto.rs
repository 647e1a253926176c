//! Verifying and settling `upto` payments (wire-format section 6), where the ledger has Permit2 and the proxy.

use alloy_primitives::{B256, U256};
use x402_assay_protocol::permit2::{self, UPTO_PROXY};

use crate::defects::{DefectSet, UptoDeviation};
use crate::event::AuthorizationKey;
use crate::facilitator::Facilitator;
use crate::faults::steer::Steer;
use crate::ledger::{Ledger, PermitLedger, SettleStep};
use crate::refusal::{Refusal, reason};
use crate::request::UptoClaim;
use crate::settle::{Settled, Unsettled, record};
use crate::verify::LIFETIME_MIN_S;

/// What the amount of the requirements stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// The ceiling: it must be the signed one.
    Ceiling,
    /// What is charged: at most what was signed.
    Charge,
}

/// `/verify`: reads only.
pub(crate) async fn verify(
    facilitator: &Facilitator,
    claim: UptoClaim,
    defects: DefectSet,
) -> Result<(), Refusal> {
    let ledger = facilitator.ledger_or_refusal(claim.chain_id)?;
    let permits = permits(ledger.as_ref())?;
    let deviation = UptoDeviation::of(defects);
    check_claim(ledger.as_ref(), &claim, Asked::Ceiling, deviation).await?;
    check_state(ledger.as_ref(), permits, &claim, deviation).await
}

/// `/settle`: moves what is asked for, at most the ceiling; the steps go to the log under `call`.
pub(crate) async fn settle(
    facilitator: &Facilitator,
    call: u64,
    claim: UptoClaim,
    steer: Option<&Steer>,
) -> Result<Settled, Unsettled> {
    let ledger = facilitator.ledger_or_refusal(claim.chain_id)?;
    let permits = permits(ledger.as_ref())?;
    let defects = steer.map_or(DefectSet::NONE, Steer::defects);
    let deviation = UptoDeviation::of(defects);
    check_claim(ledger.as_ref(), &claim, Asked::Charge, deviation).await?;
    let _claimed = facilitator.claim(key_of(&claim)).ok_or_else(|| {
        let message = "the same permit is being settled right now";
        Refusal::new(reason::DUPLICATE, message)
    })?;
    check_state(ledger.as_ref(), permits, &claim, deviation).await?;
    let amount = deviation.charged(claim.amount, claim.signed.permit.amount);
    let mined = permits.settle_permit(&claim.signed, amount, deviation.rules())?;
    let transaction = mined.map(|(transaction, _)| transaction);
    if let Some(transaction) = transaction {
        let success = true;
        record(
            facilitator,
            call,
            steer,
            SettleStep::Broadcast { transaction },
        );
        let mined = SettleStep::Mined {
            transaction,
            success,
        };
        record(facilitator, call, steer, mined);
    }
    Ok(Settled {
        transaction,
        amount: Some(amount),
    })
}

/// The ledger's Permit2, if it is one and no stub.
fn permits(ledger: &dyn Ledger) -> Result<&dyn PermitLedger, Refusal> {
    ledger.permits().ok_or_else(|| {
        let message = "this bench settles upto on its memory ledger only: on a chain Permit2 and the upto proxy are stubs";
        Refusal::new(reason::UNSUPPORTED_SCHEME, message)
    })
}

const fn key_of(claim: &UptoClaim) -> AuthorizationKey {
    let permit = &claim.signed.permit;
    AuthorizationKey {
        payer: permit.from,
        nonce: B256::new(permit.nonce.to_be_bytes()),
        asset: permit.token,
        chain_id: claim.chain_id,
    }
}

/// The half that the request decides, in the order of the SDKs.
async fn check_claim(
    ledger: &dyn Ledger,
    claim: &UptoClaim,
    asked: Asked,
    deviation: UptoDeviation,
) -> Result<(), Refusal> {
    let permit = &claim.signed.permit;
    let refuse = |code, message: String| Err(Refusal::new(code, message));
    if permit.spender != UPTO_PROXY {
        let message = format!("the spender is {}, not {UPTO_PROXY}", permit.spender);
        return refuse(reason::PERMIT_SPENDER, message);
    }
    if permit.to != claim.pay_to {
        let message = format!(
            "the permit pays {} and payTo is {}",
            permit.to, claim.pay_to
        );
        return refuse(reason::PERMIT_RECIPIENT, message);
    }
    if !ledger.signers().contains(&permit.facilitator) {
        let message = format!("witness.facilitator {} is not ours", permit.facilitator);
        return refuse(reason::UPTO_FACILITATOR, message);
    }
    check_window(claim, ledger.now().await?, asked)?;
    check_amount(claim, asked, deviation)?;
    if permit.token != claim.asset {
        let message = format!(
            "the permit is for {} and the asset is {}",
            permit.token, claim.asset
        );
        return refuse(reason::PERMIT_TOKEN, message);
    }
    if !ledger.code_exists(claim.asset).await? {
        let message = format!("asset {} has no code here", claim.asset);
        return refuse(reason::ASSET, message);
    }
    let signer = claim.signed.signer(&permit2::separator(claim.chain_id));
    if signer != Some(permit.from) {
        let message = match signer {
            Some(signer) => format!("the signature is {signer}'s, not {}'s", permit.from),
            None => format!(
                "the signature is nobody's; {} did not sign this",
                permit.from
            ),
        };
        return refuse(reason::PERMIT_SIGNATURE, message);
    }
    Ok(())
}

/// Between verify and settle time passes: the margin is halved.
fn check_window(claim: &UptoClaim, now: u64, asked: Asked) -> Result<(), Refusal> {
    let permit = &claim.signed.permit;
    let margin = match asked {
        Asked::Ceiling => LIFETIME_MIN_S,
        Asked::Charge => LIFETIME_MIN_S / 2,
    };
    if permit.deadline < U256::from(now.saturating_add(margin)) {
        let message = format!(
            "deadline is {}: at {now} it must lie at least {margin} s ahead",
            permit.deadline
        );
        return Err(Refusal::new(reason::PERMIT_DEADLINE, message));
    }
    if permit.valid_after > U256::from(now) {
        let message = format!(
            "validAfter is {}: at {now} it lies ahead",
            permit.valid_after
        );
        return Err(Refusal::new(reason::PERMIT_NOT_YET, message));
    }
    Ok(())
}

fn check_amount(claim: &UptoClaim, asked: Asked, deviation: UptoDeviation) -> Result<(), Refusal> {
    let ceiling = claim.signed.permit.amount;
    match asked {
        Asked::Ceiling if ceiling != claim.amount => {
            let message = format!("{ceiling} is permitted and {} is asked", claim.amount);
            Err(Refusal::new(reason::PERMIT_AMOUNT, message))
        }
        Asked::Charge if claim.amount > ceiling && deviation.rules().ceiling => {
            let message = format!("{} is asked, above the signed {ceiling}", claim.amount);
            Err(Refusal::new(reason::UPTO_EXCEEDS, message))
        }
        Asked::Ceiling | Asked::Charge => Ok(()),
    }
}

/// The half that the next block may change.
async fn check_state(
    ledger: &dyn Ledger,
    permits: &dyn PermitLedger,
    claim: &UptoClaim,
    deviation: UptoDeviation,
) -> Result<(), Refusal> {
    let permit = &claim.signed.permit;
    if deviation.rules().once && permits.permit_used(permit.from, permit.nonce) {
        let message = format!("nonce {} of {} is used", permit.nonce, permit.from);
        return Err(Refusal::new(reason::PERMIT_NONCE, message));
    }
    let balance = ledger.balance(permit.token, permit.from).await?;
    if balance < claim.amount {
        let message = format!(
            "{} holds {balance} and {} is asked",
            permit.from, claim.amount
        );
        return Err(Refusal::new(reason::PERMIT_BALANCE, message));
    }
    Ok(())
}
