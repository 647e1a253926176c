//! From a library's error to a kind of trouble and a sentence.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use super::exchange::Failure;
use crate::history::event::Trouble;

/// Where an exchange stood when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Before the last header.
    Head,
    /// While reading the body.
    Body,
}

/// Classifies an error of the HTTP library. `place` is the authority of the URL, for the message.
pub(super) fn classify(error: &reqwest::Error, place: &str, stage: Stage) -> Failure {
    let (trouble, message) = kind(error, place, stage);
    Failure {
        trouble,
        message,
        partial: None,
    }
}

/// The kind of trouble behind an error of the HTTP library.
pub(crate) fn trouble_of(error: &reqwest::Error) -> Trouble {
    kind(error, "", Stage::Head).0
}

/// The failure of an exchange that took too long.
pub(super) fn timed_out(place: &str, timeout: Duration, stage: Stage) -> Failure {
    let limit = format!("{timeout:?}");
    let message = match stage {
        Stage::Head => format!("no answer from {place} within {limit}"),
        Stage::Body => format!("the body from {place} was not complete within {limit}"),
    };
    Failure {
        trouble: Trouble::TimedOut,
        message,
        partial: None,
    }
}

/// The failure of a request that could not even be written down.
pub(super) fn unsendable(why: &str) -> Failure {
    Failure {
        trouble: Trouble::Malformed,
        message: format!("the request cannot be sent: {why}"),
        partial: None,
    }
}

/// Classifies an error of a connection.
pub(super) fn from_io(error: &io::Error, place: &str, stage: Stage) -> Failure {
    let tls = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let (trouble, message) = match tls {
        Some(tls) => (Trouble::Tls, format!("tls with {place} failed: {tls}")),
        None => io_kind(error.kind(), place, stage, &error.to_string()),
    };
    Failure {
        trouble,
        message,
        partial: None,
    }
}

fn io_kind(kind: io::ErrorKind, place: &str, stage: Stage, why: &str) -> (Trouble, String) {
    match kind {
        io::ErrorKind::ConnectionRefused => (
            Trouble::Refused,
            format!("connection refused at {place}: is the server running?"),
        ),
        io::ErrorKind::TimedOut => (
            Trouble::TimedOut,
            format!("connecting to {place} took too long"),
        ),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => (
            Trouble::Refused,
            format!("{place} cannot be reached: {why}"),
        ),
        _ => (Trouble::Closed, closed(place, stage, why)),
    }
}

fn kind(error: &reqwest::Error, place: &str, stage: Stage) -> (Trouble, String) {
    if let Some(tls) = find::<rustls::Error>(error) {
        return (Trouble::Tls, format!("tls with {place} failed: {tls}"));
    }
    if let Some(hyper) = find::<hyper::Error>(error)
        && let Some(known) = http_error(hyper, place, stage)
    {
        return known;
    }
    if chain(error).any(|cause| cause.to_string().starts_with("dns error")) {
        let why = last(error).to_string();
        return (
            Trouble::Unresolved,
            format!("the name in {place} cannot be resolved: {why}"),
        );
    }
    match find::<io::Error>(error).map(io::Error::kind) {
        Some(kind) => io_kind(kind, place, stage, &last(error).to_string()),
        None if error.is_connect() => (
            Trouble::Refused,
            format!("no connection to {place}: {}", last(error)),
        ),
        None if error.is_body() || error.is_decode() => (
            Trouble::Closed,
            closed(place, stage, &last(error).to_string()),
        ),
        None => (
            Trouble::Malformed,
            format!("the answer of {place} cannot be read: {}", last(error)),
        ),
    }
}

fn http_error(error: &hyper::Error, place: &str, stage: Stage) -> Option<(Trouble, String)> {
    if error.is_parse_too_large() {
        let message = format!(
            "the headers of {place} are larger than the bench takes (about 400 KiB or 100 lines)"
        );
        return Some((Trouble::TooLarge, message));
    }
    if error.is_parse() {
        let message = format!("{place} does not speak HTTP/1.1: {error}");
        return Some((Trouble::Malformed, message));
    }
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        return Some((Trouble::Closed, closed(place, stage, &error.to_string())));
    }
    None
}

pub(super) fn closed(place: &str, stage: Stage, why: &str) -> String {
    match stage {
        Stage::Head => format!("{place} closed the connection before it answered: {why}"),
        Stage::Body => format!("{place} closed the connection in the middle of the body: {why}"),
    }
}

fn chain<'a>(error: &'a reqwest::Error) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(error.source(), |cause| next(*cause))
}

/// The next cause; an `io::Error` hides the one it wraps behind `get_ref`.
fn next<'a>(cause: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    cause
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
        .map(|inner| inner as &(dyn StdError + 'static))
        .or_else(|| cause.source())
}

fn find<T: StdError + 'static>(error: &reqwest::Error) -> Option<&T> {
    chain(error).find_map(|cause| cause.downcast_ref::<T>())
}

fn last(error: &reqwest::Error) -> &dyn StdError {
    chain(error).last().map_or(error, |cause| cause)
}
