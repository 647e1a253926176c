//! One exchange of a script.

use alloy_primitives::{Address, U256};
use serde_json::Value;
use x402_assay_protocol::Version;

use super::super::event::Trouble;

/// One exchange with all it caused.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
    /// For example `v2/good`.
    pub(crate) name: String,
    /// Version of its payment, where the name does not begin with it.
    pub(crate) version: Option<Version>,
    /// Route it goes to.
    pub(crate) route: String,
    /// Path it is sent to, when it is not the route's.
    pub(crate) path: Option<String>,
    /// HTTP method.
    pub(crate) method: String,
    /// What it pays with.
    pub(crate) payment: Option<Payment>,
    /// Members of the accepted offer (v2) that differ: JSON pointer, value.
    pub(crate) accepted: Vec<(&'static str, Value)>,
    /// Calls to our facilitator that it causes, in order.
    pub(crate) calls: Vec<Call>,
    /// Transfers that it causes.
    pub(crate) moves: Vec<Moves>,
    /// Handler runs that it causes.
    pub(crate) runs: u64,
    /// Content type and body of the request.
    pub(crate) request: Option<(&'static str, &'static str)>,
    /// How it is answered.
    pub(crate) reply: Reply,
}

/// A payment header.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Payment {
    /// A fresh authorization; what is wrong with it.
    Fresh(Option<String>),
    /// A fresh honest permit by use for the price as its ceiling; what the profile says that the use costs.
    ByUse(Option<u64>),
    /// The header of an earlier exchange.
    Again(String),
    /// A fresh honest authorization whose message has these members set, each by its JSON pointer.
    With(Vec<(&'static str, Value)>),
    /// The message of an earlier exchange with these members set.
    AgainWith(String, Vec<(&'static str, Value)>),
    /// A header that is no payment.
    Raw(String),
}

/// A call to our facilitator.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// `/settle` instead of `/verify`.
    pub(crate) settle: bool,
    /// The verdict.
    pub(crate) yes: bool,
    /// The reason of a negative verdict.
    pub(crate) reason: Option<&'static str>,
    /// An injected fault lied.
    pub(crate) lied: bool,
    /// The body names no authorization.
    pub(crate) anonymous: bool,
    /// The whole body, when it is not the usual one.
    pub(crate) request: Option<Value>,
    /// Members of the requirements that differ from the offer.
    pub(crate) requirements: Vec<(&'static str, Value)>,
    /// An injected fault took effect in it.
    pub(crate) faulted: bool,
    /// Status and body of the answer, when they are not the usual ones.
    pub(crate) odd_answer: Option<(u16, &'static str)>,
    /// The transaction that the answer names, when it is not the usual one.
    pub(crate) named: Option<&'static str>,
}

impl Call {
    /// A `/verify` call.
    pub(crate) fn verify(yes: bool) -> Self {
        Self {
            settle: false,
            yes,
            reason: (!yes).then_some("invalid_exact_evm_signature"),
            lied: false,
            anonymous: false,
            request: None,
            requirements: Vec::new(),
            faulted: false,
            odd_answer: None,
            named: None,
        }
    }

    /// A `/settle` call.
    pub(crate) fn settle(yes: bool) -> Self {
        Self {
            settle: true,
            reason: (!yes).then_some("invalid_exact_evm_transaction_failed"),
            ..Self::verify(yes)
        }
    }

    /// A fault took effect in it.
    pub(crate) const fn faulted(mut self) -> Self {
        self.faulted = true;
        self
    }

    /// The reason of a negative verdict.
    pub(crate) fn because(mut self, reason: &'static str) -> Self {
        self.reason = Some(reason);
        self
    }
}

/// A Transfer; what is `None` is as it was signed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Moves {
    /// Recipient.
    pub(crate) to: Option<Address>,
    /// Base units.
    pub(crate) value: Option<U256>,
    /// Token.
    pub(crate) asset: Option<Address>,
    /// Number of the transaction, when it is shared with another exchange.
    pub(crate) transaction: Option<u8>,
}

/// How an exchange ends.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// With an answer.
    Answer {
        /// HTTP status.
        status: u16,
        /// Headers; `receipt` stands for the true settlement header, `receipt{…}` for one with members changed.
        headers: Vec<(String, String)>,
        /// Body.
        body: String,
    },
    /// Without one.
    Trouble(Trouble),
}

impl Probe {
    /// An exchange without payment, calls or effects.
    pub(crate) fn new(name: &str, reply: Reply) -> Self {
        Self {
            name: name.to_owned(),
            version: None,
            route: "/paid".to_owned(),
            path: None,
            method: "GET".to_owned(),
            payment: None,
            accepted: Vec::new(),
            calls: Vec::new(),
            moves: Vec::new(),
            runs: 0,
            request: None,
            reply,
        }
    }

    /// Answers with this status.
    pub(crate) fn status(&mut self, new: u16) {
        match &mut self.reply {
            Reply::Answer { status, .. } => *status = new,
            Reply::Trouble(_) => self.reply = Reply::answer(new, "{}"),
        }
    }

    /// Answers with this body.
    pub(crate) fn body(&mut self, new: &str) {
        if let Reply::Answer { body, .. } = &mut self.reply {
            new.clone_into(body);
        }
    }

    /// Sets a header of the answer; `None` removes it.
    pub(crate) fn header(&mut self, name: &str, value: Option<&str>) {
        if let Reply::Answer { headers, .. } = &mut self.reply {
            headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
            headers.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        }
    }

    /// Answers with the paid content, as a defect would: no receipt.
    pub(crate) fn deliver(&mut self) {
        self.reply = Reply::answer(200, super::CONTENT);
        self.runs = 1;
    }

    /// Causes nothing at the facilitator and on the ledger.
    pub(crate) fn alone(&mut self) {
        self.calls.clear();
        self.moves.clear();
    }
}

impl Reply {
    /// An answer without headers.
    pub(crate) fn answer(status: u16, body: &str) -> Self {
        Self::Answer {
            status,
            headers: Vec::new(),
            body: body.to_owned(),
        }
    }

    /// Adds a header.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}
