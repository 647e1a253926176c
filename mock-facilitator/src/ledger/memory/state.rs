//! What the memory ledger knows, and the rules of its token. No clock, no lock, no signature recovery.

use std::collections::{HashMap, HashSet};

use alloy_primitives::{Address, B256, Keccak256, U256};
use x402_assay_protocol::TokenDomain;

use super::permits::Bitmap;
use crate::event::{LedgerRecord, Movement};
use crate::ledger::SignedAuthorization;
use crate::refusal::{Refusal, reason};

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) tokens: HashMap<Address, Token>,
    pub(super) permits: Bitmap,
    pub(super) settlements: u64,
    /// Records of block `n` stand at `first_record[n - 1]..`; block 0 is the empty genesis.
    pub(super) records: Vec<LedgerRecord>,
    first_record: Vec<usize>,
    pub(super) transactions: HashMap<B256, u64>,
}

#[derive(Debug)]
pub(super) struct Token {
    pub(super) domain: TokenDomain,
    pub(super) separator: B256,
    pub(super) supply: U256,
    pub(super) balances: HashMap<Address, U256>,
    pub(super) used: HashSet<(Address, B256)>,
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
        if token
            .used
            .contains(&(authorization.from, authorization.nonce))
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
            token.used.insert((authorization.from, authorization.nonce));
            *token.balances.entry(authorization.from).or_default() -= authorization.value;
            *token.balances.entry(authorization.to).or_default() += authorization.value;
        }
        self.settlements += 1;
        let used = Movement::AuthorizationUsed {
            payer: authorization.from,
            nonce: authorization.nonce,
        };
        let transfer = Movement::Transfer {
            from: authorization.from,
            to: authorization.to,
            value: authorization.value,
        };
        self.mine(chain_id, payment.asset, [used, transfer])
    }

    /// One block with one transaction; its hash follows from the block number and what it did.
    pub(super) fn mine<const N: usize>(
        &mut self,
        chain_id: u64,
        asset: Address,
        movements: [Movement; N],
    ) -> (B256, u64) {
        let block = self.head() + 1;
        let mut hash = Keccak256::new();
        hash.update(chain_id.to_be_bytes());
        hash.update(block.to_be_bytes());
        hash.update(asset);
        for movement in &movements {
            movement_into(movement, &mut hash);
        }
        let transaction = hash.finalize();
        self.first_record.push(self.records.len());
        self.transactions.insert(transaction, block);
        for (log_index, what) in (0..).zip(movements) {
            self.records.push(LedgerRecord {
                chain_id,
                block,
                transaction,
                log_index,
                asset,
                what,
            });
        }
        (transaction, block)
    }

    pub(super) const fn head(&self) -> u64 {
        self.first_record.len() as u64
    }

    /// Where the records of a block begin; the end of all records for a block to come.
    pub(super) fn records_begin(&self, block: u64) -> usize {
        let index = usize::try_from(block.saturating_sub(1)).unwrap_or(usize::MAX);
        self.first_record
            .get(index)
            .copied()
            .unwrap_or(self.records.len())
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
            used: HashSet::new(),
        }
    }

    pub(super) fn balance(&self, owner: Address) -> U256 {
        self.balances.get(&owner).copied().unwrap_or_default()
    }
}

fn movement_into(movement: &Movement, hash: &mut Keccak256) {
    match movement {
        Movement::Transfer { from, to, value } => {
            hash.update(from);
            hash.update(to);
            hash.update(value.to_be_bytes::<32>());
        }
        Movement::AuthorizationUsed { payer, nonce }
        | Movement::PermitUsed { payer, nonce }
        | Movement::AuthorizationCanceled { payer, nonce } => {
            hash.update(payer);
            hash.update(nonce);
        }
    }
}
