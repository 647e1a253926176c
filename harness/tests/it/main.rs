//! End-to-end tests of the `x402-assay` binary.

#![expect(clippy::unwrap_used, reason = "an unwrap that fails fails the test")]

mod attach;
mod bad_input;
mod browser;
mod builtin;
mod chain_steps;
mod checks_md;
mod diagnosis;
mod expectations;
mod facilitators;
mod interrupt;
mod judge;
mod kill_matrix;
mod ledgers;
mod links;
mod load;
mod load_facilitator;
mod namespace;
mod profiles;
mod python;
mod replay;
mod report_files;
mod scenario_kill_matrix;
mod scenarios;
mod secrets;
mod support;
mod typescript;
