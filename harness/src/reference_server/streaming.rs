//! Defect `stream-before-settlement`: bytes leave while the money has not moved.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};

use super::content::chunks;
use super::deal::Deal;
use super::guard::Claim;
use super::settlement::{Outcome, settle};
use super::shop::Shop;

/// Answers at once and settles between the first part and the rest.
pub(super) fn respond(shop: Arc<Shop>, deal: Deal, claim: Claim) -> Response {
    shop.count_run();
    let mut parts = chunks();
    let rest = parts.split_off(1).concat();
    let first = Bytes::from(parts.concat());
    let after_settlement = async move {
        let text = match settle(&shop, &deal).await {
            Outcome::Done(_) => {
                claim.spend();
                rest
            }
            Outcome::Failed(_) => {
                claim.release();
                "settlement failed\n".to_owned()
            }
            Outcome::Unknown(open) => format!("{}\n", open.why),
        };
        Ok::<_, Infallible>(Bytes::from(text))
    };
    let body = stream::iter([Ok(first)]).chain(stream::once(after_settlement));
    Response::new(Body::from_stream(body))
}
