//! The payments that everything else stands on, and one repeat of each call.

use futures_util::FutureExt as _;

use super::{Battery, Section};
use crate::client::facilitator::How;
use crate::runner::session::SendError;

pub(super) const SECTION: Section = Section {
    calls: 7,
    run: |battery| controls(battery).boxed(),
};

async fn controls(battery: &Battery<'_>) -> Result<(), SendError> {
    battery.get("supported-again", "/supported").await?;
    let good = battery.good();
    for name in ["good", "good-again"] {
        battery.verify(name, &good).await?;
    }
    battery.settle("good", &good).await?;
    battery.verify("used", &good).await?;
    battery.settle("again", &good).await?;
    let unverified = battery.good();
    battery.settle("unverified", &unverified).await?;
    // Seen by the ledger as verified alone.
    let verified = battery.good();
    battery.verify("only", &verified).await?;
    Ok(())
}

/// What a load stands on: a good payment goes the whole way, and one with a flipped signature goes none of it.
pub(super) async fn brief(battery: &Battery<'_>) -> Result<(), SendError> {
    let good = battery.good();
    battery.both("good", &good).await?;
    let flipped = battery.sign(How::SignatureFlipped, Some(FLIPPED));
    battery.both(FLIPPED, &flipped).await
}

/// Calls of [`brief`].
pub(super) const BRIEF_CALLS: usize = 4;

/// Name of the case with a flipped signature byte.
const FLIPPED: &str = "signature-flipped";
