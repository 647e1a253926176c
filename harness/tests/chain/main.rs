//! The chain on a real Anvil: start and end, token, helper contracts, RPC proxy.
#![expect(clippy::unwrap_used, reason = "test helpers fail by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod anvil;
mod bench;
mod chaos;
mod chaos_lasting;
mod contracts;
mod control;
mod crowd;
mod helpers;
mod payments;
mod placement;
mod provision;
mod proxy;
mod rpc_faults;
mod switches;
mod wallets;
