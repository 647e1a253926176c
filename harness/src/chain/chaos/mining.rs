//! When blocks are mined, and which settlements revert in them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use alloy_primitives::{Address, B256, U256, hex};
use alloy_provider::Provider;
use alloy_provider::ext::AnvilApi;
use serde_json::Value;
use tokio::sync::{Notify, OnceCell};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::error::ChaosError;
use super::pool;
use super::storage::authorization_slot;
use crate::chain::DevProvider;

/// How often the pool is looked at while a settlement is to revert.
const POOL_POLL: Duration = Duration::from_millis(5);
/// Settlements that are to revert, at a time.
const REVERTS_MAX: usize = 1_000;

/// When blocks come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// As the node mined them before anything was done to it.
    AsFound,
    /// Never, unless asked for.
    Stopped,
    /// Every so often.
    Every(Duration),
}

/// A settlement that is to revert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Revert {
    pub(super) asset: Address,
    pub(super) payer: Address,
    pub(super) nonce: B256,
}

/// How the node mines by itself.
#[derive(Debug, Clone, Copy)]
enum Found {
    EachTransaction,
    EverySeconds(u64),
    Never,
}

/// The miner of one node.
#[derive(Debug)]
pub(super) struct Miner {
    shared: Arc<Shared>,
    /// Ends the task that mines.
    _task: DropGuard,
}

#[derive(Debug)]
struct Shared {
    provider: DevProvider,
    found: OnceCell<Found>,
    plan: Mutex<Plan>,
    changed: Notify,
    /// One block at a time: the state is prepared for it.
    block: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone)]
struct Plan {
    mode: Mode,
    reverts: Vec<Revert>,
}

impl Miner {
    /// Changes nothing yet.
    pub(super) fn new(provider: DevProvider) -> Self {
        let shared = Arc::new(Shared {
            provider,
            found: OnceCell::new(),
            plan: Mutex::new(Plan {
                mode: Mode::AsFound,
                reverts: Vec::new(),
            }),
            changed: Notify::new(),
            block: tokio::sync::Mutex::default(),
        });
        let stop = CancellationToken::new();
        tokio::spawn(drive(Arc::clone(&shared), stop.clone()));
        Self {
            shared,
            _task: stop.drop_guard(),
        }
    }

    pub(super) fn mode(&self) -> Mode {
        self.shared.plan().mode
    }

    /// Mines in another way from now on; what is pending is mined at once where blocks come by themselves.
    pub(super) async fn set_mode(&self, mode: Mode) -> Result<(), ChaosError> {
        self.shared.found().await?;
        self.shared.plan().mode = mode;
        self.shared.apply().await
    }

    /// Has the next settlement of an authorization revert.
    pub(super) async fn revert(&self, revert: Revert) -> Result<(), ChaosError> {
        self.shared.found().await?;
        {
            let mut plan = self.shared.plan();
            if plan.reverts.len() >= REVERTS_MAX {
                return Err(ChaosError::Range {
                    action: "revert-settlement",
                    range: "at most 1,000 settlements at a time",
                    given: REVERTS_MAX as u64 + 1,
                });
            }
            if !plan.reverts.contains(&revert) {
                plan.reverts.push(revert);
            }
        }
        self.shared.apply().await
    }

    /// One block now.
    pub(super) async fn mine(&self) -> Result<(), ChaosError> {
        self.shared.mine().await
    }

    /// As before anything was done; tells the nonces whose settlement was to revert and was never mined.
    pub(super) async fn calm(&self) -> Result<Vec<B256>, ChaosError> {
        // Not while a block is being prepared: what it strikes was met.
        let _turn = self.shared.block.lock().await;
        let unmet = {
            let mut plan = self.shared.plan();
            if plan.mode == Mode::AsFound && plan.reverts.is_empty() {
                return Ok(Vec::new());
            }
            plan.mode = Mode::AsFound;
            std::mem::take(&mut plan.reverts)
        };
        self.shared.apply().await?;
        Ok(unmet.into_iter().map(|revert| revert.nonce).collect())
    }
}

impl Shared {
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the node mined when it was first asked.
    async fn found(&self) -> Result<Found, ChaosError> {
        let ask = async || {
            let reading = || ChaosError::rpc("reading how the node mines");
            if self
                .provider
                .anvil_get_auto_mine()
                .await
                .map_err(reading())?
            {
                return Ok(Found::EachTransaction);
            }
            let asked = self
                .provider
                .client()
                .request("anvil_getIntervalMining", ());
            let seconds: Option<u64> = asked.await.map_err(reading())?;
            Ok(seconds
                .filter(|seconds| *seconds > 0)
                .map_or(Found::Never, Found::EverySeconds))
        };
        self.found.get_or_try_init(ask).await.copied()
    }

    /// Makes the node mine as planned, or leaves it to the task.
    async fn apply(&self) -> Result<(), ChaosError> {
        let Plan { mode, reverts } = self.plan().clone();
        let found = self.found().await?;
        let by_itself = mode == Mode::AsFound && reverts.is_empty();
        let done = match (by_itself, found) {
            (true, Found::EachTransaction) => self.provider.anvil_set_auto_mine(true).await,
            (true, Found::EverySeconds(s)) => self.provider.anvil_set_interval_mining(s).await,
            // Setting the interval to 0 ends both ways.
            (true, Found::Never) | (false, _) => self.provider.anvil_set_interval_mining(0).await,
        };
        done.map_err(ChaosError::rpc("changing how the node mines"))?;
        self.changed.notify_one();
        Ok(())
    }

    /// One block, in which the chosen settlements revert: their authorizations are used while it is mined, and unused
    /// again after it.
    async fn mine(&self) -> Result<(), ChaosError> {
        let _turn = self.block.lock().await;
        let reverts = self.plan().reverts.clone();
        let mut unused = Vec::new();
        for revert in &reverts {
            let slot = authorization_slot(revert.payer, revert.nonce);
            let before = self.provider.get_storage_at(revert.asset, slot).await;
            let before = before.map_err(ChaosError::rpc("reading an authorization"))?;
            if before.is_zero() {
                self.set_used(revert.asset, slot, true).await?;
                unused.push((revert.asset, slot));
            }
        }
        let mined = self.provider.evm_mine(None).await;
        for (asset, slot) in unused {
            self.set_used(asset, slot, false).await?;
        }
        mined.map_err(ChaosError::rpc("mining a block"))?;
        if !reverts.is_empty() {
            self.strike_off(&reverts).await?;
        }
        Ok(())
    }

    async fn set_used(&self, asset: Address, slot: U256, used: bool) -> Result<(), ChaosError> {
        let word = B256::from(U256::from(used));
        let set = self.provider.anvil_set_storage_at(asset, slot, word).await;
        set.map(drop)
            .map_err(ChaosError::rpc("marking an authorization"))
    }

    /// Forgets what the newest block has struck.
    async fn strike_off(&self, reverts: &[Revert]) -> Result<(), ChaosError> {
        let newest = self.provider.client();
        let newest = newest.request("eth_getBlockByNumber", ("latest", true));
        let block: Value = newest.await.map_err(ChaosError::rpc("reading a block"))?;
        let mined = block.get("transactions").and_then(Value::as_array);
        let inputs: Vec<&str> = mined
            .into_iter()
            .flatten()
            .filter_map(|transaction| transaction.get("input")?.as_str())
            .collect();
        let struck = |revert: &Revert| {
            let needle = hex::encode(revert.nonce);
            reverts.contains(revert) && inputs.iter().any(|input| input.contains(&needle))
        };
        let ended = {
            let mut plan = self.plan();
            let before = plan.reverts.len();
            plan.reverts.retain(|revert| !struck(revert));
            before > 0 && plan.reverts.is_empty()
        };
        if ended { self.apply().await } else { Ok(()) }
    }
}

/// Mines where the node does not do it by itself.
async fn drive(shared: Arc<Shared>, stop: CancellationToken) {
    let work = async {
        loop {
            let Plan { mode, reverts } = shared.plan().clone();
            let pause = match mode {
                Mode::Every(time) => time,
                Mode::AsFound if !reverts.is_empty() => POOL_POLL,
                Mode::AsFound | Mode::Stopped => {
                    shared.changed.notified().await;
                    continue;
                }
            };
            let waited = tokio::time::timeout(pause, shared.changed.notified()).await;
            if waited.is_ok() {
                continue;
            }
            let due = match mode {
                Mode::Every(_) => true,
                _ => matches!(pool::is_empty(&shared.provider).await, Ok(false)),
            };
            if due && let Err(error) = shared.mine().await {
                // A node that is away for a moment: the next round tries again.
                tracing::debug!(%error, "a block was not mined");
            }
        }
    };
    stop.run_until_cancelled(work).await;
}
