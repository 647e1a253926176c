//! `wait`: until something happened, or nothing did.

use std::time::{Duration, Instant};

use alloy_primitives::B256;
use x402_mock_facilitator::event::Movement;

use super::Stage;
use super::round::Broken;
use super::state::State;
use crate::runner::facilitator_events::CallCounts;
use crate::runner::session::{SendError, now_us};
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
            while !holds(stage, state, condition, before).await? {
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
    before: CallCounts,
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
            Ok(last.is_some_and(|last| now_us() / 1_000_000 >= last))
        }
        Condition::Settled(name) => settled(stage, state, name).await,
        Condition::Blocks(_) => Err(Broken::Trouble("blocks cannot be waited for".to_owned())),
    }
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
                    Movement::AuthorizationUsed { nonce, .. } => Some(nonce),
                    _ => None,
                }),
        );
    }
    Ok(nonces.iter().all(|nonce| used.contains(nonce)))
}
