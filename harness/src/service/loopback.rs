//! The HTTP client for our own services: loopback only, so no trust roots.

use std::sync::Arc;
use std::time::Duration;

/// A client with one deadline for a whole call; it follows nothing and uses no proxy.
///
/// # Errors
/// When the TLS configuration or the client cannot be built.
pub(crate) fn loopback_client(
    deadline: Duration,
) -> Result<reqwest::Client, Box<dyn std::error::Error>> {
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_safe_default_protocol_versions()?
    .with_root_certificates(rustls::RootCertStore::empty())
    .with_no_client_auth();
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .no_gzip()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(deadline)
        .build()?)
}

/// The innermost cause of an error: the part that says what happened.
pub(crate) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(next) = innermost.source() {
        innermost = next;
    }
    innermost.to_string()
}
