//! What scenarios may do to the facilitator's process.

use std::fmt::Debug;

use futures_util::future::BoxFuture;
use x402_mock_facilitator as mock;

use super::target_control::Ending;
use crate::service::ControlClient;

/// Whether it worked, or for people why not. That is the trouble of one case.
pub type Outcome = Result<(), String>;

/// The process of the facilitator that servers use.
pub trait FacilitatorControl: Debug + Send + Sync {
    /// Why it cannot be restarted, if it cannot.
    fn fixed(&self) -> Option<String>;

    /// Ends it and starts it again on its port, until it is ready.
    fn restart(&self, ending: Ending) -> BoxFuture<'_, Outcome>;

    /// Starts it, if it should run and does not.
    fn revive(&self) -> BoxFuture<'_, Outcome>;
}

/// The bench's own: its ledger and its log outlive it.
#[derive(Debug, Clone)]
pub struct OurFacilitator(pub ControlClient);

impl FacilitatorControl for OurFacilitator {
    fn fixed(&self) -> Option<String> {
        None
    }

    fn restart(&self, ending: Ending) -> BoxFuture<'_, Outcome> {
        let ending = match ending {
            Ending::Kill => mock::Ending::Kill,
            Ending::Stop => mock::Ending::Stop,
        };
        Box::pin(async move {
            let restarted = self.0.restart_facilitator(ending).await;
            restarted.map(|_| ()).map_err(|error| error.to_string())
        })
    }

    fn revive(&self) -> BoxFuture<'_, Outcome> {
        Box::pin(async { Ok(()) })
    }
}

/// One under test that the bench did not start.
#[derive(Debug, Clone, Copy)]
pub struct NotOurFacilitator;

impl FacilitatorControl for NotOurFacilitator {
    fn fixed(&self) -> Option<String> {
        Some("the bench did not start the facilitator: its profile has no `launch`".to_owned())
    }

    fn restart(&self, _ending: Ending) -> BoxFuture<'_, Outcome> {
        Box::pin(async { self.fixed().map_or(Ok(()), Err) })
    }

    fn revive(&self) -> BoxFuture<'_, Outcome> {
        Box::pin(async { Ok(()) })
    }
}
