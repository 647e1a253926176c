//! Defects below the HTTP library: of the bytes that a connection carries.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Router;
use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use x402_assay_protocol::header::{PAYMENT_SIGNATURE, X_PAYMENT};

use super::defects::{Defect, DefectSet};

/// Which of these defects a server has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quirks {
    /// Payment headers are known by their name in lower case alone.
    lower_case_names: bool,
    /// After a 402 a connection that was to be kept ends.
    drops_kept: bool,
}

impl Quirks {
    /// Those among the defects; `None` when there is none.
    pub(super) fn of(defects: &DefectSet) -> Option<Self> {
        let quirks = Self {
            lower_case_names: defects.has(Defect::HeaderNameLowerCase),
            drops_kept: defects.has(Defect::DropsKeptConnection),
        };
        (quirks.lower_case_names || quirks.drops_kept).then_some(quirks)
    }
}

/// Serves a router with these defects until told to stop.
pub(super) async fn serve(
    tcp: TcpListener,
    quirks: Quirks,
    router: Router,
    cancel: CancellationToken,
) -> io::Result<()> {
    let ending = cancel.clone();
    let serving =
        axum::serve(Odd { tcp, quirks }, router).with_graceful_shutdown(ending.cancelled_owned());
    tokio::select! {
        ended = serving.into_future() => ended,
        () = cancel.cancelled() => Ok(()),
    }
}

struct Odd {
    tcp: TcpListener,
    quirks: Quirks,
}

impl Listener for Odd {
    type Io = OddStream;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (OddStream, Self::Addr) {
        let (tcp, peer) = Listener::accept(&mut self.tcp).await;
        // Failing costs only time.
        let _ = tcp.set_nodelay(true);
        let stream = OddStream {
            tcp,
            quirks: self.quirks,
            names: Names::default(),
            keep_asked: Seen::default(),
            ended: false,
        };
        (stream, peer)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}

/// A connection that changes what passes.
struct OddStream {
    tcp: TcpStream,
    quirks: Quirks,
    names: Names,
    keep_asked: Seen,
    ended: bool,
}

/// Looks for a text in pieces of bytes.
#[derive(Default)]
struct Seen {
    matched: usize,
    found: bool,
}

impl Seen {
    const TEXT: &'static [u8] = b"keep-alive";

    fn read(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.matched = match *byte == Self::TEXT[self.matched] {
                true => self.matched + 1,
                false => usize::from(*byte == Self::TEXT[0]),
            };
            if self.matched == Self::TEXT.len() {
                self.found = true;
                self.matched = 0;
            }
        }
    }
}

/// Where reading stands in a line, as far as it may be a payment header.
#[derive(Default)]
struct Names {
    line: Vec<u8>,
    other: bool,
}

impl Names {
    /// Spoils the last letter of payment headers whose name is not all in lower case.
    fn spoil(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            if *byte == b'\n' {
                self.line.clear();
                self.other = false;
                continue;
            }
            if self.other {
                continue;
            }
            self.line.push(*byte);
            let begins = |name: &str| {
                let name = name.as_bytes();
                let so_far = name.get(..self.line.len());
                so_far.is_some_and(|part| part.eq_ignore_ascii_case(&self.line))
            };
            let whole = |name: &str| name.len() == self.line.len();
            let names = [PAYMENT_SIGNATURE, X_PAYMENT];
            let Some(name) = names.into_iter().find(|name| begins(name)) else {
                self.other = true;
                continue;
            };
            if whole(name) {
                if self.line.iter().any(u8::is_ascii_uppercase) {
                    *byte = b'_';
                }
                self.other = true;
            }
        }
    }
}

impl AsyncRead for OddStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ended {
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let this = &mut *self;
        let polled = Pin::new(&mut this.tcp).poll_read(cx, buf);
        let new = &mut buf.filled_mut()[before..];
        if this.quirks.drops_kept {
            this.keep_asked.read(new);
        }
        if this.quirks.lower_case_names {
            this.names.spoil(new);
        }
        polled
    }
}

impl AsyncWrite for OddStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.quirks.drops_kept && self.keep_asked.found && buf.starts_with(b"HTTP/1.1 402") {
            self.ended = true;
        }
        Pin::new(&mut self.tcp).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoilt(text: &str, piece: usize) -> String {
        let mut names = Names::default();
        let mut bytes = text.as_bytes().to_vec();
        bytes.chunks_mut(piece).for_each(|part| names.spoil(part));
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn names_are_spoilt_unless_they_are_in_lower_case_however_they_arrive() {
        for piece in [1, 3, 100] {
            let upper = spoilt("GET / HTTP/1.1\r\nPayment-Signature: a\r\n\r\n", piece);
            assert!(upper.contains("\nPayment-Signatur_: a"), "{upper}");
            let lower = "GET / HTTP/1.1\r\npayment-signature: X-PAYMENT\r\nx-payments: 1\r\n";
            assert_eq!(spoilt(lower, piece), lower);
            assert_eq!(spoilt("\nX-PAYMENT: a", piece), "\nX-PAYMEN_: a");
        }
    }
}
