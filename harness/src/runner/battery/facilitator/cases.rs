//! Payments with one thing odd, asked about at both endpoints.

use futures_util::FutureExt as _;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::asking::Signed;
use super::{Battery, Section};
use crate::client::facilitator::{CASES, Case, How, MALFORMED_FACILITATOR};
use crate::runner::session::SendError;

/// Wrong payments that are verified at once. They are settled one by one: what a facilitator lets through should not
/// meet others at its account's nonce.
const WIDTH: usize = 4;

pub(super) const SECTION: Section = Section {
    calls: 2 * (CASES.len() + MALFORMED_FACILITATOR.len()) + 1,
    run: |battery| cases(battery).boxed(),
};

async fn cases(battery: &Battery<'_>) -> Result<(), SendError> {
    let all = CASES.iter().chain(MALFORMED_FACILITATOR);
    let ours: Vec<&'static Case> = all
        .filter(|case| case.versions.contains(&battery.version))
        .collect();
    let (wrong, open): (Vec<&'static Case>, Vec<&'static Case>) =
        ours.into_iter().partition(|case| case.is_wrong());
    let asking: Vec<_> = wrong
        .into_iter()
        .map(|case| verify(battery, case).boxed())
        .collect();
    let asked: Vec<(&'static Case, Signed)> =
        stream::iter(asking).buffered(WIDTH).try_collect().await?;
    for (case, signed) in &asked {
        battery.settle(case.name, signed).await?;
    }
    // These may be settled: one after the other, for facilitators with one account.
    for case in open {
        ask(battery, case).await?;
    }
    battery.verify_good("after-malformed").await?;
    Ok(())
}

async fn verify(
    battery: &Battery<'_>,
    case: &'static Case,
) -> Result<(&'static Case, Signed), SendError> {
    let signed = battery.sign(case.how, Some(case.name).filter(|_| case.is_wrong()));
    battery.verify(case.name, &signed).await?;
    Ok((case, signed))
}

async fn ask(battery: &Battery<'_>, case: &'static Case) -> Result<(), SendError> {
    let (_, signed) = verify(battery, case).await?;
    // What begins later may be settled then, and nobody would know which.
    if !matches!(case.how, How::BeginsIn(seconds) if seconds > 0) {
        battery.settle(case.name, &signed).await?;
    }
    Ok(())
}
