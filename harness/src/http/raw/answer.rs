//! Reading an answer off the socket, within bounds.

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::Notify;

use crate::history::event::Trouble;
use crate::http::body::Body;
use crate::http::exchange::{Failure, Response};
use crate::http::failure::{Stage, closed, from_io};
use crate::http::headers::Headers;
use crate::http::options::ProbeClientOptions;
use crate::link::message::{BodyState, Framing, ResponseHead, head_end};

/// Largest head, interim ones counted in.
const HEAD_MAX: usize = 400 * 1024;
/// Room made in the buffer before each read.
const READ_STEP: usize = 16 * 1024;

/// How far reading has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// The head is not complete.
    Head,
    /// The body is not complete.
    Body,
}

/// An answer on its way.
pub(super) struct Answer<'a> {
    place: &'a str,
    method: &'a str,
    buffer: BytesMut,
    head: Option<ResponseHead>,
    body: Body,
}

impl<'a> Answer<'a> {
    /// The answer to a request with this method; `place` is how messages call its sender.
    pub(super) fn new(place: &'a str, method: &'a str, options: &ProbeClientOptions) -> Self {
        Self {
            place,
            method,
            buffer: BytesMut::new(),
            head: None,
            body: Body::new(options),
        }
    }

    pub(super) const fn progress(&self) -> Progress {
        match self.head {
            Some(_) => Progress::Body,
            None => Progress::Head,
        }
    }

    /// True when another request may follow on the connection.
    pub(super) fn leaves_open(&self) -> bool {
        let head = self.head.as_ref();
        head.is_some_and(|head| head.framing(self.method) != Framing::UntilClose && !head.closes())
    }

    /// Reads up to the end of the headers; interim answers are skipped, and told to `interim`.
    pub(super) async fn read_head(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
        interim: &Notify,
    ) -> Result<(), Failure> {
        let (mut seen, mut before) = (0, 0);
        loop {
            if let Some(end) = head_end(&self.buffer, seen) {
                let raw = self.buffer.split_to(end).freeze();
                before += end;
                let head = ResponseHead::parse(raw).ok_or_else(|| self.malformed("its head"))?;
                if head.interim() {
                    interim.notify_one();
                    seen = 0;
                    continue;
                }
                self.head = Some(head);
                return Ok(());
            }
            // What begins otherwise will never be a head, however long it is waited for.
            let begin = self.buffer.len().min(5);
            if self.buffer[..begin] != b"HTTP/"[..begin] {
                return Err(self.malformed("its first line"));
            }
            seen = self.buffer.len();
            if before + seen > HEAD_MAX {
                return Err(self.too_large());
            }
            if self.fill(from, Stage::Head).await? == 0 {
                return Err(self.cut(Stage::Head));
            }
        }
    }

    /// Reads the body, as far as the bench wants it.
    pub(super) async fn read_body(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
    ) -> Result<(), Failure> {
        let framing = self
            .head
            .as_ref()
            .map_or(Framing::Empty, |head| head.framing(self.method));
        let mut state = BodyState::from(framing);
        while !state.done() {
            if let Some(piece) = state.take(&mut self.buffer, u64::MAX) {
                if framing == Framing::Chunked && state == BodyState::UntilClose {
                    return Err(self.malformed("a chunk"));
                }
                if piece.content && !self.body.take(&piece.raw) {
                    return Ok(());
                }
            } else if self.fill(from, Stage::Body).await? == 0 {
                return match state {
                    BodyState::UntilClose => Ok(()),
                    _ => Err(self.cut(Stage::Body)),
                };
            }
        }
        Ok(())
    }

    /// The answer, or the failure with what had come.
    pub(super) fn finish(self, failure: Option<Failure>) -> Result<Response, Failure> {
        let response = self.head.map(|head| {
            let headers: Headers = head.fields.into_inner().into_iter().collect();
            self.body.into_response(head.status, headers)
        });
        match (failure, response) {
            (None, Some(response)) => Ok(response),
            (None, None) => Err(Failure {
                trouble: Trouble::Closed,
                message: closed(self.place, Stage::Head, "no answer"),
                partial: None,
            }),
            (Some(failure), response) => Err(Failure {
                partial: response.map(Box::new),
                ..failure
            }),
        }
    }

    /// Reads some more; 0 at the end of the connection.
    async fn fill(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
        stage: Stage,
    ) -> Result<usize, Failure> {
        self.buffer.reserve(READ_STEP);
        match from.read_buf(&mut self.buffer).await {
            Ok(read) => Ok(read),
            // TLS without its closing message: the framing tells whether anything is missing.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
            Err(error) => Err(from_io(&error, self.place, stage)),
        }
    }

    fn cut(&self, stage: Stage) -> Failure {
        Failure {
            trouble: Trouble::Closed,
            message: closed(self.place, stage, "end of the connection"),
            partial: None,
        }
    }

    fn malformed(&self, what: &str) -> Failure {
        Failure {
            trouble: Trouble::Malformed,
            message: format!(
                "{} does not speak HTTP/1.1: {what} cannot be read",
                self.place
            ),
            partial: None,
        }
    }

    fn too_large(&self) -> Failure {
        Failure {
            trouble: Trouble::TooLarge,
            message: format!(
                "the headers of {} are larger than the bench takes ({} KiB)",
                self.place,
                HEAD_MAX / 1024
            ),
            partial: None,
        }
    }
}
