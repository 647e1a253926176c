//! Chain faults on a development node.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use alloy_primitives::{Address, B256, U256};
use alloy_provider::Provider;
use alloy_provider::ext::AnvilApi;
use alloy_rpc_types_eth::BlockNumberOrTag;
use tokio::time::Instant;

use super::action::{ChaosAction, ChaosAnswer, MiningOrder};
use super::error::ChaosError;
use super::lasting::Lasting;
use super::mining::{Miner, Mode, Revert};
use super::pool;
use super::sender::Sender;
use crate::chain::{ContractError, DevProvider};

/// The deepest reorg: the node keeps 16 states.
const REORG_MAX: u64 = 12;
/// Most blocks mined at once.
const BLOCKS_MAX: u64 = 1_000;
/// Longest block time: an hour.
const BLOCK_TIME_MAX_MS: u64 = 3_600_000;
/// Furthest warp: ten years.
const WARP_MAX_MS: u64 = 10 * 365 * 24 * 3_600_000;
/// Highest base fee.
const BASE_FEE_MAX_GWEI: u64 = 1_000_000_000;
/// Longest look for a pending transaction.
const PENDING_LIMIT: Duration = Duration::from_secs(5);
/// How often the pool is looked at meanwhile.
const PENDING_POLL: Duration = Duration::from_millis(5);
const WEI_PER_GWEI: u128 = 1_000_000_000;

/// Does things to one node, and knows how it was before.
#[derive(Debug)]
pub struct Chaos {
    pub(super) provider: DevProvider,
    pub(super) sender: Sender,
    miner: Miner,
    lasting: Mutex<Lasting>,
}

impl Chaos {
    /// For a development node (see [`ensure_dev_node`](crate::chain::ensure_dev_node)); does nothing yet. Must be
    /// called within a tokio runtime.
    pub fn new(provider: DevProvider) -> Self {
        Self {
            sender: Sender::new(provider.clone()),
            miner: Miner::new(provider.clone()),
            lasting: Mutex::default(),
            provider,
        }
    }

    /// Does one thing. When this returns it has happened, unless the answer says that its transaction is pending.
    ///
    /// # Errors
    /// When a number is out of range, there is nothing to do it to, or the node refuses.
    pub async fn run(&self, action: ChaosAction) -> Result<ChaosAnswer, ChaosError> {
        let answer = match action {
            ChaosAction::Mine { order } => self.mine(order).await?,
            ChaosAction::MineBlocks { count } => self.mine_blocks(count).await?,
            ChaosAction::BlockTime { ms } => {
                let ms = in_range("block-time", ms, BLOCK_TIME_MAX_MS, "1 to 3,600,000 ms")?;
                self.miner
                    .set_mode(Mode::Every(Duration::from_millis(ms)))
                    .await?;
                ChaosAnswer::default()
            }
            ChaosAction::DropTransaction { nonce } => self.drop_transaction(nonce).await?,
            ChaosAction::Reorg { depth } => self.reorg(depth).await?,
            ChaosAction::RevertSettlement {
                asset,
                payer,
                nonce,
            } => {
                let revert = Revert {
                    asset,
                    payer,
                    nonce,
                };
                self.miner.revert(revert).await?;
                ChaosAnswer::default()
            }
            ChaosAction::Snapshot => self.snapshot().await?,
            ChaosAction::Restore { snapshot } => self.restore(snapshot).await?,
            ChaosAction::Warp { ms } => self.warp(ms).await?,
            ChaosAction::BaseFee { gwei } => self.base_fee(gwei).await?,
            ChaosAction::Drain { asset, payer } => self.drain(asset, payer).await?,
            ChaosAction::Cancel {
                asset,
                payer,
                nonce,
                signature,
            } => self.cancel(asset, payer, nonce, signature).await?,
            ChaosAction::Preempt { asset, transfer } => self.preempt(asset, transfer).await?,
            ChaosAction::Block {
                asset,
                account,
                blocked,
            } => self.block(asset, account, blocked).await?,
            ChaosAction::Token { asset, code } => self.set_token(asset, code).await?,
            ChaosAction::Deploy { code } => self.deploy(code).await?,
            ChaosAction::EmptyGas { accounts } => self.empty_gas(&accounts).await?,
            ChaosAction::Calm => self.calm().await?,
        };
        let head = self.provider.get_block_number().await;
        let head = head.map_err(ChaosError::rpc("reading the head"))?;
        Ok(ChaosAnswer { head, ..answer })
    }

    /// Time of the block that would be mined now, unix seconds.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn clock(&self) -> Result<u64, ChaosError> {
        let reading = "reading the clock";
        let next = self
            .provider
            .get_block_by_number(BlockNumberOrTag::Pending)
            .await;
        let next = next.map_err(ChaosError::rpc(reading))?;
        let next = next.ok_or_else(|| {
            let reason = "the node has no pending block".to_owned();
            let action = reading.to_owned();
            ContractError::Answer { action, reason }
        })?;
        Ok(next.header.timestamp)
    }

    /// Whether blocks come by themselves.
    pub(super) fn mines(&self) -> bool {
        self.miner.mode() != Mode::Stopped
    }

    pub(super) fn lasting(&self) -> MutexGuard<'_, Lasting> {
        self.lasting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn mine(&self, order: MiningOrder) -> Result<ChaosAnswer, ChaosError> {
        match order {
            MiningOrder::Stop => self.miner.set_mode(Mode::Stopped).await?,
            MiningOrder::Resume => self.miner.set_mode(Mode::AsFound).await?,
            MiningOrder::One => self.miner.mine().await?,
        }
        Ok(ChaosAnswer::default())
    }

    async fn mine_blocks(&self, count: u64) -> Result<ChaosAnswer, ChaosError> {
        let count = in_range("mine-blocks", count, BLOCKS_MAX, "1 to 1,000 blocks")?;
        let mined = self.provider.anvil_mine(Some(count), None).await;
        mined.map_err(ChaosError::rpc("mine-blocks"))?;
        Ok(ChaosAnswer::default())
    }

    /// Waits for it a moment: whoever sends it may be about to.
    async fn drop_transaction(&self, nonce: B256) -> Result<ChaosAnswer, ChaosError> {
        let deadline = Instant::now() + PENDING_LIMIT;
        loop {
            if let Some(hash) = pool::carrying(&self.provider, nonce).await? {
                let dropped = self.provider.anvil_drop_transaction(hash).await;
                // Mined in between: look again, and find nothing.
                if dropped
                    .map_err(ChaosError::rpc("drop-transaction"))?
                    .is_some()
                {
                    return Ok(ChaosAnswer {
                        transaction: Some(hash),
                        ..ChaosAnswer::default()
                    });
                }
            }
            if Instant::now() >= deadline {
                let waited = PENDING_LIMIT;
                return Err(ChaosError::NotPending { nonce, waited });
            }
            tokio::time::sleep(PENDING_POLL).await;
        }
    }

    async fn reorg(&self, depth: u64) -> Result<ChaosAnswer, ChaosError> {
        let head = self.provider.get_block_number().await;
        let head = head.map_err(ChaosError::rpc("reorg"))?;
        let max = REORG_MAX.min(head);
        if depth == 0 || depth > max {
            return Err(ChaosError::Depth { depth, max, head });
        }
        let none: [(); 0] = [];
        let reorg = self.provider.client().request("anvil_reorg", (depth, none));
        let (): () = reorg.await.map_err(ChaosError::rpc("reorg"))?;
        Ok(ChaosAnswer::default())
    }

    async fn snapshot(&self) -> Result<ChaosAnswer, ChaosError> {
        let taken = self.provider.anvil_snapshot().await;
        Ok(ChaosAnswer {
            snapshot: Some(taken.map_err(ChaosError::rpc("snapshot"))?),
            ..ChaosAnswer::default()
        })
    }

    async fn restore(&self, snapshot: U256) -> Result<ChaosAnswer, ChaosError> {
        let restored = self.provider.anvil_revert(snapshot).await;
        if restored.map_err(ChaosError::rpc("restore"))? {
            Ok(ChaosAnswer::default())
        } else {
            Err(ChaosError::NoSnapshot)
        }
    }

    async fn warp(&self, ms: u64) -> Result<ChaosAnswer, ChaosError> {
        let seconds = in_range("warp", ms, WARP_MAX_MS, "1 ms to ten years")?.div_ceil(1_000);
        let warped = self.provider.anvil_increase_time(seconds).await;
        warped.map_err(ChaosError::rpc("warp"))?;
        self.miner.mine().await?;
        Ok(ChaosAnswer::default())
    }

    async fn base_fee(&self, gwei: u64) -> Result<ChaosAnswer, ChaosError> {
        let gwei = in_range(
            "base-fee",
            gwei,
            BASE_FEE_MAX_GWEI,
            "1 to 1,000,000,000 gwei",
        )?;
        let newest = self
            .provider
            .get_block_by_number(BlockNumberOrTag::Latest)
            .await;
        let newest = newest.map_err(ChaosError::rpc("base-fee"))?;
        let before = newest.and_then(|block| block.header.base_fee_per_gas);
        self.set_base_fee(u128::from(gwei) * WEI_PER_GWEI).await?;
        let mut lasting = self.lasting();
        lasting.base_fee = lasting.base_fee.or(before.map(u128::from));
        Ok(ChaosAnswer::default())
    }

    async fn set_base_fee(&self, wei: u128) -> Result<(), ChaosError> {
        let set = self
            .provider
            .anvil_set_next_block_base_fee_per_gas(wei)
            .await;
        set.map_err(ChaosError::rpc("base-fee"))
    }

    async fn empty_gas(&self, accounts: &[Address]) -> Result<ChaosAnswer, ChaosError> {
        for account in accounts {
            let before = self.provider.get_balance(*account).await;
            let before = before.map_err(ChaosError::rpc("empty-gas"))?;
            self.set_gas(*account, U256::ZERO).await?;
            self.lasting().gas.entry(*account).or_insert(before);
        }
        Ok(ChaosAnswer::default())
    }

    async fn set_gas(&self, account: Address, wei: U256) -> Result<(), ChaosError> {
        let set = self.provider.anvil_set_balance(account, wei).await;
        set.map_err(ChaosError::rpc("empty-gas"))
    }

    /// Puts everything back. What fails stays on the list for another try.
    async fn calm(&self) -> Result<ChaosAnswer, ChaosError> {
        let unmet = self.miner.calm().await?;
        let base_fee = self.lasting().base_fee;
        if let Some(wei) = base_fee {
            self.set_base_fee(wei).await?;
            self.lasting().base_fee = None;
        }
        let gas = self.lasting().gas.clone();
        for (account, wei) in gas {
            self.set_gas(account, wei).await?;
            self.lasting().gas.remove(&account);
        }
        let code = self.lasting().code.clone();
        for (asset, before) in code {
            self.set_code(asset, before).await?;
            self.lasting().code.remove(&asset);
        }
        let paused = self.lasting().paused.clone();
        for asset in paused {
            self.set_paused(asset, false).await?;
        }
        let blocked = self.lasting().blocked.clone();
        for (asset, account) in blocked {
            self.block(asset, account, false).await?;
        }
        Ok(ChaosAnswer {
            unmet,
            ..ChaosAnswer::default()
        })
    }
}

fn in_range(
    action: &'static str,
    given: u64,
    max: u64,
    range: &'static str,
) -> Result<u64, ChaosError> {
    if (1..=max).contains(&given) {
        Ok(given)
    } else {
        Err(ChaosError::Range {
            action,
            range,
            given,
        })
    }
}
