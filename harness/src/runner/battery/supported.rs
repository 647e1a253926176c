//! What the facilitator says it supports, to compare the challenge with.

use futures_util::FutureExt as _;
use x402_mock_facilitator::event::Endpoint;

use super::{Battery, Section};
use crate::runner::session::SendError;

pub(super) const SECTION: Section = Section {
    requests: |_| 1,
    run: |battery| supported(battery).boxed(),
};

async fn supported(battery: &Battery<'_>) -> Result<(), SendError> {
    let probe = battery.probe("challenge/supported");
    let session = battery.session;
    // Another facilitator than ours says nothing about a target that does not call ours.
    if !session.uses_our_facilitator().await {
        session.note(Some(&probe), "the target does not use our facilitator");
        return Ok(());
    }
    session
        .call_facilitator(&probe, Endpoint::Supported, None, None)
        .await?;
    Ok(())
}
