//! The command line: flags, commands, exit codes, progress. The only place that prints.

pub mod args;
mod compare;
mod doctor;
mod down;
mod exit;
mod expectations;
mod explain;
mod findings;
mod judge;
mod list;
mod load;
mod main;
mod minimise;
mod output;
mod personalities;
mod print;
mod progress;
mod replay;
mod report;
mod run;
mod scenarios;
mod selftest;
mod up;

pub use exit::Exit;
pub use main::main;
