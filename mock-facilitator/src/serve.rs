//! Running a router on a listener until told to stop.

use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Time open requests get to end once the token is cancelled.
const GRACE: Duration = Duration::from_secs(2);

/// Serves until `cancel` is cancelled, then lets open requests end for up to two seconds.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    cancel: CancellationToken,
) -> std::io::Result<()> {
    // Without it small answers wait for the peer's delayed acknowledgement. Failing to set it costs only time.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let server = axum::serve(listener, router)
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
