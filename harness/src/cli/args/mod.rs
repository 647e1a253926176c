//! The command line contract (design section 9): what was typed (clap) becomes what it means
//! (plain options) in one step, telling every problem at once.

mod again;
mod command;
mod common;
mod compare;
mod judge;
mod listen;
mod load;
mod options;
mod parse;
mod replay;
mod report;
mod resolve;
mod run;
mod service;
mod setup;
mod target;
mod target_of;

pub use again::Again;
pub use listen::{Listen, PortChoice};
pub use options::{
    Attach, Chain, ChainChoice, Command, CompareOptions, DoctorOptions, DownOptions, Extra, FailOn,
    Format, Grading, Invocation, JudgeOptions, ListOptions, ListRole, LoadOptions, ReplayOptions,
    ReportOptions, RunOptions, Selection, SelftestOptions, Setup, UpOptions, Verbosity,
};
pub use parse::{ArgsError, Parsed, parse};
pub(super) use resolve::ALL_SCENARIOS;
pub use resolve::{Surroundings, UsageError, resolve};

#[cfg(test)]
mod tests;
