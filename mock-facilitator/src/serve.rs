//! Running a router on a listener until told to stop.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::connection::{Connection, Door, Gate};
use crate::facilitator::Facilitator;

/// Time open requests get to end once the token is cancelled.
const GRACE: Duration = Duration::from_secs(2);

/// Serves until `cancel` is cancelled, then lets open requests end for up to two seconds.
///
/// Handlers find their [`Connection`] as axum's `ConnectInfo`.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    cancel: CancellationToken,
) -> std::io::Result<()> {
    serve_behind(listener, Gate::default(), router, cancel).await
}

/// As [`serve`], with the facilitator's protocol port; only this way an `outage` refuses connections.
///
/// # Errors
/// When the listener fails.
pub async fn serve_facilitator(
    listener: TcpListener,
    facilitator: Arc<Facilitator>,
    cancel: CancellationToken,
) -> std::io::Result<()> {
    let gate = facilitator.faults().gate().clone();
    serve_behind(listener, gate, crate::router(facilitator), cancel).await
}

async fn serve_behind(
    listener: TcpListener,
    gate: Gate,
    router: Router,
    cancel: CancellationToken,
) -> std::io::Result<()> {
    let service = router.into_make_service_with_connect_info::<Connection>();
    let server = axum::serve(Door::new(listener, gate), service)
        .with_graceful_shutdown(cancel.clone().cancelled_owned())
        .into_future();
    let grace_over = async {
        cancel.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        ended = server => ended,
        () = grace_over => Ok(()),
    }
}
