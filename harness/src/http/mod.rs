//! The probing HTTP client: bounded, no redirects, bytes kept as they came.

mod body;
mod client;
mod exchange;
mod failure;
mod headers;
mod options;
mod raw;
mod redact;
mod stopwatch;
mod throttle;
pub mod tls;

pub use client::ProbeClient;
pub use exchange::{Exchange, Failure, Request, Response};
pub(crate) use failure::trouble_of;
pub use headers::Headers;
pub use options::{ProbeClientOptions, SetupError};
pub use raw::{KeptConnection, RawClient};
pub use redact::{REDACTED, Redactor};
pub(crate) use stopwatch::now_us;
pub use throttle::{BudgetSpent, MAX_PAUSE, Throttle, ThrottleOptions, retry_after};

#[cfg(test)]
mod client_tests;
#[cfg(test)]
pub(crate) mod tls_tests;
