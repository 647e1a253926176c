//! Bodies of the control API, for both ends. Events travel as [`crate::log::EventPage`], transactions as
//! [`crate::event::TransactionRecord`].

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};

use crate::defects::Defect;
use crate::event::LedgerRecord;
use crate::faults::FaultView;
use crate::holds::HoldView;
use crate::ledger::LedgerKind;
use crate::personality::Personality;
use crate::restart::Ending;
use crate::tally::Recording;

/// How the control API names itself: an attaching bench looks for it.
pub const SERVICE: &str = "x402-assay";

/// `GET /health`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// [`SERVICE`].
    pub service: String,
    /// Version of the crate.
    pub version: String,
}

/// `GET /state`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The chains it settles on.
    pub networks: Vec<NetworkState>,
    /// Accounts that send settlements, over all chains.
    pub signers: Vec<Address>,
    /// Calls so far.
    pub calls: CallCounts,
    /// Events logged so far.
    pub events: u64,
    /// Events dropped to keep the log bounded.
    pub events_dropped: u64,
}

/// `POST /restart`: ends the facilitator and starts it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restart {
    /// How it is ended.
    pub how: Ending,
}

/// `PUT /recording`: how much is recorded from here on. It and `GET /recording` answer a [`crate::CallTally`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordingSwitch {
    /// How much.
    pub recording: Recording,
}

/// What was under way when it was restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restarted {
    /// Calls that broke off.
    pub broken_off: usize,
}

/// One chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkState {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// What the ledger is made of.
    pub kind: LedgerKind,
}

/// Calls per endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallCounts {
    /// `/verify`
    pub verify: u64,
    /// `/settle`
    pub settle: u64,
    /// `/supported`
    pub supported: u64,
}

/// `GET /ledger/{chain_id}/records?from_block=N&to_block=M`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Records {
    /// Newest block; the records end there or at `to_block`.
    pub head: u64,
    /// Token logs, in order.
    pub records: Vec<LedgerRecord>,
}

/// `GET /ledger/{chain_id}/balance?asset=ADDRESS&owner=ADDRESS`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// Base units, decimal.
    pub balance: String,
}

/// `GET /ledger/{chain_id}/nonces`, or of other accounts: `?of=ADDRESS,ADDRESS`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountNonces {
    /// One entry an account.
    pub nonces: Vec<AccountNonce>,
}

/// How far one account got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountNonce {
    /// The account.
    pub signer: Address,
    /// Transactions it has had mined.
    pub nonce: u64,
}

/// `GET /faults`; `DELETE /faults?prefix=P` answers those that are gone.
///
/// `POST /faults` takes a [`crate::faults::FaultSpec`] and answers 201 with a [`FaultView`]; `GET` and `DELETE`
/// of `/faults/{name}` answer the view too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaultList {
    /// Seed of every fault and hold that brings none of its own.
    pub seed: u64,
    /// The faults, in the order in which they take effect.
    pub faults: Vec<FaultView>,
}

/// `GET /holds`; `DELETE /holds?prefix=P` answers those that are gone, their calls released.
///
/// `POST /holds` takes a [`crate::holds::HoldSpec`] and answers 201 with a [`HoldView`]; `GET` and `DELETE` of
/// `/holds/{name}` answer the view too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HoldList {
    /// The holds.
    pub holds: Vec<HoldView>,
}

/// `GET /defects`, and the answer to `PUT /defects`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefectList {
    /// Every defect there is.
    pub defects: Vec<DefectInfo>,
}

/// One defect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefectInfo {
    /// Its name.
    pub name: Defect,
    /// What it does.
    pub about: String,
    /// Whether it is on.
    pub on: bool,
}

/// Body of `PUT /defects`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefectSwitches {
    /// The defects that shall be on; all others go off.
    pub on: Vec<Defect>,
}

/// `GET /personality`, and the answer to `PUT` and `DELETE`; `PUT` takes a [`Personality`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PersonalityState {
    /// The personality that is on.
    pub personality: Option<Personality>,
}

/// Body of every answer that is not 2xx.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlError {
    /// What is wrong.
    pub error: String,
}
