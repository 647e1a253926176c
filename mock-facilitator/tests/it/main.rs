//! The facilitator over HTTP, on a memory ledger.
#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up fails")]

mod bench;
mod control;
mod http;
mod node;
mod robustness;
mod settle;
mod verify;
