//! A JSON-RPC connection to the bench's own node.

use std::time::Duration;

use alloy_network::Ethereum;
use alloy_provider::transport::{RpcError as WireError, TransportErrorKind};
use alloy_provider::{ProviderBuilder, RootProvider};
use reqwest::Client;
use url::Url;

use crate::http::tls::client_config;

/// Longest a single call may take.
const CALL_LIMIT: Duration = Duration::from_secs(30);

/// Connecting to loopback either works at once or not at all.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// The provider type used for development nodes.
pub type DevProvider = RootProvider<Ethereum>;

/// A call to the node failed.
pub type RpcError = WireError<TransportErrorKind>;

/// A provider for a node on this machine: no proxy, bounded waits. Opens no connection yet.
pub fn connect(url: &Url) -> DevProvider {
    ProviderBuilder::default().connect_reqwest(http_client(Some(CALL_LIMIT)), url.clone())
}

/// An HTTP client for loopback: proxies from the environment are ignored. `limit` is per call.
pub(super) fn http_client(limit: Option<Duration>) -> Client {
    // Plain http most of the time, but the client asks for TLS all the same; this one is made once, for a client's own
    // would read the system's certificates each time.
    let tls = client_config(None, false).expect("TLS without a CA file can be set up");
    let builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .no_gzip()
        .connect_timeout(CONNECT_LIMIT)
        .redirect(reqwest::redirect::Policy::none());
    match limit {
        Some(limit) => builder.timeout(limit),
        None => builder,
    }
    .build()
    .expect("a client without TLS material or proxies always builds")
}
