//! Payments with one thing odd, asked about at both endpoints.

use futures_util::FutureExt as _;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::{Battery, Section};
use crate::client::facilitator::{CASES, Case, How, MALFORMED_FACILITATOR};
use crate::runner::session::SendError;

/// Wrong payments under way at once: they are refused before anything is sent.
const WIDTH: usize = 4;

pub(super) const SECTION: Section = Section {
    calls: 2 * (CASES.len() + MALFORMED_FACILITATOR.len()) + 1,
    run: |battery| cases(battery).boxed(),
};

async fn cases(battery: &Battery<'_>) -> Result<(), SendError> {
    let all = CASES.iter().chain(MALFORMED_FACILITATOR);
    let ours: Vec<&Case> = all
        .filter(|case| case.versions.contains(&battery.version))
        .collect();
    let (wrong, open): (Vec<&Case>, Vec<&Case>) =
        ours.into_iter().partition(|case| case.is_wrong());
    let asking: Vec<_> = wrong
        .into_iter()
        .map(|case| ask(battery, case).boxed())
        .collect();
    stream::iter(asking)
        .buffer_unordered(WIDTH)
        .try_collect::<Vec<()>>()
        .await?;
    // These may be settled: one after the other, for facilitators with one account.
    for case in open {
        ask(battery, case).await?;
    }
    battery.verify_good("after-malformed").await?;
    Ok(())
}

async fn ask(battery: &Battery<'_>, case: &Case) -> Result<(), SendError> {
    let signed = battery.sign(case.how, Some(case.name).filter(|_| case.is_wrong()));
    battery.verify(case.name, &signed).await?;
    // What begins later may be settled then, and nobody would know which.
    let waits = matches!(case.how, How::BeginsIn(seconds) if seconds > 0 && !case.is_wrong());
    if !waits {
        battery.settle(case.name, &signed).await?;
    }
    Ok(())
}
