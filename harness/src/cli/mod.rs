//! The command line: flags, commands, exit codes, progress. The only place that prints.

pub mod args;
