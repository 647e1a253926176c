//! What the memory ledger knows, and the rules of its token. No clock, no lock, no signature recovery.

use alloy_primitives::{Address, B256, U256};
use hashbrown::HashMap;
use x402_assay_protocol::TokenDomain;

use super::blocks::{Blocks, By, Transaction};
use super::permits::Bitmap;
use crate::ledger::SignedAuthorization;
use crate::refusal::{Refusal, reason};

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) tokens: HashMap<Address, Token>,
    pub(super) permits: Bitmap,
    pub(super) settlements: u64,
    pub(super) blocks: Blocks,
}

#[derive(Debug)]
pub(super) struct Token {
    pub(super) domain: TokenDomain,
    pub(super) separator: B256,
    pub(super) supply: U256,
    pub(super) balances: HashMap<Address, U256>,
}

impl State {
    /// Everything the token's `transferWithAuthorization` requires, in its order.
    pub(super) fn check(
        &self,
        payment: &SignedAuthorization,
        signer: Option<Address>,
        at: u64,
    ) -> Result<(), Refusal> {
        let authorization = &payment.authorization;
        let token = self.tokens.get(&payment.asset).ok_or_else(|| {
            Refusal::new(
                reason::ASSET,
                format!("{} is no token of this ledger", payment.asset),
            )
        })?;
        if U256::from(at) <= authorization.valid_after {
            return Err(Refusal::new(
                reason::VALID_AFTER,
                "authorization is not yet valid",
            ));
        }
        if U256::from(at) >= authorization.valid_before {
            return Err(Refusal::new(
                reason::VALID_BEFORE,
                "authorization is expired",
            ));
        }
        if self
            .blocks
            .is_used(payment.asset, authorization.from, authorization.nonce)
        {
            return Err(Refusal::new(
                reason::NONCE_USED,
                "authorization is used or canceled",
            ));
        }
        if signer != Some(authorization.from) {
            return Err(Refusal::new(reason::SIGNATURE, "invalid signature"));
        }
        if authorization.from.is_zero() || authorization.to.is_zero() {
            return Err(Refusal::new(
                reason::SIMULATION,
                "transfer from or to the zero address",
            ));
        }
        if token.balance(authorization.from) < authorization.value {
            return Err(Refusal::new(
                reason::BALANCE,
                "transfer amount exceeds balance",
            ));
        }
        Ok(())
    }

    /// Carries out a payment that [`Self::check`] let pass, under the same lock.
    pub(super) fn transfer(&mut self, chain_id: u64, payment: &SignedAuthorization) -> (B256, u64) {
        let authorization = &payment.authorization;
        if let Some(token) = self.tokens.get_mut(&payment.asset) {
            *token.balances.entry(authorization.from).or_default() -= authorization.value;
            *token.balances.entry(authorization.to).or_default() += authorization.value;
        }
        self.settlements += 1;
        let transaction = Transaction {
            asset: payment.asset,
            by: By::Authorization,
            from: authorization.from,
            nonce: authorization.nonce,
            to: authorization.to,
            value: authorization.value,
        };
        self.blocks.mine(chain_id, &transaction)
    }
}

impl Token {
    /// A token nobody holds yet.
    pub(super) fn new(domain: TokenDomain, separator: B256) -> Self {
        Self {
            domain,
            separator,
            supply: U256::ZERO,
            balances: HashMap::new(),
        }
    }

    pub(super) fn balance(&self, owner: Address) -> U256 {
        self.balances.get(&owner).copied().unwrap_or_default()
    }
}
