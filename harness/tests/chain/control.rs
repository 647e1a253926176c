//! Faults of chains and of the RPC through the control API of a whole service.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use alloy_primitives::{Address, B256, U256};
use alloy_provider::Provider as _;
use serde_json::json;
use x402_assay::chain::chaos::{ChaosAction, MiningOrder};
use x402_assay::chain::{AnvilSearch, RpcFault, RpcFaultRule};
use x402_assay::cli::args::ChainChoice;
use x402_assay::service::{
    ControlClient, ControlError, FundRequest, NetworkRequest, SIGNERS, Service, ServiceOptions,
    TokenRequest,
};
use x402_assay_protocol::network;
use x402_mock_facilitator::dev_signers;

use crate::support::chain::{anvil_binary, guard_exe};

const CHAIN: u64 = 84532;

async fn service(chain: ChainChoice, search: AnvilSearch) -> (Service, ControlClient) {
    let options = ServiceOptions {
        bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
        advertise_host: None,
        facilitator_port: 0,
        control_port: 0,
        rpc_port: 0,
        chain,
        search,
        no_fallback: true,
        guard: guard_exe(),
        signers: SIGNERS,
    };
    let service = Service::start(options, &|_| {}).await.unwrap();
    let usdc = network::by_chain_id(CHAIN).unwrap();
    let token = TokenRequest {
        asset: usdc.usdc,
        name: usdc.usdc_name.to_owned(),
        version: usdc.usdc_version.to_owned(),
    };
    let wanted = NetworkRequest {
        chain_id: CHAIN,
        tokens: vec![token],
    };
    let control = ControlClient::new(&service.state().control_url).unwrap();
    control.ensure_network(&wanted).await.unwrap();
    (service, control)
}

fn status(error: &ControlError) -> u16 {
    match error {
        ControlError::Refused { status, .. } => *status,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn the_ledger_in_memory_says_what_it_cannot_do() {
    let (service, control) = service(ChainChoice::Memory, AnvilSearch::from_env(None, false)).await;
    let asset = network::by_chain_id(CHAIN).unwrap().usdc;
    let payer = Address::repeat_byte(1);
    let fund = FundRequest {
        chain_id: CHAIN,
        asset,
        to: payer,
        amount: U256::from(5),
    };
    control.fund(&fund).await.unwrap();
    let drained = control
        .chaos(CHAIN, &ChaosAction::Drain { asset, payer })
        .await
        .unwrap();
    assert!(drained.mined);
    let records = control.records(CHAIN, 0).await.unwrap();
    assert_eq!(records.records.len(), 2, "the mint and the drain");
    let stop = ChaosAction::Mine {
        order: MiningOrder::Stop,
    };
    let refused = control.chaos(CHAIN, &stop).await.unwrap_err();
    assert_eq!(status(&refused), 422);
    assert!(refused.to_string().contains("needs an EVM"), "{refused}");
    let elsewhere = control.chaos(1, &ChaosAction::Calm).await.unwrap_err();
    assert_eq!(status(&elsewhere), 404);
    service.stop().await;
}

#[tokio::test]
async fn a_nodes_faults_begin_and_end() {
    let Some(anvil) = anvil_binary().await else {
        return;
    };
    let search = AnvilSearch::from_env(Some(anvil), false);
    let (service, control) = service(ChainChoice::Anvil, search).await;
    let rpc = async |method: &str, params: serde_json::Value| {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let sent = client
            .post(&service.state().rpc_url)
            .json(&body)
            .send()
            .await
            .unwrap();
        sent.json::<serde_json::Value>().await.unwrap()["result"].clone()
    };
    let signer = dev_signers(1)[0].address();
    let balance = async || rpc("eth_getBalance", json!([signer, "latest"])).await;
    let full = balance().await;
    let accounts = Vec::new();
    control
        .chaos(CHAIN, &ChaosAction::EmptyGas { accounts })
        .await
        .unwrap();
    assert_eq!(
        balance().await,
        "0x0",
        "no account named: the facilitator's"
    );
    control.chaos(CHAIN, &ChaosAction::Calm).await.unwrap();
    assert_eq!(balance().await, full);
    let nonce = B256::ZERO;
    let pending = control
        .chaos(CHAIN, &ChaosAction::DropTransaction { nonce })
        .await
        .unwrap_err();
    assert_eq!(status(&pending), 409);

    let lie = RpcFaultRule::every(RpcFault::WrongChainId { claims: 7 });
    let rule = control.arm_rpc_fault(&lie).await.unwrap();
    assert_eq!(rpc("eth_chainId", json!([])).await, "0x7");
    let hits = control.rpc_hits(0, Duration::from_secs(20)).await.unwrap();
    assert_eq!(
        (hits.hits[0].what.rule, hits.hits[0].what.method.as_str()),
        (rule, "eth_chainId")
    );
    assert!(control.disarm_rpc_fault(rule).await.unwrap());
    assert!(!control.disarm_rpc_fault(rule).await.unwrap());
    control.arm_rpc_fault(&lie).await.unwrap();
    control.clear_rpc_faults().await.unwrap();
    assert_eq!(rpc("eth_chainId", json!([])).await, "0x14a34");
    let never = RpcFaultRule {
        percent: 101,
        ..lie
    };
    assert_eq!(
        status(&control.arm_rpc_fault(&never).await.unwrap_err()),
        409
    );
    service.stop().await;
}

#[tokio::test]
async fn accounts_tell_what_waits_and_what_their_transactions_came_to() {
    let (memory, control) = service(ChainChoice::Memory, AnvilSearch::from_env(None, false)).await;
    let account = dev_signers(13)[12].address();
    let refused = control.senders(CHAIN, &[account]).await.unwrap_err();
    assert_eq!(status(&refused), 422);
    memory.stop().await;
    let Some(anvil) = anvil_binary().await else {
        return;
    };
    let search = AnvilSearch::from_env(Some(anvil), false);
    let (service, control) = service(ChainChoice::Anvil, search).await;
    let mining = async |order| {
        let action = ChaosAction::Mine { order };
        control.chaos(CHAIN, &action).await.unwrap();
    };
    mining(MiningOrder::Stop).await;
    let before = control.senders(CHAIN, &[account]).await.unwrap();
    let usdc = network::by_chain_id(CHAIN).unwrap().usdc;
    let rpc = x402_assay::chain::connect(&service.state().rpc_url.parse().unwrap());
    // A plain transfer, a call that reverts, and one whose predecessor never comes.
    for (nonce, to, data) in [
        (0, Address::repeat_byte(9), "0x"),
        (1, usdc, "0xdeadbeef"),
        (3, Address::repeat_byte(9), "0x"),
    ] {
        let request = json!({
            "from": account, "to": to, "data": data,
            "nonce": format!("{nonce:#x}"), "gas": "0x186a0",
        });
        let sent = rpc.client().request("eth_sendTransaction", (request,));
        let _hash: String = sent.await.unwrap();
    }
    let waiting = control.senders(CHAIN, &[account]).await.unwrap();
    let one = waiting.senders[0];
    assert_eq!((one.account, one.latest, one.pending), (account, 0, 2));
    assert_eq!((one.stuck, waiting.head), (1, before.head));
    mining(MiningOrder::One).await;
    let mined = control.senders(CHAIN, &[account]).await.unwrap();
    let one = mined.senders[0];
    assert_eq!((one.latest, one.pending, one.stuck), (2, 2, 1));
    let from = before.head + 1;
    let spent = control.spent(CHAIN, &[account], from).await.unwrap();
    assert_eq!((spent.mined, spent.reverted), (2, 1));
    assert!(spent.gas > 42_000 && spent.gas > spent.gas_reverted);
    assert_eq!((spent.to_block, spent.head), (mined.head, mined.head));
    let others = control.spent(CHAIN, &[Address::repeat_byte(8)], from).await;
    assert_eq!(others.unwrap().mined, 0);
    service.stop().await;
}
