//! One raw HTTP/1.1 connection, and exchanges over it with every instant kept.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use x402_assay_reports::model::load::class;

/// Bytes of a body that are kept; the rest is read and counted.
pub(super) const BODY_KEPT: usize = 64 * 1024;
/// Longest body that is read; a target that sends more is cut off.
pub(super) const BODY_MAX: u64 = 16 * 1024 * 1024;
/// Longest head of an answer.
const HEAD_MAX: usize = 256 * 1024;
/// Most headers of an answer.
const HEADERS_MAX: usize = 200;

/// Where connections lead.
#[derive(Clone)]
pub(super) struct Peer {
    pub(super) addr: SocketAddr,
    pub(super) tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tls = self.tls.is_some();
        write!(f, "Peer({}, tls: {tls})", self.addr)
    }
}

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

/// A connection that is open, as far as we know.
#[derive(Debug)]
pub(super) struct Connection {
    send: SendRequest<Full<Bytes>>,
}

/// An answer, with its instants.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    /// Its first 64 KiB.
    pub(super) body: Bytes,
    /// The head was there.
    pub(super) head_at: Instant,
    /// The last byte was there.
    pub(super) done_at: Instant,
}

/// Why a request was not answered, and whether it may have reached the target.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) why: Broken,
    /// It certainly did not leave.
    pub(super) unsent: bool,
}

impl Answer {
    /// True when the body may be longer than what was kept of it.
    pub(super) fn is_cut(&self) -> bool {
        self.body.len() >= BODY_KEPT
    }
}

impl Connection {
    /// Connects; the driver of the connection runs on this thread until it ends.
    pub(super) async fn open(peer: &Peer, within: Duration) -> Result<Self, Broken> {
        tokio::time::timeout(within, Self::connect(peer))
            .await
            .unwrap_or(Err(Broken::TimedOut))
    }

    async fn connect(peer: &Peer) -> Result<Self, Broken> {
        let stream = TcpStream::connect(peer.addr)
            .await
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::ConnectionRefused => Broken::Refused,
                std::io::ErrorKind::ConnectionReset => Broken::Reset,
                _ => Broken::Connect,
            })?;
        // Only latency suffers where this is refused.
        let _ = stream.set_nodelay(true);
        match &peer.tls {
            None => Self::shake_hands(stream).await,
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await;
                Self::shake_hands(stream.map_err(|_| Broken::Tls)?).await
            }
        }
    }

    async fn shake_hands<S>(stream: S) -> Result<Self, Broken>
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let (send, driver) = Builder::new()
            .max_buf_size(HEAD_MAX)
            .max_headers(HEADERS_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|_| Broken::Reset)?;
        tokio::task::spawn_local(async move {
            // What goes wrong on it is told to whoever waits for an answer.
            let _ = driver.await;
        });
        Ok(Self { send })
    }

    /// False once the target has closed it.
    pub(super) fn is_open(&self) -> bool {
        !self.send.is_closed()
    }

    /// True when the next request can go out at once.
    pub(super) fn is_ready(&self) -> bool {
        self.send.is_ready()
    }

    /// Sends a request and reads the whole answer. After an error the connection is of no use.
    pub(super) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        within: Duration,
    ) -> Result<Answer, Failed> {
        let failed = |why| Failed { why, unsent: false };
        let exchange = async {
            if !self.is_ready() && self.send.ready().await.is_err() {
                let (why, unsent) = (Broken::Reset, true);
                return Err(Failed { why, unsent });
            }
            let sent = self.send.try_send_request(request).await;
            let response = sent.map_err(|mut error| Failed {
                unsent: error.take_message().is_some(),
                why: broken(error.error()),
            })?;
            let head_at = Instant::now();
            let (head, body) = response.into_parts();
            let body = read(body).await.map_err(failed)?;
            Ok(Answer {
                status: head.status.as_u16(),
                headers: head.headers,
                body,
                head_at,
                done_at: Instant::now(),
            })
        };
        tokio::time::timeout(within, exchange)
            .await
            .unwrap_or_else(|_| Err(failed(Broken::TimedOut)))
    }
}

/// Reads a body to its end, and keeps its beginning.
async fn read(mut body: Incoming) -> Result<Bytes, Broken> {
    let mut kept = Kept::default();
    let mut total = 0u64;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(&error))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        total += data.len() as u64;
        if total > BODY_MAX {
            return Err(Broken::TooLarge);
        }
        kept.add(data);
    }
    Ok(kept.bytes())
}

/// The beginning of a body; the usual one arrives in one piece and is not copied.
#[derive(Debug, Default)]
struct Kept {
    first: Bytes,
    more: BytesMut,
}

impl Kept {
    fn add(&mut self, data: Bytes) {
        if self.first.is_empty() {
            self.first = data;
            return;
        }
        if self.more.is_empty() {
            self.more.extend_from_slice(&self.first);
        }
        let room = BODY_KEPT.saturating_sub(self.more.len());
        self.more.extend_from_slice(&data[..data.len().min(room)]);
    }

    fn bytes(self) -> Bytes {
        let mut bytes = match self.more.is_empty() {
            true => self.first,
            false => self.more.freeze(),
        };
        bytes.truncate(BODY_KEPT);
        bytes
    }
}

fn broken(error: &hyper::Error) -> Broken {
    if error.is_parse() || error.is_parse_too_large() {
        Broken::Garbage
    } else if error.is_timeout() {
        Broken::TimedOut
    } else {
        Broken::Reset
    }
}

/// What every request of a run has in common.
#[derive(Debug, Clone)]
pub(super) struct Template {
    pub(super) method: http::Method,
    pub(super) uri: http::Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Template {
    /// A request without a payment.
    pub(super) fn unpaid(&self) -> Request<Full<Bytes>> {
        self.with_body(self.body.clone())
    }

    /// A request with a body of its own.
    pub(super) fn with_body(&self, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }

    /// A request with a payment header.
    pub(super) fn paid(
        &self,
        name: &http::HeaderName,
        value: &http::HeaderValue,
    ) -> Request<Full<Bytes>> {
        let mut request = self.unpaid();
        request.headers_mut().insert(name.clone(), value.clone());
        request
    }
}

/// TLS towards a target whose certificate names this host.
///
/// # Errors
/// When the host is no name TLS knows.
pub(super) fn tls(
    config: rustls::ClientConfig,
    host: &str,
) -> Result<(TlsConnector, ServerName<'static>), String> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(bare.to_owned())
        .map_err(|error| format!("TLS cannot name {host}: {error}"))?;
    Ok((TlsConnector::from(Arc::new(config)), name))
}
