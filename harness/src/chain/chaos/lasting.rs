//! What an action has changed for longer, and how it was before.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, Bytes, U256};

/// Everything to be put back.
#[derive(Debug, Default)]
pub(super) struct Lasting {
    /// Native balances that were taken, in wei.
    pub(super) gas: BTreeMap<Address, U256>,
    /// Code that was replaced.
    pub(super) code: BTreeMap<Address, Bytes>,
    /// Tokens that are paused.
    pub(super) paused: BTreeSet<Address>,
    /// Token and account that it refuses.
    pub(super) blocked: BTreeSet<(Address, Address)>,
    /// The base fee before it was changed, in wei.
    pub(super) base_fee: Option<u128>,
}
