//! End-to-end tests of the `x402-assay` binary.

#![expect(clippy::unwrap_used, reason = "an unwrap that fails fails the test")]

mod again;
mod attach;
mod bad_input;
mod browser;
mod builtin;
mod chain_steps;
mod checks_md;
mod ci;
mod compare;
mod diagnosis;
mod expectations;
mod facilitator_auth;
mod facilitator_books;
mod facilitator_bytes;
mod facilitator_matrix;
mod facilitator_odd;
mod facilitators;
mod hostile;
mod interrupt;
mod judge;
mod junit;
mod kill_matrix;
mod ledgers;
mod links;
mod load;
mod load_facilitator;
mod load_outcomes;
mod namespace;
mod personalities;
mod profiles;
mod python;
mod real_facilitators;
mod replay;
mod report_files;
mod scenario_kill_matrix;
mod scenarios;
mod secrets;
mod support;
mod typescript;
mod users;
