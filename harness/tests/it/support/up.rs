//! A running `up` on free ports, with the memory ledger.

use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use super::assay::command;

/// The process and its addresses; killed when dropped.
pub(crate) struct Up {
    pub(crate) child: Child,
    pub(crate) facilitator: String,
    pub(crate) control: String,
    pub(crate) dir: TempDir,
}

impl Up {
    /// Starts it and waits for its addresses.
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let args = [
            "up",
            "--chain",
            "memory",
            "--facilitator-port",
            "0",
            "--control-port",
            "0",
            "--rpc-port",
            "0",
            "--env-file",
            "assay.env",
        ];
        let mut child = command(dir.path(), &args)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (mut facilitator, mut control) = (None, None);
        while facilitator.is_none() || control.is_none() {
            let line = tokio::time::timeout(Duration::from_secs(60), lines.next_line()).await;
            let line = line.unwrap().unwrap().expect("up prints its addresses");
            let value = |name: &str| line.strip_prefix(name).map(str::to_owned);
            facilitator = facilitator.or(value("FACILITATOR_URL="));
            control = control.or(value("X402_ASSAY_ATTACH="));
        }
        Self {
            child,
            facilitator: facilitator.unwrap(),
            control: control.unwrap(),
            dir,
        }
    }
}
