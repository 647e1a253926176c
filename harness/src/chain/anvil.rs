//! One running Anvil.

use std::path::PathBuf;
use std::time::Duration;

use alloy_node_bindings::{Anvil, AnvilInstance, NodeError};
use alloy_provider::Provider;
use alloy_provider::ext::AnvilApi;
use tokio::sync::watch;
use url::Url;

use super::discovery::probe_version;
use super::rpc::connect;
use crate::guard::{ChildEnd, ChildStatus, GuardError, GuardOrders, Lifeline, LogTail};

/// Alloy's own start-up limit, and ours around it: alloy's does not hold while no line comes.
const START_LIMIT: Duration = Duration::from_secs(20);
const OUTER_LIMIT: Duration = Duration::from_secs(25);

/// Anvil has no state to save.
const STOP_GRACE: Duration = Duration::from_millis(500);
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// For the guard's report on an Anvil that has just died.
const REPORT_WAIT: Duration = Duration::from_secs(1);

/// States kept; reorgs go up to 12 blocks back. With a number, nothing is written to disk.
const PRUNE_HISTORY: &str = "16";

/// The default of 30 M caps a block at 466 payments.
const GAS_LIMIT: &str = "16000000000";

/// Alloy reads the output of a dead Anvil until its time-out; this line, which the guard writes
/// for it, ends that at once. It names no port, and port 0 is how we tell.
const LAST_WORDS: &str = "Listening on nothing, for anvil has ended";

/// How to start Anvil.
#[derive(Clone, Debug)]
pub struct AnvilConfig {
    /// The native binary.
    pub binary: PathBuf,
    /// The x402-assay executable.
    pub guard: PathBuf,
    /// EIP-155 chain id; a mainnet's is fine.
    pub chain_id: u64,
    /// Interval mining; `None` mines each transaction at once.
    pub block_time: Option<Duration>,
    /// Funded development accounts of the well-known mnemonic.
    pub accounts: u16,
}

impl AnvilConfig {
    /// Automining, 16 accounts.
    pub fn new(binary: impl Into<PathBuf>, guard: impl Into<PathBuf>, chain_id: u64) -> Self {
        Self {
            binary: binary.into(),
            guard: guard.into(),
            chain_id,
            block_time: None,
            accounts: 16,
        }
    }
}

/// Anvil did not start.
#[derive(Debug, thiserror::Error)]
pub enum AnvilError {
    /// No guard for it.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// It ended, or never said where it listens.
    #[error("{} did not start: {reason}; --version says: {version}", binary.display())]
    Start {
        /// The binary.
        binary: PathBuf,
        /// What happened, with what Anvil wrote.
        reason: String,
        /// The answer to `--version`, or why there is none.
        version: String,
    },
}

/// A running Anvil under a guard. Dropping it ends it in the background.
#[derive(Debug)]
pub struct AnvilChain {
    /// `None` only while being dropped.
    instance: Option<AnvilInstance>,
    lifeline: Lifeline,
    endpoint: Url,
    chain_id: u64,
    client_version: String,
    pid: u32,
}

impl AnvilChain {
    /// Starts Anvil on a free loopback port.
    pub async fn start(config: &AnvilConfig) -> Result<Self, AnvilError> {
        let lifeline = Lifeline::open()?;
        let anvil = builder(config, &lifeline);
        // Blocks until Anvil listens. When we stop waiting, the lifeline is dropped, the guard
        // ends Anvil, and the thread comes back.
        let spawned = tokio::task::spawn_blocking(move || anvil.try_spawn());
        let reason = match tokio::time::timeout(OUTER_LIMIT, spawned).await {
            Ok(Ok(Ok(instance))) if instance.port() != 0 => {
                return Self::greet(config, lifeline, instance).await;
            }
            Ok(Ok(Ok(instance))) => {
                drop_off_thread(instance);
                why_it_ended(&lifeline).await
            }
            Ok(Ok(Err(NodeError::SpawnError(source)))) => {
                let guard = config.guard.clone();
                return Err(GuardError::Spawn { guard, source }.into());
            }
            Ok(Ok(Err(error))) => error.to_string(),
            Ok(Err(panic)) => panic.to_string(),
            Err(_) => format!("it did not listen within {OUTER_LIMIT:?}"),
        };
        Err(start_error(config, &lifeline, reason).await)
    }

    /// Asks the new node who it is, and tells it not to log every call.
    async fn greet(
        config: &AnvilConfig,
        lifeline: Lifeline,
        instance: AnvilInstance,
    ) -> Result<Self, AnvilError> {
        let endpoint = instance.endpoint_url();
        let pid = reported_pid(&lifeline).await;
        let mut chain = Self {
            instance: Some(instance),
            lifeline,
            endpoint,
            chain_id: config.chain_id,
            client_version: String::new(),
            pid,
        };
        let provider = connect(&chain.endpoint);
        let greeting = async {
            provider.anvil_set_logging(false).await?;
            provider.get_client_version().await
        };
        match greeting.await {
            Ok(version) => chain.client_version = version,
            Err(error) => {
                let reason = format!("it listens, but does not answer: {error}");
                return Err(start_error(config, &chain.lifeline, reason).await);
            }
        }
        Ok(chain)
    }

    /// Its HTTP endpoint.
    pub const fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    /// Its chain id.
    pub const fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// Process id of Anvil itself, not of its guard.
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// What it calls itself, for example `anvil/v1.7.1`.
    pub fn version(&self) -> &str {
        &self.client_version
    }

    /// False once it has ended.
    pub fn is_alive(&self) -> bool {
        self.lifeline.status().borrow().end.is_none()
    }

    /// Shows its end to whoever awaits it.
    pub fn status(&self) -> watch::Receiver<ChildStatus> {
        self.lifeline.status()
    }

    /// The newest lines of its standard error.
    pub fn stderr(&self) -> LogTail {
        self.lifeline.stderr()
    }

    /// Ends it and waits until it is gone.
    pub async fn stop(self) {
        self.lifeline.request_stop(STOP_GRACE);
        let mut status = self.lifeline.status();
        // What does not end in time is ended by the drop below.
        let ended = status.wait_for(|s| s.end.is_some());
        let _ = tokio::time::timeout(STOP_LIMIT, ended).await;
    }
}

impl Drop for AnvilChain {
    fn drop(&mut self) {
        self.lifeline.close();
        if let Some(instance) = self.instance.take() {
            drop_off_thread(instance);
        }
    }
}

fn builder(config: &AnvilConfig, lifeline: &Lifeline) -> Anvil {
    let mut orders = GuardOrders::new(&config.binary, lifeline);
    orders.grace = STOP_GRACE;
    orders.last_words = Some(LAST_WORDS.to_owned());
    let accounts = config.accounts.to_string();
    let anvil = Anvil::at(&config.guard)
        .host("127.0.0.1")
        .port(0u16)
        .chain_id(config.chain_id)
        .timeout(START_LIMIT.as_millis().try_into().unwrap_or(u64::MAX))
        .args(["--accounts", &accounts])
        .args(["--prune-history", PRUNE_HISTORY])
        .args(["--gas-limit", GAS_LIMIT])
        .envs(orders.to_env());
    match config.block_time {
        Some(time) => anvil.block_time_f64(time.as_secs_f64()),
        None => anvil,
    }
}

/// Dropping alloy's instance waits up to ten seconds: not on an async thread.
fn drop_off_thread(instance: AnvilInstance) {
    // Without a thread the closure, and the instance in it, is dropped here after all.
    let _ = std::thread::Builder::new()
        .name("anvil reaper".to_owned())
        .spawn(move || drop(instance));
}

/// The guard's report comes on another thread than Anvil's output.
async fn reported_pid(lifeline: &Lifeline) -> u32 {
    let mut status = lifeline.status();
    let started = status.wait_for(|s| s.pid.is_some() || s.end.is_some());
    match tokio::time::timeout(REPORT_WAIT, started).await {
        Ok(Ok(seen)) => seen.pid.unwrap_or_default(),
        Ok(Err(_)) | Err(_) => 0,
    }
}

async fn why_it_ended(lifeline: &Lifeline) -> String {
    let mut status = lifeline.status();
    let ended = status.wait_for(|s| s.end.is_some());
    let seen = match tokio::time::timeout(REPORT_WAIT, ended).await {
        Ok(Ok(seen)) => seen.clone(),
        Ok(Err(_)) | Err(_) => ChildStatus::default(),
    };
    match (seen.failure, seen.end) {
        (Some(failure), _) => failure,
        (None, Some(ChildEnd::Exited(code))) => format!("it exited with code {code}"),
        (None, Some(ChildEnd::Signalled(signal))) => format!("signal {signal} ended it"),
        (None, Some(ChildEnd::GuardLost) | None) => "its guard ended".to_owned(),
    }
}

async fn start_error(config: &AnvilConfig, lifeline: &Lifeline, reason: String) -> AnvilError {
    let stderr = lifeline.stderr().text();
    let reason = if stderr.is_empty() {
        reason
    } else {
        format!("{reason}: {stderr}")
    };
    let version = match probe_version(&config.binary).await {
        Ok(version) => version,
        Err(error) => error.to_string(),
    };
    AnvilError::Start {
        binary: config.binary.clone(),
        reason,
        version,
    }
}
