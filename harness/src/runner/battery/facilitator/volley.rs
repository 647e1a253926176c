//! Settle calls at the same time: copies of one payment, and different ones.

use futures_util::FutureExt as _;
use futures_util::future::try_join_all;

use super::{Battery, Section};
use crate::runner::session::SendError;

/// Copies of one payment.
const COPIES: usize = 10;
/// Different payments.
const DISTINCT: usize = 8;

pub(super) const SECTION: Section = Section {
    calls: COPIES + DISTINCT + 1,
    run: |battery| volley(battery).boxed(),
};

async fn volley(battery: &Battery<'_>) -> Result<(), SendError> {
    let one = battery.good();
    let copies = (0..COPIES).map(|_| battery.settle("copies", &one));
    try_join_all(copies).await?;
    let several: Vec<_> = (0..DISTINCT).map(|_| battery.good()).collect();
    let calls = several
        .iter()
        .map(|signed| battery.settle("distinct", signed));
    try_join_all(calls).await?;
    // Whatever became of those, the next one settles.
    let last = battery.good();
    battery.settle("after-distinct", &last).await?;
    Ok(())
}
