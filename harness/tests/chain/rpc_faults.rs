//! Faults of the RPC proxy, on a real Anvil.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use url::Url;
use x402_assay::chain::{AnvilChain, RpcFault, RpcFaultRule, RpcProxy};

use crate::support::chain::start_anvil;

const LIMIT: Duration = Duration::from_secs(20);

struct Rpc {
    _chain: AnvilChain,
    node: Url,
    proxy: RpcProxy,
}

impl Rpc {
    /// A chain with 20 blocks.
    async fn start() -> Option<Self> {
        let chain = start_anvil(84532).await?;
        let proxy = RpcProxy::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .unwrap();
        let node = chain.endpoint().clone();
        proxy.add_chain(84532, node.clone());
        proxy.set_upstream(Some(node.clone()));
        let rpc = Self {
            _chain: chain,
            node,
            proxy,
        };
        rpc.call("anvil_mine", json!(["0x14"])).await;
        Some(rpc)
    }

    fn arm(&self, fault: RpcFault) -> u64 {
        self.proxy.faults().arm(RpcFaultRule::every(fault)).unwrap()
    }

    async fn post(&self, body: &Value) -> reqwest::Result<(StatusCode, Value)> {
        let client = Client::builder().no_proxy().build()?;
        let response = client.post(self.proxy.url()).json(body).send().await?;
        let status = response.status();
        Ok((status, response.json().await.unwrap_or_default()))
    }

    async fn call(&self, method: &str, params: Value) -> Value {
        self.post(&call(1, method, params)).await.unwrap().1
    }

    /// Asked of the node itself.
    async fn truth(&self, method: &str, params: Value) -> Value {
        let client = Client::builder().no_proxy().build().unwrap();
        let sent = client
            .post(self.node.clone())
            .json(&call(1, method, params))
            .send();
        sent.await.unwrap().json::<Value>().await.unwrap()["result"].clone()
    }
}

fn call(id: u64, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

const RICH: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

fn transfer() -> Value {
    json!([{"from": RICH, "to": "0x00000000000000000000000000000000000000aa", "value": "0x1"}])
}

#[tokio::test]
async fn failures_strike_and_end() {
    let Some(rpc) = Rpc::start().await else {
        return;
    };
    let head = call(1, "eth_blockNumber", json!([]));
    let rule = rpc.arm(RpcFault::RateLimited);
    let (status, answer) = rpc.post(&json!([head, head])).await.unwrap();
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.as_array().unwrap().len(), 2);
    assert!(rpc.proxy.faults().disarm(rule));
    rpc.arm(RpcFault::Html);
    assert_eq!(
        rpc.post(&head).await.unwrap(),
        (StatusCode::BAD_GATEWAY, Value::Null)
    );
    rpc.proxy.faults().clear();
    rpc.arm(RpcFault::Internal);
    assert_eq!(
        rpc.call("eth_blockNumber", json!([])).await["error"]["code"],
        -32603
    );
    rpc.proxy.faults().clear();
    rpc.arm(RpcFault::Reset);
    assert!(rpc.post(&head).await.is_err());
    rpc.proxy.faults().clear();
    rpc.arm(RpcFault::Latency { ms: 120 });
    let started = Instant::now();
    assert_eq!(
        rpc.call("eth_blockNumber", json!([])).await["result"],
        "0x14"
    );
    assert!(started.elapsed() >= Duration::from_millis(120));
    let hits = rpc.proxy.faults().hits(0, Duration::ZERO).await.hits;
    let words: Vec<_> = hits.iter().map(|hit| hit.what.fault.as_str()).collect();
    assert_eq!(
        words,
        [
            "rate-limited",
            "rate-limited",
            "html",
            "internal",
            "reset",
            "latency"
        ]
    );
    assert_eq!(hits[0].what.chain_id, Some(84532));
}

#[tokio::test]
async fn an_unanswered_call_ends_with_its_rule() {
    let Some(rpc) = Rpc::start().await else {
        return;
    };
    let rule = rpc.arm(RpcFault::Timeout);
    let head = call(1, "eth_blockNumber", json!([]));
    let ended = async {
        rpc.proxy.faults().hits(0, LIMIT).await;
        assert!(rpc.proxy.faults().disarm(rule));
    };
    let (answer, ()) = tokio::join!(rpc.post(&head), ended);
    assert!(answer.is_err());
    assert!(rpc.post(&head).await.is_ok());
}

#[tokio::test]
async fn only_the_chosen_call_of_a_method_is_struck() {
    let Some(rpc) = Rpc::start().await else {
        return;
    };
    let rule = RpcFaultRule {
        methods: vec!["eth_chainId".to_owned()],
        nth: Some(2),
        ..RpcFaultRule::every(RpcFault::Internal)
    };
    rpc.proxy.faults().arm(rule).unwrap();
    let batch = json!([
        call(1, "eth_chainId", json!([])),
        call(2, "eth_blockNumber", json!([])),
        call(3, "eth_chainId", json!([])),
        call(4, "no_such_method", json!([])),
    ]);
    let (_, answer) = rpc.post(&batch).await.unwrap();
    assert_eq!(answer[0]["result"], "0x14a34");
    assert_eq!(answer[1]["result"], "0x14");
    assert_eq!(
        (&answer[2]["id"], &answer[2]["error"]["code"]),
        (&json!(3), &json!(-32603))
    );
    assert_eq!(answer[3]["error"]["code"], -32601);
}

#[tokio::test]
async fn an_answer_is_lost_after_the_node_has_the_transaction() {
    let Some(rpc) = Rpc::start().await else {
        return;
    };
    let lose = RpcFaultRule {
        methods: vec!["eth_sendTransaction".to_owned()],
        times: Some(1),
        ..RpcFaultRule::every(RpcFault::LoseAnswer)
    };
    rpc.proxy.faults().arm(lose).unwrap();
    assert!(
        rpc.post(&call(1, "eth_sendTransaction", transfer()))
            .await
            .is_err()
    );
    let count = rpc
        .truth("eth_getTransactionCount", json!([RICH, "latest"]))
        .await;
    assert_eq!(count, "0x1");
    assert!(rpc.call("eth_sendTransaction", transfer()).await["result"].is_string());
}

#[tokio::test]
async fn heads_chain_ids_and_pending_state_are_lied_about() {
    let Some(rpc) = Rpc::start().await else {
        return;
    };
    rpc.arm(RpcFault::HeadZero);
    rpc.arm(RpcFault::WrongChainId { claims: 1 });
    rpc.arm(RpcFault::NoPendingState);
    assert_eq!(
        rpc.call("eth_blockNumber", json!([])).await["result"],
        "0x0"
    );
    let block = rpc
        .call("eth_getBlockByNumber", json!(["latest", false]))
        .await;
    assert_eq!(block["result"]["number"], "0x0");
    assert_eq!(rpc.call("eth_chainId", json!([])).await["result"], "0x1");
    assert_eq!(rpc.call("net_version", json!([])).await["result"], "1");
    let pending = rpc
        .call("eth_getTransactionCount", json!([RICH, "pending"]))
        .await;
    assert_eq!(pending["error"]["code"], -32000);
    let latest = rpc
        .call("eth_getTransactionCount", json!([RICH, "latest"]))
        .await;
    assert_eq!(latest["result"], "0x0");
}

#[tokio::test]
async fn a_lagging_node_does_not_know_what_is_new() {
    let Some(rpc) = Rpc::start().await else {
        return;
    };
    let sent = rpc.call("eth_sendTransaction", transfer()).await["result"].clone();
    let rule = rpc.arm(RpcFault::Lag { blocks: 1 });
    let count = async |block| {
        rpc.call("eth_getTransactionCount", json!([RICH, block]))
            .await
    };
    assert_eq!(
        rpc.call("eth_blockNumber", json!([])).await["result"],
        "0x14"
    );
    assert_eq!(count("latest").await["result"], "0x0");
    assert!(rpc.call("eth_getTransactionReceipt", json!([sent])).await["result"].is_null());
    let newer = rpc
        .call("eth_getBlockByNumber", json!(["0x15", false]))
        .await;
    assert!(newer["result"].is_null());
    rpc.call("anvil_mine", json!(["0x1"])).await;
    assert_eq!(count("latest").await["result"], "0x1", "it catches up");
    assert!(rpc.call("eth_getTransactionReceipt", json!([sent])).await["result"].is_object());
    rpc.proxy.faults().disarm(rule);
    rpc.arm(RpcFault::NoReceipts);
    assert!(rpc.call("eth_getTransactionReceipt", json!([sent])).await["result"].is_null());
}
