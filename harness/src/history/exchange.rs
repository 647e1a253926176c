//! One request to the target with its answer.

use std::cell::OnceCell;
use std::rc::Rc;

use serde_json::Value;
use x402_assay_protocol::header::{self, Decoded, HeaderError};
use x402_assay_protocol::{Challenge, Settlement, Version};
use x402_assay_reports::model::Evidence;

use super::bodies::Body;
use super::event::{Answered, Sent, Trouble};
use super::readings::{Readings, slot};

/// What a text of the exchange holds, once it was looked at; `None` when there is no such text.
type Lazy<T> = OnceCell<Option<Rc<T>>>;

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
    /// What had come of an answer that broke off.
    pub partial: Option<&'h Answered>,
    version: Option<Version>,
    probe: &'h str,
    readings: Rc<Readings<'h>>,
    required: Lazy<Result<Decoded, HeaderError>>,
    body_json: Lazy<Option<Value>>,
    challenges: [Lazy<Option<Challenge>>; 2],
    settlements: [Lazy<Result<Settlement, HeaderError>>; 2],
    payment: Lazy<Result<Decoded, HeaderError>>,
}

impl<'h> Exchange<'h> {
    pub(super) fn new(sent: &'h Sent, at_us: u64, seq: u64, readings: Rc<Readings<'h>>) -> Self {
        let (version, probe) = split_probe(&sent.probe);
        Self {
            sent,
            sent_at_us: at_us,
            outcome: Outcome::Open,
            ended_at_us: at_us,
            ended_seq: seq,
            partial: None,
            version,
            probe,
            readings,
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
    pub const fn version(&self) -> Option<Version> {
        self.version
    }

    /// Name of the probe without its generation, for example `wrong/asset`.
    pub const fn probe(&self) -> &'h str {
        self.probe
    }

    /// True when a payment header was sent.
    pub fn is_paid(&self) -> bool {
        !self.is_direct() && (self.sent.payment.is_some() || self.sent.authorization.is_some())
    }

    /// True for a direct call of the facilitator: nothing in it is the server's.
    pub fn is_direct(&self) -> bool {
        self.sent.route == super::direct::ROUTE
    }

    /// True on a route that the profile calls free, with a payment or without.
    pub fn is_free(&self) -> bool {
        self.probe.starts_with("free/")
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
            .map(|(_, value)| self.readings.bodies.resolve(value))
            .collect()
    }

    /// The first value of a response header, whole.
    pub fn header(&self, name: &str) -> Option<&'h str> {
        self.header_values(name).first().copied()
    }

    /// The response body.
    pub fn body(&self) -> Option<Body<'h>> {
        self.answer()
            .and_then(|answer| self.readings.bodies.get(&answer.body))
    }

    /// The text of an answer that broke off, as far as it came.
    pub fn partial_text(&self) -> Option<&'h str> {
        let body = self.readings.bodies.get(&self.partial?.body)?;
        Some(body.text)
    }

    /// The text of the response body.
    pub fn body_text(&self) -> Option<&'h str> {
        self.body().map(|body| body.text)
    }

    /// The response body as JSON, if it is JSON.
    pub fn body_json(&self) -> Option<&Value> {
        let json = self
            .body_json
            .get_or_init(|| Some(self.readings.json(self.body_text()?)));
        json.as_deref()?.as_ref()
    }

    /// The decoded `PAYMENT-REQUIRED` header; `None` when there is none.
    pub fn payment_required(&self) -> Option<&Result<Decoded, HeaderError>> {
        let required = self
            .required
            .get_or_init(|| Some(self.readings.header(self.header(header::PAYMENT_REQUIRED)?)));
        required.as_deref()
    }

    /// The challenge of a generation: from the header (v2) or the body (v1).
    pub fn challenge(&self, version: Version) -> Option<&Challenge> {
        let challenge = self.challenges[slot(version)].get_or_init(|| {
            let text = match version {
                Version::V1 => self.body_text()?,
                Version::V2 => self.header(header::PAYMENT_REQUIRED)?,
            };
            Some(self.readings.challenge(version, text))
        });
        challenge.as_deref()?.as_ref()
    }

    /// The settlement header of a generation; `None` when there is none.
    pub fn settlement(&self, version: Version) -> Option<&Result<Settlement, HeaderError>> {
        let settlement = self.settlements[slot(version)].get_or_init(|| {
            let text = self.header(version.settlement_header())?;
            Some(self.readings.settlement(version, text))
        });
        settlement.as_deref()
    }

    /// The request body as text, if one was sent.
    pub fn request_text(&self) -> Option<&'h str> {
        let body = self.readings.bodies.get(self.sent.body.as_deref()?)?;
        Some(body.text)
    }

    /// The whole value of a header of this exchange, which a header list may hold by reference.
    pub fn whole<'v>(&self, value: &'v str) -> &'v str
    where
        'h: 'v,
    {
        self.readings.bodies.resolve(value)
    }

    /// The payment header's value that was sent, when it was kept.
    pub fn payment_text(&self) -> Option<&'h str> {
        let body = self.readings.bodies.get(self.sent.payment.as_deref()?)?;
        Some(body.text)
    }

    /// The payment object that was sent, when its header can be decoded.
    pub fn payment(&self) -> Option<&Value> {
        let payment = self
            .payment
            .get_or_init(|| Some(self.readings.header(self.payment_text()?)));
        let decoded = payment.as_deref()?.as_ref().ok()?;
        Some(&decoded.value)
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

/// Generation of a probe's whole name, and the name without it.
fn split_probe(name: &str) -> (Option<Version>, &str) {
    match name.split_once('/') {
        Some(("v1", rest)) => (Some(Version::V1), rest),
        Some(("v2", rest)) => (Some(Version::V2), rest),
        _ => match name {
            "v1" => (Some(Version::V1), name),
            "v2" => (Some(Version::V2), name),
            _ => (None, name),
        },
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
        Trouble::Left => "the client went away on purpose",
    }
}
