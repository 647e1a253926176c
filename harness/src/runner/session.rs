//! One run's connection to its target: sends, records, keeps count.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::RwLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::access::Access;
use super::auth::AuthCommand;
use super::clock::Clocks;
use super::executions::Executions;
use super::facilitator_events::FacilitatorEvents;
use super::progress::Progress;
use super::secrets::Secrets;
use crate::client::{Payer, SignedPayment};
use crate::config::TargetProfile;
use crate::config::profile::Route;
use crate::history::event::{Signed, Trouble};
use crate::history::{Recorder, What};
use crate::http::now_us;
use crate::http::{
    BudgetSpent, Exchange, Failure, ProbeClient, Request, Throttle, ThrottleOptions,
};
use crate::service::{ControlClient, ControlError};

const TOO_MANY_REQUESTS: u16 = 429;
/// How often one request is sent to a target that answers 429.
const ATTEMPTS_WHEN_LIMITED: u32 = 3;
/// Requests that may end in 429 all the same before the run is stopped.
const GIVE_UPS_MAX: u32 = 2;

/// What a session is made of.
#[derive(Debug)]
pub struct SessionOptions {
    /// The target.
    pub profile: TargetProfile,
    /// Port that stands for `{port}`.
    pub port: u16,
    /// The probing client.
    pub http: ProbeClient,
    /// The service.
    pub control: ControlClient,
    /// Where everything is recorded.
    pub recorder: Recorder,
    /// Hides secrets in what the session itself writes.
    pub secrets: Secrets,
    /// Payers of this run.
    pub payers: Vec<Payer>,
    /// Cancelled by Ctrl-C.
    pub cancel: CancellationToken,
    /// Longest wait for something that may never happen.
    pub patience: Duration,
    /// The facilitator that is used, and tested.
    pub facilitator: Access,
    /// True when other runs may use the same services (`up`): what hits everybody is not done then.
    pub shared: bool,
    /// The client for direct calls of it: settling takes longer than a page.
    pub direct: ProbeClient,
}

/// One run's connection to its target.
pub struct Session<'a> {
    pub(crate) profile: TargetProfile,
    pub(crate) control: ControlClient,
    pub(crate) recorder: Recorder,
    pub(crate) payers: Vec<Payer>,
    pub(crate) cancel: CancellationToken,
    pub(crate) patience: Duration,
    pub(crate) progress: &'a dyn Progress,
    pub(super) access: Access,
    pub(super) shared: bool,
    direct: ProbeClient,
    pub(super) clocks: Clocks,
    pub(super) http: RwLock<ProbeClient>,
    pub(super) way: RwLock<Option<SocketAddr>>,
    pub(super) executions: Mutex<Executions>,
    pub(super) secrets: Secrets,
    port: u16,
    throttle: Throttle,
    auth: Option<AuthCommand>,
    facilitator: Mutex<FacilitatorEvents>,
    exchanges: AtomicU32,
    authorizations: AtomicU32,
    planned: AtomicU32,
    given_up: AtomicU32,
    open: AtomicU32,
    pub(super) receipts: std::sync::Mutex<BTreeSet<String>>,
}

impl std::fmt::Debug for Session<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("profile", &self.profile.name)
            .finish_non_exhaustive()
    }
}

/// Why no request went out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// Ctrl-C.
    #[error("the run was stopped")]
    Cancelled,
    /// The request budget of the profile is used up.
    #[error(transparent)]
    Budget(#[from] BudgetSpent),
    /// The target goes on answering 429.
    #[error(
        "the target goes on answering 429 after the pauses it asked for: raise its rate limit for the run, or set limits.rps"
    )]
    RateLimited,
    /// Several calls in a row got no answer in time.
    #[error("it goes on not answering in time; see what it waits for, or raise --timeout")]
    Silent,
    /// The path has nothing that could be written so.
    #[error("{0} cannot be written as {1}")]
    Form(String, &'static str),
    /// The target's own header command failed.
    #[error("{0}")]
    Auth(String),
    /// Our own facilitator or ledger does not answer.
    #[error(transparent)]
    Control(#[from] ControlError),
}

/// A payment header to send.
#[derive(Debug, Clone)]
pub(crate) struct PaymentHeader {
    /// Number of the authorization it carries, if it carries one of ours.
    pub(crate) authorization: Option<u32>,
    pub(crate) name: &'static str,
    pub(crate) value: String,
}

impl PaymentHeader {
    /// Stands for a payment that travels in the body of a direct call.
    pub(super) const fn in_body(authorization: u32) -> Self {
        Self {
            authorization: Some(authorization),
            name: "",
            value: String::new(),
        }
    }

    /// True when there is a header.
    pub(super) fn is_sent(&self) -> bool {
        !self.name.is_empty()
    }

    /// The header of a payment that was signed and recorded as `authorization`.
    pub(crate) fn of(payment: &SignedPayment, authorization: u32) -> Self {
        Self {
            authorization: Some(authorization),
            name: payment.header_name,
            value: payment.header_value.clone(),
        }
    }
}

impl<'a> Session<'a> {
    /// Opens the session; facilitator events from before are not its own.
    ///
    /// # Errors
    /// When the control API does not answer.
    pub async fn open(
        options: SessionOptions,
        progress: &'a dyn Progress,
    ) -> Result<Self, ControlError> {
        let SessionOptions {
            profile,
            port,
            http,
            control,
            recorder,
            secrets,
            payers,
            cancel,
            patience,
            facilitator: access,
            shared,
            direct,
        } = options;
        let addresses = payers.iter().map(Payer::address).collect();
        let facilitator = FacilitatorEvents::from_now(control.clone(), addresses).await?;
        let throttle = Throttle::new(ThrottleOptions {
            rps: profile.limits.rps,
            requests: profile.limits.requests,
        });
        let auth = profile
            .auth
            .clone()
            .map(|auth| AuthCommand::new(auth, profile.base_dir.clone()));
        Ok(Self {
            profile,
            control,
            recorder,
            payers,
            cancel,
            patience,
            progress,
            access,
            shared,
            direct,
            clocks: Clocks::default(),
            http: RwLock::new(http),
            way: RwLock::default(),
            executions: Mutex::default(),
            secrets,
            port,
            throttle,
            auth,
            facilitator: Mutex::new(facilitator),
            exchanges: AtomicU32::new(0),
            authorizations: AtomicU32::new(0),
            planned: AtomicU32::new(0),
            given_up: AtomicU32::new(0),
            open: AtomicU32::new(0),
            receipts: std::sync::Mutex::default(),
        })
    }

    /// Sends one request to a route and records both sides of it.
    pub(crate) async fn send(
        &self,
        probe: &str,
        route: &Route,
        payment: Option<&PaymentHeader>,
    ) -> Result<Exchange, SendError> {
        self.send_as(probe, route, payment, &|_| {}).await
    }

    /// As [`Self::send`], with the route's request changed.
    pub(super) async fn send_as(
        &self,
        probe: &str,
        route: &Route,
        payment: Option<&PaymentHeader>,
        change: &(dyn Fn(&mut Request) + Sync),
    ) -> Result<Exchange, SendError> {
        for _ in 1..ATTEMPTS_WHEN_LIMITED {
            let mut request = self.request(route, payment).await?;
            change(&mut request);
            let exchange = self
                .perform(probe, &route.path, request, payment, None)
                .await?;
            if exchange.status() != Some(TOO_MANY_REQUESTS) {
                return Ok(exchange);
            }
            self.note(
                Some(probe),
                "429: asked again after the pause that the target wants",
            );
        }
        let mut request = self.request(route, payment).await?;
        change(&mut request);
        let exchange = self
            .perform(probe, &route.path, request, payment, None)
            .await?;
        let limited = exchange.status() == Some(TOO_MANY_REQUESTS);
        if limited && self.given_up.fetch_add(1, Ordering::Relaxed) >= GIVE_UPS_MAX {
            return Err(SendError::RateLimited);
        }
        Ok(exchange)
    }

    /// Sends a plain GET to a path of the target.
    pub(crate) async fn get(&self, probe: &str, path: &str) -> Result<Exchange, SendError> {
        let mut request = Request::get(self.url(path));
        self.add_headers(&mut request, &[]).await?;
        self.perform(probe, path, request, None, None).await
    }

    /// Sends one request and records both sides of it; after `give_up` the connection is closed.
    pub(super) async fn perform(
        &self,
        probe: &str,
        route: &str,
        request: Request,
        payment: Option<&PaymentHeader>,
        give_up: Option<Duration>,
    ) -> Result<Exchange, SendError> {
        let leave = async {
            let Some(after) = give_up else {
                return std::future::pending().await;
            };
            tokio::time::sleep(after).await;
            let message = format!("the client gave up after {after:?}, as it was told");
            (Trouble::TimedOut, message)
        };
        self.perform_until(probe, route, request, payment, leave)
            .await
    }

    /// Sends one request and records both sides of it; when `leave` is over first the connection is closed, and the
    /// exchange ends as it says.
    pub(super) async fn perform_until(
        &self,
        probe: &str,
        route: &str,
        request: Request,
        payment: Option<&PaymentHeader>,
        leave: impl Future<Output = (Trouble, String)> + Send,
    ) -> Result<Exchange, SendError> {
        let http = match route {
            crate::history::direct::ROUTE => self.direct.clone(),
            _ => self.http(),
        };
        let sending = |request| async move { send_or_leave(&http, request, leave).await };
        self.perform_by(probe, route, request, payment, sending)
            .await
    }

    /// As [`Self::perform`], over whatever sends it.
    pub(super) async fn perform_by<F>(
        &self,
        probe: &str,
        route: &str,
        request: Request,
        payment: Option<&PaymentHeader>,
        send: impl FnOnce(Request) -> F,
    ) -> Result<Exchange, SendError>
    where
        F: Future<Output = Exchange>,
    {
        self.acquire().await?;
        let number = self.exchanges.fetch_add(1, Ordering::Relaxed);
        self.record_sent(number, probe, route, &request, payment);
        let method = request.method.clone();
        self.open.fetch_add(1, Ordering::SeqCst);
        let exchange = tokio::select! {
            exchange = send(request) => exchange,
            () = self.cancel.cancelled() => {
                self.recorder.append(now_us(), What::Unanswered {
                    exchange: number,
                    trouble: Trouble::Cancelled,
                    message: "the run was stopped while this exchange was under way".to_owned(),
                    partial: None,
                });
                return Err(SendError::Cancelled);
            }
        };
        // Readings of the origin's counter say nothing while another request may make it count.
        let alone = self.open.fetch_sub(1, Ordering::SeqCst) == 1;
        self.record_outcome(number, &exchange);
        if let Some(pause) = exchange
            .response()
            .and_then(|answer| self.throttle.note(answer))
        {
            self.progress
                .stage(&format!("the target asks for a pause of {pause:?}"));
        }
        self.facilitator.lock().await.pull(&self.recorder).await?;
        if payment.is_some_and(PaymentHeader::is_sent) && alone {
            let newest = self.exchanges.load(Ordering::Relaxed).saturating_sub(1);
            self.read_executions(newest).await;
        }
        let done = usize::try_from(number)
            .unwrap_or(usize::MAX)
            .saturating_add(1);
        let planned = usize::try_from(self.planned.load(Ordering::Relaxed)).unwrap_or(done);
        self.progress.request(done, planned.max(done), probe);
        tracing::info!(exchange.id = number, probe, %method, status = ?exchange.status(), "exchange");
        Ok(exchange)
    }

    async fn acquire(&self) -> Result<(), SendError> {
        tokio::select! {
            admitted = self.throttle.admit() => Ok(admitted?),
            () = self.cancel.cancelled() => Err(SendError::Cancelled),
        }
    }

    /// Notes how many requests are planned, and says so.
    pub(crate) fn plan(&self, requests: usize, what: &str) {
        self.progress
            .stage(&format!("{what}: about {requests} requests"));
        let sent = self.exchanges.load(Ordering::Relaxed);
        let more = u32::try_from(requests).unwrap_or(u32::MAX);
        self.planned
            .store(sent.saturating_add(more), Ordering::Relaxed);
    }

    /// Records a signed authorization and gives it its number.
    pub(crate) fn record_signed(&self, payment: &SignedPayment, wrong: Option<&str>) -> u32 {
        let number = self.next_authorization();
        self.record_as_signed(payment.record(number, wrong));
        number
    }

    /// The number of the next authorization.
    pub(crate) fn next_authorization(&self) -> u32 {
        self.authorizations.fetch_add(1, Ordering::Relaxed)
    }

    /// Records a signed authorization that has its number.
    pub(crate) fn record_as_signed(&self, signed: Signed) {
        self.recorder
            .append(now_us(), What::Signed(Box::new(signed)));
    }

    /// Waits until none of our facilitator calls is open; tells whether that came true in time.
    pub(crate) async fn settle_down(&self) -> Result<bool, ControlError> {
        self.settle_down_within(self.patience).await
    }

    /// As [`Self::settle_down`], with its own patience.
    pub(super) async fn settle_down_within(&self, within: Duration) -> Result<bool, ControlError> {
        let (quiet, rested) = tokio::join!(
            async {
                let mut log = self.facilitator.lock().await;
                log.settle_down(&self.recorder, within).await
            },
            self.access.rest(within),
        );
        Ok(quiet? && rested)
    }

    /// Transaction hashes that receipts of the target named since this was last asked.
    pub(crate) fn take_receipts(&self) -> BTreeSet<String> {
        self.receipts
            .lock()
            .map(|mut set| std::mem::take(&mut *set))
            .unwrap_or_default()
    }

    /// Keeps a hash that no ledger knows yet, to be looked up again.
    pub(crate) fn keep_receipt(&self, transaction: String) {
        if let Ok(mut set) = self.receipts.lock() {
            set.insert(transaction);
        }
    }

    /// Exchanges under way.
    pub(super) fn open_exchanges(&self) -> u32 {
        self.open.load(Ordering::SeqCst)
    }

    /// Number of the newest exchange, if there was one.
    pub(super) fn newest_exchange(&self) -> Option<u32> {
        self.exchanges.load(Ordering::Relaxed).checked_sub(1)
    }

    /// Counts events about one more payer as this run's own.
    pub(super) async fn adopt(&self, payer: alloy_primitives::Address) {
        self.facilitator.lock().await.adopt(payer);
    }

    /// Addresses of every payer of this run.
    pub(super) async fn addresses(&self) -> BTreeSet<alloy_primitives::Address> {
        self.facilitator.lock().await.payers().clone()
    }

    /// Whether the target asked our facilitator about a payment of this run.
    pub(super) async fn uses_our_facilitator(&self) -> bool {
        self.facilitator.lock().await.was_asked() || self.access.was_asked()
    }

    /// Copies what the facilitator logged since into the history.
    pub(super) async fn pull(&self) -> Result<(), ControlError> {
        self.facilitator.lock().await.pull(&self.recorder).await
    }

    /// Facilitator calls of this run: how many were seen and answered, per endpoint.
    pub(super) async fn call_counts(&self) -> super::facilitator_events::CallCounts {
        let ours = self.facilitator.lock().await.counts();
        ours.and(self.access.counts())
    }

    /// Adds a remark to the history.
    pub(crate) fn note(&self, probe: Option<&str>, text: impl Into<String>) {
        let probe = probe.map(str::to_owned);
        self.recorder.append(
            now_us(),
            What::Note {
                probe,
                text: text.into(),
            },
        );
    }

    /// The whole URL of a path of the target.
    pub(crate) fn url(&self, path: &str) -> Url {
        self.profile
            .url_of(path, self.port)
            .expect("a session's target is a server, which has a URL")
    }

    /// The request for a route, as the profile describes it.
    pub(super) async fn request(
        &self,
        route: &Route,
        payment: Option<&PaymentHeader>,
    ) -> Result<Request, SendError> {
        let mut request = Request::new(route.method.clone(), self.url(route.request_path()));
        request.via = self.way();
        self.add_headers(&mut request, &route.headers).await?;
        if let Some(payment) = payment {
            request = request.with_header(payment.name, payment.value.clone());
        }
        if let Some(body) = &route.body {
            request = request.with_body(Bytes::from(body.clone()));
        }
        Ok(request)
    }

    pub(super) async fn add_headers(
        &self,
        request: &mut Request,
        route: &[crate::config::profile::Header],
    ) -> Result<(), SendError> {
        let mut headers: Vec<_> = self.profile.headers.iter().chain(route).cloned().collect();
        if let Some(auth) = &self.auth {
            let host = request.url.host_str().unwrap_or_default().to_owned();
            let path = request.path_and_query();
            let fresh = auth
                .headers(request.method.as_str(), &host, &path)
                .await
                .map_err(SendError::Auth)?;
            for header in &fresh {
                self.secrets.add(header.value.expose());
            }
            headers.extend(fresh);
        }
        for header in headers {
            request
                .headers
                .push((header.name.to_string(), header.value.expose().to_owned()));
        }
        Ok(())
    }

    /// Reads the origin's own counter; a counter that does not answer is a note, not a verdict.
    pub(super) async fn read_executions(&self, after_exchange: u32) -> Option<u64> {
        self.profile.origin.executions.as_ref()?;
        let mut executions = self.executions.lock().await;
        let counts = self.counts(&executions.copies()).await?;
        let count = executions.sum(&counts)?;
        self.recorder.append(
            now_us(),
            What::HandlerRuns {
                after_exchange,
                count,
            },
        );
        Some(count)
    }
}

/// The exchange, or what there is of it when the client closes the connection because `leave` is over.
async fn send_or_leave(
    http: &ProbeClient,
    request: Request,
    leave: impl Future<Output = (Trouble, String)> + Send,
) -> Exchange {
    let (kept, started_at_us) = (request.clone(), now_us());
    tokio::select! {
        biased;
        exchange = http.send(request) => exchange,
        (trouble, message) = leave => {
            let total_us = now_us().saturating_sub(started_at_us);
            Exchange {
                request: kept,
                outcome: Err(Failure { trouble, message, partial: None }),
                headers_us: total_us,
                total_us,
                started_at_us,
            }
        }
    }
}
