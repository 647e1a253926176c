//! The chain under a load: money for the payers, and blocks at a steady beat.

use alloy_primitives::{Address, U256};
use x402_assay_protocol::PayerKey;

use super::Course;
use crate::bench::services::Services;
use crate::chain::chaos::ChaosAction;
use crate::load::{AtFacilitator, OnChain};
use crate::runner::RunTrouble;
use crate::service::{ControlError, FundRequest};

/// What a payer is given, in purchases.
const PURCHASES: u64 = 1_000_000_000;

impl Course<'_> {
    /// What the ledger that was found cannot do.
    pub(super) fn can_fault(&self, services: &Services) -> Result<(), RunTrouble> {
        let mut faults = self.bench.plan.faults.iter();
        match is_memory(services) && faults.any(|fault| !fault.what.is_of_facilitator()) {
            true => Err(RunTrouble::Stopped(
                "the scenario stops mining, and blocks of the memory ledger cannot be held back: use --chain anvil".to_owned(),
            )),
            false => Ok(()),
        }
    }

    /// Gives every payer of the load what it may spend.
    pub(super) async fn fund(
        &self,
        services: &Services,
        payers: &[PayerKey],
        (chain_id, asset, price): (u64, Address, U256),
    ) -> Result<(), ControlError> {
        let what = format!("giving {} payers their money", payers.len());
        self.bench.progress.stage(&what);
        let amount = price
            .max(U256::from(1))
            .saturating_mul(U256::from(PURCHASES))
            // All of them together must fit into the supply.
            .min(U256::from(u128::MAX));
        for payer in payers {
            let wanted = FundRequest {
                chain_id,
                asset,
                to: payer.address(),
                amount,
            };
            services.control.fund(&wanted).await?;
        }
        Ok(())
    }

    /// A node mines a block every so often from here on; says what the chain is.
    pub(super) async fn mine_in_blocks(
        &self,
        services: &Services,
        chain_id: u64,
        facilitator: Option<&AtFacilitator>,
    ) -> Result<OnChain, ControlError> {
        let kind = &services.state.chain.kind;
        if is_memory(services) {
            return Ok(OnChain {
                id: chain_id,
                told: kind.clone(),
                block_ms: 0,
            });
        }
        let every = self.bench.block_time;
        let block_ms = match every.is_zero() {
            true => 0,
            false => u64::try_from(every.as_millis()).unwrap_or(u64::MAX).max(1),
        };
        let blocks = match block_ms {
            0 => "a block each transaction".to_owned(),
            ms => {
                let action = ChaosAction::BlockTime { ms };
                services.control.chaos(chain_id, &action).await?;
                format!("a block each {ms} ms")
            }
        };
        if let Some(at) = facilitator.filter(|at| !at.is_ours) {
            return Ok(OnChain {
                id: chain_id,
                told: format!("{kind}, {blocks}, {} account(s) settle", at.signers.len()),
                block_ms,
            });
        }
        let lanes = services
            .control
            .account_nonces(chain_id, &[])
            .await?
            .nonces
            .len();
        Ok(OnChain {
            id: chain_id,
            told: format!("{kind}, {blocks}, {lanes} lanes"),
            block_ms,
        })
    }
}

pub(super) fn is_memory(services: &Services) -> bool {
    services.state.chain.kind == "memory"
}
