//! Direct calls of the facilitator, as a history keeps them: exchanges on a route that no profile can name.

use serde_json::Value;
use x402_mock_facilitator::event::Endpoint;

use super::exchange::Exchange;

/// Route of a direct call in its `sent` event; a profile's routes begin with `/`.
pub const ROUTE: &str = "(facilitator)";

/// The body of a direct call, from JSON texts. No client writes its members in this order, so that the call can be
/// told from a server's in the facilitator's log.
pub fn body(version: u64, payment: &str, requirements: &str) -> String {
    format!(
        r#"{{"paymentRequirements":{requirements},"paymentPayload":{payment},"x402Version":{version}}}"#
    )
}

/// The reasons that were given, each once, in brackets; empty where none was.
pub fn said(calls: &[DirectCall<'_, '_>]) -> String {
    let mut reasons: Vec<String> = Vec::new();
    for reason in calls.iter().filter_map(DirectCall::reason).map(short) {
        if !reasons.contains(&reason) && reasons.len() < 3 {
            reasons.push(reason);
        }
    }
    match reasons.is_empty() {
        true => String::new(),
        false => format!(" ({})", reasons.join(", ")),
    }
}

/// In one line, long enough for every reason of the specification.
pub fn short(text: &str) -> String {
    let line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    line.take(80).collect()
}

/// A direct call with its answer.
#[derive(Debug, Clone, Copy)]
pub struct DirectCall<'f, 'h> {
    /// The exchange it is.
    pub exchange: &'f Exchange<'h>,
}

impl<'f, 'h> DirectCall<'f, 'h> {
    /// The call an exchange is, if it is one.
    pub fn of(exchange: &'f Exchange<'h>) -> Option<Self> {
        exchange.is_direct().then_some(Self { exchange })
    }

    /// Which endpoint was called.
    pub fn endpoint(&self) -> Endpoint {
        match self.exchange.sent.path.rsplit('/').next() {
            Some("verify") => Endpoint::Verify,
            Some("settle") => Endpoint::Settle,
            Some("supported") => Endpoint::Supported,
            _ => Endpoint::Other,
        }
    }

    /// True when a 2xx answer says `isValid: true`, or `success: true`.
    pub fn says_yes(&self) -> bool {
        self.exchange.is_success() && self.verdict() == Some(true)
    }

    /// True when a whole answer says no, as a 4xx does with any body and a 5xx never: that is trouble, not a verdict.
    pub fn says_no(&self) -> bool {
        match self.exchange.status() {
            None | Some(500..) => false,
            Some(400..500) => self.verdict() != Some(true),
            Some(_) => self.verdict() == Some(false),
        }
    }

    /// `isValid` of verify, `success` of settle, whatever the status.
    pub fn verdict(&self) -> Option<bool> {
        let name = match self.endpoint() {
            Endpoint::Verify => "isValid",
            Endpoint::Settle => "success",
            Endpoint::Supported | Endpoint::Other => return None,
        };
        self.exchange.body_json()?.get(name)?.as_bool()
    }

    /// True when the settlement is said to be under way; the same request can be sent again.
    pub fn is_pending(&self) -> bool {
        self.reason() == Some("settlement_pending")
    }

    /// `invalidReason`, `errorReason` or `error` of the answer.
    pub fn reason(&self) -> Option<&str> {
        let names = ["invalidReason", "errorReason", "error"];
        names.iter().find_map(|name| self.text(name))
    }

    /// The transaction that the answer names.
    pub fn transaction(&self) -> Option<&str> {
        self.text("transaction").filter(|hash| !hash.is_empty())
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.exchange.body_json()?.get(name).and_then(Value::as_str)
    }
}
