//! What the RPC is told to do wrong.

use serde::{Deserialize, Serialize};

/// From now on matching calls are treated like this, until it is disarmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RpcFaultRule {
    /// What goes wrong.
    pub fault: RpcFault,
    /// Only these methods; all that the fault can change if empty.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Only this one of the matching calls, from 1.
    #[serde(default)]
    pub nth: Option<u32>,
    /// Only the first so many of the matching calls.
    #[serde(default)]
    pub times: Option<u32>,
    /// Of a hundred matching calls, how many; which ones follows from `seed` and their order.
    #[serde(default = "always")]
    pub percent: u32,
    /// Decides which calls `percent` means.
    #[serde(default)]
    pub seed: u64,
    /// Only calls to this chain.
    #[serde(default)]
    pub chain_id: Option<u64>,
}

const fn always() -> u32 {
    100
}

impl RpcFaultRule {
    /// Strikes every call that the fault can change.
    pub const fn every(fault: RpcFault) -> Self {
        Self {
            fault,
            methods: Vec::new(),
            nth: None,
            times: None,
            percent: 100,
            seed: 0,
            chain_id: None,
        }
    }
}

/// What goes wrong with a call. What breaks the connection strikes the whole batch it came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum RpcFault {
    /// It is passed on after so long.
    Latency {
        /// Milliseconds.
        ms: u64,
    },
    /// HTTP 429 with a `Retry-After`.
    RateLimited,
    /// JSON-RPC error -32603.
    Internal,
    /// HTTP 502 with an HTML page.
    Html,
    /// It is never answered.
    Timeout,
    /// The connection is reset before anything is passed on.
    Reset,
    /// It is passed on, and the connection is reset when the node has answered.
    LoseAnswer,
    /// The head is block 0.
    HeadZero,
    /// Another chain id.
    WrongChainId {
        /// Which.
        claims: u64,
    },
    /// The block `pending` is refused with -32000.
    NoPendingState,
    /// Everything is as it was so many blocks ago. What is sent still arrives.
    Lag {
        /// Blocks.
        blocks: u64,
    },
    /// Receipts are never there.
    NoReceipts,
}

impl RpcFault {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Latency { .. } => "latency",
            Self::RateLimited => "rate-limited",
            Self::Internal => "internal",
            Self::Html => "html",
            Self::Timeout => "timeout",
            Self::Reset => "reset",
            Self::LoseAnswer => "lose-answer",
            Self::HeadZero => "head-zero",
            Self::WrongChainId { .. } => "wrong-chain-id",
            Self::NoPendingState => "no-pending-state",
            Self::Lag { .. } => "lag",
            Self::NoReceipts => "no-receipts",
        }
    }
}

/// One call that a fault struck.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RpcHit {
    /// Number of the rule, as arming it returned.
    pub rule: u64,
    /// The fault's word.
    pub fault: String,
    /// The call's method, shortened.
    pub method: String,
    /// The chain it went to, where it is known.
    pub chain_id: Option<u64>,
}
