//! The control API's client, for faults of chains and of the RPC.

use std::time::Duration;

use serde::Deserialize;

use super::client::{ControlClient, ControlError};
use crate::chain::chaos::{ChaosAction, ChaosAnswer};
use crate::chain::{RpcFaultRule, RpcHit};
use crate::link::HitPage;

#[derive(Deserialize)]
struct Armed {
    rule: u64,
}

#[derive(Deserialize)]
struct Clock {
    now: u64,
}

#[derive(Deserialize)]
struct Disarmed {
    ended: bool,
}

impl ControlClient {
    /// Does something to a chain. What needs an EVM is refused with status 422 on the memory ledger.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn chaos(
        &self,
        chain_id: u64,
        action: &ChaosAction,
    ) -> Result<ChaosAnswer, ControlError> {
        self.post(&format!("/chain/{chain_id}/chaos"), action).await
    }

    /// Unix seconds on a chain's clock: what a token would see in the next block.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn chain_time(&self, chain_id: u64) -> Result<u64, ControlError> {
        let clock: Clock = self.get(&format!("/chain/{chain_id}/clock")).await?;
        Ok(clock.now)
    }

    /// Arms a fault of the RPC; the number is for [`Self::disarm_rpc_fault`] and stands in every hit.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn arm_rpc_fault(&self, rule: &RpcFaultRule) -> Result<u64, ControlError> {
        let armed: Armed = self.post("/rpc/faults", rule).await?;
        Ok(armed.rule)
    }

    /// Ends a fault of the RPC; false when there is no such rule.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn disarm_rpc_fault(&self, rule: u64) -> Result<bool, ControlError> {
        let ended: Disarmed = self.delete(&format!("/rpc/faults/{rule}")).await?;
        Ok(ended.ended)
    }

    /// Ends every fault of the RPC.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn clear_rpc_faults(&self) -> Result<(), ControlError> {
        self.delete::<serde_json::Value>("/rpc/faults")
            .await
            .map(|_| ())
    }

    /// RPC calls that were struck, from number `after` on; waits up to `wait` (at most a minute) for the first.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn rpc_hits(
        &self,
        after: u64,
        wait: Duration,
    ) -> Result<HitPage<RpcHit>, ControlError> {
        let wait = wait.as_millis();
        self.get(&format!("/rpc/hits?after={after}&wait_ms={wait}"))
            .await
    }
}
