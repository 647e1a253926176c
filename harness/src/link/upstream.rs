//! The far end of a link.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use url::Url;

use super::body::BodyState;
use super::head::ResponseHead;
use super::proxy::LinkError;
use super::wire::{Collected, HeadRead, Wire};

/// Connecting to a server on this machine or in its network works soon or not at all.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Longest wait for an answer nobody reads.
const UNREAD_LIMIT: Duration = Duration::from_secs(60);
/// Largest answer that is kept.
pub(super) const KEPT_MAX: usize = 4 * 1024 * 1024;

/// Where requests go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Upstream {
    host: String,
    port: u16,
    /// As a `Host` field names it.
    pub(super) authority: String,
    /// The base path, which the link's own URL has as well.
    pub(super) path: String,
}

/// An answer read to its end.
#[derive(Debug)]
pub(super) struct WholeAnswer {
    pub(super) head: ResponseHead,
    pub(super) body: Collected,
}

impl Upstream {
    pub(super) fn of(url: &Url) -> Result<Self, LinkError> {
        let refuse = |why| LinkError::Upstream {
            url: url.to_string(),
            why,
        };
        if url.scheme() != "http" {
            return Err(refuse("it does not begin with http://"));
        }
        let host = match url.host().ok_or_else(|| refuse("it names no host"))? {
            url::Host::Ipv6(address) => address.to_string(),
            other => other.to_string(),
        };
        let port = url.port_or_known_default().unwrap_or(80);
        let authority = match url.port() {
            Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
            None => url.host_str().unwrap_or_default().to_owned(),
        };
        Ok(Self {
            host,
            port,
            authority,
            path: url.path().to_owned(),
        })
    }

    pub(super) async fn connect(&self) -> io::Result<Wire> {
        let connect = TcpStream::connect((self.host.as_str(), self.port));
        let connected = tokio::time::timeout(CONNECT_LIMIT, connect).await;
        let stream = connected.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        Ok(Wire::new(stream))
    }

    /// Sends a whole request on a connection of its own and reads the answer to its end.
    pub(super) async fn ask(&self, request: &Bytes, method: &str) -> io::Result<WholeAnswer> {
        let mut wire = self.connect().await?;
        wire.split().to.write_all(request).await?;
        let asked = tokio::time::timeout(UNREAD_LIMIT, read_answer(&mut wire, method)).await;
        asked.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }
}

/// Lets the server answer a request whose caller has had another answer: hanging up would be one more fault.
pub(super) async fn read_for_nobody(mut wire: Wire, method: &str) {
    // What comes of it is of no interest.
    let _ = tokio::time::timeout(UNREAD_LIMIT, read_answer(&mut wire, method)).await;
}

async fn read_answer(wire: &mut Wire, method: &str) -> io::Result<WholeAnswer> {
    let mut reader = wire.split().from;
    loop {
        let HeadRead::Head(raw) = reader.head().await? else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        let Some(head) = ResponseHead::parse(raw) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        if head.interim() {
            continue;
        }
        let mut state = BodyState::from(head.framing(method));
        let mut body = Collected::default();
        reader.collect(&mut state, &mut body, KEPT_MAX).await?;
        return Ok(WholeAnswer { head, body });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_are_what_a_caller_would_send() {
        let of = |text: &str| Upstream::of(&Url::parse(text).unwrap());
        let plain = of("http://127.0.0.1:4402/base/").unwrap();
        assert_eq!(plain.authority, "127.0.0.1:4402");
        assert_eq!(plain.path, "/base/");
        let six = of("http://[::1]/").unwrap();
        assert_eq!((six.host.as_str(), six.port), ("::1", 80));
        assert_eq!(six.authority, "[::1]");
        assert!(of("https://127.0.0.1/").is_err());
    }
}
