//! The bench: starts chain, facilitator and clients, drives a target, and judges by the ledger.
//!
//! `docs/architecture.md` maps the modules.

pub mod audit;
pub mod bench;
pub mod chain;
pub mod checks;
pub mod cli;
pub mod client;
pub mod config;
pub mod expectations;
pub mod guard;
pub mod history;
pub mod http;
pub mod launch;
pub mod link;
pub mod load;
mod os;
pub mod reference_server;
pub mod replay;
pub mod runner;
pub mod scenario;
pub mod selftest;
pub mod service;
pub mod verdict;
