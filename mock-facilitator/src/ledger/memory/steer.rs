//! Things a test does to the ledger behind the facilitator's back.

use alloy_primitives::{Address, B256};

use super::ledger::MemoryLedger;
use crate::event::Movement;

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
        let movement = Movement::Transfer {
            from: owner,
            to,
            value,
        };
        Some(state.mine(self.chain_id, asset, [movement]).0)
    }

    /// Cancels an authorization, in a block of its own; `None` when it is used or cancelled already, or the token is
    /// unknown. Whether its payer wants that is the caller's business.
    pub fn cancel(&self, asset: Address, payer: Address, nonce: B256) -> Option<B256> {
        let mut state = self.lock();
        let token = state.tokens.get_mut(&asset)?;
        if !token.used.insert((payer, nonce)) {
            return None;
        }
        let movement = Movement::AuthorizationCanceled { payer, nonce };
        Some(state.mine(self.chain_id, asset, [movement]).0)
    }
}
