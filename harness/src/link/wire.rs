//! One TCP connection with what was read ahead of it.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};

use super::body::{BodyState, Piece};

/// Longest head; servers are probed with heads of megabytes.
const HEAD_MAX: usize = 16 * 1024 * 1024;
/// Longest wait for the next byte of a message that has begun, or of an answer.
const IDLE_LIMIT: Duration = Duration::from_secs(300);
/// Longest wait for a caller to stop sending what nobody reads.
const LINGER_LIMIT: Duration = Duration::from_secs(2);
/// Room made in the buffer before each read.
const READ_STEP: usize = 16 * 1024;

/// A connection.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    buffer: BytesMut,
}

/// Its reading half.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    half: ReadHalf<'a>,
    buffer: &'a mut BytesMut,
}

/// Its writing half.
pub(super) type Writer<'a> = WriteHalf<'a>;

/// Both halves.
#[derive(Debug)]
pub(super) struct Side<'a> {
    pub(super) from: Reader<'a>,
    pub(super) to: Writer<'a>,
}

/// What was found where a head should be.
#[derive(Debug)]
pub(super) enum HeadRead {
    /// A head with its blank line.
    Head(Bytes),
    /// The connection ended.
    Ended,
    /// Too much without a blank line; still in the buffer.
    Endless,
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Self {
        // Only latency suffers where this is refused.
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            buffer: BytesMut::new(),
        }
    }

    pub(super) fn split(&mut self) -> Side<'_> {
        let (half, to) = self.stream.split();
        let buffer = &mut self.buffer;
        let from = Reader { half, buffer };
        Side { from, to }
    }

    /// Ends it with a reset: what the peer has not read yet is lost.
    pub(super) fn reset(self) {
        // Without it the peer sees an orderly end, and nothing else can be done.
        let _ = self.stream.set_zero_linger();
    }

    /// Ends it in good order, after everything written.
    pub(super) async fn close(mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Passes bytes both ways until both sides are done.
    pub(super) async fn tunnel(mut self, mut other: Self) {
        let ahead = async {
            other.stream.write_all(&self.buffer).await?;
            self.stream.write_all(&other.buffer).await
        };
        if ahead.await.is_ok() {
            let copied = tokio::io::copy_bidirectional(&mut self.stream, &mut other.stream);
            // However it ended, both connections end with it.
            let _ = tokio::time::timeout(IDLE_LIMIT, copied).await;
        }
    }
}

impl Reader<'_> {
    /// Reads some more; 0 at the end of the connection.
    async fn fill(&mut self) -> io::Result<usize> {
        self.buffer.reserve(READ_STEP);
        let read = self.half.read_buf(self.buffer);
        tokio::time::timeout(IDLE_LIMIT, read)
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    /// The next head. What was read stays when this is cancelled.
    pub(super) async fn head(&mut self) -> io::Result<HeadRead> {
        let mut seen = 0;
        loop {
            // Empty lines in front of a request are ignored (RFC 9112 section 2.2).
            if seen == 0 && self.buffer.starts_with(b"\r\n") {
                let _ = self.buffer.split_to(2);
            }
            if let Some(end) = head_end(self.buffer, seen) {
                return Ok(HeadRead::Head(self.buffer.split_to(end).freeze()));
            }
            seen = self.buffer.len();
            if seen > HEAD_MAX {
                return Ok(HeadRead::Endless);
            }
            if self.fill().await? == 0 {
                return Ok(if self.buffer.is_empty() {
                    HeadRead::Ended
                } else {
                    HeadRead::Endless
                });
            }
        }
    }

    /// Waits until something can be read or the connection has ended; reads nothing.
    pub(super) async fn readable(&mut self) {
        if self.buffer.is_empty() {
            // An error shows again when it is read.
            let _ = self.half.peek(&mut [0]).await;
        }
    }

    /// Ends when the peer does; never while it has sent something that was not read yet.
    pub(super) async fn gone(&mut self) {
        if matches!(self.half.peek(&mut [0]).await, Ok(1..)) {
            std::future::pending::<()>().await;
        }
    }

    /// Reads what still comes, for a moment: closing on unread bytes would reset the connection.
    pub(super) async fn linger(&mut self) {
        let drained = async {
            while matches!(self.fill().await, Ok(1..)) {
                self.buffer.clear();
            }
        };
        let _ = tokio::time::timeout(LINGER_LIMIT, drained).await;
    }

    /// Passes a body on as it comes, up to `limit` bytes of content; false when it was cut, by the limit or its sender.
    pub(super) async fn pump(
        &mut self,
        to: &mut Writer<'_>,
        state: &mut BodyState,
        mut passed: u64,
        limit: &AtomicU64,
    ) -> io::Result<bool> {
        while !state.done() {
            let left = limit.load(Ordering::Relaxed).saturating_sub(passed);
            if left == 0 && is_content(state) {
                return Ok(false);
            }
            if let Some(piece) = state.take(self.buffer, left) {
                to.write_all(&piece.raw).await?;
                passed += piece.content_len();
            } else if self.fill().await? == 0 {
                return Ok(*state == BodyState::UntilClose);
            }
        }
        Ok(true)
    }

    /// Keeps a body, up to `max` bytes on the wire; false when its sender ended before it.
    pub(super) async fn collect(
        &mut self,
        state: &mut BodyState,
        into: &mut Collected,
        max: usize,
    ) -> io::Result<bool> {
        while !state.done() && into.wire_len < max {
            if let Some(piece) = state.take(self.buffer, u64::MAX) {
                into.push(piece);
            } else if self.fill().await? == 0 {
                let whole = *state == BodyState::UntilClose;
                into.ended = whole;
                return Ok(whole);
            }
        }
        into.ended = state.done();
        Ok(true)
    }

    /// What was read and does not make a message.
    pub(super) fn rest(&mut self) -> Bytes {
        self.buffer.split().freeze()
    }
}

/// Part of a body, or all of it, as it stood on the wire.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pieces: Vec<Piece>,
    wire_len: usize,
    /// True when it is the whole body.
    pub(super) ended: bool,
}

impl Collected {
    fn push(&mut self, piece: Piece) {
        self.wire_len += piece.raw.len();
        self.pieces.push(piece);
    }

    /// The bytes on the wire.
    pub(super) fn wire(&self) -> Vec<u8> {
        self.pieces
            .iter()
            .flat_map(|piece| piece.raw.iter().copied())
            .collect()
    }

    /// The content.
    pub(super) fn content(&self) -> Vec<u8> {
        let content = self.pieces.iter().filter(|piece| piece.content);
        content
            .flat_map(|piece| piece.raw.iter().copied())
            .collect()
    }

    /// Passes it on up to `limit` bytes of content; how many were passed, and whether that was all.
    pub(super) async fn write(&self, to: &mut Writer<'_>, limit: u64) -> io::Result<(u64, bool)> {
        let mut passed = 0;
        for piece in &self.pieces {
            let left = limit - passed;
            if piece.content_len() > left {
                let cut = usize::try_from(left).unwrap_or(usize::MAX);
                to.write_all(&piece.raw[..cut]).await?;
                return Ok((limit, false));
            }
            to.write_all(&piece.raw).await?;
            passed += piece.content_len();
        }
        Ok((passed, true))
    }
}

impl Piece {
    fn content_len(&self) -> u64 {
        if self.content {
            self.raw.len() as u64
        } else {
            0
        }
    }
}

const fn is_content(state: &BodyState) -> bool {
    matches!(
        state,
        BodyState::Left(_) | BodyState::Chunk(_) | BodyState::UntilClose
    )
}

/// Where the head ends, if its blank line is there; `seen` bytes were searched before.
pub(crate) fn head_end(buffer: &[u8], seen: usize) -> Option<usize> {
    let start = seen.saturating_sub(3);
    let news = buffer.get(start..)?;
    let crlf = news
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .map(|at| at + 4);
    let lf = news
        .windows(2)
        .position(|two| two == b"\n\n")
        .map(|at| at + 2);
    let end = match (crlf, lf) {
        (Some(a), Some(b)) => a.min(b),
        (a, b) => a.or(b)?,
    };
    Some(start + end)
}
