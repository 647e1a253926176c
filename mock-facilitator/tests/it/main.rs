//! The facilitator over HTTP, on a memory ledger.
#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up fails")]

mod bench;
mod control;
mod control_faults;
mod defects;
mod faults;
mod holds;
mod http;
mod node;
mod odd_ledger;
mod personalities;
mod resets;
mod restart;
mod robustness;
mod settle;
mod upto;
mod verify;
