//! Carrying out the strikes of one event.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::rule::{Answer, LinkFault};
use super::rules::Strike;

/// Longest that anything is held back.
const HELD_MAX: Duration = Duration::from_secs(300);

/// What becomes of the exchange after the waits are over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// It goes on.
    Pass,
    /// Both connections are reset.
    Reset,
    /// Both connections are closed.
    Close,
    /// The request is sent twice.
    Duplicate,
    /// So many bytes pass.
    Truncate(u64),
    /// The link answers.
    Answer(Answer),
}

/// Waits as the strikes say; the last one that does more decides.
pub(super) async fn carry_out(strikes: Vec<Strike>) -> Effect {
    let mut effect = Effect::Pass;
    for strike in strikes {
        match strike.fault {
            LinkFault::Delay { ms } => wait(ms, &strike.over).await,
            LinkFault::Pause => held(&strike.over).await,
            LinkFault::Hang => {
                held(&strike.over).await;
                effect = Effect::Reset;
            }
            LinkFault::Reset => effect = Effect::Reset,
            LinkFault::Close => effect = Effect::Close,
            LinkFault::Duplicate => effect = Effect::Duplicate,
            LinkFault::Truncate { bytes } => effect = Effect::Truncate(bytes),
            LinkFault::Answer(answer) => effect = Effect::Answer(answer),
            LinkFault::Cache => {}
        }
    }
    effect
}

/// A delay, which ends early when its rule is disarmed.
pub(super) async fn wait(ms: u64, over: &CancellationToken) {
    let limit = Duration::from_millis(ms).min(HELD_MAX);
    let _ = tokio::time::timeout(limit, over.cancelled()).await;
}

/// Until the rule is disarmed.
pub(super) async fn held(over: &CancellationToken) {
    let _ = tokio::time::timeout(HELD_MAX, over.cancelled()).await;
}

impl Answer {
    /// The bytes of it; `close` says that the connection ends after it.
    pub(super) fn to_bytes(&self, close: bool) -> Vec<u8> {
        use std::fmt::Write as _;
        let reason = http::StatusCode::from_u16(self.status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or("Answered by the link");
        let mut text = format!("HTTP/1.1 {} {reason}\r\n", self.status);
        for (name, value) in &self.headers {
            let clean = |text: &str| text.replace(['\r', '\n'], " ");
            // Writing to a string cannot fail.
            let _ = write!(text, "{}: {}\r\n", clean(name), clean(value));
        }
        let length = self.body.len();
        let _ = write!(text, "Content-Length: {length}\r\n");
        text.push_str(if close {
            "Connection: close\r\n\r\n"
        } else {
            "\r\n"
        });
        text.push_str(&self.body);
        text.into_bytes()
    }
}
