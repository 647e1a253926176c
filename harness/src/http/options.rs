//! What the probing client is told.

use std::path::PathBuf;
use std::time::Duration;

/// Options of a [`super::ProbeClient`].
#[derive(Debug, Clone)]
pub struct ProbeClientOptions {
    /// `User-Agent`; `x402-assay/<version>` by default.
    pub user_agent: String,
    /// Time for a whole exchange.
    pub timeout: Duration,
    /// Bytes of a body that are kept.
    pub keep_body: usize,
    /// Bytes of a body that are read and counted; then the bench stops reading.
    pub read_body: u64,
    /// PEM file with certificates that are trusted beside the system's.
    pub extra_ca: Option<PathBuf>,
    /// Accepts any certificate.
    pub insecure: bool,
}

impl Default for ProbeClientOptions {
    fn default() -> Self {
        Self {
            user_agent: concat!("x402-assay/", env!("CARGO_PKG_VERSION")).to_owned(),
            timeout: Duration::from_secs(30),
            keep_body: 1 << 20,
            read_body: 8 << 20,
            extra_ca: None,
            insecure: false,
        }
    }
}

/// Why a client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The CA file cannot be read.
    #[error("tls.ca: {path}: {source}")]
    ReadCa {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The CA file holds no usable certificate.
    #[error("tls.ca: {path}: {why}; a PEM file with `BEGIN CERTIFICATE` blocks is needed")]
    BadCa {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// TLS cannot be set up.
    #[error("tls: {0}")]
    Tls(#[from] rustls::Error),
    /// The HTTP client refused its configuration.
    #[error("http client: {0}")]
    Client(#[from] reqwest::Error),
}
