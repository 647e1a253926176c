//! Payments with one thing wrong, validly signed for what they claim unless the signature is what is wrong.

use futures_util::FutureExt as _;
use x402_assay_protocol::Version;

use super::{Battery, Section};
use crate::client::VARIATIONS;
use crate::runner::session::SendError;

/// The variation that is the mutation control (design section 6).
pub(super) const MUTATION: &str = "signature-flipped";

pub(super) const SECTION: Section = Section {
    requests: |version| 2 * applicable(version),
    run: |battery| wrong(battery).boxed(),
};

fn applicable(version: Version) -> usize {
    let rows = VARIATIONS.iter();
    rows.filter(|row| row.versions.contains(&version)).count()
}

async fn wrong(battery: &Battery<'_>) -> Result<(), SendError> {
    for variation in VARIATIONS {
        if !variation.versions.contains(&battery.version) {
            continue;
        }
        if variation.name == MUTATION {
            battery.mutation().await?;
            continue;
        }
        let probe = battery.probe(&format!("wrong/{}", variation.name));
        if let Some(quote) = battery.quote(&probe).await? {
            battery.cheat(&probe, variation, &quote).await?;
        }
    }
    Ok(())
}

impl Battery<'_> {
    /// The mutation control: a good payment with one byte of its signature flipped.
    pub(super) async fn mutation(&self) -> Result<(), SendError> {
        let Some(variation) = VARIATIONS.iter().find(|row| row.name == MUTATION) else {
            return Ok(());
        };
        let probe = self.probe("mutation");
        if let Some(quote) = self.quote(&probe).await? {
            self.cheat(&probe, variation, &quote).await?;
        }
        Ok(())
    }
}
