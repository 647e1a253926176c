//! Why a service cannot start or answer.

use crate::chain::{ContractError, DevNodeError};

/// Trouble with the service; the message names the flag and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A port is taken.
    #[error(
        "port {port} on {host} is taken ({what}): stop what listens there, or choose another with {flag}"
    )]
    PortTaken {
        /// The port.
        port: u16,
        /// The address it should be bound on.
        host: String,
        /// What it is for.
        what: &'static str,
        /// The flag that changes it.
        flag: &'static str,
    },
    /// An address cannot be bound for another reason.
    #[error("cannot listen on {address} ({what}): {cause}; see {flag}")]
    Bind {
        /// The address.
        address: String,
        /// What it is for.
        what: &'static str,
        /// The flag that changes it.
        flag: &'static str,
        /// The operating system's word.
        cause: std::io::Error,
    },
    /// No Anvil, and the request does not allow the memory ledger.
    #[error("{0}")]
    NoAnvil(String),
    /// Anvil was found and did not start.
    #[error("anvil did not start: {0}")]
    AnvilStart(String),
    /// The node named by `--chain` is no dev node, or does not answer.
    #[error("{0}")]
    DevNode(String),
    /// The chain answers and refuses what the bench needs.
    #[error("{0}")]
    Chain(String),
    /// Another chain id than the running node has.
    #[error(
        "the node at {url} has chain id {has} and the target offers {wants}: start the node with that chain id, or leave --chain out"
    )]
    WrongChainId {
        /// The node.
        url: String,
        /// Its chain id.
        has: u64,
        /// The chain id of the offer.
        wants: u64,
    },
    /// More chains than one service keeps.
    #[error("the service already keeps {0} chains: restart it to test another network")]
    TooManyChains(usize),
}

impl ServiceError {
    /// True for what the user's choice of flags, ports or tools causes (exit 2), false for a chain that died (exit 5).
    pub const fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::PortTaken { .. }
                | Self::Bind { .. }
                | Self::NoAnvil(_)
                | Self::DevNode(_)
                | Self::WrongChainId { .. }
        )
    }
}

impl From<ContractError> for ServiceError {
    fn from(error: ContractError) -> Self {
        Self::Chain(error.to_string())
    }
}

impl From<DevNodeError> for ServiceError {
    fn from(error: DevNodeError) -> Self {
        Self::DevNode(format!("--chain: {error}"))
    }
}
