//! A TCP connection, with TLS where the URL says so.

use std::io;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use crate::history::event::Trouble;
use crate::http::exchange::Failure;
use crate::http::failure::{Stage, from_io, unsendable};

/// Both directions of a connection.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Connects to the host of a URL, or to `via` in its place; `place` is how messages call it.
pub(super) async fn connect(
    url: &Url,
    via: Option<std::net::SocketAddr>,
    place: &str,
    tls: &Arc<ClientConfig>,
) -> Result<Box<dyn Stream>, Failure> {
    let failed = |error: io::Error| from_io(&error, place, Stage::Head);
    let host = url
        .host()
        .ok_or_else(|| unsendable("the URL names no host"))?;
    let port = url
        .port_or_known_default()
        .ok_or_else(|| unsendable("the URL names no port"))?;
    let stream = match (via, &host) {
        (Some(via), _) => TcpStream::connect(via).await,
        (None, Host::Ipv4(ip)) => TcpStream::connect((*ip, port)).await,
        (None, Host::Ipv6(ip)) => TcpStream::connect((*ip, port)).await,
        (None, Host::Domain(name)) => {
            let found = lookup_host((*name, port)).await;
            let addresses: Vec<_> = found.map_err(|why| unresolved(place, &why))?.collect();
            TcpStream::connect(addresses.as_slice()).await
        }
    };
    let stream = stream.map_err(failed)?;
    // Only latency suffers where this is refused.
    let _ = stream.set_nodelay(true);
    if url.scheme() != "https" {
        return Ok(Box::new(stream));
    }
    let name = match host {
        Host::Ipv4(ip) => ServerName::from(std::net::IpAddr::V4(ip)),
        Host::Ipv6(ip) => ServerName::from(std::net::IpAddr::V6(ip)),
        Host::Domain(name) => ServerName::try_from(name.to_owned())
            .map_err(|_| unsendable(&format!("{name:?} is no name for TLS")))?,
    };
    let connector = TlsConnector::from(Arc::clone(tls));
    let stream = connector.connect(name, stream).await;
    stream
        .map(|stream| Box::new(stream) as Box<dyn Stream>)
        .map_err(|error| tls_failed(&error, place))
}

fn unresolved(place: &str, why: &io::Error) -> Failure {
    Failure {
        trouble: Trouble::Unresolved,
        message: format!("the name in {place} cannot be resolved: {why}"),
        partial: None,
    }
}

fn tls_failed(error: &io::Error, place: &str) -> Failure {
    Failure {
        trouble: Trouble::Tls,
        message: format!("tls with {place} failed: {error}"),
        partial: None,
    }
}
