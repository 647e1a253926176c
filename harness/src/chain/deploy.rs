//! Placing code on a development node and sending transactions without keys.

use std::time::Duration;

use alloy_network::TransactionBuilder;
use alloy_primitives::{Address, B256, Bytes, U256, address};
use alloy_provider::Provider;
use alloy_provider::ext::AnvilApi;
use alloy_rpc_types_eth::{TransactionReceipt, TransactionRequest};
use futures_util::future::try_join_all;

use super::artifacts::Contract;
use super::rpc::{DevProvider, RpcError};

/// Signs for nobody: an impersonated account that owns our tokens, so that set-up never takes a
/// nonce of an account that somebody else uses.
pub(super) const OWNER: Address = address!("a55a00000000000000000000000000000000a55a");

/// Longest wait for a set-up transaction.
const MINED_LIMIT: Duration = Duration::from_secs(10);

/// A node that mines at once has the receipt by then; after that we ask it for a block.
const AUTOMINE_WAIT: Duration = Duration::from_millis(100);

const RECEIPT_POLL: Duration = Duration::from_millis(2);

/// A contract could not be placed, set up or called.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    /// The node refused or did not answer.
    #[error("{action} failed: {source}")]
    Rpc {
        /// What was asked of the node.
        action: String,
        /// The node's answer.
        source: RpcError,
    },
    /// The transaction was mined and reverted.
    #[error("{action} reverted: {reason}")]
    Reverted {
        /// What was attempted.
        action: String,
        /// What a call of the same says.
        reason: String,
    },
    /// No block came.
    #[error("{action} was not mined within {waited:?}; is mining paused on the node?")]
    NotMined {
        /// What was attempted.
        action: String,
        /// How long we waited.
        waited: Duration,
    },
    /// The call's answer does not decode.
    #[error("{action} gave an answer that does not decode: {reason}")]
    Answer {
        /// What was called.
        action: String,
        /// The decoder's words.
        reason: String,
    },
    /// Another token of ours lives at the address.
    #[error(
        "{asset} already holds our token as {found}, not as {wanted}; restart the node, or use another asset"
    )]
    OtherToken {
        /// The address.
        asset: Address,
        /// What is there.
        found: String,
        /// What was to be placed.
        wanted: String,
    },
    /// The token computes another domain: signatures for it would recover to strangers.
    #[error("the token at {asset} has domain separator {found}, expected {expected}")]
    Domain {
        /// The address.
        asset: Address,
        /// From name, version, chain id and address.
        expected: B256,
        /// What the contract says.
        found: B256,
    },
}

impl ContractError {
    /// For `map_err`: the node's error with what was asked.
    pub(super) fn rpc(action: impl Into<String>) -> impl FnOnce(RpcError) -> Self {
        let action = action.into();
        move |source| Self::Rpc { action, source }
    }
}

/// What was at the address before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// No code was there.
    Fresh,
    /// Other code was there (a forked chain, or another kind of our token).
    Replaced,
    /// The same code was there.
    AlreadyThere,
}

/// A contract that facilitators expect at a fixed address.
#[derive(Clone, Copy, Debug)]
pub struct Helper {
    /// Its name.
    pub name: &'static str,
    /// Its canonical address (wire-format section 5.2).
    pub address: Address,
    /// The contract; `None` where only the presence of code matters.
    pub contract: Option<Contract>,
}

/// One byte of code, which is the invalid instruction: present, and any use of it fails.
const STUB: &[u8] = &[0xfe];

/// Every helper contract.
pub const HELPERS: [Helper; 6] = [
    Helper {
        name: "Multicall3",
        address: address!("cA11bde05977b3631167028862bE2a173976CA11"),
        contract: Some(Contract::Multicall3),
    },
    Helper {
        name: "ERC-6492 signature validator",
        address: address!("dAcD51A54883eb67D95FAEb2BBfdC4a9a6BD2a3B"),
        contract: Some(Contract::SignatureValidator),
    },
    Helper {
        name: "Permit2",
        address: address!("000000000022D473030F116dDEE9F6B43aC78BA3"),
        contract: None,
    },
    Helper {
        name: "x402 exact proxy",
        address: address!("402085c248EeA27D92E8b30b2C58ed07f9E20001"),
        contract: None,
    },
    Helper {
        name: "x402 upto proxy",
        address: address!("4020A4f3b7b90ccA423B9fabCc0CE57C6C240002"),
        contract: None,
    },
    Helper {
        name: "x402 upto proxy, older address",
        address: address!("402039b3d6E6BEC5A02c2C9fd937ac17A6940002"),
        contract: None,
    },
];

/// Puts the helper contracts where there is no code yet; a fork keeps the real ones.
pub async fn place_helpers(provider: &DevProvider) -> Result<(), ContractError> {
    try_join_all(HELPERS.iter().map(|helper| place_helper(provider, helper))).await?;
    Ok(())
}

async fn place_helper(provider: &DevProvider, helper: &Helper) -> Result<(), ContractError> {
    let action = || format!("placing {} at {}", helper.name, helper.address);
    let present = provider
        .get_code_at(helper.address)
        .await
        .map_err(ContractError::rpc(action()))?;
    if !present.is_empty() {
        return Ok(());
    }
    let code = helper.contract.map_or_else(
        || Bytes::from_static(STUB),
        |contract| contract.runtime().clone(),
    );
    provider
        .anvil_set_code(helper.address, code)
        .await
        .map_err(ContractError::rpc(action()))
}

/// Sets an account's native balance.
pub async fn fund_gas(
    provider: &DevProvider,
    account: Address,
    wei: U256,
) -> Result<(), ContractError> {
    provider
        .anvil_set_balance(account, wei)
        .await
        .map_err(ContractError::rpc(format!(
            "setting the balance of {account}"
        )))
}

/// Sends a transaction from [`OWNER`] and waits until it is mined and good.
pub(super) async fn transact(
    provider: &DevProvider,
    to: Address,
    input: Vec<u8>,
    gas: u64,
    action: &str,
) -> Result<(), ContractError> {
    let request = TransactionRequest::default()
        .with_from(OWNER)
        .with_to(to)
        .with_input(input)
        .with_gas_limit(gas);
    let hash: B256 = provider
        .client()
        .request("eth_sendTransaction", (request.clone(),))
        .await
        .map_err(ContractError::rpc(action))?;
    let receipt = mined(provider, hash, action).await?;
    if receipt.status() {
        return Ok(());
    }
    let reason = match provider.call(request).await {
        Ok(_) => "it would succeed now".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(ContractError::Reverted {
        action: action.to_owned(),
        reason,
    })
}

async fn mined(
    provider: &DevProvider,
    hash: B256,
    action: &str,
) -> Result<TransactionReceipt, ContractError> {
    if let Ok(receipt) = tokio::time::timeout(AUTOMINE_WAIT, receipt(provider, hash, action)).await
    {
        return receipt;
    }
    // Interval or paused mining: set-up does not wait for the next block, it asks for one.
    provider
        .evm_mine(None)
        .await
        .map_err(ContractError::rpc("mining a block"))?;
    let patient = tokio::time::timeout(MINED_LIMIT, receipt(provider, hash, action)).await;
    patient.unwrap_or_else(|_| {
        Err(ContractError::NotMined {
            action: action.to_owned(),
            waited: MINED_LIMIT,
        })
    })
}

async fn receipt(
    provider: &DevProvider,
    hash: B256,
    action: &str,
) -> Result<TransactionReceipt, ContractError> {
    loop {
        let found = provider
            .get_transaction_receipt(hash)
            .await
            .map_err(ContractError::rpc(format!(
                "reading the receipt of {action}"
            )))?;
        if let Some(receipt) = found {
            return Ok(receipt);
        }
        tokio::time::sleep(RECEIPT_POLL).await;
    }
}
