//! HTTP/1.1 written on the socket byte by byte: what URL and header types would tidy up leaves as it was given.

mod answer;
mod connect;
mod request;

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::io::{AsyncWriteExt as _, split};
use tokio::sync::Notify;
use tokio::time::{timeout, timeout_at};

use self::answer::{Answer, Progress};
use self::connect::Stream;
use super::client::place;
use super::exchange::{Exchange, Failure, Request, Response};
use super::failure::{Stage, timed_out};
use super::options::{ProbeClientOptions, SetupError};
use super::stopwatch::Stopwatch;
use super::tls;
use crate::history::event::Trouble;

/// How long a body is kept back for `100 Continue`.
const CONTINUE_WAIT: Duration = Duration::from_secs(1);

/// A client that sends request target and headers exactly as they are given, each request on its own connection.
///
/// It follows nothing, keeps the bytes of the answer and always comes back; bounds and TLS are those of
/// [`super::ProbeClient`].
#[derive(Debug, Clone)]
pub struct RawClient {
    tls: Arc<ClientConfig>,
    options: ProbeClientOptions,
}

impl RawClient {
    /// A client.
    ///
    /// # Errors
    /// When the CA file is unusable or TLS cannot be set up.
    pub fn new(options: ProbeClientOptions) -> Result<Self, SetupError> {
        let tls = tls::client_config(options.extra_ca.as_deref(), options.insecure)?;
        Ok(Self {
            tls: Arc::new(tls),
            options,
        })
    }

    /// Sends one request and reads the answer, within the bounds of the options.
    ///
    /// `Host`, `User-Agent`, `Accept`, `Content-Length` and `Connection: close` are added where the request has none.
    pub async fn send(&self, request: Request) -> Exchange {
        let mut watch = Stopwatch::start();
        let outcome = self.exchange(&request, &mut watch).await;
        watch.exchange(request, outcome)
    }

    /// A connection that is opened with the first request and kept for the next ones, if the server keeps it.
    pub fn keep(&self) -> KeptConnection {
        KeptConnection {
            client: self.clone(),
            kept: Kept::default(),
        }
    }

    async fn exchange(
        &self,
        request: &Request,
        watch: &mut Stopwatch,
    ) -> Result<Response, Failure> {
        self.exchange_on(&mut Kept::default(), request, watch).await
    }

    async fn exchange_on(
        &self,
        kept: &mut Kept,
        request: &Request,
        watch: &mut Stopwatch,
    ) -> Result<Response, Failure> {
        let place = place(&request.url);
        let bytes = request::bytes(request, &self.options.user_agent)?;
        let (head, body) = bytes.split_at(bytes.len() - request::body_len(request));
        let waits = request::expects_continue(request);
        let deadline = watch.deadline(self.options.timeout);
        let mut answer = Answer::new(&place, request.method.as_str(), &self.options);
        let reading = async {
            let stream = kept.stream(request, &place, &self.tls).await?;
            let (mut from, mut to) = split(stream);
            let go_on = Notify::new();
            // A server may answer and hang up before it has read everything: its answer counts, not our trouble.
            let writing = async {
                let mut sent = to.write_all(head).await.is_ok() && to.flush().await.is_ok();
                if waits {
                    // A server that does not know the expectation waits for the body instead.
                    let _ = timeout(CONTINUE_WAIT, go_on.notified()).await;
                }
                sent = sent && to.write_all(body).await.is_ok();
                if sent {
                    let _ = to.flush().await;
                }
                std::future::pending::<()>().await;
            };
            tokio::select! {
                ended = async {
                    answer.read_head(&mut from, &go_on).await?;
                    watch.note_headers();
                    answer.read_body(&mut from).await
                } => ended,
                () = writing => Ok(()),
            }
        };
        let ended = timeout_at(deadline, reading).await;
        if !matches!(ended, Ok(Ok(()))) || !answer.leaves_open() {
            kept.stream = None;
        }
        let failure = match ended {
            Ok(Ok(())) => None,
            Ok(Err(failure)) => Some(failure),
            Err(_) => {
                let stage = match answer.progress() {
                    Progress::Head => Stage::Head,
                    Progress::Body => Stage::Body,
                };
                Some(timed_out(&place, self.options.timeout, stage))
            }
        };
        answer.finish(failure)
    }
}

/// The stream of a connection, while it is open.
#[derive(Default)]
struct Kept {
    stream: Option<Box<dyn Stream>>,
    /// Where a connection was made to already: a second one would show nothing.
    opened: bool,
}

impl Kept {
    async fn stream(
        &mut self,
        request: &Request,
        place: &str,
        tls: &Arc<ClientConfig>,
    ) -> Result<&mut Box<dyn Stream>, Failure> {
        if self.stream.is_none() {
            if self.opened {
                return Err(Failure {
                    trouble: Trouble::Closed,
                    message: format!("{place} has ended the connection that was to be kept"),
                    partial: None,
                });
            }
            let stream = connect::connect(&request.url, request.via, place, tls).await?;
            self.stream = Some(stream);
            self.opened = true;
        }
        Ok(self.stream.as_mut().expect("it was just put there"))
    }
}

/// One connection for several requests, one after the other.
pub struct KeptConnection {
    client: RawClient,
    kept: Kept,
}

impl std::fmt::Debug for KeptConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptConnection")
            .field("open", &self.kept.stream.is_some())
            .finish_non_exhaustive()
    }
}

impl KeptConnection {
    /// Sends one request as [`RawClient::send`] does; one that names no `Connection` asks for it to be kept.
    ///
    /// Once the server has ended the connection every further request fails.
    pub async fn send(&mut self, mut request: Request) -> Exchange {
        let named = |(name, _): &(String, String)| name.eq_ignore_ascii_case("connection");
        if !request.headers.iter().any(named) {
            request = request.with_header("Connection", "keep-alive");
        }
        let mut watch = Stopwatch::start();
        let client = self.client.clone();
        let outcome = client
            .exchange_on(&mut self.kept, &request, &mut watch)
            .await;
        watch.exchange(request, outcome)
    }
}

#[cfg(test)]
mod tests;
