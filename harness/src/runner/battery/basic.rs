//! The purchases that everything else stands on, and one repeat.

use futures_util::FutureExt as _;

use super::{Battery, Section};
use crate::runner::session::SendError;

pub(super) const SECTION: Section = Section {
    requests: |_| Battery::REQUESTS_CORE + 4,
    run: |battery| basic(battery).boxed(),
};

async fn basic(battery: &Battery<'_>) -> Result<(), SendError> {
    let (session, route) = (battery.session, battery.route);
    session
        .send(&battery.probe("unpaid-again"), route, None)
        .await?;
    if let Some(good) = battery.core().await? {
        session
            .send(&battery.probe("replay"), route, Some(&good))
            .await?;
    }
    battery.buy("good-2").await?;
    Ok(())
}
