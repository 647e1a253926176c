//! A ledger whose chain can be slow, silent, or revert.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alloy_primitives::{Address, B256, U256};
use async_trait::async_trait;
use tokio::sync::Semaphore;
use x402_mock_facilitator::event::TransactionRecord;
use x402_mock_facilitator::ledger::{OnStep, SettleStep};
use x402_mock_facilitator::{
    Ledger, LedgerError, LedgerKind, LedgerRecord, MemoryLedger, Refusal, SettleOutcome,
    SignedAuthorization,
};

/// The memory ledger, with a chain that does what a test says.
#[derive(Debug)]
pub(crate) struct OddLedger {
    inner: Arc<MemoryLedger>,
    /// What settlements become instead of being settled.
    pub(crate) outcome: Mutex<Option<SettleOutcome>>,
    /// Permits to mine; a settlement waits for one after its broadcast.
    pub(crate) mining: Semaphore,
    /// No question is answered.
    pub(crate) silent: AtomicBool,
    /// So many questions about the time are answered late.
    pub(crate) late: AtomicU32,
    /// Questions about the time.
    pub(crate) asked: AtomicU32,
}

/// What is late comes so much later.
const LATE: Duration = Duration::from_millis(600);

impl OddLedger {
    pub(crate) fn new(inner: Arc<MemoryLedger>) -> Self {
        Self {
            inner,
            outcome: Mutex::default(),
            mining: Semaphore::new(Semaphore::MAX_PERMITS),
            silent: AtomicBool::new(false),
            late: AtomicU32::new(0),
            asked: AtomicU32::new(0),
        }
    }
}

#[async_trait]
impl Ledger for OddLedger {
    fn kind(&self) -> LedgerKind {
        self.inner.kind()
    }

    fn chain_id(&self) -> u64 {
        self.inner.chain_id()
    }

    fn signers(&self) -> Vec<Address> {
        self.inner.signers()
    }

    async fn now(&self) -> Result<u64, LedgerError> {
        if self.silent.load(Ordering::Relaxed) {
            let cause = "silence".to_owned();
            return Err(LedgerError {
                method: "eth_getBlockByNumber",
                cause,
            });
        }
        self.asked.fetch_add(1, Ordering::Relaxed);
        let late = self
            .late
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |late| {
                late.checked_sub(1)
            });
        if late.is_ok() {
            tokio::time::sleep(LATE).await;
        }
        self.inner.now().await
    }

    async fn code_exists(&self, account: Address) -> Result<bool, LedgerError> {
        self.inner.code_exists(account).await
    }

    async fn domain_separator(&self, asset: Address) -> Result<Option<B256>, LedgerError> {
        self.inner.domain_separator(asset).await
    }

    async fn name_and_version(
        &self,
        asset: Address,
    ) -> Result<Option<(String, String)>, LedgerError> {
        self.inner.name_and_version(asset).await
    }

    async fn balance(&self, asset: Address, owner: Address) -> Result<U256, LedgerError> {
        self.inner.balance(asset, owner).await
    }

    async fn authorization_used(
        &self,
        asset: Address,
        payer: Address,
        nonce: B256,
    ) -> Result<bool, LedgerError> {
        self.inner.authorization_used(asset, payer, nonce).await
    }

    async fn simulate(&self, payment: &SignedAuthorization, at: u64) -> Result<(), Refusal> {
        self.inner.simulate(payment, at).await
    }

    async fn settle(&self, payment: &SignedAuthorization, on_step: OnStep<'_>) -> SettleOutcome {
        let outcome = self.outcome.lock().unwrap().clone();
        if let Some(outcome) = outcome {
            return outcome;
        }
        let steps = Mutex::new(Vec::new());
        let settled = self
            .inner
            .settle(payment, &|step| steps.lock().unwrap().push(step))
            .await;
        for step in steps.into_inner().unwrap() {
            if matches!(step, SettleStep::Mined { .. }) {
                drop(self.mining.acquire().await.unwrap());
            }
            on_step(step);
        }
        settled
    }

    fn pending(&self, _: Address, _: Address, _: B256) -> Option<SignedAuthorization> {
        None
    }

    async fn head(&self) -> Result<u64, LedgerError> {
        self.inner.head().await
    }

    async fn records(
        &self,
        from_block: u64,
        to_block: Option<u64>,
    ) -> Result<Vec<LedgerRecord>, LedgerError> {
        self.inner.records(from_block, to_block).await
    }

    async fn transaction(&self, hash: B256) -> Result<Option<TransactionRecord>, LedgerError> {
        self.inner.transaction(hash).await
    }

    async fn account_nonce(&self, account: Address) -> Result<u64, LedgerError> {
        self.inner.account_nonce(account).await
    }
}
