//! Faults of the RPC that the facilitator uses: `chain: { rpc: { … } }`.

use std::time::Duration;

use super::super::keys::{exactly_one, number, number_or, only_with};
use super::super::words::words;
use crate::config::yaml::View;

words! {
    /// How a call fails.
    pub enum RpcError {
        /// HTTP 429.
        RateLimited = "rate-limited",
        /// JSON-RPC error -32603.
        Internal = "internal",
        /// HTTP 502 with an HTML page.
        Html = "html",
        /// Never answered.
        Timeout = "timeout",
        /// The connection is reset.
        Reset = "reset",
    }
}

words! {
    /// How an answer is untrue.
    pub enum RpcLie {
        /// The head is block 0.
        HeadZero = "head-zero",
        /// Another chain id.
        WrongChainId = "wrong-chain-id",
        /// `pending` is refused with -32000.
        NoPendingState = "no-pending-state",
        /// Everything is as it was `blocks` blocks ago.
        Lag = "lag",
        /// Receipts are never there.
        NoReceipts = "no-receipts",
    }
}

/// What the RPC does to calls until `clear_faults` or the end of the round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rpc {
    /// What goes wrong.
    pub fault: RpcFault,
    /// Of a hundred matching calls, how many; which ones is decided by the seed.
    pub percent: u32,
    /// Only these methods; all if empty.
    pub methods: Vec<String>,
}

/// What goes wrong with an RPC call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RpcFault {
    /// It is answered after so long.
    Latency(Duration),
    /// It fails.
    Error(RpcError),
    /// It is answered untruly; the number is that of `blocks`, for a lag.
    Lie(RpcLie, u32),
}

pub(super) fn decode_rpc(view: &View<'_>) -> Option<Rpc> {
    let map = view.as_map()?;
    map.unknown_keys(&["latency", "error", "lie", "blocks", "percent", "methods"]);
    let blocks = number_or(&map, "blocks", 1..=64, 1);
    let given = exactly_one(&map, &["latency", "error", "lie"]);
    let fault = given.and_then(|(key, view)| match key {
        "latency" => view.as_positive_duration().map(RpcFault::Latency),
        "error" => view.one_of(RpcError::ALL).map(RpcFault::Error),
        _ => view
            .one_of(RpcLie::ALL)
            .map(|lie| RpcFault::Lie(lie, blocks)),
    });
    let lags = matches!(fault, Some(RpcFault::Lie(RpcLie::Lag, _)) | None);
    only_with(&map, "blocks", "`lie: lag`", lags);
    let percent = map
        .optional("percent")
        .map_or(Some(100), |view| number(&view, 1..=100));
    let methods = map.list("methods");
    Some(Rpc {
        fault: fault?,
        percent: percent?,
        methods: methods.iter().filter_map(decode_method).collect(),
    })
}

fn decode_method(view: &View<'_>) -> Option<String> {
    let method = view.as_non_empty_str()?;
    if !method.contains('_') || method.contains(char::is_whitespace) {
        view.problem("expected a method such as eth_getTransactionReceipt");
        return None;
    }
    Some(method.to_owned())
}
