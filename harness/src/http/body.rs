//! What is kept of a body while it is read.

use bytes::BytesMut;

use super::exchange::Response;
use super::headers::Headers;
use super::options::ProbeClientOptions;

/// The beginning of a body, and how long it was.
#[derive(Debug)]
pub(super) struct Body {
    kept: BytesMut,
    keep: usize,
    read: u64,
    limit: u64,
}

impl Body {
    pub(super) fn new(options: &ProbeClientOptions) -> Self {
        Self {
            kept: BytesMut::new(),
            keep: options.keep_body,
            read: 0,
            limit: options.read_body,
        }
    }

    /// Takes a chunk in; false when the bench should stop reading.
    pub(super) fn take(&mut self, chunk: &[u8]) -> bool {
        let room = self.keep - self.kept.len();
        self.kept.extend_from_slice(&chunk[..chunk.len().min(room)]);
        self.read += chunk.len() as u64;
        self.read <= self.limit
    }

    /// The answer with what was read of its body.
    pub(super) fn into_response(self, status: u16, headers: Headers) -> Response {
        let whole = self.kept.len() as u64 == self.read;
        Response {
            status,
            headers,
            body: self.kept.freeze(),
            truncated_from: (!whole).then_some(self.read),
            cut_off: self.read > self.limit,
        }
    }
}
