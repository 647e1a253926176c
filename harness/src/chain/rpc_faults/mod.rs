//! Faults of the RPC that others use: slow, failing, untrue.

mod answer;
mod calls;
mod lies;
mod registry;
mod rule;

pub(super) use answer::{Broken, answer};
pub use registry::{RpcFaultError, RpcFaults};
pub use rule::{RpcFault, RpcFaultRule, RpcHit};
