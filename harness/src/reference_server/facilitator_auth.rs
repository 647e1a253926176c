//! Somebody who knows which headers a facilitator call needs, for facilitators that want fresh ones.

use std::fmt::Debug;

use futures_util::future::BoxFuture;
use http::{HeaderMap, Method};

/// Asked before every facilitator call.
pub trait FacilitatorAuth: Debug + Send + Sync {
    /// The headers of one call, or for people why there are none.
    fn headers<'a>(
        &'a self,
        method: &'a Method,
        path: &'a str,
    ) -> BoxFuture<'a, Result<HeaderMap, String>>;
}
