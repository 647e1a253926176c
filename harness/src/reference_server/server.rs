//! Routes, start and stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::middleware;
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use x402_assay_protocol::{Version, network};

use super::alias;
use super::ask::Ask;
use super::content::{Content, Order};
use super::cors;
use super::defects::Defect;
use super::facilitator::FacilitatorClient;
use super::leniency::Leniency;
use super::metered::Usage;
use super::options::{ReferenceServerOptions, StartError};
use super::outage;
use super::page::Page;
use super::purchase::{charge, sell};
use super::shop::Shop;
use super::wire::{self, Quirks};

/// How long the impatient server waits for its facilitator.
const IMPATIENCE: Duration = Duration::from_millis(900);
/// What is said where nothing is.
const NOTHING: &str = "there is nothing here";
/// Largest request body.
const BODY_MAX: usize = 1 << 20;

/// A running reference server; dropping it stops it.
#[derive(Debug)]
pub struct ReferenceServer {
    addr: SocketAddr,
    url: String,
    shop: Arc<Shop>,
    cancel: CancellationToken,
    task: JoinHandle<std::io::Result<()>>,
}

/// What handlers share.
#[derive(Debug, Clone)]
struct Site {
    shop: Arc<Shop>,
    local: Arc<str>,
}

impl ReferenceServer {
    /// Starts on `bind`; port 0 takes a free one.
    ///
    /// # Errors
    /// When the options contradict themselves or the address is taken.
    pub async fn start(
        options: ReferenceServerOptions,
        bind: SocketAddr,
    ) -> Result<Self, StartError> {
        check(&options)?;
        let timeout = match options.defects.has(Defect::ImpatientWithFacilitator) {
            true => options.facilitator_timeout.min(IMPATIENCE),
            false => options.facilitator_timeout,
        };
        let leniency = Leniency::of(&options.defects);
        let facilitator = FacilitatorClient::new(&options, timeout, leniency)?;
        let at_bind = |source| StartError::Bind { addr: bind, source };
        let listener = TcpListener::bind(bind).await.map_err(at_bind)?;
        let addr = listener.local_addr().map_err(at_bind)?;
        let shop = Arc::new(Shop::new(options, facilitator));
        let site = Site {
            shop: Arc::clone(&shop),
            local: addr.to_string().into(),
        };
        if shop.options.asks_supported {
            let asking = Arc::clone(&shop);
            tokio::spawn(async move { asking.kinds.ready(&asking).await });
        }
        let cancel = CancellationToken::new();
        let quirks = Quirks::of(&shop.options.defects);
        let (stopped, router) = (cancel.clone(), router(site));
        let serving = async move {
            match quirks {
                Some(quirks) => wire::serve(listener, quirks, router, stopped).await,
                None => x402_mock_facilitator::serve(listener, router, stopped).await,
            }
        };
        Ok(Self {
            addr,
            url: format!("http://{addr}"),
            shop,
            cancel,
            task: tokio::spawn(serving),
        })
    }

    /// The address it listens on.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its base URL, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How often a paid handler has run.
    pub fn executions(&self) -> u64 {
        self.shop.executions()
    }

    /// Stops it; open requests get a moment to end.
    pub async fn stop(mut self) {
        self.cancel.cancel();
        // The task ends by itself within the grace period; how it ended no longer matters.
        let _ = (&mut self.task).await;
    }
}

impl Drop for ReferenceServer {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

fn check(options: &ReferenceServerOptions) -> Result<(), StartError> {
    if options.versions.is_empty() {
        return Err(StartError::NoVersion);
    }
    let chain_id = options.token.chain_id;
    let named = network::by_chain_id(chain_id).is_some_and(|network| network.v1_name.is_some());
    if options.speaks(Version::V1) && !named {
        return Err(StartError::NoV1Name(chain_id));
    }
    Ok(())
}

fn router(site: Site) -> Router {
    let handled = site.shop.has(Defect::PreflightUnpaid);
    let cors = middleware::from_fn(move |request, next| cors::answer(handled, request, next));
    Router::new()
        .route("/paid", get(paid))
        .route("/premium", get(premium))
        .route("/generate", post(generate))
        .route("/items/{id}", get(item))
        .route("/files/{*path}", get(file))
        .route("/paid/status/{code}", get(status))
        .route("/paid/delay/{ms}", get(delay))
        .route("/paid/stream", get(stream))
        .route("/metered", get(metered))
        .route("/health", get(health))
        .route("/_bench/executions", get(executions))
        .fallback(other)
        .method_not_allowed_fallback(other_method)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(cors)
        .with_state(site)
}

impl Site {
    async fn sell(
        self,
        method: Method,
        uri: &Uri,
        headers: HeaderMap,
        content: Content,
    ) -> Response {
        let ask = Ask::new(method, uri, headers, content, &self.local);
        sell(self.shop, ask).await
    }
}

async fn paid(State(site): State<Site>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    site.sell(method, &uri, headers, Content::Paid).await
}

async fn premium(
    State(site): State<Site>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    site.sell(method, &uri, headers, Content::Premium).await
}

async fn generate(
    State(site): State<Site>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let order = Order::new(method.clone(), &headers, body);
    site.sell(method, &uri, headers, Content::Generate(order))
        .await
}

async fn stream(
    State(site): State<Site>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    site.sell(method, &uri, headers, Content::Stream).await
}

/// Without `meters` there is no such route.
async fn metered(
    State(site): State<Site>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if !site.shop.options.meters {
        return Page::error(StatusCode::NOT_FOUND, NOTHING).into();
    }
    let usage = Usage::of(uri.query());
    site.sell(method, &uri, headers, Content::Metered(usage))
        .await
}

/// A paid route with one path parameter.
macro_rules! one_parameter {
    ($($handler:ident: $content:ident;)*) => {
        $(async fn $handler(
            State(site): State<Site>,
            Path(parameter): Path<String>,
            method: Method,
            uri: Uri,
            headers: HeaderMap,
        ) -> Response {
            site.sell(method, &uri, headers, Content::$content(parameter)).await
        })*
    };
}

one_parameter! {
    item: Item;
    file: File;
    status: Status;
    delay: Delay;
}

async fn health(State(site): State<Site>, uri: Uri, headers: HeaderMap) -> Response {
    if site.shop.has(Defect::FreeRouteCharges) {
        let ask = Ask::new(Method::GET, &uri, headers, Content::Paid, &site.local);
        charge(&site.shop, &ask).await;
    }
    if site.shop.has(Defect::FreeAsksFacilitator)
        && let Err(trouble) = site.shop.facilitator.supported().await
    {
        return Page::error(StatusCode::BAD_GATEWAY, &trouble.to_string()).into();
    }
    Page::json(StatusCode::OK, &json!({ "status": "ok" })).into()
}

async fn executions(State(site): State<Site>) -> Response {
    Page::json(StatusCode::OK, &json!({ "count": site.shop.executions() }))
        .with("cache-control", "no-store")
        .into()
}

/// A method that a route does not have.
async fn other_method(State(site): State<Site>, request: Request) -> Response {
    let sold = alias::literal(request.uri().path());
    let preflight = request.method() == Method::OPTIONS && site.shop.has(Defect::PreflightUnpaid);
    match sold.filter(|_| preflight || site.shop.has(Defect::OtherMethodUnpaid)) {
        Some(content) => outage::give_away(&site.shop, &content).await.into(),
        None => Page::error(StatusCode::METHOD_NOT_ALLOWED, "not with this method").into(),
    }
}

async fn other(State(site): State<Site>, request: Request) -> Response {
    match alias::content(&site.shop, request.uri().path()) {
        Some(content) => outage::give_away(&site.shop, &content).await.into(),
        None => Page::error(StatusCode::NOT_FOUND, NOTHING).into(),
    }
}
