//! One HTTP/1.1 connection, and exchanges over it with every instant kept.
//!
//! The task that waits for an answer drives the connection itself: one write, one read and one waking for each
//! exchange (docs/decisions/0034-the-load-speaks-http-itself.md).

mod fields;
mod message;
mod peer;
mod reply;

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_read_buf;
use x402_assay_reports::model::load::class;

pub(super) use self::fields::Fields;
pub(super) use self::message::{Message, Template};
pub(super) use self::peer::{Peer, tls};
pub(super) use self::reply::{BODY_KEPT, BODY_MAX};

use self::peer::Stream;
use self::reply::{Read, Reply};

/// Room made in the buffer before each read; most answers take one.
const READ_STEP: usize = 8 * 1024;

/// Why an exchange has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Broken {
    /// Nobody listens there.
    Refused,
    /// No connection could be made for another reason, such as no free port or descriptor.
    Connect,
    /// TLS could not be agreed on.
    Tls,
    /// The connection was reset or closed before the answer was whole.
    Reset,
    /// No answer in time.
    TimedOut,
    /// What came is no HTTP/1.1 answer.
    Garbage,
    /// The answer is larger than the bench reads.
    TooLarge,
}

impl Broken {
    /// Its class as an outcome.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Refused => class::REFUSED,
            Self::Connect => class::NO_SOCKET,
            Self::Tls | Self::Garbage => class::GARBAGE,
            Self::Reset => class::RESET,
            Self::TimedOut => class::TIMEOUT,
            Self::TooLarge => class::TOO_LARGE,
        }
    }
}

/// An answer, with its instants.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Fields,
    /// Its first 64 KiB.
    pub(super) body: Bytes,
    /// The head was there.
    pub(super) head_at: Instant,
    /// The last byte was there.
    pub(super) done_at: Instant,
}

impl Answer {
    /// True when the body may be longer than what was kept of it.
    pub(super) fn is_cut(&self) -> bool {
        self.body.len() >= BODY_KEPT
    }
}

/// Why a request was not answered, and whether it may have reached the target.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) why: Broken,
    /// It certainly did not leave.
    pub(super) unsent: bool,
}

/// A connection that is open, as far as we know.
#[derive(Debug)]
pub(super) struct Connection {
    stream: Stream,
    buffer: BytesMut,
    /// No exchange is under way, and the last one left it open.
    is_free: bool,
}

impl Connection {
    /// Connects.
    pub(super) async fn open(peer: &Peer, within: Duration) -> Result<Self, Broken> {
        let connecting = tokio::time::timeout(within, peer.connect());
        let stream = connecting.await.unwrap_or(Err(Broken::TimedOut))?;
        Ok(Self {
            stream,
            buffer: BytesMut::new(),
            is_free: true,
        })
    }

    /// False once the target has closed it, or said what nobody asked for.
    pub(super) fn is_open(&mut self) -> bool {
        // The runtime knows what has come since it last polled: where that is nothing, this asks no system.
        let mut byte = [0];
        let mut byte = ReadBuf::new(&mut byte);
        let mut nobody = Context::from_waker(Waker::noop());
        let read = Pin::new(&mut self.stream).poll_read(&mut nobody, &mut byte);
        self.is_free &= read.is_pending();
        self.is_free
    }

    /// Sends a request and reads the whole answer. After an error the connection is of no use.
    pub(super) async fn exchange(
        &mut self,
        message: &Message,
        within: Duration,
    ) -> Result<Answer, Failed> {
        self.is_free = false;
        let exchange = tokio::time::timeout(within, self.converse(message)).await;
        exchange.unwrap_or(Err(Failed {
            why: Broken::TimedOut,
            unsent: false,
        }))
    }

    async fn converse(&mut self, message: &Message) -> Result<Answer, Failed> {
        let mut writing = Writing::new(message.bytes());
        let mut reply = Reply::new(message.is_head());
        loop {
            let read = self.step(&mut writing).await;
            let now = Instant::now();
            let failed = |why| Failed {
                why,
                unsent: writing.sent == 0,
            };
            let read = match read {
                Ok(0) => reply.end(),
                Ok(_) => reply.take(&mut self.buffer, now),
                Err(_) => Err(Broken::Reset),
            };
            if let Read::Whole(leaves_open) = read.map_err(failed)? {
                // What stands behind the answer belongs to no request.
                self.is_free = leaves_open && writing.is_over() && self.buffer.is_empty();
                return Ok(reply.answer(now));
            }
        }
    }

    /// Writes what is left of the request, and reads some of the answer; 0 at the end of the connection.
    async fn step(&mut self, writing: &mut Writing<'_>) -> io::Result<usize> {
        self.buffer.reserve(READ_STEP);
        poll_fn(|cx| {
            if !writing.is_over() {
                writing.poll(&mut self.stream, cx);
            }
            let read = poll_read_buf(Pin::new(&mut self.stream), cx, &mut self.buffer);
            match read {
                // TLS without its closing message: the framing tells whether anything is missing.
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    Poll::Ready(Ok(0))
                }
                read => read,
            }
        })
        .await
    }
}

/// A request on its way out.
struct Writing<'a> {
    bytes: &'a [u8],
    sent: usize,
    state: Sending,
}

#[derive(PartialEq, Eq)]
enum Sending {
    Bytes,
    Flush,
    Sent,
    /// The target takes no more of it; it may still answer.
    Refused,
}

impl<'a> Writing<'a> {
    const fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            sent: 0,
            state: Sending::Bytes,
        }
    }

    const fn is_over(&self) -> bool {
        matches!(self.state, Sending::Sent)
    }

    fn poll(&mut self, stream: &mut Stream, cx: &mut Context<'_>) {
        while self.state == Sending::Bytes {
            match Pin::new(&mut *stream).poll_write(cx, &self.bytes[self.sent..]) {
                Poll::Pending => return,
                Poll::Ready(Ok(0) | Err(_)) => self.state = Sending::Refused,
                Poll::Ready(Ok(sent)) => {
                    self.sent += sent;
                    if self.sent == self.bytes.len() {
                        self.state = Sending::Flush;
                    }
                }
            }
        }
        if self.state == Sending::Flush {
            self.state = match Pin::new(stream).poll_flush(cx) {
                Poll::Pending => return,
                Poll::Ready(Ok(())) => Sending::Sent,
                Poll::Ready(Err(_)) => Sending::Refused,
            };
        }
    }
}

#[cfg(test)]
mod tests;
