//! Transactions of chain faults: from any account, ahead of everybody else's.

use std::time::Duration;

use alloy_network::TransactionBuilder;
use alloy_primitives::{Address, B256, U256};
use alloy_provider::Provider;
use alloy_provider::ext::AnvilApi;
use alloy_rpc_types_eth::TransactionRequest;
use tokio::sync::Mutex;

use super::error::ChaosError;
use crate::chain::{ContractError, DevProvider};

/// What the producer of the block gets for each unit of gas, in wei: 1,000 gwei, more than any settlement offers.
const TIP_WEI: u128 = 1_000_000_000_000;
/// Enough for every call the bench makes.
const GAS: u64 = 500_000;
/// Wei an account gets when it cannot pay for its own transaction.
const PURSE_WEI: u128 = 1_000_000_000_000_000_000_000;
/// Longest wait for a block where blocks come by themselves.
const MINED_LIMIT: Duration = Duration::from_secs(20);
/// How often a receipt is looked for.
const RECEIPT_POLL: Duration = Duration::from_millis(2);

/// A transaction that was sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub(super) hash: B256,
    pub(super) mined: bool,
}

/// Sends one transaction at a time.
#[derive(Debug)]
pub(super) struct Sender {
    provider: DevProvider,
    turn: Mutex<()>,
}

impl Sender {
    pub(super) fn new(provider: DevProvider) -> Self {
        let turn = Mutex::default();
        Self { provider, turn }
    }

    /// Sends a call from an account whose key nobody needs. Where blocks come by themselves it is waited for, and a
    /// revert is an error; else it stays pending, first in line.
    pub(super) async fn send(
        &self,
        action: &'static str,
        (from, to): (Address, Address),
        input: Vec<u8>,
        wait: bool,
    ) -> Result<Sent, ChaosError> {
        let _turn = self.turn.lock().await;
        let request = self.request(action, from, to, input).await?;
        let sent = self
            .provider
            .client()
            .request("eth_sendTransaction", (request.clone(),));
        let hash: B256 = sent.await.map_err(ChaosError::rpc(action))?;
        if wait {
            self.mined(action, hash, request).await?;
        }
        Ok(Sent { hash, mined: wait })
    }

    async fn request(
        &self,
        action: &'static str,
        from: Address,
        to: Address,
        input: Vec<u8>,
    ) -> Result<TransactionRequest, ChaosError> {
        let ready = async {
            self.provider.anvil_impersonate_account(from).await?;
            let purse = U256::from(PURSE_WEI);
            if self.provider.get_balance(from).await? < purse {
                self.provider.anvil_set_balance(from, purse).await?;
            }
            self.provider.get_gas_price().await
        };
        let price = ready.await.map_err(ChaosError::rpc(action))?;
        Ok(TransactionRequest::default()
            .with_from(from)
            .with_to(to)
            .with_input(input)
            .with_gas_limit(GAS)
            .with_max_priority_fee_per_gas(TIP_WEI)
            .with_max_fee_per_gas(price.saturating_mul(4).saturating_add(TIP_WEI)))
    }

    async fn mined(
        &self,
        action: &'static str,
        hash: B256,
        request: TransactionRequest,
    ) -> Result<(), ChaosError> {
        let receipt = async {
            loop {
                let found = self.provider.get_transaction_receipt(hash).await;
                if let Some(receipt) = found.map_err(ChaosError::rpc(action))? {
                    return Ok::<_, ChaosError>(receipt);
                }
                tokio::time::sleep(RECEIPT_POLL).await;
            }
        };
        let waited = tokio::time::timeout(MINED_LIMIT, receipt).await;
        let receipt = waited.map_err(|_| ContractError::NotMined {
            action: action.to_owned(),
            waited: MINED_LIMIT,
        })??;
        if receipt.status() {
            return Ok(());
        }
        let reason = match self.provider.call(request).await {
            Ok(_) => "it would succeed now".to_owned(),
            Err(error) => error.to_string(),
        };
        let action = action.to_owned();
        Err(ContractError::Reverted { action, reason }.into())
    }
}
