//! Client of the control API: the only way the bench reads the facilitator and the ledger.

use std::time::Duration;

use alloy_primitives::{Address, U256};
use serde::Serialize;
use serde::de::DeserializeOwned;
use x402_mock_facilitator::EventPage;
use x402_mock_facilitator::control::{
    AccountNonces, FaultList, HoldList, RecordingSwitch, Records,
};
use x402_mock_facilitator::event::TransactionRecord;
use x402_mock_facilitator::{CallTally, FaultView, HoldView, Recording};

use super::wire::{FundRequest, GasRequest, NetworkAnswer, NetworkRequest, ServiceState};

/// Time one control call may take; starting a chain is the longest.
const DEADLINE: Duration = Duration::from_secs(90);

/// Trouble with the control API.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nothing answers there.
    #[error("the control API at {url} does not answer: {cause}")]
    Unreachable {
        /// Its URL.
        url: String,
        /// The transport's word.
        cause: String,
    },
    /// It answered with an error.
    #[error("{message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The message of its answer.
        message: String,
    },
    /// It answered with something else.
    #[error("the control API at {url} answered something unreadable: {cause}")]
    Unreadable {
        /// Its URL.
        url: String,
        /// Why.
        cause: String,
    },
}

/// A connection to one service.
#[derive(Debug, Clone)]
pub struct ControlClient {
    base: String,
    http: reqwest::Client,
}

impl ControlClient {
    /// A client of the control API at `base` (scheme, host and port).
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn new(base: &str) -> Result<Self, ControlError> {
        let http = super::loopback::loopback_client(DEADLINE).map_err(|cause| {
            ControlError::Unreachable {
                url: base.to_owned(),
                cause: cause.to_string(),
            }
        })?;
        Ok(Self {
            base: base.trim_end_matches('/').to_owned(),
            http,
        })
    }

    /// URL of the control API.
    pub fn url(&self) -> &str {
        &self.base
    }

    /// Where the service listens. Also the way to see whether one runs.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn state(&self) -> Result<ServiceState, ControlError> {
        self.get("/service").await
    }

    /// Facilitator events from number `after` on; waits up to `wait` for the first.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn events(&self, after: u64, wait: Duration) -> Result<EventPage, ControlError> {
        self.get(&format!(
            "/events?after={after}&limit=5000&wait_ms={}",
            wait.as_millis()
        ))
        .await
    }

    /// Token logs of a chain from a block on, and the head they were read at.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn records(&self, chain_id: u64, from_block: u64) -> Result<Records, ControlError> {
        self.get(&format!(
            "/ledger/{chain_id}/records?from_block={from_block}"
        ))
        .await
    }

    /// The same between two blocks, both included.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn records_between(
        &self,
        chain_id: u64,
        (from_block, to_block): (u64, u64),
    ) -> Result<Records, ControlError> {
        self.get(&format!(
            "/ledger/{chain_id}/records?from_block={from_block}&to_block={to_block}"
        ))
        .await
    }

    /// Records everything the facilitator does, or counts only, from zero.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn record(&self, recording: Recording) -> Result<CallTally, ControlError> {
        self.put("/recording", &RecordingSwitch { recording }).await
    }

    /// What the facilitator counted since.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn call_tally(&self) -> Result<CallTally, ControlError> {
        self.get("/recording").await
    }

    /// A transaction, if the ledger knows it.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn transaction(
        &self,
        chain_id: u64,
        hash: &str,
    ) -> Result<Option<TransactionRecord>, ControlError> {
        match self
            .get(&format!("/ledger/{chain_id}/transaction/{hash}"))
            .await
        {
            Ok(found) => Ok(Some(found)),
            Err(ControlError::Refused {
                status: 400 | 404, ..
            }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Transactions that accounts have had mined; of the bench's own facilitator if none is named.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn account_nonces(
        &self,
        chain_id: u64,
        accounts: &[Address],
    ) -> Result<AccountNonces, ControlError> {
        let named: Vec<String> = accounts.iter().map(Address::to_string).collect();
        let query = match named.is_empty() {
            true => String::new(),
            false => format!("?of={}", named.join(",")),
        };
        self.get(&format!("/ledger/{chain_id}/nonces{query}")).await
    }

    /// Makes sure a network and its tokens are there.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn ensure_network(
        &self,
        wanted: &NetworkRequest,
    ) -> Result<NetworkAnswer, ControlError> {
        self.post("/networks", wanted).await
    }

    /// Gives a payer tokens.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn fund(&self, wanted: &FundRequest) -> Result<U256, ControlError> {
        self.post("/fund", wanted).await
    }

    /// Gives an account gas.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn give_gas(&self, wanted: &GasRequest) -> Result<(), ControlError> {
        self.post::<_, serde_json::Value>("/gas", wanted)
            .await
            .map(|_| ())
    }

    /// Asks the service to end.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn shut_down(&self) -> Result<(), ControlError> {
        self.post::<_, serde_json::Value>("/shutdown", &serde_json::json!({}))
            .await
            .map(|_| ())
    }

    /// Adds a fault of the facilitator ([`x402_mock_facilitator::FaultSpec`] as JSON).
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn add_fault(&self, spec: &serde_json::Value) -> Result<FaultView, ControlError> {
        self.post("/faults", spec).await
    }

    /// Removes every fault whose name begins so, and tells how each of them stood.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn remove_faults(&self, prefix: &str) -> Result<FaultList, ControlError> {
        self.delete(&format!("/faults?prefix={prefix}")).await
    }

    /// Adds a hold of the facilitator ([`x402_mock_facilitator::HoldSpec`] as JSON).
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn add_hold(&self, spec: &serde_json::Value) -> Result<HoldView, ControlError> {
        self.post("/holds", spec).await
    }

    /// The holds as they stand.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn holds(&self) -> Result<HoldList, ControlError> {
        self.get("/holds").await
    }

    /// Removes every hold whose name begins so; the calls in them go on.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn remove_holds(&self, prefix: &str) -> Result<HoldList, ControlError> {
        self.delete(&format!("/holds?prefix={prefix}")).await
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ControlError> {
        self.read(self.http.get(format!("{}{path}", self.base)))
            .await
    }

    pub(super) async fn post<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<T, ControlError> {
        self.read(self.http.post(format!("{}{path}", self.base)).json(body))
            .await
    }

    pub(super) async fn put<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<T, ControlError> {
        self.read(self.http.put(format!("{}{path}", self.base)).json(body))
            .await
    }

    pub(super) async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, ControlError> {
        self.read(self.http.delete(format!("{}{path}", self.base)))
            .await
    }

    async fn read<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<T, ControlError> {
        let unreachable = |cause: reqwest::Error| ControlError::Unreachable {
            url: self.base.clone(),
            cause: super::loopback::root_cause(&cause),
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let body = response.bytes().await.map_err(unreachable)?;
        if !status.is_success() {
            let message = serde_json::from_slice::<serde_json::Value>(&body)
                .ok()
                .and_then(|value| value.get("error")?.as_str().map(str::to_owned))
                .unwrap_or_else(|| format!("control API: HTTP {status}"));
            return Err(ControlError::Refused {
                status: status.as_u16(),
                message,
            });
        }
        serde_json::from_slice(&body).map_err(|cause| ControlError::Unreadable {
            url: self.base.clone(),
            cause: cause.to_string(),
        })
    }
}
