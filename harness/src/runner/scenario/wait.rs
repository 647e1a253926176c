//! `wait`: until something happened, or nothing did.

use std::time::{Duration, Instant};

use alloy_primitives::B256;
use x402_mock_facilitator::event::Movement;

use super::Stage;
use super::chain_faults;
use super::round::Broken;
use super::state::State;
use crate::runner::facilitator_events::CallCounts;
use crate::runner::session::SendError;
use crate::scenario::steps::{CallState, Condition, Endpoint, Wait};

/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Waits; tells what did not come, if it did not. `before` are the calls at the start of the round.
pub(super) async fn wait(
    stage: &Stage<'_>,
    state: &State,
    step: &Wait,
    before: CallCounts,
) -> Result<Option<String>, Broken> {
    match step {
        Wait::For(time) => {
            pause(stage, *time).await?;
            Ok(None)
        }
        Wait::Until { condition, within } => {
            let until = Instant::now() + *within;
            let begun = match condition {
                Condition::Blocks(_) => Some(head(stage, state).await?),
                _ => None,
            };
            while !holds(stage, state, condition, (before, begun)).await? {
                if Instant::now() >= until {
                    return Ok(Some(format!("{condition:?} within {within:?}")));
                }
                pause(stage, PAUSE).await?;
            }
            Ok(None)
        }
    }
}

pub(super) async fn pause(stage: &Stage<'_>, time: Duration) -> Result<(), SendError> {
    tokio::select! {
        () = tokio::time::sleep(time) => Ok(()),
        () = stage.session.cancel.cancelled() => Err(SendError::Cancelled),
    }
}

async fn holds(
    stage: &Stage<'_>,
    state: &State,
    condition: &Condition,
    (before, begun): (CallCounts, Option<u64>),
) -> Result<bool, Broken> {
    match condition {
        Condition::Calls {
            count,
            of,
            state: got,
        } => {
            stage.session.pull().await?;
            let now = stage.session.call_counts().await;
            let slot = match of {
                Endpoint::Verify => 0,
                Endpoint::Settle => 1,
                Endpoint::Supported => 2,
            };
            let more = match got {
                CallState::Seen => now.seen[slot] - before.seen[slot],
                CallState::Held => now.held[slot] - before.held[slot],
                CallState::Answered => now.ended[slot] - before.ended[slot],
            };
            Ok(more >= u64::from(*count))
        }
        Condition::Responses(name) | Condition::Answers(name) => Ok(state.is_done(name)),
        Condition::Expired(name) => {
            let last = state
                .payment(name)
                .iter()
                .map(|payment| payment.valid_before_s)
                .max();
            stage.session.read_clocks().await?;
            let now = chains_of(state, name).map(|chain| stage.session.clocks.now_s(chain));
            let now = now.min().unwrap_or_default();
            Ok(last.is_some_and(|last| now >= last))
        }
        Condition::Settled(name) => settled(stage, state, name).await,
        Condition::Blocks(count) => {
            let head = head(stage, state).await?;
            Ok(head.saturating_sub(begun.unwrap_or(head)) >= u64::from(*count))
        }
    }
}

/// The newest block of the round's chain.
async fn head(stage: &Stage<'_>, state: &State) -> Result<u64, Broken> {
    let chain_id = chain_faults::chain_of(stage, state)?;
    // No block is that late: the head alone comes back.
    let page = stage.session.control.records(chain_id, u64::MAX).await?;
    Ok(page.head)
}

/// Chains that the payments of a name were signed for.
fn chains_of<'s>(state: &'s State, name: &str) -> impl Iterator<Item = u64> + 's {
    let payments = state.payment(name).iter();
    payments.map(|payment| payment.on_chain.domain.chain_id)
}

/// A Transfer of each payment of the name is on its ledger.
async fn settled(stage: &Stage<'_>, state: &State, name: &str) -> Result<bool, Broken> {
    let nonces: Vec<B256> = state
        .payment(name)
        .iter()
        .map(|payment| payment.nonce)
        .collect();
    let chains = state
        .offers
        .values()
        .map(|quoted| quoted.choice.terms.domain.chain_id);
    let mut used = Vec::new();
    for chain_id in chains.collect::<std::collections::BTreeSet<u64>>() {
        let page = stage.session.control.records(chain_id, 0).await?;
        used.extend(
            page.records
                .into_iter()
                .filter_map(|record| match record.what {
                    Movement::AuthorizationUsed { nonce, .. }
                    | Movement::PermitUsed { nonce, .. } => Some(nonce),
                    _ => None,
                }),
        );
    }
    Ok(nonces.iter().all(|nonce| used.contains(nonce)))
}
