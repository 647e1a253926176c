//! The EVM ledger against a scripted node: what it does when the node misbehaves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alloy_primitives::{Address, B256, U256, keccak256};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};
use x402_assay_protocol::Version;
use x402_mock_facilitator::{
    CallStep, EvmLedger, EvmOptions, Facilitator, Ledger as _, Options, dev_signers, router,
};

use crate::bench::{Bench, CHAIN, PAYEE, PRICE, listen, unix_s, usdc};

/// What the node answers to one method, in turn; the last answer repeats.
#[derive(Clone)]
enum Says {
    /// A result.
    Result(Value),
    /// A JSON-RPC error.
    Error(i64, &'static str),
    /// An HTTP status without JSON.
    Status(u16),
}

/// A node that knows one token and mines whatever it takes.
#[derive(Default)]
pub(crate) struct Node {
    script: HashMap<&'static str, Vec<Says>>,
    asked: Vec<String>,
    sent: Vec<B256>,
    /// Accounts whose nonce was asked for.
    pub(crate) numbered: Vec<String>,
}

pub(crate) type Shared = Arc<Mutex<Node>>;

impl Node {
    fn answer(&mut self, method: &str, params: &Value) -> Says {
        self.asked.push(method.to_owned());
        if method == "eth_getTransactionCount" {
            self.numbered.extend(params[0].as_str().map(str::to_owned));
        }
        if method == "eth_sendRawTransaction" {
            let raw = params[0].as_str().unwrap();
            let raw = alloy_primitives::hex::decode(raw).unwrap();
            self.sent.push(keccak256(raw));
        }
        if let Some(script) = self.script.get_mut(method)
            && !script.is_empty()
        {
            return if script.len() == 1 {
                script[0].clone()
            } else {
                script.remove(0)
            };
        }
        Says::Result(match method {
            "eth_chainId" => json!(format!("{CHAIN:#x}")),
            "eth_getCode" => json!(
                if params[0] == json!(usdc().usdc.to_string().to_lowercase()) {
                    "0x60"
                } else {
                    "0x"
                }
            ),
            "eth_call" => self.call(params),
            "eth_gasPrice" | "eth_blockNumber" => json!("0x1"),
            "eth_getTransactionCount" => json!("0x5"),
            "eth_sendRawTransaction" => json!(self.sent.last()),
            _ => Value::Null,
        })
    }

    fn call(&self, params: &Value) -> Value {
        let data = params[0]["input"].as_str().unwrap_or_default();
        let word = |number: U256| json!(B256::from(number));
        match data.get(..10).unwrap_or_default() {
            "0x3644e515" => json!(usdc().usdc_domain().separator()),
            "0x70a08231" => word(U256::from(PRICE * 10)),
            "0xe94a0102" => word(U256::ZERO),
            "0x425f5260" => word(U256::from(unix_s())),
            "0xe3ee160e" => json!("0x"),
            other => panic!("unexpected call {other}"),
        }
    }

    fn count(&self, method: &str) -> usize {
        self.asked.iter().filter(|asked| *asked == method).count()
    }
}

async fn serve_rpc(State(node): State<Shared>, Json(request): Json<Value>) -> Response {
    let method = request["method"].as_str().unwrap();
    let says = node.lock().unwrap().answer(method, &request["params"]);
    let id = &request["id"];
    match says {
        Says::Result(result) => {
            Json(json!({ "jsonrpc": "2.0", "id": id, "result": result })).into_response()
        }
        Says::Error(code, message) => {
            let error = json!({ "code": code, "message": message });
            Json(json!({ "jsonrpc": "2.0", "id": id, "error": error })).into_response()
        }
        Says::Status(status) => {
            (StatusCode::from_u16(status).unwrap(), "<html>busy</html>").into_response()
        }
    }
}

/// The honest payer's bench, with the scripted node in place of the memory ledger.
async fn start() -> (Bench, Shared, DropGuard) {
    start_with(1).await
}

/// The same with so many accounts that settle.
pub(crate) async fn start_with(signers: u32) -> (Bench, Shared, DropGuard) {
    let node = Shared::default();
    let stop = CancellationToken::new();
    let rpc = Router::new()
        .route("/", post(serve_rpc))
        .with_state(node.clone());
    let url = listen(rpc, &stop).await;
    let options = EvmOptions {
        receipt_wait: Duration::from_millis(200),
        ..EvmOptions::default()
    };
    let ledger = EvmLedger::connect(url.parse().unwrap(), dev_signers(signers), options)
        .await
        .unwrap();
    let mut bench = Bench::start().await;
    bench.facilitator = Arc::new(Facilitator::new(Options::default()));
    bench.facilitator.add_ledger(Arc::new(ledger));
    bench.url = listen(router(bench.facilitator.clone()), &stop).await;
    (bench, node, stop.drop_guard())
}

fn script(node: &Shared, method: &'static str, says: &[Says]) {
    node.lock().unwrap().script.insert(method, says.to_vec());
}

fn receipt(hash: B256, status: &str, to: Option<Address>) -> Value {
    let topic = |address: Address| json!(address.into_word());
    let zero = B256::ZERO;
    let logs: Vec<Value> = to
        .iter()
        .map(|to| {
            let payer = x402_assay_protocol::PayerKey::derived("facilitator tests", 0, 0);
            json!({
                "address": usdc().usdc, "data": B256::from(U256::from(PRICE)), "removed": false,
                "topics": [keccak256("Transfer(address,address,uint256)"), topic(payer.address()), topic(*to)],
                "blockHash": zero, "blockNumber": "0x1", "transactionHash": hash,
                "transactionIndex": "0x0", "logIndex": "0x0",
            })
        })
        .collect();
    json!({
        "type": "0x2", "status": status, "cumulativeGasUsed": "0x1", "gasUsed": "0x1", "effectiveGasPrice": "0x1",
        "logs": logs, "logsBloom": format!("0x{}", "00".repeat(256)), "transactionHash": hash,
        "transactionIndex": "0x0", "blockHash": zero, "blockNumber": "0x1", "from": Address::ZERO,
        "to": usdc().usdc, "contractAddress": null,
    })
}

/// A node in trouble says nothing about the payment: no code of the payer's may be given.
#[tokio::test]
async fn trouble_of_the_node_is_never_the_payers_fault() {
    for trouble in [
        Says::Status(429),
        Says::Status(200),
        Says::Error(-32000, "no pending state"),
    ] {
        let (bench, node, _stop) = start().await;
        let body = bench.honest(Version::V2).to_string();
        script(&node, "eth_call", &[trouble]);
        let (status, answer) = bench.send("/verify", body.clone()).await;
        assert_eq!(
            (status, &answer["isValid"]),
            (500, &json!(false)),
            "{answer}"
        );
        assert_eq!(
            answer["invalidReason"], "unexpected_verify_error",
            "{answer}"
        );
        let (status, answer) = bench.send("/settle", body).await;
        assert_eq!(
            (status, &answer["errorReason"]),
            (500, &json!("unexpected_settle_error"))
        );
        assert!(node.lock().unwrap().sent.is_empty());
    }
}

#[tokio::test]
async fn a_mined_transfer_is_success_and_anything_else_is_not() {
    let table = [
        ("0x1", Some(PAYEE), Value::Null),
        (
            "0x1",
            None,
            json!("invalid_exact_evm_transfer_event_mismatch"),
        ),
        (
            "0x1",
            Some(Address::repeat_byte(4)),
            json!("invalid_exact_evm_transfer_event_mismatch"),
        ),
        ("0x0", None, json!("invalid_exact_evm_transaction_failed")),
    ];
    for (mined, to, reason) in table {
        let (bench, node, _stop) = start().await;
        script(
            &node,
            "eth_getTransactionReceipt",
            &[Says::Result(receipt(B256::ZERO, mined, to))],
        );
        let answer = bench.settle(&bench.honest(Version::V2)).await;
        assert_eq!(answer["errorReason"], reason, "{answer}");
        assert_eq!(answer["success"], reason.is_null());
        let sent = node.lock().unwrap().sent.clone();
        assert_eq!(
            answer["transaction"],
            json!(sent[0]),
            "the hash is kept in every case"
        );
        assert_eq!(sent.len(), 1);
    }
}

/// The account was used elsewhere: the lane asks for its nonce again and the payment still settles.
#[tokio::test]
async fn a_refused_nonce_is_asked_for_again() {
    let (bench, node, _stop) = start().await;
    let mined = Says::Result(receipt(B256::ZERO, "0x1", Some(PAYEE)));
    script(&node, "eth_getTransactionReceipt", &[mined]);
    let taken = Says::Result(json!(B256::ZERO));
    let refused = Says::Error(-32003, "nonce too low");
    script(
        &node,
        "eth_sendRawTransaction",
        &[taken.clone(), refused, taken],
    );
    let next = |nonce: &str| Says::Result(json!(nonce));
    script(
        &node,
        "eth_getTransactionCount",
        &[next("0x5"), next("0x9")],
    );
    for _ in 0..2 {
        let answer = bench.settle(&bench.honest(Version::V2)).await;
        assert_eq!(answer["success"], true, "{answer}");
    }
    let node = node.lock().unwrap();
    assert_eq!(node.sent.len(), 3);
    assert_eq!(
        node.count("eth_getTransactionCount"),
        2,
        "once at first, once after the refusal"
    );
}

#[tokio::test]
async fn a_node_that_refuses_for_good_leaves_nothing_broadcast() {
    let (bench, node, _stop) = start().await;
    let refused = Says::Error(-32003, "insufficient funds for gas * price + value");
    script(&node, "eth_sendRawTransaction", &[refused]);
    let body = bench.honest(Version::V2);
    let answer = bench.settle(&body).await;
    assert_eq!(
        answer["errorReason"],
        "invalid_exact_evm_transaction_failed"
    );
    assert!(
        answer["errorMessage"]
            .as_str()
            .unwrap()
            .contains("insufficient funds"),
        "{answer}"
    );
    assert_eq!(answer["transaction"], "");
    assert!(
        !bench
            .events()
            .iter()
            .any(|event| matches!(event.what, CallStep::Broadcast { .. }))
    );
}

/// Not mined in time: pending with the hash; the repeat sends nothing new, and a lost transaction is sent again.
#[tokio::test]
async fn a_pending_settlement_is_waited_for_and_never_sent_as_another() {
    let (bench, node, _stop) = start().await;
    let body = bench.honest(Version::V2);
    let first = bench.settle(&body).await;
    assert_eq!(first["errorReason"], "settlement_pending", "{first}");
    let hash = node.lock().unwrap().sent[0];
    assert_eq!(first["transaction"], json!(hash));

    // The node answers null to eth_getTransactionByHash: it has lost the transaction.
    let second = bench.settle(&body).await;
    assert_eq!(second["errorReason"], "settlement_pending");
    assert_eq!(
        node.lock().unwrap().sent,
        vec![hash, hash],
        "the very same bytes again"
    );

    let mined = Says::Result(receipt(hash, "0x1", Some(PAYEE)));
    script(&node, "eth_getTransactionReceipt", &[mined]);
    let third = bench.settle(&body).await;
    assert_eq!(
        (&third["success"], &third["transaction"]),
        (&json!(true), &json!(hash))
    );
}

/// The node hangs up over the send: whether it has the transaction is unknown, so it is not called unsent.
#[tokio::test]
async fn an_unanswered_send_is_pending_unless_the_node_denies_it() {
    let (bench, node, _stop) = start().await;
    script(&node, "eth_sendRawTransaction", &[Says::Status(502)]);
    script(&node, "eth_getTransactionByHash", &[Says::Status(502)]);
    let answer = bench.settle(&bench.honest(Version::V2)).await;
    assert_eq!(answer["errorReason"], "settlement_pending", "{answer}");
    assert_eq!(answer["transaction"], json!(node.lock().unwrap().sent[0]));

    script(
        &node,
        "eth_getTransactionByHash",
        &[Says::Result(Value::Null)],
    );
    let answer = bench.settle(&bench.honest(Version::V2)).await;
    assert_eq!(
        answer["errorReason"], "invalid_exact_evm_transaction_failed",
        "{answer}"
    );
    assert_eq!(answer["transaction"], "");
}

/// A range beyond the head is an error to development nodes, and simply empty here.
#[tokio::test]
async fn records_beyond_the_head_are_empty() {
    let (bench, node, _stop) = start().await;
    script(
        &node,
        "eth_getLogs",
        &[Says::Error(-32602, "BlockOutOfRangeError")],
    );
    let ledger = bench.facilitator.ledger(CHAIN).unwrap();
    assert_eq!(ledger.records(7, None).await.unwrap(), vec![]);
    assert_eq!(
        node.lock().unwrap().count("eth_getLogs"),
        0,
        "the head is 1"
    );
    assert_eq!(ledger.records(0, None).await.unwrap(), vec![]);
}

#[tokio::test]
async fn what_is_read_at_rest_does_not_go_where_the_facilitator_acts() {
    let node = Shared::default();
    let stop = CancellationToken::new();
    let rpc = Router::new()
        .route("/", post(serve_rpc))
        .with_state(node.clone());
    let _stop = stop.clone().drop_guard();
    let url = listen(rpc, &stop).await;
    // A node of which every answer is an error.
    let broken = Router::new().route("/", post(async || StatusCode::BAD_GATEWAY));
    let broken = listen(broken, &stop).await;
    let ledger = EvmLedger::connect(url.parse().unwrap(), dev_signers(1), EvmOptions::default());
    let ledger = ledger.await.unwrap();
    let ledger = ledger.acting_through(broken.parse().unwrap()).unwrap();
    ledger.now().await.unwrap_err();
    ledger.head().await.unwrap();
}
