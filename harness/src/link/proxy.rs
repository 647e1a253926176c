//! A link: started, pointed somewhere, told what to do.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use super::event::LinkEnds;
use super::hits::{Hit, HitPage};
use super::listener::{self, BACKLOG, OutageOrder};
use super::open::OpenExchanges;
use super::rule::{Answer, HostHeader, LinkFault, LinkRule, Outage};
use super::rules::{RULES_MAX, Rules};
use super::shared::{LinkHit, Shared};
use super::upstream::Upstream;
use crate::os::HeldPort;

/// Connections at a time.
const CONNECTIONS_MAX: usize = 4096;
/// Longest wait for connections to end at shutdown.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(2);

/// How to start a link.
#[derive(Debug, Clone)]
pub struct LinkOptions {
    /// What it stands between.
    pub ends: LinkEnds,
    /// Where requests go: an `http://` URL; a base path is part of the link's URL too.
    pub upstream: Url,
    /// Where to listen; port 0 for a free one.
    pub bind: SocketAddr,
    /// What becomes of the `Host` field.
    pub host: HostHeader,
}

impl LinkOptions {
    /// Between clients and a server: on a free loopback port; the server sees the `Host` that the client sent.
    pub fn client_server(upstream: Url) -> Self {
        Self {
            ends: LinkEnds::ClientServer,
            upstream,
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            host: HostHeader::Keep,
        }
    }

    /// Between a server and any facilitator: on a free loopback port; the facilitator sees its own authority.
    pub fn server_facilitator(upstream: Url) -> Self {
        Self {
            ends: LinkEnds::ServerFacilitator,
            host: HostHeader::Upstream,
            ..Self::client_server(upstream)
        }
    }
}

/// Trouble with a link.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Usually a taken port.
    #[error("could not listen on {addr} for a link: {source}")]
    Bind {
        /// The address asked for.
        addr: SocketAddr,
        /// What happened.
        source: io::Error,
    },
    /// It cannot lead there.
    #[error("a link cannot lead to {url}: {why}; links pass plain HTTP/1.1")]
    Upstream {
        /// The URL.
        url: String,
        /// Why not.
        why: &'static str,
    },
    /// Too many rules at a time.
    #[error("a link holds at most {RULES_MAX} rules: disarm some")]
    TooManyRules,
    /// A rule nothing can be done with.
    #[error("a link cannot answer with status {0}: write 200 to 599")]
    Status(u16),
    /// The link is stopped.
    #[error("the link is stopped")]
    Stopped,
}

/// A running link; dropping it resets its connections.
#[derive(Debug)]
pub struct LinkProxy {
    shared: Arc<Shared>,
    addr: SocketAddr,
    orders: mpsc::Sender<OutageOrder>,
}

impl LinkProxy {
    /// Listens at once; nobody need be at the other end yet.
    ///
    /// # Errors
    /// When the upstream is no plain HTTP, or the address cannot be bound.
    pub fn start(options: LinkOptions) -> Result<Self, LinkError> {
        let upstream = Upstream::of(&options.upstream)?;
        let addr = options.bind;
        let bound = HeldPort::take(addr).and_then(|port| Ok((port.listen(BACKLOG)?, port)));
        let (listener, port) = bound.map_err(|source| LinkError::Bind { addr, source })?;
        let addr = port.addr();
        let shared = Arc::new(Shared {
            ends: options.ends,
            host: options.host,
            upstream: RwLock::new(upstream),
            rules: Rules::default(),
            hits: Default::default(),
            open: Arc::new(OpenExchanges::default()),
            cache: Mutex::default(),
            watchers: Mutex::default(),
            connections: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        });
        let (orders, receiver) = mpsc::channel(1);
        shared
            .tasks
            .spawn(listener::run(Arc::clone(&shared), port, listener, receiver));
        Ok(Self {
            shared,
            addr,
            orders,
        })
    }

    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What callers use instead of the upstream's URL: same base path.
    pub fn url(&self) -> Url {
        let text = format!("http://{}{}", self.addr, self.shared.upstream().path);
        Url::parse(&text).expect("a socket address and the path of a URL make a URL")
    }

    /// Leads new connections somewhere else: a target that was restarted on another port, a replica.
    ///
    /// # Errors
    /// When the upstream is no plain HTTP.
    pub fn set_upstream(&self, upstream: &Url) -> Result<(), LinkError> {
        let upstream = Upstream::of(upstream)?;
        *self
            .shared
            .upstream
            .write()
            .unwrap_or_else(PoisonError::into_inner) = upstream;
        Ok(())
    }

    /// Has events of `other` strike the exchanges that are open here: rules of this link may then name them.
    pub fn follow(&self, other: &Self) {
        let mut watchers = other
            .shared
            .watchers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        watchers.push(Arc::downgrade(&self.shared));
    }

    /// Arms a rule; its number is for [`Self::disarm`] and stands in every hit.
    ///
    /// # Errors
    /// When there are too many rules, or the rule answers with an impossible status.
    pub fn arm(&self, rule: LinkRule) -> Result<u64, LinkError> {
        if let LinkFault::Answer(Answer { status, .. }) = &rule.fault
            && !(200..=599).contains(status)
        {
            return Err(LinkError::Status(*status));
        }
        self.shared.rules.arm(rule).ok_or(LinkError::TooManyRules)
    }

    /// Ends a rule. What it held goes on, what it hung is reset; false when there is no such rule.
    pub fn disarm(&self, rule: u64) -> bool {
        self.shared.rules.disarm(rule)
    }

    /// Ends every rule and outage and empties the cache.
    ///
    /// # Errors
    /// When the port cannot be listened on again after an outage.
    pub async fn clear(&self) -> Result<(), LinkError> {
        self.shared.rules.clear();
        self.shared.cache().clear();
        self.set_outage(None).await
    }

    /// Begins or ends an outage. When this returns, it is so for new connections, and open ones were told to end.
    ///
    /// # Errors
    /// When the port cannot be listened on again.
    pub async fn set_outage(&self, outage: Option<Outage>) -> Result<(), LinkError> {
        let (done, ready) = oneshot::channel();
        let sent = self.orders.send((outage, done)).await;
        sent.map_err(|_| LinkError::Stopped)?;
        let addr = self.addr;
        let ready = ready.await.map_err(|_| LinkError::Stopped)?;
        ready.map_err(|source| LinkError::Bind { addr, source })
    }

    /// What faults did, from number `from` on; waits up to `wait` for the first.
    pub async fn hits(&self, from: u64, wait: Duration) -> HitPage<LinkHit> {
        self.shared.hits.page_within(from, wait).await
    }

    /// Number of the next hit: where to ask from to see only what happens from now on.
    pub fn next_hit(&self) -> u64 {
        self.shared.hits.next()
    }

    /// The first hit of a rule; `None` when it strikes nothing within `wait`.
    pub async fn hit_of(&self, rule: u64, wait: Duration) -> Option<Hit<LinkHit>> {
        self.shared.hits.find(0, wait, |hit| hit.rule == rule).await
    }

    /// Exchanges under way.
    pub fn open_exchanges(&self) -> usize {
        self.shared.open.all().len()
    }

    /// Stops listening, resets what is under way and waits until it is gone.
    pub async fn shutdown(self) {
        self.shared.stop.cancel();
        self.shared.rules.clear();
        self.shared.tasks.close();
        let ended = self.shared.tasks.wait();
        if tokio::time::timeout(SHUTDOWN_LIMIT, ended).await.is_err() {
            tracing::debug!("connections of a link were still busy after the grace period");
        }
    }
}

impl Drop for LinkProxy {
    fn drop(&mut self) {
        self.shared.rules.clear();
        self.shared.stop.cancel();
    }
}
