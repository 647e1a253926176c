//! The local chain: finding and starting Anvil, placing our token and the helper contracts, and
//! the RPC proxy in front of it.

mod abi;
mod anvil;
mod artifacts;
pub mod chaos;
mod deploy;
mod dev_node;
mod discovery;
mod provision;
mod rpc;
mod rpc_faults;
mod rpc_proxy;
mod rpc_reply;
mod token;
mod wallet;

pub use abi::IAssayToken;
pub use anvil::{AnvilChain, AnvilConfig, AnvilError};
pub use artifacts::Contract;
pub use deploy::{ContractError, HELPERS, Helper, Placement, fund_gas, place_helpers};
pub use dev_node::{DevNode, DevNodeError, ensure_dev_node};
pub use discovery::{AnvilSearch, FoundAnvil, Origin, discover, probe_version};
pub use provision::{ANVIL_VERSION, ProvisionError, find_or_install};
pub use rpc::{DevProvider, RpcError, connect};
pub use rpc_faults::{RpcFault, RpcFaultError, RpcFaultRule, RpcFaults, RpcHit};
pub use rpc_proxy::{RpcProxy, RpcProxyError};
pub use token::{AssayToken, TokenKind, TokenSpec};
pub use wallet::{ContractWallet, DEPLOYER};
