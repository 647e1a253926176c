//! The `x402-assay` binary: guard mode, virtual users, or the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = x402_assay::guard::run_if_guard() {
        return code;
    }
    if let Some(code) = x402_assay::load::crowd::run_if_users() {
        return code;
    }
    x402_assay::cli::main(std::env::args_os()).into()
}
