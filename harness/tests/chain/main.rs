//! The chain on a real Anvil: start and end, token, helper contracts, RPC proxy.
#![expect(clippy::unwrap_used, reason = "test helpers fail by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod anvil;
mod bench;
mod contracts;
mod helpers;
mod payments;
mod placement;
mod provision;
mod proxy;
mod switches;
