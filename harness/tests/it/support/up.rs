//! A running `up` on free ports.

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
    /// None on a memory ledger.
    pub(crate) rpc: Option<String>,
    pub(crate) dir: TempDir,
}

impl Up {
    /// Starts it with the memory ledger, and waits for its addresses.
    pub(crate) async fn start() -> Self {
        Self::start_on("memory").await
    }

    /// Starts it on this chain, and waits for its addresses.
    pub(crate) async fn start_on(chain: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let args = [
            "up",
            "--chain",
            chain,
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
        let (mut facilitator, mut control, mut rpc) = (None, None, None);
        let needs_rpc = chain != "memory";
        while facilitator.is_none() || control.is_none() || (needs_rpc && rpc.is_none()) {
            let line = tokio::time::timeout(Duration::from_secs(60), lines.next_line()).await;
            let line = line.unwrap().unwrap().expect("up prints its addresses");
            let value = |name: &str| line.strip_prefix(name).map(str::to_owned);
            facilitator = facilitator.or(value("FACILITATOR_URL="));
            control = control.or(value("X402_ASSAY_ATTACH="));
            rpc = rpc.or(value("RPC_URL="));
        }
        Self {
            child,
            facilitator: facilitator.unwrap(),
            control: control.unwrap(),
            rpc,
            dir,
        }
    }
}
