//! One request of a user, and its answer with every instant kept.

use std::time::{Duration, Instant};

use bytes::BytesMut;
use goose::goose::{GooseRequest, GooseUser};

use crate::history::event::Trouble;
use crate::http::trouble_of;
use crate::load::connection::{Answer, BODY_KEPT, BODY_MAX, Broken};

/// Sends a request and reads the answer, both within `timeout`.
pub(super) async fn send(
    user: &mut GooseUser,
    request: GooseRequest<'_>,
    timeout: Duration,
) -> Result<Answer, Broken> {
    tokio::time::timeout(timeout, exchange(user, request))
        .await
        .unwrap_or(Err(Broken::TimedOut))
}

async fn exchange(user: &mut GooseUser, request: GooseRequest<'_>) -> Result<Answer, Broken> {
    // A request that cannot be built; what goes wrong on its way is in the response.
    let sent = user.request(request).await.map_err(|_| Broken::Garbage)?;
    let mut response = sent.response.map_err(|error| broken(&error))?;
    let head_at = Instant::now();
    let (mut kept, mut seen) = (BytesMut::new(), 0u64);
    while let Some(chunk) = response.chunk().await.map_err(|error| broken(&error))? {
        seen += chunk.len() as u64;
        if seen > BODY_MAX {
            return Err(Broken::TooLarge);
        }
        let room = BODY_KEPT.saturating_sub(kept.len());
        kept.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    Ok(Answer {
        status: response.status().as_u16(),
        headers: response.headers().into(),
        body: kept.freeze(),
        head_at,
        done_at: Instant::now(),
    })
}

fn broken(error: &reqwest::Error) -> Broken {
    match trouble_of(error) {
        Trouble::Refused => Broken::Refused,
        Trouble::TimedOut => Broken::TimedOut,
        Trouble::Tls => Broken::Tls,
        Trouble::TooLarge => Broken::TooLarge,
        Trouble::Malformed => Broken::Garbage,
        // A connection that never was: no port, no descriptor, no name.
        Trouble::Unresolved => Broken::Connect,
        Trouble::Closed if error.is_connect() => Broken::Connect,
        Trouble::Closed | Trouble::Cancelled | Trouble::Left => Broken::Reset,
    }
}
