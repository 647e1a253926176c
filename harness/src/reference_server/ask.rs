//! What a client asks for.

use http::{HeaderMap, Method, Uri, uri::Authority};

use super::content::Content;

/// A request for paid content.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) method: Method,
    /// The URL under which the client knows the resource.
    pub(super) url: String,
    pub(super) headers: HeaderMap,
    pub(super) content: Content,
    pub(super) target: Target,
}

/// The request target as it stood on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Its path.
    pub(super) path: String,
    /// True for a whole URL.
    pub(super) absolute: bool,
}

impl Ask {
    /// Reads the resource's URL off the request; `local` stands in for a missing or odd `Host`.
    pub(super) fn new(
        method: Method,
        uri: &Uri,
        headers: HeaderMap,
        content: Content,
        local: &str,
    ) -> Self {
        let host = headers
            .get(http::header::HOST)
            .and_then(|value| value.to_str().ok())
            .filter(|text| text.parse::<Authority>().is_ok())
            .unwrap_or(local);
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Self {
            method,
            url: format!("http://{host}{path}"),
            headers,
            content,
            target: Target {
                path: uri.path().to_owned(),
                absolute: uri.authority().is_some(),
            },
        }
    }
}
