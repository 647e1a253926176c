use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = x402_assay::guard::run_if_guard() {
        return code;
    }
    ExitCode::SUCCESS
}
