//! What a link is told to do.

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};

use super::event::LinkEvent;

/// From now on the link does this when the event is seen, until it is disarmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkRule {
    /// When. On a link where the event is not seen it strikes the exchanges that are open when the other link sees it
    /// (see [`LinkProxy::follow`](super::LinkProxy::follow)).
    pub on: LinkEvent,
    /// At which of the events.
    #[serde(default)]
    pub select: LinkSelect,
    /// What happens.
    pub fault: LinkFault,
}

/// Which events a rule strikes; all of it must match.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinkSelect {
    /// Only this one of the matching events, from 1, counted from arming.
    pub nth: Option<u32>,
    /// Only the first so many of the matching events.
    pub times: Option<u32>,
    /// Only this share of the matching events.
    pub share: Option<Share>,
    /// Only exchanges about this payer's authorizations.
    pub payer: Option<Address>,
    /// Only exchanges about one of these authorizations; all if empty.
    pub nonces: Vec<B256>,
    /// Only exchanges whose path (without query) ends so.
    pub path: Option<String>,
}

/// A share of events; the same seed chooses the same ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Of a hundred.
    pub percent: u32,
    /// Decides which.
    pub seed: u64,
}

impl Share {
    /// Whether the `number`th event belongs to it.
    pub(super) fn takes(self, number: u32) -> bool {
        // SplitMix64: neighbouring numbers must not look alike.
        let mut mixed = self
            .seed
            .wrapping_add(u64::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % 100 < u64::from(self.percent)
    }
}

/// What a link does to an exchange. Of several rules that strike at one event the waits add up, and of the others the
/// one armed last counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum LinkFault {
    /// Resets both connections (RST); what was not passed on is lost.
    Reset,
    /// Closes both connections in good order.
    Close,
    /// Passes nothing on any more and keeps both connections open until disarmed; then they are reset.
    Hang,
    /// Passes on only when disarmed: the caller does something at this very moment.
    Pause,
    /// Passes on after so long.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// Sends the request a second time on a connection of its own and passes on the first answer, as a retrying proxy does.
    Duplicate,
    /// Passes on so many bytes of the body (the request's at `before`, else the answer's), then closes.
    Truncate {
        /// Bytes of content; chunk framing is not counted.
        bytes: u64,
    },
    /// Answers itself. At `before` nothing is passed on; later the server's answer is thrown away.
    Answer(Answer),
    /// Keeps and answers like a shared cache (RFC 9111), for every exchange of the link, as long as the rule is armed.
    Cache,
}

impl LinkFault {
    /// Its word, for records.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Close => "close",
            Self::Hang => "hang",
            Self::Pause => "pause",
            Self::Delay { .. } => "delay",
            Self::Duplicate => "duplicate",
            Self::Truncate { .. } => "truncate",
            Self::Answer(_) => "answer",
            Self::Cache => "cache",
        }
    }
}

/// An answer of the link's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Status code, 200 to 599.
    pub status: u16,
    /// Header fields besides `Content-Length`.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body.
    #[serde(default)]
    pub body: String,
}

impl Answer {
    /// Only a status.
    pub const fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: String::new(),
        }
    }
}

/// How the far end of a link is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outage {
    /// Connections are refused.
    Refused,
    /// Connections are accepted and reset.
    Reset,
    /// Connections are accepted and never answered.
    Silent,
}

/// What becomes of the `Host` field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostHeader {
    /// As the caller sent it.
    Keep,
    /// The upstream's authority: for callers that know only the link's address.
    Upstream,
}
