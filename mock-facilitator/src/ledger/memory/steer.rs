//! Things a test does to the ledger behind the facilitator's back.

use alloy_primitives::{Address, B256, U256};

use super::blocks::{By, Transaction};
use super::ledger::MemoryLedger;

impl MemoryLedger {
    /// Moves all of an account's tokens elsewhere, in a block of its own; `None` when it holds none.
    pub fn drain(&self, asset: Address, owner: Address, to: Address) -> Option<B256> {
        let mut state = self.lock();
        let token = state.tokens.get_mut(&asset)?;
        let value = token
            .balances
            .remove(&owner)
            .filter(|value| !value.is_zero())?;
        // Within the supply, so it cannot overflow.
        *token.balances.entry(to).or_default() += value;
        let moved = Transaction {
            asset,
            by: By::Account,
            from: owner,
            nonce: B256::ZERO,
            to,
            value,
        };
        Some(state.blocks.mine(self.chain_id, &moved).0)
    }

    /// Cancels an authorization, in a block of its own; `None` when it is used or cancelled already, or the token is
    /// unknown. Whether its payer wants that is the caller's business.
    pub fn cancel(&self, asset: Address, payer: Address, nonce: B256) -> Option<B256> {
        let mut state = self.lock();
        if !state.tokens.contains_key(&asset) || state.blocks.is_used(asset, payer, nonce) {
            return None;
        }
        let cancelled = Transaction {
            asset,
            by: By::Cancellation,
            from: payer,
            nonce,
            to: Address::ZERO,
            value: U256::ZERO,
        };
        Some(state.blocks.mine(self.chain_id, &cancelled).0)
    }
}
