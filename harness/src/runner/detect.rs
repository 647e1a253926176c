//! What the target is, before anything is paid: does it answer, and which versions does it speak?

use std::time::{Duration, Instant};

use x402_assay_protocol::Version;

use super::session::{SendError, Session};
use crate::client;
use crate::config::profile::Route;
use crate::http::Exchange;

/// Pause between two looks at a target that is not ready.
const PAUSE: Duration = Duration::from_millis(300);

/// The first challenge of a route, asked for again while the target answers with a server error.
///
/// Servers that load `/supported` at start-up answer 500 until they have it.
pub(crate) async fn preflight(session: &Session<'_>, route: &Route) -> Result<Exchange, SendError> {
    let until = Instant::now() + session.patience;
    loop {
        let exchange = session.send("preflight", route, None).await?;
        let server_error = exchange.status().is_some_and(|status| status >= 500);
        if !server_error || Instant::now() >= until {
            return Ok(exchange);
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = session.cancel.cancelled() => return Err(SendError::Cancelled),
        }
    }
}

/// Whether the v2 challenge declares this extension, with its `info`.
pub(crate) fn declares(exchange: &Exchange, extension: &str) -> bool {
    let read = exchange
        .response()
        .map(|response| client::read(Version::V2, response));
    let Some(Ok(read)) = read else { return false };
    let declared = read.challenge.raw.get("extensions");
    declared
        .and_then(|extensions| extensions.get(extension)?.get("info"))
        .is_some_and(serde_json::Value::is_object)
}

/// Whether the v2 challenge offers `upto` in a way that the bench can pay.
pub(crate) fn offers_upto(exchange: &Exchange, chain_id: Option<u64>) -> bool {
    let read = exchange
        .response()
        .and_then(|response| client::read(Version::V2, response).ok());
    read.is_some_and(|read| client::choose_upto(&read.challenge, chain_id).is_ok())
}

/// The versions to test: the ones that were asked for, else those the challenge shows.
pub(crate) fn versions(exchange: &Exchange, wanted: Option<&[Version]>) -> Vec<Version> {
    match (wanted, exchange.response()) {
        (Some(wanted), _) => wanted.to_vec(),
        (None, Some(response)) => client::detect(response),
        (None, None) => Vec::new(),
    }
}
/// True when every offer of this generation declares that money moves before anything else.
pub(super) fn is_upfront(first: &Exchange, version: Version) -> bool {
    let read = first
        .response()
        .and_then(|response| client::read(version, response).ok());
    read.is_some_and(|read| {
        let offers = &read.challenge.accepts;
        !offers.is_empty() && offers.iter().all(|offer| offer.payment_flow() == "upfront")
    })
}
