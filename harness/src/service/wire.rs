//! Messages of the service's part of the control API.

use alloy_primitives::{Address, U256};
use serde::{Deserialize, Serialize};

use super::chains::ChainUsed;

/// `POST /networks`: make sure a network and its tokens are there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NetworkRequest {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Tokens the target offers there.
    pub tokens: Vec<TokenRequest>,
}

/// One token to place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRequest {
    /// Contract address.
    pub asset: Address,
    /// EIP-712 domain name.
    pub name: String,
    /// EIP-712 domain version.
    pub version: String,
}

/// Answer of `POST /networks`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NetworkAnswer {
    /// What the chain is.
    pub chain: ChainUsed,
    /// Block up to which nothing of the caller's can have happened.
    pub head: u64,
}

/// `POST /fund`: give a payer tokens (and gas, where there is gas).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FundRequest {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Token contract.
    pub asset: Address,
    /// Who gets it.
    pub to: Address,
    /// Base units.
    pub amount: U256,
}

/// `POST /gas`: give an account native coins; the memory ledger has none and does nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GasRequest {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Who gets it.
    pub to: Address,
}

/// `GET /service`: where everything listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceState {
    /// URL at which targets reach the facilitator.
    pub facilitator_url: String,
    /// URL at which targets reach the chain.
    pub rpc_url: String,
    /// URL of the control API.
    pub control_url: String,
    /// What the chain is, or will be.
    pub chain: ChainUsed,
    /// Process id of the service.
    pub pid: u32,
}
