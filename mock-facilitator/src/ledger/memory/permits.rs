//! Permit2 and the x402 `upto` proxy in memory: the rules of both contracts, without an EVM.

use alloy_primitives::{Address, B256, U256};
use hashbrown::HashMap;
use x402_assay_protocol::permit2::{self, UPTO_PROXY};

use super::blocks::{By, Transaction};
use super::ledger::{MemoryLedger, SIGNER};
use super::state::State;
use crate::ledger::{PermitLedger, PermitRules, SignedPermit};
use crate::refusal::{Refusal, reason};

/// The nonces that were used: one bit each, 256 to a word, in any order.
#[derive(Debug, Default)]
pub(super) struct Bitmap(HashMap<(Address, U256), U256>);

impl Bitmap {
    const fn place(nonce: U256) -> (U256, usize) {
        (nonce.wrapping_shr(8), nonce.byte(0) as usize)
    }

    fn holds(&self, payer: Address, nonce: U256) -> bool {
        let (word, bit) = Self::place(nonce);
        let bits = self.0.get(&(payer, word));
        bits.is_some_and(|bits| bits.bit(bit))
    }

    fn put(&mut self, payer: Address, nonce: U256) {
        let (word, bit) = Self::place(nonce);
        let bits = self.0.entry((payer, word)).or_default();
        bits.set_bit(bit, true);
    }
}

impl PermitLedger for MemoryLedger {
    fn permit_used(&self, payer: Address, nonce: U256) -> bool {
        self.lock().permits.holds(payer, nonce)
    }

    fn settle_permit(
        &self,
        signed: &SignedPermit,
        amount: U256,
        rules: PermitRules,
    ) -> Result<Option<(B256, u64)>, Refusal> {
        let signer = signed.signer(&permit2::separator(self.chain_id));
        let at = U256::from(self.clock());
        let mut state = self.lock();
        check(&state, signed, (amount, rules), (signer, at))?;
        let permit = &signed.permit;
        state.permits.put(permit.from, permit.nonce);
        if amount.is_zero() {
            return Ok(None);
        }
        if let Some(token) = state.tokens.get_mut(&permit.token) {
            *token.balances.entry(permit.from).or_default() -= amount;
            *token.balances.entry(permit.to).or_default() += amount;
        }
        state.settlements += 1;
        let transaction = Transaction {
            asset: permit.token,
            by: By::Permit,
            from: permit.from,
            nonce: B256::from(permit.nonce),
            to: permit.to,
            value: amount,
        };
        Ok(Some(state.blocks.mine(self.chain_id, &transaction)))
    }
}

/// Everything the proxy's `settle` and Permit2's `permitWitnessTransferFrom` require, in their order.
fn check(
    state: &State,
    signed: &SignedPermit,
    (amount, rules): (U256, PermitRules),
    (signer, at): (Option<Address>, U256),
) -> Result<(), Refusal> {
    let permit = &signed.permit;
    let refuse = |code, message: &str| Err(Refusal::new(code, message));
    if permit.facilitator != SIGNER {
        return refuse(reason::UPTO_FACILITATOR, "UnauthorizedFacilitator()");
    }
    if rules.ceiling && amount > permit.amount {
        return refuse(reason::UPTO_EXCEEDS, "AmountExceedsPermitted()");
    }
    if permit.to.is_zero() {
        return refuse(reason::PERMIT_DESTINATION, "InvalidDestination()");
    }
    if at < permit.valid_after {
        return refuse(reason::PERMIT_NOT_YET, "PaymentTooEarly()");
    }
    if at > permit.deadline {
        return refuse(reason::PERMIT_DEADLINE, "SignatureExpired()");
    }
    if rules.once && state.permits.holds(permit.from, permit.nonce) {
        return refuse(reason::PERMIT_NONCE, "InvalidNonce()");
    }
    if permit.spender != UPTO_PROXY || signer != Some(permit.from) {
        return refuse(reason::PERMIT_SIGNATURE, "InvalidSigner()");
    }
    let Some(token) = state.tokens.get(&permit.token) else {
        return refuse(reason::ASSET, "the permitted token is none of this ledger");
    };
    if token.balance(permit.from) < amount {
        return refuse(reason::PERMIT_BALANCE, "transfer amount exceeds balance");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_is_one_payers_and_one_nonces() {
        let (payer, other) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let nonces = [0u64, 1, 255, 256, 511, 512].map(U256::from);
        let mut map = Bitmap::default();
        for (used, nonce) in nonces.iter().chain([&U256::MAX]).enumerate() {
            assert!(!map.holds(payer, *nonce), "{used} used, {nonce} is free");
            map.put(payer, *nonce);
            assert!(map.holds(payer, *nonce) && !map.holds(other, *nonce));
        }
        assert_eq!(map.0.len(), 4, "three words, and the last one");
    }
}
