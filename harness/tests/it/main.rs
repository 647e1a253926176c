//! End-to-end tests of the `x402-assay` binary.

#![expect(clippy::unwrap_used, reason = "an unwrap that fails fails the test")]

mod attach;
mod bad_input;
mod browser;
mod builtin;
mod diagnosis;
mod interrupt;
mod judge;
mod kill_matrix;
mod ledgers;
mod namespace;
mod report_files;
mod scenarios;
mod secrets;
mod support;
mod typescript;
