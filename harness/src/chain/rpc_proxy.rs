//! The advertised RPC endpoint: a reverse proxy in front of the node.
//!
//! `/` leads to the primary chain, `/{chain_id}` to that chain, any other path to the primary
//! one. Requests and answers pass as they are, single or batch; reads and writes alike.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use reqwest::Client;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use url::Url;
use x402_mock_facilitator::Connection;

use super::rpc::http_client;
use super::rpc_faults::{Broken, RpcFaults, answer};
use super::rpc_reply::{allow_any_origin, error};

/// Largest request passed on.
const MAX_REQUEST_BYTES: usize = 16 * 1024 * 1024;

/// Largest answer passed back; wide log queries are big.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// Longest wait for a request to arrive, and for the node's answer.
const EXCHANGE_LIMIT: Duration = Duration::from_secs(30);

/// Idle keep-alive connections are cut after this long at shutdown.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(2);

/// The proxy could not listen.
#[derive(Debug, thiserror::Error)]
pub enum RpcProxyError {
    /// Usually a taken port.
    #[error("could not listen on {addr} for the RPC proxy: {source}")]
    Bind {
        /// The address asked for.
        addr: SocketAddr,
        /// What happened.
        source: io::Error,
    },
}

/// A listening proxy; dropping it stops it.
#[derive(Debug)]
pub struct RpcProxy {
    addr: SocketAddr,
    upstreams: Arc<Upstreams>,
    stop: CancellationToken,
    server: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Routes {
    primary: Option<Url>,
    chains: BTreeMap<u64, Url>,
}

#[derive(Debug)]
struct Upstreams {
    routes: RwLock<Routes>,
    client: Client,
    faults: RpcFaults,
}

impl RpcProxy {
    /// Listens at once; calls are refused until [`Self::set_upstream`].
    pub async fn bind(addr: SocketAddr) -> Result<Self, RpcProxyError> {
        let bind_error = |source| RpcProxyError::Bind { addr, source };
        let listener = TcpListener::bind(addr).await.map_err(bind_error)?;
        let addr = listener.local_addr().map_err(bind_error)?;
        let upstreams = Arc::new(Upstreams {
            routes: RwLock::default(),
            client: http_client(None),
            faults: RpcFaults::default(),
        });
        let router = Router::new()
            .fallback(exchange)
            .with_state(Arc::clone(&upstreams));
        let stop = CancellationToken::new();
        let serving = x402_mock_facilitator::serve(listener, router, stop.clone());
        let server = tokio::spawn(async move {
            // Ends only when told to: accept errors are retried inside.
            let _ = serving.await;
        });
        Ok(Self {
            addr,
            upstreams,
            stop,
            server: Some(server),
        })
    }

    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its base URL, which leads to the primary chain.
    pub fn url(&self) -> Url {
        let text = format!("http://{}/", self.addr);
        Url::parse(&text).expect("a socket address is a valid authority")
    }

    /// Where this machine reaches a chain behind it.
    pub fn local_url(&self, chain_id: u64) -> Url {
        let ip = match self.addr.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        let addr = SocketAddr::new(ip, self.addr.port());
        let text = format!("http://{addr}/{chain_id}");
        Url::parse(&text).expect("a socket address is a valid authority")
    }

    /// What it does wrong on purpose.
    pub fn faults(&self) -> &RpcFaults {
        &self.upstreams.faults
    }

    /// Sets or takes away the primary chain.
    pub fn set_upstream(&self, upstream: Option<Url>) {
        self.upstreams.write(|routes| routes.primary = upstream);
    }

    /// Makes a chain reachable at `/{chain_id}`.
    pub fn add_chain(&self, chain_id: u64, upstream: Url) {
        self.upstreams.write(|routes| {
            routes.chains.insert(chain_id, upstream);
        });
    }

    /// Takes a chain away again.
    pub fn remove_chain(&self, chain_id: u64) {
        self.upstreams.write(|routes| {
            routes.chains.remove(&chain_id);
        });
    }

    /// Stops listening and gives what is under way a moment to end.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        if let Some(server) = self.server.take() {
            let _ = tokio::time::timeout(SHUTDOWN_LIMIT, server).await;
        }
    }
}

impl Drop for RpcProxy {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Upstreams {
    fn write(&self, change: impl FnOnce(&mut Routes)) {
        change(&mut self.routes.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Where a path leads, with the chain's id if it is known, or why nowhere.
    fn route(&self, path: &str) -> Result<(Option<u64>, Url), (StatusCode, String)> {
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        let first = path
            .trim_start_matches('/')
            .split('/')
            .next()
            .unwrap_or_default();
        if let Ok(chain_id) = first.parse::<u64>() {
            let found = routes.chains.get(&chain_id).cloned();
            return found.map(|url| (Some(chain_id), url)).ok_or_else(|| {
                let known: Vec<_> = routes.chains.keys().map(u64::to_string).collect();
                let known = if known.is_empty() {
                    "none".to_owned()
                } else {
                    known.join(", ")
                };
                let message = format!("no chain {chain_id} here; chains: {known}");
                (StatusCode::NOT_FOUND, message)
            });
        }
        let primary = routes.primary.clone().ok_or_else(|| {
            let message = "no chain yet: the bench starts it when a run begins".to_owned();
            (StatusCode::SERVICE_UNAVAILABLE, message)
        })?;
        let same = routes.chains.iter().find(|(_, url)| **url == primary);
        Ok((same.map(|(id, _)| *id), primary))
    }
}

async fn exchange(
    State(upstreams): State<Arc<Upstreams>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
) -> Response<Body> {
    if request.method() == Method::OPTIONS {
        return preflight();
    }
    if request.method() != Method::POST {
        return error(
            StatusCode::METHOD_NOT_ALLOWED,
            b"",
            "JSON-RPC calls are POSTs",
        );
    }
    let deadline = Instant::now() + EXCHANGE_LIMIT;
    let (head, body) = request.into_parts();
    let body = match timeout_at(deadline, axum::body::to_bytes(body, MAX_REQUEST_BYTES)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            let message = format!("the request is cut short or over {MAX_REQUEST_BYTES} bytes");
            return error(StatusCode::PAYLOAD_TOO_LARGE, b"", &message);
        }
        Err(_) => {
            let message = format!("the request did not arrive within {EXCHANGE_LIMIT:?}");
            return error(StatusCode::REQUEST_TIMEOUT, b"", &message);
        }
    };
    let (chain_id, upstream) = match upstreams.route(head.uri.path()) {
        Ok(found) => found,
        Err((status, message)) => return error(status, &body, &message),
    };
    // Waits on purpose are not the node's: each time it is asked it gets the whole limit.
    let ask = async |body: Bytes| {
        let passed = pass_on(
            &upstreams.client,
            upstream.clone(),
            &head.headers,
            body.clone(),
        );
        let limited = tokio::time::timeout(EXCHANGE_LIMIT, passed).await;
        limited.unwrap_or_else(|_| {
            let message = format!("the node did not answer within {EXCHANGE_LIMIT:?}");
            error(StatusCode::GATEWAY_TIMEOUT, &body, &message)
        })
    };
    match answer(&upstreams.faults, chain_id, body, ask).await {
        Ok(response) => response,
        Err(Broken) => {
            connection.cut();
            // Nobody gets to see it.
            Response::new(Body::empty())
        }
    }
}

/// One exchange with a node, body for body.
async fn pass_on(
    client: &Client,
    upstream: Url,
    headers: &HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let content_type = headers
        .get(CONTENT_TYPE)
        .cloned()
        .unwrap_or_else(|| HeaderValue::from_static("application/json"));
    let sent = client
        .post(upstream)
        .header(CONTENT_TYPE, content_type)
        .body(body.clone());
    let answer = async {
        let answer = sent.send().await?;
        let (status, kind) = (answer.status(), answer.headers().get(CONTENT_TYPE).cloned());
        read_bounded(answer)
            .await
            .map(|bytes| (status, kind, bytes))
    };
    match answer.await {
        Ok((status, content_type, Some(bytes))) => {
            let mut response = Response::new(Body::from(bytes));
            *response.status_mut() = status;
            if let Some(value) = content_type {
                response.headers_mut().insert(CONTENT_TYPE, value);
            }
            allow_any_origin(response.headers_mut());
            response
        }
        Ok((_, _, None)) => {
            let message = format!("the node's answer is over {MAX_ANSWER_BYTES} bytes");
            error(StatusCode::BAD_GATEWAY, &body, &message)
        }
        Err(problem) => {
            // The URL is the bench's own business; the cause is what helps.
            let problem = problem.without_url();
            error(
                StatusCode::BAD_GATEWAY,
                &body,
                &format!("the node does not answer: {problem}"),
            )
        }
    }
}

/// The whole answer; `None` when it is too large.
async fn read_bounded(mut answer: reqwest::Response) -> reqwest::Result<Option<Bytes>> {
    let Some(first) = answer.chunk().await? else {
        return Ok(Some(Bytes::new()));
    };
    let mut whole = Vec::from(first);
    while let Some(chunk) = answer.chunk().await? {
        if whole.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Ok(None);
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(Some(whole.into()))
}

fn preflight() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    allow_any_origin(response.headers_mut());
    response
}
