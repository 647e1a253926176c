//! The binary under test.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

/// A run that takes longer than this hangs.
const DEADLINE: Duration = Duration::from_secs(240);

/// Our services on free ports with the memory ledger, for targets that were not launched.
pub(crate) const FREE_SERVICES: [&str; 8] = [
    "--chain",
    "memory",
    "--facilitator-port",
    "0",
    "--control-port",
    "0",
    "--rpc-port",
    "0",
];

/// What one call of the binary left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) dir: TempDir,
}

impl Ran {
    /// `report.json`.
    pub(crate) fn report(&self) -> Value {
        let path = self.dir.path().join("x402-assay-report/report.json");
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}\n{}", path.display(), self.said()));
        serde_json::from_str(&text).unwrap()
    }

    /// First line of the result.
    pub(crate) fn first_line(&self) -> &str {
        self.stdout.lines().next().unwrap_or_default()
    }

    /// Everything it printed, for a failing assertion.
    pub(crate) fn said(&self) -> String {
        format!(
            "exit {}\n--- stdout\n{}\n--- stderr\n{}",
            self.code, self.stdout, self.stderr
        )
    }

    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.said());
        self
    }

    /// Ids of the checks with this verdict, in the report's order.
    pub(crate) fn ids(&self, verdict: &str) -> Vec<String> {
        let report = self.report();
        let checks = report["checks"].as_array().unwrap();
        checks
            .iter()
            .filter(|check| check["verdict"] == verdict)
            .map(|check| check["id"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// The binary, without settings of the machine, in `dir`.
pub(crate) fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_x402-assay"));
    command
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    // Tests say themselves when they run in CI: it forbids the fallback to the memory ledger.
    command.env_remove("CI");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("X402_ASSAY_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs the binary in a new folder.
pub(crate) async fn assay(args: &[&str]) -> Ran {
    assay_in(tempfile::tempdir().unwrap(), args).await
}

/// Runs the binary in a folder that holds files already.
pub(crate) async fn assay_in(dir: TempDir, args: &[&str]) -> Ran {
    let output = tokio::time::timeout(DEADLINE, command(dir.path(), args).output())
        .await
        .unwrap_or_else(|_| panic!("{args:?} did not end within {DEADLINE:?}"))
        .unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        dir,
    }
}
