//! A payer: one test key, and how often it signed.

use std::sync::atomic::{AtomicU64, Ordering};

use alloy_primitives::{Address, Bytes};
use x402_assay_protocol::{PayerKey, Signature};

use crate::chain::ContractWallet;

/// A client's key with its counter. Only built-in test keys sign.
#[derive(Debug)]
pub struct Payer {
    key: PayerKey,
    wallet: Option<Wallet>,
    signed: AtomicU64,
}

/// The contract that holds the money; the key is its owner's.
#[derive(Debug)]
struct Wallet {
    contract: ContractWallet,
    address: Address,
    deployed: bool,
}

impl Payer {
    /// A payer that has signed nothing yet.
    pub const fn new(key: PayerKey) -> Self {
        Self {
            key,
            wallet: None,
            signed: AtomicU64::new(0),
        }
    }

    /// A contract wallet whose owner has this key; whether it is deployed decides how its signatures look.
    pub fn with_wallet(key: PayerKey, deployed: bool) -> Self {
        let contract = ContractWallet::of(key.address());
        Self {
            wallet: Some(Wallet {
                address: contract.address(),
                contract,
                deployed,
            }),
            ..Self::new(key)
        }
    }

    /// Its address: the wallet's, if it has one.
    pub const fn address(&self) -> Address {
        match &self.wallet {
            Some(wallet) => wallet.address,
            None => self.key.address(),
        }
    }

    /// The contract that holds its money, if one does.
    pub fn contract(&self) -> Option<&ContractWallet> {
        self.wallet.as_ref().map(|wallet| &wallet.contract)
    }

    /// The form in which its key's signature is sent, where it is not the signature itself.
    pub(super) fn wrapped(&self, signature: &Signature) -> Option<Bytes> {
        let wallet = self.wallet.as_ref().filter(|wallet| !wallet.deployed)?;
        Some(wallet.contract.wrapped(&signature.0))
    }

    /// Its key.
    pub const fn key(&self) -> &PayerKey {
        &self.key
    }

    /// Authorizations it signed so far.
    pub fn signed(&self) -> u64 {
        self.signed.load(Ordering::Relaxed)
    }

    pub(super) fn count(&self) {
        self.signed.fetch_add(1, Ordering::Relaxed);
    }
}
