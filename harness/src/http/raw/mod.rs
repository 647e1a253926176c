//! HTTP/1.1 written on the socket byte by byte: what URL and header types would tidy up leaves as it was given.

mod answer;
mod connect;
mod request;

use std::sync::Arc;

use rustls::ClientConfig;
use tokio::io::{AsyncWriteExt as _, split};
use tokio::time::timeout_at;

use self::answer::{Answer, Progress};
use super::client::place;
use super::exchange::{Exchange, Failure, Request, Response};
use super::failure::{Stage, timed_out};
use super::options::{ProbeClientOptions, SetupError};
use super::stopwatch::Stopwatch;
use super::tls;

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

    async fn exchange(
        &self,
        request: &Request,
        watch: &mut Stopwatch,
    ) -> Result<Response, Failure> {
        let place = place(&request.url);
        let bytes = request::bytes(request, &self.options.user_agent)?;
        let deadline = watch.deadline(self.options.timeout);
        let mut answer = Answer::new(&place, request.method.as_str(), &self.options);
        let reading = async {
            let stream = connect::connect(&request.url, request.via, &place, &self.tls).await?;
            let (mut from, mut to) = split(stream);
            // A server may answer and hang up before it has read everything: its answer counts, not our trouble.
            let writing = async {
                if to.write_all(&bytes).await.is_ok() {
                    let _ = to.flush().await;
                }
                std::future::pending::<()>().await;
            };
            tokio::select! {
                ended = async {
                    answer.read_head(&mut from).await?;
                    watch.note_headers();
                    answer.read_body(&mut from).await
                } => ended,
                () = writing => Ok(()),
            }
        };
        let ended = timeout_at(deadline, reading).await;
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

#[cfg(test)]
mod tests;
