//! Untrue answers: what is answered here, what is asked in another way, and what is taken out of an answer.

use serde_json::{Value, json};

use super::calls::{Call, number, quantity};
use super::rule::RpcFault;

/// What a lie makes of a call.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Lie {
    /// It goes on, perhaps with other parameters.
    Ask,
    /// It is answered here.
    Answer(Value),
}

/// Methods that read the state of a block, and where they name it.
const AT_BLOCK: [(&str, usize); 11] = [
    ("eth_call", 1),
    ("eth_estimateGas", 1),
    ("eth_createAccessList", 1),
    ("eth_getBalance", 1),
    ("eth_getCode", 1),
    ("eth_getTransactionCount", 1),
    ("eth_getStorageAt", 2),
    ("eth_getProof", 2),
    ("eth_feeHistory", 1),
    ("eth_getBlockByNumber", 0),
    ("eth_getBlockReceipts", 0),
];

/// Names of the newest blocks.
const TAGS: [&str; 4] = ["latest", "pending", "safe", "finalized"];

/// Whether the fault can change anything about the call.
pub(super) fn concerns(fault: RpcFault, call: &Call) -> bool {
    let method = call.method.as_str();
    match fault {
        RpcFault::HeadZero => {
            method == "eth_blockNumber"
                || (method == "eth_getBlockByNumber" && call.params.first().is_some_and(is_tag))
        }
        RpcFault::WrongChainId { .. } => matches!(method, "eth_chainId" | "net_version"),
        RpcFault::NoPendingState => call.params.iter().any(|param| param == "pending"),
        RpcFault::NoReceipts => {
            matches!(method, "eth_getTransactionReceipt" | "eth_getBlockReceipts")
        }
        RpcFault::Lag { .. } => {
            block_param(method).is_some()
                || matches!(
                    method,
                    "eth_blockNumber"
                        | "eth_getLogs"
                        | "eth_getTransactionReceipt"
                        | "eth_getTransactionByHash"
                )
        }
        _ => true,
    }
}

/// Tells the lie; `head` is the true newest block.
pub(super) fn tell(fault: RpcFault, call: &mut Call, head: u64) -> Lie {
    match fault {
        RpcFault::HeadZero if call.method == "eth_blockNumber" => {
            Lie::Answer(call.result(quantity(0)))
        }
        RpcFault::HeadZero => {
            if let Some(block) = call.params.first_mut() {
                *block = quantity(0);
            }
            Lie::Ask
        }
        RpcFault::WrongChainId { claims } if call.method == "net_version" => {
            Lie::Answer(call.result(json!(claims.to_string())))
        }
        RpcFault::WrongChainId { claims } => Lie::Answer(call.result(quantity(claims))),
        RpcFault::NoPendingState => {
            Lie::Answer(call.error(-32000, "pending state is not available"))
        }
        RpcFault::NoReceipts => Lie::Answer(call.result(Value::Null)),
        RpcFault::Internal => Lie::Answer(call.error(-32603, "internal error")),
        RpcFault::Lag { blocks } => lag(call, head.saturating_sub(blocks)),
        _ => Lie::Ask,
    }
}

/// What an answer becomes when everything after `newest` has not happened yet.
pub(super) fn hide_newer(call: &Call, answer: &mut Value, newest: u64) {
    if !matches!(
        call.method.as_str(),
        "eth_getTransactionReceipt" | "eth_getTransactionByHash"
    ) {
        return;
    }
    if let Some(result) = answer.get_mut("result")
        && result
            .get("blockNumber")
            .and_then(number)
            .is_some_and(|block| block > newest)
    {
        *result = Value::Null;
    }
}

fn lag(call: &mut Call, newest: u64) -> Lie {
    if call.method == "eth_blockNumber" {
        return Lie::Answer(call.result(quantity(newest)));
    }
    if call.method == "eth_getLogs" {
        return lag_logs(call, newest);
    }
    let Some(index) = block_param(&call.method) else {
        return Lie::Ask;
    };
    match call.params.get(index) {
        None | Some(Value::Null) if call.params.len() >= index => {
            call.params.truncate(index);
            call.params.push(quantity(newest));
        }
        Some(block) if is_tag(block) => call.params[index] = quantity(newest),
        Some(block) if number(block).is_some_and(|block| block > newest) => {
            let lie = match call.method.as_str() {
                "eth_getBlockByNumber" | "eth_getBlockReceipts" => call.result(Value::Null),
                _ => call.error(-32000, "header not found"),
            };
            return Lie::Answer(lie);
        }
        _ => {}
    }
    Lie::Ask
}

fn lag_logs(call: &mut Call, newest: u64) -> Lie {
    let Some(filter) = call.params.first_mut().and_then(Value::as_object_mut) else {
        return Lie::Ask;
    };
    if filter.contains_key("blockHash") {
        return Lie::Ask;
    }
    let from = filter.get("fromBlock");
    if from.and_then(number).is_some_and(|from| from > newest) {
        return Lie::Answer(call.result(json!([])));
    }
    if from.is_none_or(is_tag) {
        filter.insert("fromBlock".to_owned(), quantity(newest));
    }
    let to = filter.get("toBlock").and_then(number);
    if to.is_none_or(|to| to > newest) {
        filter.insert("toBlock".to_owned(), quantity(newest));
    }
    Lie::Ask
}

fn block_param(method: &str) -> Option<usize> {
    let found = AT_BLOCK.iter().find(|(name, _)| *name == method);
    found.map(|(_, index)| *index)
}

fn is_tag(block: &Value) -> bool {
    block.as_str().is_some_and(|block| TAGS.contains(&block))
}

#[cfg(test)]
mod tests {
    use super::super::calls::Calls;
    use super::*;

    fn call(method: &str, params: Value) -> Call {
        let body = json!({"id": 1, "method": method, "params": params}).to_string();
        Calls::read(body.as_bytes()).unwrap().calls.remove(0)
    }

    fn lagged(method: &str, params: Value) -> (Lie, Value) {
        let mut call = call(method, params);
        let lie = tell(RpcFault::Lag { blocks: 4 }, &mut call, 20);
        (lie, call.to_json()["params"].clone())
    }

    #[test]
    fn a_lag_asks_for_older_blocks() {
        let asked = |method, params| lagged(method, params).1;
        assert_eq!(
            asked("eth_call", json!([{}, "latest"])),
            json!([{}, "0x10"])
        );
        assert_eq!(asked("eth_call", json!([{}])), json!([{}, "0x10"]));
        assert_eq!(
            asked("eth_getBalance", json!(["0x1", "0x3"])),
            json!(["0x1", "0x3"])
        );
        assert_eq!(
            asked("eth_getTransactionCount", json!(["0x1", "pending"])),
            json!(["0x1", "0x10"])
        );
        assert_eq!(
            asked("eth_getStorageAt", json!(["0x1", "0x0"])),
            json!(["0x1", "0x0", "0x10"])
        );
        assert_eq!(
            asked("eth_getBlockByNumber", json!(["safe", true])),
            json!(["0x10", true])
        );
        let logs = asked(
            "eth_getLogs",
            json!([{"fromBlock": "0x1", "toBlock": "0x99"}]),
        );
        assert_eq!(logs, json!([{"fromBlock": "0x1", "toBlock": "0x10"}]));
        let hash = json!([{}, {"blockHash": "0x12"}]);
        assert_eq!(asked("eth_call", hash.clone()), hash);
    }

    #[test]
    fn a_lag_knows_nothing_newer() {
        let answered = |method, params| match lagged(method, params).0 {
            Lie::Answer(answer) => answer,
            Lie::Ask => panic!("{method} was asked"),
        };
        assert_eq!(answered("eth_blockNumber", json!([]))["result"], "0x10");
        assert!(answered("eth_getBlockByNumber", json!(["0x11", false]))["result"].is_null());
        let state = answered("eth_getCode", json!(["0x1", "0x11"]));
        assert_eq!(state["error"]["message"], "header not found");
        assert_eq!(
            answered("eth_getLogs", json!([{"fromBlock": "0x11"}]))["result"],
            json!([])
        );
        let receipt = call("eth_getTransactionReceipt", json!(["0x1"]));
        for (block, there) in [("0x10", true), ("0x11", false)] {
            let mut answer = json!({"id": 1, "result": {"blockNumber": block}});
            hide_newer(&receipt, &mut answer, 16);
            assert_eq!(answer["result"].is_object(), there);
        }
    }

    #[test]
    fn lies_strike_only_what_they_change() {
        let pending = call("eth_getTransactionCount", json!(["0x1", "pending"]));
        assert!(concerns(RpcFault::NoPendingState, &pending));
        assert!(!concerns(
            RpcFault::NoPendingState,
            &call("eth_chainId", json!([]))
        ));
        assert!(!concerns(
            RpcFault::Lag { blocks: 1 },
            &call("eth_sendRawTransaction", json!(["0x"]))
        ));
        assert!(!concerns(
            RpcFault::HeadZero,
            &call("eth_getBlockByNumber", json!(["0x5", false]))
        ));
        assert!(concerns(RpcFault::Internal, &pending));
        let mut version = call("net_version", json!([]));
        let lie = tell(RpcFault::WrongChainId { claims: 1 }, &mut version, 0);
        assert_eq!(
            lie,
            Lie::Answer(json!({"jsonrpc": "2.0", "id": 1, "result": "1"}))
        );
    }
}
