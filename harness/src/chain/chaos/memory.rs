//! Chain faults on the ledger in memory: those that need no EVM.

use x402_mock_facilitator::{Ledger, MemoryLedger, SettleOutcome, SignedAuthorization};

use super::action::{ChaosAction, ChaosAnswer};
use super::cancel::cancel_digest;
use super::error::ChaosError;
use super::token::SINK;

/// Does one thing to the ledger in memory: `warp`, `drain`, `cancel`, `preempt`; `calm` puts the clock back.
///
/// # Errors
/// When it needs an EVM, or the token would refuse it.
pub async fn run_in_memory(
    ledger: &MemoryLedger,
    action: ChaosAction,
) -> Result<ChaosAnswer, ChaosError> {
    let word = action.word();
    let refused = |reason: String| ChaosError::Refused {
        action: word,
        reason,
    };
    let transaction = match action {
        ChaosAction::Warp { ms } => {
            let seconds = i64::try_from(ms.div_ceil(1_000)).unwrap_or(i64::MAX);
            ledger.advance_clock(seconds);
            None
        }
        ChaosAction::Drain { asset, payer } => ledger.drain(asset, payer, SINK),
        ChaosAction::Cancel {
            asset,
            payer,
            nonce,
            signature,
        } => {
            let separator = ledger.domain_separator(asset).await.ok().flatten();
            let separator = separator.ok_or_else(|| refused(format!("{asset} is no token")))?;
            let digest = cancel_digest(&separator, payer, nonce);
            let bytes = <[u8; 65]>::try_from(signature.as_ref());
            let signature = bytes.map(x402_assay_protocol::Signature).ok();
            if signature.and_then(|signature| signature.recover(&digest)) != Some(payer) {
                return Err(refused("invalid signature".to_owned()));
            }
            let cancelled = ledger.cancel(asset, payer, nonce);
            Some(cancelled.ok_or_else(|| refused("authorization is used or canceled".to_owned()))?)
        }
        ChaosAction::Preempt { asset, transfer } => {
            let (authorization, signature) = (transfer.authorization(), transfer.signature);
            let payment = SignedAuthorization::new(asset, authorization, signature);
            match ledger.settle(&payment, &|_| {}).await {
                SettleOutcome::Mined { transaction, .. } => Some(transaction),
                SettleOutcome::NotSent { reason } => return Err(refused(reason)),
                other => return Err(refused(format!("{other:?}"))),
            }
        }
        ChaosAction::Calm => {
            ledger.reset_clock();
            None
        }
        _ => return Err(ChaosError::NeedsEvm { action: word }),
    };
    let head = ledger
        .head()
        .await
        .map_err(|error| refused(error.to_string()))?;
    Ok(ChaosAnswer {
        transaction,
        mined: transaction.is_some(),
        snapshot: None,
        unmet: Vec::new(),
        head,
    })
}
