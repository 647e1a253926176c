//! The bench: starts chain, facilitator and clients, drives a target, and judges by the ledger.
//!
//! `docs/architecture.md` maps the modules.

pub mod chain;
pub mod guard;
pub mod history;
