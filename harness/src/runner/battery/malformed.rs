//! Payment headers that hold no payment.

use futures_util::FutureExt as _;
use x402_assay_protocol::Version;

use super::{Battery, Section};
use crate::client::MALFORMED;
use crate::runner::session::SendError;

/// Headers that hold JSON of the wrong shape; the others hold no JSON object at all.
const SHAPES: &[&str] = &[
    "missing-accepted",
    "missing-scheme",
    "missing-payload",
    "missing-authorization",
    "missing-signature",
    "number-for-string",
];

pub(super) const SECTION: Section = Section {
    requests: |version| 1 + applicable(version),
    run: |battery| malformed(battery).boxed(),
};

fn applicable(version: Version) -> usize {
    let rows = MALFORMED.iter();
    rows.filter(|row| row.versions.contains(&version)).count()
}

async fn malformed(battery: &Battery<'_>) -> Result<(), SendError> {
    let Some(quote) = battery.quote(&battery.probe("malformed")).await? else {
        return Ok(());
    };
    for variation in MALFORMED {
        if variation.versions.contains(&battery.version) {
            let group = match SHAPES.contains(&variation.name) {
                true => "shape",
                false => "malformed",
            };
            let probe = battery.probe(&format!("{group}/{}", variation.name));
            battery.cheat(&probe, variation, &quote).await?;
        }
    }
    Ok(())
}
