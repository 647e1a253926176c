//! Event types. An event stays small: bodies are stored once, by hash, in a `body` event before their first use.

use alloy_primitives::{Address, B256, U256};
use serde::{Deserialize, Serialize};
use x402_assay_protocol::Version;
use x402_mock_facilitator::event::{AuthorizationKey, Endpoint, LedgerRecord, TransactionRecord};

use super::case_ran::CaseRan;
use super::load_payment::LoadPayment;
use super::signed_line::SignedLine;

/// One line of `history.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Position in the history, from 0, without gaps.
    pub seq: u64,
    /// Unix time in microseconds at which it happened (not at which it was written).
    pub at_us: u64,
    /// What happened.
    pub what: What,
}

/// What happened. Large kinds are boxed: a history holds a million of these.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// First event of a run.
    RunStarted(Box<RunStarted>),
    /// A body, stored once.
    Body {
        /// First 16 hex digits of its SHA-256.
        hash: String,
        /// The body as text (lossy UTF-8).
        text: String,
        /// Bytes the whole body had, when `text` holds only its beginning.
        #[serde(skip_serializing_if = "Option::is_none")]
        truncated_from: Option<u64>,
    },
    /// The bench signed an authorization.
    Signed(Box<Signed>),
    /// The bench sent a request to the target.
    Sent(Box<Sent>),
    /// The target answered.
    Answered(Answered),
    /// The exchange ended without an answer.
    Unanswered {
        /// Exchange number.
        exchange: u32,
        /// What went wrong.
        trouble: Trouble,
        /// Message for people.
        message: String,
        /// What had come of an answer that broke off: the head, and the body so far.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        partial: Option<Box<Answered>>,
    },
    /// A call arrived at our facilitator.
    FacilitatorReceived {
        /// Call number of that facilitator.
        call: u64,
        /// Which endpoint.
        endpoint: Endpoint,
        /// Whose authorization, when the body names one.
        authorization: Option<Box<AuthorizationKey>>,
        /// Hash of the request body.
        body: String,
    },
    /// Our facilitator broadcast a settlement.
    Broadcast {
        /// Call number.
        call: u64,
        /// Transaction hash.
        transaction: B256,
    },
    /// A settlement was mined, as our facilitator saw it.
    Mined {
        /// Call number.
        call: u64,
        /// Transaction hash.
        transaction: B256,
        /// Receipt status.
        success: bool,
    },
    /// Our facilitator answered a call.
    FacilitatorAnswered {
        /// Call number.
        call: u64,
        /// HTTP status.
        status: u16,
        /// Hash of the answer's body.
        body: String,
        /// True when an injected fault lied.
        lied: bool,
    },
    /// The connection of a call to our facilitator was cut; there is no answer.
    FacilitatorCut {
        /// Call number.
        call: u64,
    },
    /// A hold kept a call back.
    Held {
        /// Call number.
        call: u64,
    },
    /// A call that was held goes on.
    Released {
        /// Call number.
        call: u64,
        /// Its place in the order of release, from 1.
        position: u32,
        /// Calls released together with it.
        of: u32,
    },
    /// A step of a scenario began.
    Step {
        /// How the probes of its round begin: `scenario/<name>/<case>`.
        round: String,
        /// Number of the step, from 1.
        step: u32,
        /// The word it is written with.
        name: String,
    },
    /// A fault that was injected on purpose took effect.
    FaultInjected {
        /// Call of our facilitator it touched, if one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        call: Option<u64>,
        /// Exchange it touched, if one; with none of the three it touched all that was under way.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exchange: Option<u32>,
        /// Authorization it was aimed at, if one: what happens on the chain is in no call and no exchange.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        authorization: Option<u32>,
        /// What it is, in a few words; in histories of earlier versions the name of its rule.
        fault: String,
    },
    /// A payment of a load, with what came of it.
    Payment(Box<LoadPayment>),
    /// A token log, read from the ledger at rest.
    Ledger(Box<LedgerRecord>),
    /// A transaction named by a receipt, looked up at rest; `found` is absent when the ledger does not know it.
    Transaction {
        /// The hash that was looked up, as the target wrote it.
        transaction: String,
        /// What the ledger knows.
        found: Option<TransactionRecord>,
    },
    /// The origin's own count of paid handler runs.
    HandlerRuns {
        /// Exchange after which it was read.
        after_exchange: u32,
        /// Runs since the target started.
        count: u64,
    },
    /// Nothing is under way any more; the ledger was read up to this block.
    AtRest {
        /// EIP-155 chain id.
        chain_id: u64,
        /// Block up to which the ledger was read.
        block: u64,
    },
    /// A remark of the runner, such as a probe it left out and why.
    Note {
        /// Probe it is about, if one.
        #[serde(skip_serializing_if = "Option::is_none")]
        probe: Option<String>,
        /// The remark.
        text: String,
    },
    /// A scenario begins: the text it was read from. Everything after the first such event belongs to scenarios.
    Scenario {
        /// Its id.
        name: String,
        /// Hash of its text.
        body: String,
    },
    /// One round of a case of a scenario is over, or was skipped.
    CaseRan(Box<CaseRan>),
    /// Last event of a run.
    RunEnded {
        /// True when it was stopped before its end.
        interrupted: bool,
        /// Why it could not go on, if it could not.
        #[serde(skip_serializing_if = "Option::is_none")]
        trouble: Option<String>,
    },
}

/// [`RunStarted::target_kind`] of the bench's own facilitator under test.
pub const BUILT_IN_FACILITATOR: &str = "builtin-facilitator";

/// Facts about the run that judges need.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunStarted {
    /// The bench's version.
    pub bench_version: String,
    /// Seed of the run.
    pub seed: u64,
    /// `builtin`, `server`, `facilitator`, `builtin-facilitator` or `client`.
    pub target_kind: String,
    /// Name of the target.
    pub target_name: String,
    /// URL of the target (credentials removed).
    pub target_url: String,
    /// `auto`, `anvil`, `memory` or a URL, as asked for.
    pub chain_requested: String,
    /// `anvil`, `memory` or `url`, as used.
    pub chain_used: String,
    /// Why the two differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain_reason: Option<String>,
    /// The node's version string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// URL at which our facilitator is advertised.
    pub facilitator_url: String,
    /// URL of the RPC endpoint that launched targets are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpc_url: Option<String>,
    /// Text that only a paid body holds, if declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
    /// True when the profile names an execution counter.
    pub counts_executions: bool,
    /// The profile's `idempotent_replay`.
    pub idempotent_replay: bool,
    /// The profile's `flow`, `authorization` when absent.
    pub flow: String,
    /// The profile's `dynamic_price`.
    pub dynamic_price: bool,
    /// Payers of this run: calls about others are not ours.
    pub payers: Vec<Address>,
    /// Command that runs the battery on the same target, without secrets: what a finding is about is added to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Command that makes the whole run again, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<String>,
}

impl RunStarted {
    /// True when a facilitator is under test, ours or the user's.
    pub fn is_about_facilitator(&self) -> bool {
        matches!(
            self.target_kind.as_str(),
            "facilitator" | BUILT_IN_FACILITATOR
        )
    }

    /// True when nothing of the user's is under test.
    pub fn is_built_in(&self) -> bool {
        matches!(self.target_kind.as_str(), "builtin" | BUILT_IN_FACILITATOR)
    }
}

/// An authorization signed by the bench.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "SignedLine", from = "SignedLine")]
pub struct Signed {
    /// Number of the authorization inside this run, from 0.
    pub authorization: u32,
    /// Generation of the offer it pays.
    pub version: Version,
    /// What makes it unique.
    pub key: AuthorizationKey,
    /// Recipient that was signed.
    pub to: Address,
    /// Base units that were signed.
    pub value: U256,
    /// Unix seconds.
    pub valid_after: u64,
    /// Unix seconds.
    pub valid_before: u64,
    /// What the server advertised: (recipient, base units).
    pub offered: Offered,
    /// Set for a permit of the `upto` scheme: the amounts above are ceilings then.
    pub upto: Option<SignedUpto>,
    /// `None` for an honest payment; else what is wrong with it on purpose, for example `amount-low`.
    pub wrong: Option<String>,
}

/// What is known of a payment that is settled by use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedUpto {
    /// Base units that its use should cost, as the profile's `price` of the route says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<U256>,
}

/// The terms of the offer that a payment answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Offered {
    /// Token contract.
    pub asset: Address,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Recipient.
    pub pay_to: Address,
    /// Base units.
    pub amount: U256,
}

/// A request to the target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sent {
    /// Exchange number inside this run, from 0.
    pub exchange: u32,
    /// Probe it belongs to, for example `v2/unpaid` or `v2/malformed/not-json`.
    pub probe: String,
    /// Route as the profile names it.
    pub route: String,
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Request headers, secrets replaced by `<redacted>`; the payment header is replaced by `body:<hash>`.
    pub headers: Vec<(String, String)>,
    /// Hash of the request body, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Authorization the payment header carries, if it carries one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization: Option<u32>,
    /// Hash of the payment header's value, if one is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment: Option<String>,
}

/// An answer of the target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// Exchange number.
    pub exchange: u32,
    /// HTTP status.
    pub status: u16,
    /// Response headers in order; values over 200 bytes are replaced by `body:<hash>`.
    pub headers: Vec<(String, String)>,
    /// Hash of the body.
    pub body: String,
    /// Microseconds from send to headers.
    pub headers_us: u64,
    /// Microseconds from send to the last byte.
    pub total_us: u64,
}

/// Why an exchange has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// The connection was refused.
    Refused,
    /// The host's name could not be resolved.
    Unresolved,
    /// No answer in time.
    TimedOut,
    /// TLS failed.
    Tls,
    /// The connection closed or reset before the answer was whole.
    Closed,
    /// The answer's headers or body are larger than the bench takes.
    TooLarge,
    /// Not HTTP.
    Malformed,
    /// The run was stopped.
    Cancelled,
    /// The bench went away on purpose.
    Left,
}
