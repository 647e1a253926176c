//! JSON-RPC calls, with the node's trouble kept apart from the contract's refusals.

use std::time::Duration;

use alloy_eips::BlockId;
use alloy_network::{Ethereum, TransactionBuilder as _};
use alloy_primitives::{Address, B256, Bytes, TxKind, bytes};
use alloy_provider::transport::{RpcError, TransportErrorKind};
use alloy_provider::{Provider as _, ProviderBuilder, RootProvider};
use alloy_rpc_types_eth::{BlockOverrides, Filter, Log, TransactionReceipt, TransactionRequest};
use alloy_sol_types::{SolCall, decode_revert_reason};
use url::Url;

use super::mined::{Block, block_of};
use super::records;
use crate::ledger::LedgerError;

/// Longest wait for one answer of the node.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Init code that returns the block time: `TIMESTAMP PUSH0 MSTORE PUSH1 32 PUSH0 RETURN`.
const BLOCK_TIME: Bytes = bytes!("425f5260205ff3");
/// Longest piece of a node's message that is repeated, in characters.
const CAUSE_MAX_CHARS: usize = 500;
/// JSON-RPC: invalid params; a development node says so for blocks it does not have.
const INVALID_PARAMS: i64 = -32602;

type TransportError = RpcError<TransportErrorKind>;

/// A node.
#[derive(Debug)]
pub(super) struct Rpc {
    provider: RootProvider<Ethereum>,
}

/// Why `eth_call` gave no value.
#[derive(Debug)]
pub(super) enum CallError {
    /// The contract refused, with its reason.
    Reverted(String),
    /// The node did not answer.
    Ledger(LedgerError),
}

/// Why a transaction was not taken.
#[derive(Debug)]
pub(super) enum SendError {
    /// The node refused it: it is not in the pool.
    Refused(String),
    /// No answer: it may or may not be in the pool.
    Unknown(String),
}

impl Rpc {
    /// A client for an HTTP URL; nothing is sent yet.
    pub(super) fn new(url: Url) -> Result<Self, LedgerError> {
        // Another crate of the build may switch TLS on without choosing a provider; the client asks for one even
        // for plain HTTP. An earlier choice of the process stands.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut client = reqwest::Client::builder()
            .timeout(ANSWER_MAX)
            .tcp_nodelay(true)
            .no_proxy()
            .no_gzip();
        if url.scheme() == "http" {
            client = client.tls_certs_only([]);
        }
        let client = client
            .build()
            .map_err(|error| trouble("start", error.to_string()))?;
        let provider = ProviderBuilder::new()
            .disable_recommended_fillers()
            .connect_reqwest(client, url);
        Ok(Self { provider })
    }

    pub(super) async fn chain_id(&self) -> Result<u64, LedgerError> {
        let answer = self.provider.get_chain_id().await;
        answer.map_err(|error| failed("eth_chainId", &error))
    }

    pub(super) async fn block_number(&self) -> Result<u64, LedgerError> {
        let answer = self.provider.get_block_number().await;
        answer.map_err(|error| failed("eth_blockNumber", &error))
    }

    pub(super) async fn gas_price(&self) -> Result<u128, LedgerError> {
        let answer = self.provider.get_gas_price().await;
        answer.map_err(|error| failed("eth_gasPrice", &error))
    }

    pub(super) async fn has_code(&self, account: Address) -> Result<bool, LedgerError> {
        let answer = self.provider.get_code_at(account).await;
        answer
            .map(|code| !code.is_empty())
            .map_err(|error| failed("eth_getCode", &error))
    }

    /// Transactions of an account, mined ones only or with those in the pool.
    pub(super) async fn account_nonce(
        &self,
        account: Address,
        block: BlockId,
    ) -> Result<u64, LedgerError> {
        let answer = self.provider.get_transaction_count(account).block_id(block);
        answer
            .await
            .map_err(|error| failed("eth_getTransactionCount", &error))
    }

    /// Time of the block that would be mined now, unix seconds.
    pub(super) async fn next_block_time(&self) -> Result<u64, LedgerError> {
        let mut request = TransactionRequest::default().with_input(BLOCK_TIME);
        request.to = Some(TxKind::Create);
        let word = self
            .provider
            .call(request)
            .block(BlockId::pending())
            .await
            .map_err(|error| failed("eth_call", &error))?;
        let word = <[u8; 32]>::try_from(word.as_ref())
            .map_err(|_| trouble("eth_call", "the block time has no 32 bytes".to_owned()))?;
        let tail = word[24..].try_into().unwrap_or_default();
        Ok(u64::from_be_bytes(tail))
    }

    /// A view of a contract; `None` when it has no such function (it reverts, or returns something else).
    pub(super) async fn view<C: SolCall>(
        &self,
        contract: Address,
        call: C,
    ) -> Result<Option<C::Return>, LedgerError> {
        let request = TransactionRequest::default()
            .with_to(contract)
            .with_input(call.abi_encode());
        match self.call(request, None).await {
            Ok(data) => Ok(C::abi_decode_returns(&data).ok()),
            Err(CallError::Reverted(_)) => Ok(None),
            Err(CallError::Ledger(error)) => Err(error),
        }
    }

    /// `eth_call` on the newest block, with another block time if one is given.
    pub(super) async fn call(
        &self,
        request: TransactionRequest,
        time: Option<u64>,
    ) -> Result<Bytes, CallError> {
        let overrides = time.map(|time| BlockOverrides {
            time: Some(time),
            ..BlockOverrides::default()
        });
        let answer = self
            .provider
            .call(request)
            .block(BlockId::latest())
            .with_block_overrides_opt(overrides)
            .await;
        answer.map_err(|error| call_error(&error))
    }

    pub(super) async fn send(&self, raw: &[u8]) -> Result<(), SendError> {
        match self.provider.send_raw_transaction(raw).await {
            Ok(_) => Ok(()),
            Err(RpcError::ErrorResp(payload)) if already_known(&payload.message) => Ok(()),
            Err(RpcError::ErrorResp(payload)) => Err(SendError::Refused(cut(&payload.message))),
            Err(error) => Err(SendError::Unknown(cut(&error.to_string()))),
        }
    }

    /// True when the node has the transaction, mined or in the pool.
    pub(super) async fn knows(&self, hash: B256) -> Result<bool, LedgerError> {
        let answer = self.provider.get_transaction_by_hash(hash).await;
        answer
            .map(|found| found.is_some())
            .map_err(|error| failed("eth_getTransactionByHash", &error))
    }

    pub(super) async fn receipt(
        &self,
        hash: B256,
    ) -> Result<Option<TransactionReceipt>, LedgerError> {
        let answer = self.provider.get_transaction_receipt(hash).await;
        answer.map_err(|error| failed("eth_getTransactionReceipt", &error))
    }

    /// The transactions in a block, with what its logs tell of them if asked for; `None` when the node does not have
    /// the block.
    pub(super) async fn block(
        &self,
        number: u64,
        with_logs: bool,
    ) -> Result<Option<Block>, LedgerError> {
        let answer = self.provider.get_block_by_number(number.into()).await;
        let answer = answer.map_err(|error| failed("eth_getBlockByNumber", &error))?;
        let Some(block) = answer else {
            return Ok(None);
        };
        let logs = match with_logs {
            true => self.logs(&records::filter_of(block.header.hash)).await?,
            false => Vec::new(),
        };
        Ok(Some(block_of(number, block.transactions.hashes(), &logs)))
    }

    /// Logs of a range; a range beyond the head is an error to a development node, and empty to us.
    pub(super) async fn logs(&self, filter: &Filter) -> Result<Vec<Log>, LedgerError> {
        match self.provider.get_logs(filter).await {
            Ok(logs) => Ok(logs),
            Err(RpcError::ErrorResp(payload)) if payload.code == INVALID_PARAMS => Ok(Vec::new()),
            Err(error) => Err(failed("eth_getLogs", &error)),
        }
    }
}

fn call_error(error: &TransportError) -> CallError {
    let Some(payload) = error.as_error_resp() else {
        return CallError::Ledger(failed("eth_call", error));
    };
    let message = payload.message.to_ascii_lowercase();
    let by_contract = payload.code == 3
        || ["revert", "evm error", "out of gas", "invalid opcode"]
            .iter()
            .any(|sign| message.contains(sign));
    if !by_contract {
        return CallError::Ledger(failed("eth_call", error));
    }
    let reason = payload
        .as_revert_data()
        .and_then(|data| decode_revert_reason(&data))
        .map(|said| said.trim_start_matches("revert: ").to_owned())
        .unwrap_or_else(|| payload.message.to_string());
    CallError::Reverted(cut(&reason))
}

/// A node that has the transaction already says so in one of these ways.
fn already_known(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("already known") || message.contains("already imported")
}

fn failed(method: &'static str, error: &TransportError) -> LedgerError {
    trouble(method, error.to_string())
}

fn trouble(method: &'static str, cause: String) -> LedgerError {
    LedgerError {
        method,
        cause: cut(&cause),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(CAUSE_MAX_CHARS).collect()
}
