//! The typed target profile.

use std::path::PathBuf;
use std::time::Duration;

use alloy_primitives::Address;
use url::Url;
use x402_assay_protocol::Version;

use super::{Header, Price, Route, Secret, UrlTemplate};

/// Everything that is known of a target before it is asked (design section 5).
#[derive(Debug, Clone, PartialEq)]
pub struct TargetProfile {
    /// A name for people; the host if the profile gives none.
    pub name: String,
    /// What is tested, and where it is.
    pub kind: TargetKind,
    /// How to start it, if the bench starts it.
    pub launch: Option<Launch>,
    /// Versions to test; `None` means detect.
    pub versions: Option<Vec<Version>>,
    /// Headers for every request to the target; all values are secrets.
    pub headers: Vec<Header>,
    /// A command that prints fresh headers.
    pub auth: Option<Auth>,
    /// TLS settings towards the target.
    pub tls: Tls,
    /// How much may be sent to the target.
    pub limits: Limits,
    /// Longest wait for one answer; `None` means the bench's default.
    pub timeout: Option<Duration>,
    /// The paid routes; at least one for a server, none otherwise.
    pub routes: Vec<Route>,
    /// Paths that must not ask for money.
    pub free: Vec<String>,
    /// How the paid handler may be steered and watched.
    pub origin: Origin,
    /// When the money is taken.
    pub flow: Flow,
    /// The server answers a repeat from a cache on purpose.
    pub idempotent_replay: bool,
    /// The price may differ between two quotes.
    pub dynamic_price: bool,
    /// How many copies of the target share the work.
    pub replicas: u32,
    /// The target's accounts that need gas.
    pub fund: Vec<Address>,
    /// What a client may spend.
    pub budget: Option<Price>,
    /// Where a client may pay, CAIP-2.
    pub networks: Vec<String>,
    /// The folder relative paths start from: the profile's, or where the bench was called.
    pub base_dir: PathBuf,
}

/// The role of the target with its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetKind {
    /// A resource server; routes are appended to the URL.
    Server {
        /// The URL routes are appended to; without path if the profile names no routes.
        url: UrlTemplate,
    },
    /// A facilitator; `/verify` and its siblings are appended to the URL.
    Facilitator {
        /// The base URL.
        url: UrlTemplate,
    },
    /// A paying client, called with the URL to buy from.
    Client {
        /// The shell command; `{url}` stands for what to buy.
        command: String,
    },
}

/// How to start a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// What `sh -c` runs; `{port}` is filled in.
    pub command: String,
    /// Where it runs.
    pub cwd: PathBuf,
    /// The path that answers below 500 once the target is ready; else any answer will do.
    pub ready: Option<String>,
    /// How long starting may take.
    pub timeout: Duration,
    /// Environment on top of what the bench gives; `{port}` is filled in, these values win.
    pub env: Vec<(String, Secret)>,
}

/// A command that prints headers, called with method, host and path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// The shell command, run in the profile's folder.
    pub command: String,
    /// How long its headers are good for.
    pub ttl: Duration,
}

/// TLS towards the target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// A PEM file of certificates to trust as well.
    pub ca: Option<PathBuf>,
    /// Accept any certificate.
    pub insecure: bool,
}

/// How much may be sent to the target.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Limits {
    /// Requests per second.
    pub rps: Option<f64>,
    /// Requests in one run.
    pub requests: Option<u64>,
}

/// How the bench may steer and watch the paid handler (design section 5, `origin`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// Text that only a paid body holds.
    pub marker: Option<String>,
    /// Path that answers `{"count": n}`.
    pub executions: Option<String>,
    /// Paid path that answers with the status `{code}`.
    pub status: Option<String>,
    /// Paid path that answers after `{ms}` milliseconds.
    pub delay: Option<String>,
    /// Paid path that answers in pieces.
    pub stream: Option<String>,
}

/// When a server takes the money.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Flow {
    /// Verify, work, settle: nothing is charged for a failed request.
    #[default]
    Authorization,
    /// Settle first, then work.
    Upfront,
}

/// Shorter texts are hidden by header name only: replacing them everywhere would garble a report.
const SECRET_BYTES_MIN: usize = 6;

impl TargetProfile {
    /// The URL of a server or facilitator; a client has none.
    pub fn url(&self) -> Option<&UrlTemplate> {
        match &self.kind {
            TargetKind::Server { url } | TargetKind::Facilitator { url } => Some(url),
            TargetKind::Client { .. } => None,
        }
    }

    /// `server`, `facilitator` or `client`.
    pub fn kind_name(&self) -> &'static str {
        match &self.kind {
            TargetKind::Server { .. } => "server",
            TargetKind::Facilitator { .. } => "facilitator",
            TargetKind::Client { .. } => "client",
        }
    }

    /// The URL of a path of the target (`/paid?x=1`), below the path of its base URL.
    pub fn url_of(&self, path: &str, port: u16) -> Option<Url> {
        let base = self.url()?.resolve(port);
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (path, None),
        };
        let mut url = base.clone();
        url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
        url.set_query(query);
        Some(url)
    }

    /// Every text that must not appear in anything written: header values (but for content-type
    /// and accept) and their credentials, a URL's password, launch variables named like a secret.
    /// Texts under 6 bytes are left to [`Self::secret_header_names`]. Longest first.
    pub fn secrets(&self) -> Vec<String> {
        let route_headers = self.routes.iter().flat_map(|route| &route.headers);
        let headers = self
            .headers
            .iter()
            .chain(route_headers)
            .filter(|header| !header.is_plain());
        let variables = self.launch.iter().flat_map(|launch| &launch.env);
        let variables = variables.filter(|(name, _)| sounds_secret(name));
        let mut texts: Vec<String> = headers
            .flat_map(Header::secret_texts)
            .chain(variables.map(|(_, value)| value.expose().to_owned()))
            .chain(self.url().and_then(UrlTemplate::password))
            .filter(|text| text.len() >= SECRET_BYTES_MIN)
            .collect();
        texts.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        texts.dedup();
        texts
    }

    /// The lower-case names of headers whose values must never be written.
    pub fn secret_header_names(&self) -> Vec<String> {
        let route_headers = self.routes.iter().flat_map(|route| &route.headers);
        let all = self
            .headers
            .iter()
            .chain(route_headers)
            .filter(|header| !header.is_plain());
        let mut names: Vec<String> = all.map(|header| header.name.as_str().to_owned()).collect();
        names.extend(["authorization", "cookie", "proxy-authorization"].map(String::from));
        names.sort();
        names.dedup();
        names
    }
}

fn sounds_secret(variable: &str) -> bool {
    let upper = variable.to_ascii_uppercase();
    ["KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL"]
        .iter()
        .any(|word| upper.contains(word))
}
