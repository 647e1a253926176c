//! Where connections lead, and how they are made.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use super::Broken;

/// Both directions of a connection.
pub(super) type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// Where connections lead.
#[derive(Clone)]
pub(in super::super) struct Peer {
    pub(in super::super) addr: SocketAddr,
    pub(in super::super) tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tls = self.tls.is_some();
        write!(f, "Peer({}, tls: {tls})", self.addr)
    }
}

impl Peer {
    pub(super) async fn connect(&self) -> Result<Stream, Broken> {
        let stream = TcpStream::connect(self.addr)
            .await
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::ConnectionRefused => Broken::Refused,
                std::io::ErrorKind::ConnectionReset => Broken::Reset,
                _ => Broken::Connect,
            })?;
        // Only latency suffers where this is refused.
        let _ = stream.set_nodelay(true);
        match &self.tls {
            None => Ok(Either::Left(stream)),
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await;
                let stream = stream.map_err(|_| Broken::Tls)?;
                Ok(Either::Right(Box::new(stream)))
            }
        }
    }
}

/// TLS towards a target whose certificate names this host.
///
/// # Errors
/// When the host is no name TLS knows.
pub(in super::super) fn tls(
    config: rustls::ClientConfig,
    host: &str,
) -> Result<(TlsConnector, ServerName<'static>), String> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(bare.to_owned())
        .map_err(|error| format!("TLS cannot name {host}: {error}"))?;
    Ok((TlsConnector::from(Arc::new(config)), name))
}
