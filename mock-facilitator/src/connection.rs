//! Connections that can be cut: what `serve` accepts, and the handle a call has on its own connection.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// A call's handle on the connection it came by.
#[derive(Debug, Clone)]
pub struct Connection {
    peer: Option<SocketAddr>,
    wire: Arc<Wire>,
}

#[derive(Debug, Default)]
struct Wire {
    cut: AtomicBool,
    reader: AtomicWaker,
}

impl Connection {
    /// Address of the other end; `None` for the listener's own.
    pub const fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Resets the connection (RST): nothing more is read or written, and unsent bytes are lost.
    pub fn cut(&self) {
        self.wire.cut();
    }
}

impl Wire {
    fn cut(&self) {
        self.cut.store(true, Ordering::Release);
        self.reader.wake();
    }
}

/// Whether a listener lets anybody in. Clones share the same gate.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate {
    inner: Arc<GateState>,
}

#[derive(Debug, Default)]
struct GateState {
    closed: AtomicBool,
    wires: Mutex<Wires>,
}

/// Connections let in; the dead ones go whenever their number has doubled.
#[derive(Debug, Default)]
struct Wires {
    held: Vec<Weak<Wire>>,
    sweep_at: usize,
}

/// Least number of connections before dead ones are looked for.
const SWEEP_MIN: usize = 64;

impl Gate {
    /// Opens or closes the gate; closing resets every connection let in before.
    pub(crate) fn set_closed(&self, closed: bool) {
        self.inner.closed.store(closed, Ordering::SeqCst);
        if closed {
            for wire in std::mem::take(&mut self.lock().held) {
                if let Some(wire) = wire.upgrade() {
                    wire.cut();
                }
            }
        }
    }

    /// Lets nobody in any more; connections let in before stay.
    pub(crate) fn shut(&self) {
        self.inner.closed.store(true, Ordering::SeqCst);
    }

    /// True while nobody is let in.
    #[cfg(test)]
    pub(crate) fn is_closed(&self) -> bool {
        self.inner.closed.load(Ordering::SeqCst)
    }

    /// Remembers a connection; false when the gate is closed.
    fn let_in(&self, wire: &Arc<Wire>) -> bool {
        {
            let mut wires = self.lock();
            if wires.held.len() >= wires.sweep_at.max(SWEEP_MIN) {
                wires.held.retain(|wire| wire.strong_count() > 0);
                wires.sweep_at = wires.held.len() * 2;
            }
            wires.held.push(Arc::downgrade(wire));
        }
        // Read after the push: whoever closes the gate in between finds the connection in the list.
        !self.inner.closed.load(Ordering::SeqCst)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Wires> {
        self.inner
            .wires
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A listener behind a gate.
#[derive(Debug)]
pub(crate) struct Door {
    listener: TcpListener,
    gate: Gate,
}

impl Door {
    /// Puts the gate before the listener.
    pub(crate) const fn new(listener: TcpListener, gate: Gate) -> Self {
        Self { listener, gate }
    }
}

impl Listener for Door {
    type Io = Stream;
    type Addr = Connection;

    async fn accept(&mut self) -> (Stream, Connection) {
        loop {
            let (tcp, peer) = Listener::accept(&mut self.listener).await;
            let wire = Arc::new(Wire::default());
            if !self.gate.let_in(&wire) {
                // Without the reset the peer would see an orderly end. Failing to set it costs only that.
                let _ = tcp.set_zero_linger();
                continue;
            }
            // Without it small answers wait for the peer's delayed acknowledgement. Failing costs only time.
            let _ = tcp.set_nodelay(true);
            let stream = Stream {
                tcp,
                wire: Arc::clone(&wire),
            };
            return (
                stream,
                Connection {
                    peer: Some(peer),
                    wire,
                },
            );
        }
    }

    fn local_addr(&self) -> io::Result<Connection> {
        self.listener.local_addr()?;
        Ok(Connection {
            peer: None,
            wire: Arc::default(),
        })
    }
}

impl Connected<IncomingStream<'_, Door>> for Connection {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.remote_addr().clone()
    }
}

/// A TCP stream that fails, and resets its peer, once it is cut.
#[derive(Debug)]
pub(crate) struct Stream {
    tcp: TcpStream,
    wire: Arc<Wire>,
}

impl Stream {
    fn check(&self) -> io::Result<()> {
        if !self.wire.cut.load(Ordering::Acquire) {
            return Ok(());
        }
        // The server drops the stream over the error; with zero linger the kernel then sends RST.
        self.tcp.set_zero_linger()?;
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.wire.reader.register(cx.waker());
        self.check()?;
        Pin::new(&mut self.tcp).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.tcp).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_connections_are_forgotten() {
        let gate = Gate::default();
        let kept = Arc::new(Wire::default());
        assert!(gate.let_in(&kept));
        for _ in 0..10 * SWEEP_MIN {
            assert!(gate.let_in(&Arc::default()));
        }
        assert!(gate.lock().held.len() <= 2 * SWEEP_MIN);
        gate.set_closed(true);
        assert!(
            kept.cut.load(Ordering::Acquire),
            "the living one is still known"
        );
        assert!(!gate.let_in(&Arc::default()));
        gate.set_closed(false);
        assert!(gate.let_in(&Arc::default()));
    }
}
