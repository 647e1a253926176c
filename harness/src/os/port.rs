//! A port that stays ours while nobody listens on it.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};

/// A port on which listeners come and go.
///
/// On Unix a socket is bound to it that never listens: connections are refused, and nobody else is given the port. On
/// Windows such a socket would take what is meant for the listener, so the port is only known to have been free.
#[derive(Debug)]
pub(crate) struct HeldPort {
    #[cfg(unix)]
    _placeholder: TcpSocket,
    addr: SocketAddr,
}

impl HeldPort {
    /// Takes the port of an address; port 0 is any free one.
    pub(crate) fn take(addr: SocketAddr) -> io::Result<Self> {
        let placeholder = socket(addr)?;
        let addr = placeholder.local_addr()?;
        Ok(Self {
            #[cfg(unix)]
            _placeholder: placeholder,
            addr,
        })
    }

    /// Where it is.
    pub(crate) const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Listens on it; `backlog` callers may wait.
    pub(crate) fn listen(&self, backlog: u32) -> io::Result<TcpListener> {
        socket(self.addr)?.listen(backlog)
    }
}

fn socket(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if addr.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // Lets the listener stand beside the placeholder.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn listeners_come_and_go() {
        let port = HeldPort::take((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        assert_ne!(port.addr().port(), 0);
        for _ in 0..2 {
            assert!(TcpStream::connect(port.addr()).await.is_err());
            let listener = port.listen(8).unwrap();
            TcpStream::connect(port.addr()).await.unwrap();
            drop(listener);
        }
    }
}
