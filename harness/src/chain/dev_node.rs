//! Is this RPC a development node? Asked of the node itself, never told by its chain id.

use alloy_primitives::{Address, Bytes, U256};
use alloy_provider::Provider;
use alloy_provider::ext::AnvilApi;
use url::Url;

use super::rpc::{RpcError, connect};

/// A node that lets us set code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevNode {
    /// What it calls itself.
    pub client_version: String,
    /// Its chain id.
    pub chain_id: u64,
}

/// The RPC is not one the bench may write to.
#[derive(Debug, thiserror::Error)]
pub enum DevNodeError {
    /// It does not answer.
    #[error("{url} does not answer {method}: {source}")]
    Unreachable {
        /// The RPC.
        url: Url,
        /// What was asked.
        method: &'static str,
        /// What happened.
        source: RpcError,
    },
    /// It is some other client.
    #[error("{url} is {client_version:?}, not a development node; use Anvil or Hardhat")]
    NotDev {
        /// The RPC.
        url: Url,
        /// What it calls itself.
        client_version: String,
    },
    /// It looks like one, but code cannot be set.
    #[error("{url} ({client_version}) does not let us set code with anvil_setCode: {reason}")]
    NoSetCode {
        /// The RPC.
        url: Url,
        /// What it calls itself.
        client_version: String,
        /// What happened.
        reason: String,
    },
}

/// Names that a development node's client version contains.
const DEV_CLIENTS: [&str; 2] = ["anvil", "hardhat"];

/// One byte that stays for a moment at an address nobody knows.
const PROBE_CODE: &[u8] = &[0xfe];

/// Checks the client version first, and only then tries to set code at a random address.
pub async fn ensure_dev_node(url: &Url) -> Result<DevNode, DevNodeError> {
    let provider = connect(url);
    let unreachable = |method| {
        move |source| DevNodeError::Unreachable {
            url: url.clone(),
            method,
            source,
        }
    };
    let client_version = provider
        .get_client_version()
        .await
        .map_err(unreachable("web3_clientVersion"))?;
    let lower = client_version.to_ascii_lowercase();
    if !DEV_CLIENTS.iter().any(|name| lower.contains(name)) {
        return Err(DevNodeError::NotDev {
            url: url.clone(),
            client_version,
        });
    }
    let chain_id: U256 = provider
        .client()
        .request("eth_chainId", ())
        .await
        .map_err(unreachable("eth_chainId"))?;

    let refused = |reason: String| DevNodeError::NoSetCode {
        url: url.clone(),
        client_version: client_version.clone(),
        reason,
    };
    let address = Address::from(rand::random::<[u8; 20]>());
    let set = |code| provider.anvil_set_code(address, code);
    set(Bytes::from_static(PROBE_CODE))
        .await
        .map_err(|error| refused(error.to_string()))?;
    let seen = provider
        .get_code_at(address)
        .await
        .map_err(unreachable("eth_getCode"))?;
    set(Bytes::new())
        .await
        .map_err(|error| refused(error.to_string()))?;
    if seen[..] != *PROBE_CODE {
        return Err(refused("the code did not stay".to_owned()));
    }
    Ok(DevNode {
        chain_id: chain_id.saturating_to(),
        client_version,
    })
}
