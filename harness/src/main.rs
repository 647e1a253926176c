//! The `x402-assay` binary: guard mode, or the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = x402_assay::guard::run_if_guard() {
        return code;
    }
    x402_assay::cli::main(std::env::args_os()).into()
}
