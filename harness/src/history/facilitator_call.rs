//! One call to our facilitator with its answer.

use std::cell::OnceCell;
use std::rc::Rc;

use alloy_primitives::B256;
use serde_json::Value;
use x402_assay_reports::model::Evidence;
use x402_mock_facilitator::event::{AuthorizationKey, Endpoint};

use super::bodies::Bodies;

/// The answer of a call.
#[derive(Debug, Clone, Copy)]
pub struct CallAnswer<'h> {
    /// HTTP status.
    pub status: u16,
    /// Hash of the body.
    pub body: &'h str,
    /// True when an injected fault lied.
    pub lied: bool,
    /// Unix microseconds.
    pub at_us: u64,
}

/// A settlement that was broadcast.
#[derive(Debug, Clone, Copy)]
pub struct Broadcast {
    /// Transaction hash.
    pub transaction: B256,
    /// Unix microseconds.
    pub at_us: u64,
}

/// A settlement that was mined.
#[derive(Debug, Clone, Copy)]
pub struct Mined {
    /// Transaction hash.
    pub transaction: B256,
    /// Receipt status.
    pub success: bool,
    /// Unix microseconds.
    pub at_us: u64,
}

/// One call to our facilitator, joined with its answer.
#[derive(Debug)]
pub struct FacilitatorCall<'h> {
    /// Number of the call.
    pub call: u64,
    /// Which endpoint.
    pub endpoint: Endpoint,
    /// Whose authorization, when the body names one.
    pub authorization: Option<AuthorizationKey>,
    /// Unix microseconds at which it arrived.
    pub received_at_us: u64,
    /// The answer, if one was given.
    pub answer: Option<CallAnswer<'h>>,
    /// Unix microseconds at which its connection was cut, if it was.
    pub cut_at_us: Option<u64>,
    /// The transaction it broadcast last.
    pub broadcast: Option<Broadcast>,
    /// The transaction that was mined.
    pub mined: Option<Mined>,
    /// True when the bench made it itself, without a server.
    pub direct: bool,
    body: &'h str,
    bodies: Rc<Bodies<'h>>,
    request: OnceCell<Option<Value>>,
    response: OnceCell<Option<Value>>,
}

impl<'h> FacilitatorCall<'h> {
    pub(super) const fn new(
        call: u64,
        endpoint: Endpoint,
        authorization: Option<AuthorizationKey>,
        received_at_us: u64,
        body: &'h str,
        bodies: Rc<Bodies<'h>>,
    ) -> Self {
        Self {
            call,
            endpoint,
            authorization,
            received_at_us,
            answer: None,
            cut_at_us: None,
            broadcast: None,
            mined: None,
            direct: false,
            body,
            bodies,
            request: OnceCell::new(),
            response: OnceCell::new(),
        }
    }

    pub(super) const fn body_hash(&self) -> &'h str {
        self.body
    }

    /// The request body as text.
    pub fn request_text(&self) -> Option<&'h str> {
        self.bodies.get(self.body).map(|body| body.text)
    }

    /// The request body as JSON.
    pub fn request(&self) -> Option<&Value> {
        self.request
            .get_or_init(|| serde_json::from_str(self.request_text()?).ok())
            .as_ref()
    }

    /// The answer's body as text.
    pub fn response_text_whole(&self) -> Option<&'h str> {
        self.bodies.get(self.answer?.body).map(|body| body.text)
    }

    /// The answer's body as JSON.
    pub fn response(&self) -> Option<&Value> {
        self.response
            .get_or_init(|| {
                let body = self.bodies.get(self.answer?.body)?;
                serde_json::from_str(body.text).ok()
            })
            .as_ref()
    }

    /// `isValid` of a verify answer.
    pub fn is_valid(&self) -> Option<bool> {
        self.flag(Endpoint::Verify, "isValid")
    }

    /// `success` of a settle answer.
    pub fn success(&self) -> Option<bool> {
        self.flag(Endpoint::Settle, "success")
    }

    fn flag(&self, endpoint: Endpoint, name: &str) -> Option<bool> {
        if self.endpoint != endpoint {
            return None;
        }
        self.response()?.get(name)?.as_bool()
    }

    /// A string member of the answer.
    pub fn response_text(&self, name: &str) -> Option<&str> {
        self.response()?.get(name)?.as_str()
    }

    /// `invalidReason` or `errorReason` of the answer.
    pub fn reason(&self) -> Option<&str> {
        self.response_text("invalidReason")
            .or_else(|| self.response_text("errorReason"))
    }

    /// True while neither an answer nor a cut ended it.
    pub const fn is_open(&self) -> bool {
        self.answer.is_none() && self.cut_at_us.is_none()
    }

    /// Unix microseconds at which it ended, if it did.
    pub fn ended_at_us(&self) -> Option<u64> {
        self.answer.map(|answer| answer.at_us).or(self.cut_at_us)
    }

    /// True when it was answered 2xx with `isValid: true` or `success: true`.
    pub fn says_yes(&self) -> bool {
        let is_2xx = self
            .answer
            .is_some_and(|answer| (200..300).contains(&answer.status));
        is_2xx && (self.is_valid() == Some(true) || self.success() == Some(true))
    }

    /// True when an injected fault lied in this call.
    pub fn lied(&self) -> bool {
        self.answer.is_some_and(|answer| answer.lied)
    }

    /// `/verify` and the like.
    pub const fn path(&self) -> &'static str {
        match self.endpoint {
            Endpoint::Verify => "/verify",
            Endpoint::Settle => "/settle",
            Endpoint::Supported => "/supported",
            Endpoint::Other => "another path",
        }
    }

    /// The call as evidence.
    pub fn evidence(&self) -> Evidence {
        let verdict = match (self.is_valid().or_else(|| self.success()), self.reason()) {
            (Some(true), _) => "yes".to_owned(),
            (Some(false), Some(reason)) => format!("no ({reason})"),
            (Some(false), None) => "no".to_owned(),
            (None, _) => "no verdict".to_owned(),
        };
        Evidence {
            kind: "facilitator_call".to_owned(),
            id: self.call.to_string(),
            text: format!("{} → {verdict}", self.path()),
        }
    }
}
