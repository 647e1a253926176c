//! One request to the target with its answer.

use std::cell::OnceCell;
use std::rc::Rc;

use serde_json::Value;
use x402_assay_protocol::header::{self, Decoded, HeaderError};
use x402_assay_protocol::{Challenge, Settlement, Version};
use x402_assay_reports::model::Evidence;

use super::bodies::{Bodies, Body};
use super::event::{Answered, Sent, Trouble};

/// How an exchange ended.
#[derive(Debug, Clone, Copy)]
pub enum Outcome<'h> {
    /// With an answer.
    Answered(&'h Answered),
    /// Without one.
    Unanswered(Trouble, &'h str),
    /// The history ends before it does.
    Open,
}

/// One request to the target, joined with its answer.
#[derive(Debug)]
pub struct Exchange<'h> {
    /// The request.
    pub sent: &'h Sent,
    /// Unix microseconds at which it was sent.
    pub sent_at_us: u64,
    /// How it ended.
    pub outcome: Outcome<'h>,
    /// Unix microseconds at which it ended; the time of sending while it is open.
    pub ended_at_us: u64,
    /// Position in the history of the event that ended it.
    pub ended_seq: u64,
    bodies: Rc<Bodies<'h>>,
    required: OnceCell<Option<Result<Decoded, HeaderError>>>,
    body_json: OnceCell<Option<Value>>,
    challenges: [OnceCell<Option<Challenge>>; 2],
    settlements: [OnceCell<Option<Result<Settlement, HeaderError>>>; 2],
    payment: OnceCell<Option<Value>>,
}

impl<'h> Exchange<'h> {
    pub(super) fn new(sent: &'h Sent, at_us: u64, seq: u64, bodies: Rc<Bodies<'h>>) -> Self {
        Self {
            sent,
            sent_at_us: at_us,
            outcome: Outcome::Open,
            ended_at_us: at_us,
            ended_seq: seq,
            bodies,
            required: OnceCell::new(),
            body_json: OnceCell::new(),
            challenges: Default::default(),
            settlements: Default::default(),
            payment: OnceCell::new(),
        }
    }

    /// Number of the exchange.
    pub const fn number(&self) -> u32 {
        self.sent.exchange
    }

    /// Generation the probe belongs to, if it names one.
    pub fn version(&self) -> Option<Version> {
        match self.sent.probe.split('/').next() {
            Some("v1") => Some(Version::V1),
            Some("v2") => Some(Version::V2),
            _ => None,
        }
    }

    /// Name of the probe without its generation, for example `wrong/asset`.
    pub fn probe(&self) -> &'h str {
        let name = self.sent.probe.as_str();
        match name.split_once('/') {
            Some(("v1" | "v2", rest)) => rest,
            _ => name,
        }
    }

    /// True when a payment header was sent.
    pub fn is_paid(&self) -> bool {
        !self.is_direct() && (self.sent.payment.is_some() || self.sent.authorization.is_some())
    }

    /// True for a direct call of the facilitator: nothing in it is the server's.
    pub fn is_direct(&self) -> bool {
        self.sent.route == super::direct::ROUTE
    }

    /// The answer, if one came.
    pub const fn answer(&self) -> Option<&'h Answered> {
        match self.outcome {
            Outcome::Answered(answered) => Some(answered),
            _ => None,
        }
    }

    /// HTTP status, if an answer came.
    pub fn status(&self) -> Option<u16> {
        self.answer().map(|answer| answer.status)
    }

    /// True for an answer with a 2xx status.
    pub fn is_success(&self) -> bool {
        self.status()
            .is_some_and(|status| (200..300).contains(&status))
    }

    /// Why no answer came.
    pub const fn trouble(&self) -> Option<Trouble> {
        match self.outcome {
            Outcome::Unanswered(trouble, _) => Some(trouble),
            _ => None,
        }
    }

    /// Every value of a response header, whole, in order.
    pub fn header_values(&self, name: &str) -> Vec<&'h str> {
        let Some(answer) = self.answer() else {
            return Vec::new();
        };
        answer
            .headers
            .iter()
            .filter(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| self.bodies.resolve(value))
            .collect()
    }

    /// The first value of a response header, whole.
    pub fn header(&self, name: &str) -> Option<&'h str> {
        self.header_values(name).first().copied()
    }

    /// The response body.
    pub fn body(&self) -> Option<Body<'h>> {
        self.answer()
            .and_then(|answer| self.bodies.get(&answer.body))
    }

    /// The text of the response body.
    pub fn body_text(&self) -> Option<&'h str> {
        self.body().map(|body| body.text)
    }

    /// The response body as JSON, if it is JSON.
    pub fn body_json(&self) -> Option<&Value> {
        self.body_json
            .get_or_init(|| serde_json::from_str(self.body_text()?).ok())
            .as_ref()
    }

    /// The decoded `PAYMENT-REQUIRED` header; `None` when there is none.
    pub fn payment_required(&self) -> Option<&Result<Decoded, HeaderError>> {
        self.required
            .get_or_init(|| {
                self.header(header::PAYMENT_REQUIRED)
                    .map(|value| header::decode(value.as_bytes()))
            })
            .as_ref()
    }

    /// The challenge of a generation: from the header (v2) or the body (v1).
    pub fn challenge(&self, version: Version) -> Option<&Challenge> {
        self.challenges[slot(version)]
            .get_or_init(|| {
                let raw = match version {
                    Version::V2 => self.payment_required()?.as_ref().ok()?.value.clone(),
                    Version::V1 => {
                        let body = self.body_json()?;
                        body.get("x402Version")?;
                        body.clone()
                    }
                };
                Some(Challenge::read(version, raw))
            })
            .as_ref()
    }

    /// The settlement header of a generation; `None` when there is none.
    pub fn settlement(&self, version: Version) -> Option<&Result<Settlement, HeaderError>> {
        self.settlements[slot(version)]
            .get_or_init(|| {
                let value = self.header(version.settlement_header())?;
                let read = header::decode(value.as_bytes());
                Some(read.map(|decoded| Settlement::read(version, decoded.value)))
            })
            .as_ref()
    }

    /// The request body as text, if one was sent.
    pub fn request_text(&self) -> Option<&'h str> {
        let body = self.bodies.get(self.sent.body.as_deref()?)?;
        Some(body.text)
    }

    /// The whole value of a header of this exchange, which a header list may hold by reference.
    pub fn whole<'v>(&self, value: &'v str) -> &'v str
    where
        'h: 'v,
    {
        self.bodies.resolve(value)
    }

    /// The payment header's value that was sent, when it was kept.
    pub fn payment_text(&self) -> Option<&'h str> {
        let body = self.bodies.get(self.sent.payment.as_deref()?)?;
        Some(body.text)
    }

    /// The payment object that was sent, when its header can be decoded.
    pub fn payment(&self) -> Option<&Value> {
        self.payment
            .get_or_init(|| {
                header::decode(self.payment_text()?.as_bytes())
                    .ok()
                    .map(|decoded| decoded.value)
            })
            .as_ref()
    }

    /// True when a moment lies between sending and the end.
    pub const fn spans(&self, at_us: u64) -> bool {
        self.sent_at_us <= at_us && at_us <= self.ended_at_us
    }

    /// The exchange as evidence.
    pub fn evidence(&self) -> Evidence {
        Evidence {
            kind: "exchange".to_owned(),
            id: self.number().to_string(),
            text: format!("{} → {}", self.sent.probe, self.ending()),
        }
    }

    /// How it ended, in a few words.
    pub fn ending(&self) -> String {
        match self.outcome {
            Outcome::Answered(answer) => format!("HTTP {}", answer.status),
            Outcome::Unanswered(trouble, _) => format!("no answer ({})", trouble_words(trouble)),
            Outcome::Open => "no answer recorded".to_owned(),
        }
    }
}

const fn slot(version: Version) -> usize {
    match version {
        Version::V1 => 0,
        Version::V2 => 1,
    }
}

const fn trouble_words(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Refused => "connection refused",
        Trouble::Unresolved => "host name not found",
        Trouble::TimedOut => "timed out",
        Trouble::Tls => "TLS failed",
        Trouble::Closed => "connection closed",
        Trouble::TooLarge => "answer too large",
        Trouble::Malformed => "not HTTP",
        Trouble::Cancelled => "run stopped",
    }
}
