//! A facilitator under test that the bench launched: scenarios may restart it.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Mutex;

use crate::launch::{LaunchedTarget, STOP_GRACE};
use crate::runner::{Ending, FacilitatorControl, FacilitatorOutcome};

/// Its process.
#[derive(Debug)]
pub(super) struct LaunchedFacilitator(Mutex<LaunchedTarget>);

impl LaunchedFacilitator {
    pub(super) fn new(launched: LaunchedTarget) -> Self {
        Self(Mutex::new(launched))
    }

    /// The last lines that it wrote.
    pub(super) async fn tail(&self) -> Vec<String> {
        self.0.lock().await.tail()
    }

    /// Ends it in good order.
    pub(super) async fn stop(&self) {
        if let Err(error) = self.0.lock().await.stop(STOP_GRACE).await {
            tracing::warn!(%error, "the launched facilitator did not stop");
        }
    }
}

impl FacilitatorControl for LaunchedFacilitator {
    fn fixed(&self) -> Option<String> {
        None
    }

    fn restart(&self, ending: Ending) -> BoxFuture<'_, FacilitatorOutcome> {
        let grace = match ending {
            Ending::Stop => STOP_GRACE,
            Ending::Kill => Duration::ZERO,
        };
        Box::pin(async move {
            let restarted = self.0.lock().await.restart(grace).await;
            restarted.map_err(|error| error.to_string())
        })
    }

    fn revive(&self) -> BoxFuture<'_, FacilitatorOutcome> {
        Box::pin(async {
            let mut launched = self.0.lock().await;
            match launched.is_running() {
                true => Ok(()),
                false => launched
                    .start_again()
                    .await
                    .map_err(|error| error.to_string()),
            }
        })
    }
}
