//! How a facilitator with defects works: the correct one's parts, put together wrongly.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use alloy_primitives::{B256, U256, hex, keccak256};
use axum::http::StatusCode;
use serde_json::{Map, Value};
use tokio::sync::oneshot;
use x402_assay_protocol::{Signature, Version};

use super::patience::{ReceiptWait, ask_again};
use super::{Defect, DefectSet};
use crate::answer::Answer;
use crate::event::{AuthorizationKey, Endpoint};
use crate::facilitator::Facilitator;
use crate::faults::steer::Steer;
use crate::ledger::{Ledger, SettleOutcome, SettleStep};
use crate::refusal::{Refusal, reason};
use crate::request::Claim;
use crate::settle::{Unsettled, judge, key_of, prepare, record};
use crate::verify::{Scope, Window, check_claim, check_state};

/// How long a duplicate waits for the transaction of the first.
const DUPLICATE_WAIT_MAX: Duration = Duration::from_secs(30);
/// What reading the account nonce from a node takes: in this time others read the same one.
const NONCE_READ: Duration = Duration::from_millis(20);

/// The margin before `validBefore` that is too wide, in seconds.
const WIDE_MARGIN_S: u64 = 60;

/// How the signature of a wallet ends that is not deployed yet (ERC-6492).
const WALLET_MAGIC: [u8; 32] =
    hex!("6492649264926492649264926492649264926492649264926492649264926492");

/// `/verify` with defects.
pub(crate) async fn verify(
    facilitator: &Facilitator,
    call: u64,
    claim: Claim,
    steer: &Steer,
) -> Result<(), Refusal> {
    let (defects, memory) = (steer.defects(), steer.memory());
    refuse_v1(&claim, defects)?;
    let key = key_of(&claim);
    let ledger = facilitator.ledger_or_refusal(claim.domain.chain_id)?;
    let ledger = ledger.as_ref();
    ask_again(defects, ledger).await;
    if defects.has(Defect::UndeployedIsValid) && claim.payment.signature.ends_with(&WALLET_MAGIC) {
        return Ok(());
    }
    if defects.has(Defect::AnythingIsValid) || lacks_code(ledger, &claim, defects).await? {
        return Ok(());
    }
    if memory.was_verified(&key) {
        if defects.has(Defect::VerifyCached) {
            return Ok(());
        }
        if defects.has(Defect::VerifyBurnsNonce) {
            let message = format!("nonce {} of {} is used", key.nonce, key.payer);
            return Err(Refusal::new(reason::NONCE_USED, message));
        }
    }
    let mut scope = scope(defects);
    if defects.has(Defect::HighSIsValid) && is_odd_form(&claim) {
        scope.signature = false;
        scope.state = false;
    }
    check_margin(ledger, &claim, defects).await?;
    let claim = relaxed(claim, defects);
    let checked = check_claim(ledger, claim, scope).await?;
    let authorization = &checked.payment.authorization;
    let last_second = authorization
        .valid_before
        .saturating_sub(U256::from(1))
        .saturating_to();
    let checked = if defects.has(Defect::WindowIgnored) {
        let now = checked.now().min(last_second);
        checked.at(now)
    } else {
        checked
    };
    if scope.state {
        check_state(ledger, &checked).await?;
    }
    memory.note_verified(key);
    if defects.has(Defect::VerifySettles) && memory.transaction(&key).is_none() {
        let on_step = |step| {
            note(steer, key, step);
            record(facilitator, call, Some(steer), step);
        };
        // The verdict stays that of a verification, whatever becomes of the money.
        let _ = ledger.settle(&checked.payment, &on_step).await;
    }
    Ok(())
}

/// `/settle` with defects.
pub(crate) async fn settle(
    facilitator: &Arc<Facilitator>,
    call: u64,
    claim: Claim,
    steer: &Arc<Steer>,
) -> Result<B256, Unsettled> {
    let (defects, memory) = (steer.defects(), steer.memory());
    refuse_v1(&claim, defects)?;
    let key = key_of(&claim);
    let ledger = facilitator.ledger_or_refusal(claim.domain.chain_id)?;
    if lacks_code(ledger.as_ref(), &claim, defects)
        .await
        .map_err(Unsettled::from)?
    {
        return Ok(invented(key));
    }
    check_margin(ledger.as_ref(), &claim, defects)
        .await
        .map_err(Unsettled::from)?;
    let known = memory
        .transaction(&key)
        .filter(|_| defects.has(Defect::DuplicateSuccess) || defects.has(Defect::VerifySettles));
    if let Some(transaction) = known {
        return Ok(transaction);
    }
    if defects.has(Defect::SuccessWithoutSettling) {
        let claim = relaxed(claim, defects);
        crate::verify::verify(ledger.as_ref(), claim, scope(defects)).await?;
        return Ok(invented(key));
    }
    if defects.has(Defect::FailureBlocksAccount) && memory.account_blocked() {
        return judge(SettleOutcome::Pending {
            transaction: invented(key),
        });
    }
    let settled = if defects.has(Defect::CollidingNonces) {
        with_read_nonce(facilitator, call, claim, steer).await
    } else {
        in_background(facilitator, call, claim, steer).await
    };
    if settled.is_err() {
        memory.block_account();
    }
    settled
}

/// Reads the account nonce, and fails when another settlement has read the same one.
async fn with_read_nonce(
    facilitator: &Arc<Facilitator>,
    call: u64,
    claim: Claim,
    steer: &Arc<Steer>,
) -> Result<B256, Unsettled> {
    let memory = steer.memory();
    let nonce = memory.account_nonce();
    tokio::time::sleep(NONCE_READ).await;
    if !memory.use_account_nonce(nonce) {
        let reason = format!("the node refused the transaction: nonce {nonce} is taken");
        return judge(SettleOutcome::NotSent { reason });
    }
    let settled = in_background(facilitator, call, claim, steer).await;
    memory.end_account_nonce(nonce, settled.is_ok());
    settled
}

/// Settles in a task of its own, which goes on when the answer is given at the broadcast.
async fn in_background(
    facilitator: &Arc<Facilitator>,
    call: u64,
    claim: Claim,
    steer: &Arc<Steer>,
) -> Result<B256, Unsettled> {
    let defects = steer.defects();
    let ledger = facilitator.ledger_or_refusal(claim.domain.chain_id)?;
    let wait = ReceiptWait::of(defects, ledger.as_ref(), &claim).await?;
    let (early, answer) = oneshot::channel();
    let answers_early = defects.has(Defect::SuccessOnBroadcast) || wait.is_some();
    let early = answers_early.then_some(early);
    let task = tokio::spawn({
        let (facilitator, steer) = (Arc::clone(facilitator), Arc::clone(steer));
        async move { move_money(&facilitator, call, claim, &steer, early).await }
    });
    let settled = match (answer.await, wait) {
        (Err(_), _) => task.await,
        (Ok(transaction), None) => return Ok(transaction),
        (Ok(_), Some(wait)) => match wait.outlast(task).await {
            Some(settled) => settled,
            None => return Err(wait.refusal().into()),
        },
    };
    settled.unwrap_or_else(|error| {
        Err(Refusal::new(
            reason::UNEXPECTED_SETTLE,
            format!("settling broke down: {error}"),
        )
        .into())
    })
}

async fn move_money(
    facilitator: &Facilitator,
    call: u64,
    claim: Claim,
    steer: &Steer,
    early: Option<oneshot::Sender<B256>>,
) -> Result<B256, Unsettled> {
    let defects = steer.defects();
    let ledger = facilitator.ledger_or_refusal(claim.domain.chain_id)?;
    let key = key_of(&claim);
    let claim = if defects.has(Defect::SettleWithoutVerify) {
        as_signed(claim)
    } else {
        relaxed(claim, defects)
    };
    let mut looked_at = scope(defects);
    looked_at.state &= !defects.has(Defect::SettlesWithoutSimulation);
    if defects.has(Defect::ReceiptWaitEndsEarly) {
        looked_at.window = Window::WithoutMargin;
    }
    let prepared = match prepare(facilitator, ledger.as_ref(), claim, looked_at).await {
        Err(unsettled) if defects.has(Defect::DuplicateSuccess) => {
            return first_transaction(steer, key, unsettled).await;
        }
        prepared => prepared?,
    };
    let early = Mutex::new(early);
    let on_step = |step| {
        note(steer, key, step);
        record(facilitator, call, Some(steer), step);
        let early = early.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (SettleStep::Broadcast { transaction }, Some(early)) = (step, early) {
            // Nobody waits any more only when the caller's task is gone.
            let _ = early.send(transaction);
        }
    };
    let outcome = ledger.settle(&prepared.payment, &on_step).await;
    judge_wrongly(outcome, defects)
}

/// The transaction of whoever settles, or has just settled, the same authorization.
async fn first_transaction(
    steer: &Steer,
    key: AuthorizationKey,
    unsettled: Unsettled,
) -> Result<B256, Unsettled> {
    let wait = match unsettled.refusal.code {
        reason::DUPLICATE => DUPLICATE_WAIT_MAX,
        reason::NONCE_USED => Duration::ZERO,
        _ => return Err(unsettled),
    };
    let first = steer.memory().wait_transaction(&key, wait).await;
    first.ok_or(unsettled)
}

fn judge_wrongly(outcome: SettleOutcome, defects: DefectSet) -> Result<B256, Unsettled> {
    match outcome {
        SettleOutcome::Reverted { transaction, .. }
        | SettleOutcome::WrongTransfer { transaction, .. }
            if defects.has(Defect::SuccessOnRevert) =>
        {
            Ok(transaction)
        }
        SettleOutcome::Pending { transaction } if defects.has(Defect::SuccessOnPending) => {
            Ok(transaction)
        }
        SettleOutcome::Pending { .. } if defects.has(Defect::PendingIsFailure) => {
            let message = "the transaction was not mined in time";
            Err(Refusal::new(reason::TRANSACTION, message).into())
        }
        outcome => judge(outcome),
    }
}

/// Changes what an answer says, as the defects have it.
pub(crate) fn deface(
    steer: &Steer,
    endpoint: Endpoint,
    recipient: Option<String>,
    mut answer: Answer,
) -> Answer {
    let defects = steer.defects();
    if defects.is_empty() {
        return answer;
    }
    super::leftover::spoil(steer, endpoint, &mut answer);
    super::answers::deface(defects, endpoint, recipient.as_deref(), &mut answer);
    if defects.has(Defect::MalformedIs500) && answer.status == StatusCode::BAD_REQUEST {
        answer.status = StatusCode::INTERNAL_SERVER_ERROR;
    }
    let trouble = answer.status == StatusCode::INTERNAL_SERVER_ERROR;
    let Some(members) = answer.members() else {
        return answer;
    };
    match endpoint {
        Endpoint::Settle => {
            let replay = deface_settlement(defects, recipient, members);
            if replay && defects.has(Defect::ReplayIs500) {
                answer.status = StatusCode::INTERNAL_SERVER_ERROR;
            }
        }
        Endpoint::Verify if trouble && defects.has(Defect::TroubleIsBadSignature) => {
            members.insert("invalidReason".to_owned(), reason::SIGNATURE.into());
            members.shift_remove("invalidMessage");
            answer.status = StatusCode::OK;
        }
        Endpoint::Verify | Endpoint::Supported | Endpoint::Other => {}
    }
    answer
}

/// Changes a settlement's answer; tells whether it refused a used nonce.
fn deface_settlement(
    defects: DefectSet,
    recipient: Option<String>,
    members: &mut Map<String, Value>,
) -> bool {
    let text = |members: &Map<String, Value>, name: &str| {
        members
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    if members.get("success").and_then(Value::as_bool) == Some(true) {
        if defects.has(Defect::ReceiptInventedTransaction)
            && let Ok(hash) = text(members, "transaction").parse::<B256>()
        {
            members.insert("transaction".to_owned(), (!hash).to_string().into());
        }
        if defects.has(Defect::ReceiptWrongPayer) {
            members.insert("payer".to_owned(), recipient.unwrap_or_default().into());
        }
        if defects.has(Defect::ReceiptWrongNetwork) {
            let other = if text(members, "network").contains(':') {
                "eip155:99"
            } else {
                "sei"
            };
            members.insert("network".to_owned(), other.into());
        }
        return false;
    }
    let replay = text(members, "errorReason") == reason::NONCE_USED;
    if replay && defects.has(Defect::ReplayIs500) {
        members.insert("errorReason".to_owned(), reason::UNEXPECTED_SETTLE.into());
    }
    if defects.has(Defect::FailureWithoutShape) {
        for name in ["network", "payer", "transaction"] {
            members.shift_remove(name);
        }
    }
    replay
}

/// What is looked at.
fn scope(defects: DefectSet) -> Scope {
    let signature = !defects.has(Defect::SignatureNotChecked);
    Scope {
        window: if defects.has(Defect::WindowIgnored) {
            Window::Ignored
        } else if defects.has(Defect::ExpiryMarginMissing) {
            Window::WithoutMargin
        } else {
            Window::Checked
        },
        signature,
        // The simulation would find a wrong signature too.
        state: signature && !defects.has(Defect::WithoutSimulation),
    }
}

/// Makes the terms agree where they are not compared.
fn relaxed(mut claim: Claim, defects: DefectSet) -> Claim {
    let signed = &claim.payment.authorization;
    let more = defects.has(Defect::AmountAtLeast) && signed.value > claim.amount;
    if more || defects.has(Defect::AmountNotCompared) {
        claim.amount = signed.value;
    }
    if defects.has(Defect::RecipientNotCompared) {
        claim.pay_to = signed.to;
    }
    claim
}

fn refuse_v1(claim: &Claim, defects: DefectSet) -> Result<(), Refusal> {
    if claim.version == Version::V1 && defects.has(Defect::V1Refused) {
        return Err(Refusal::new(
            reason::VERSION,
            "version 1 is not accepted any more",
        ));
    }
    Ok(())
}

/// True for a signature of the payer in a form that the token does not take.
fn is_odd_form(claim: &Claim) -> bool {
    let Ok(bytes) = <[u8; 65]>::try_from(claim.payment.signature.as_ref()) else {
        return false;
    };
    let signature = Signature(bytes);
    let authorization = &claim.payment.authorization;
    let digest = authorization.digest(&claim.domain.separator());
    let odd = bytes[64] < 27 || !signature.is_low_s();
    odd && signature.recover(&digest) == Some(authorization.from)
}

/// The margin of a facilitator that asks for too much of it.
async fn check_margin(
    ledger: &dyn Ledger,
    claim: &Claim,
    defects: DefectSet,
) -> Result<(), Refusal> {
    if !defects.has(Defect::MarginTooWide) {
        return Ok(());
    }
    let end = claim.payment.authorization.valid_before;
    if end < U256::from(ledger.now().await?.saturating_add(WIDE_MARGIN_S)) {
        let message = format!("validBefore is {end}: it must lie {WIDE_MARGIN_S} s ahead");
        return Err(Refusal::new(reason::VALID_BEFORE, message));
    }
    Ok(())
}

fn as_signed(mut claim: Claim) -> Claim {
    claim.amount = claim.payment.authorization.value;
    claim.pay_to = claim.payment.authorization.to;
    claim
}

/// True when the asset has no code and the facilitator does not mind.
async fn lacks_code(
    ledger: &dyn Ledger,
    claim: &Claim,
    defects: DefectSet,
) -> Result<bool, Refusal> {
    Ok(defects.has(Defect::CodelessAsset) && !ledger.code_exists(claim.payment.asset).await?)
}

fn note(steer: &Steer, key: AuthorizationKey, step: SettleStep) {
    if let SettleStep::Broadcast { transaction } = step {
        steer.memory().note_transaction(key, transaction);
    }
}

/// A hash of no transaction, the same for the same authorization.
fn invented(key: AuthorizationKey) -> B256 {
    keccak256([key.payer.as_slice(), key.nonce.as_slice(), b"invented"].concat())
}
