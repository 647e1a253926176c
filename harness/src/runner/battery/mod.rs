//! The exchanges of the server battery: sections that each send some probes on one route in one version.
//!
//! A probe is sent once and judged by as many checks as look at it. To add probes, write a section and name it in
//! [`SECTIONS`].

mod basic;
mod browsers;
mod delivery;
mod departure;
mod echo;
pub(super) mod facilitator;
mod faulted;
mod headers;
mod hygiene;
mod identifier;
mod identifier_trouble;
mod malformed;
mod paths;
mod privacy;
mod purchase;
mod race;
mod settlement;
mod sign_in;
mod supported;
mod terms;
mod trouble;
mod volley;
mod wrong;

use futures_util::future::BoxFuture;
use x402_assay_protocol::Version;

use super::session::{PaymentHeader, SendError, Session};
use super::target_control::TargetControl;
use crate::client::Payer;
use crate::config::profile::Route;

/// A part of the battery.
pub(super) struct Section {
    /// Requests it takes, roughly: for the progress line and `--dry-run`.
    pub(super) requests: fn(Version) -> usize,
    /// Sends its probes.
    pub(super) run: for<'b> fn(&'b Battery<'_>) -> BoxFuture<'b, Result<(), SendError>>,
}

/// Every section, in the order of a run: what may make a target refuse the rest comes last.
const SECTIONS: &[Section] = &[
    basic::SECTION,
    supported::SECTION,
    wrong::SECTION,
    terms::SECTION,
    identifier::SECTION,
    echo::SECTION,
    sign_in::SECTION,
    delivery::SECTION,
    settlement::SECTION,
    malformed::SECTION,
    browsers::SECTION,
    hygiene::SECTION,
    paths::SECTION,
    headers::SECTION,
    privacy::SECTION,
    race::SECTION,
    trouble::SECTION,
    departure::SECTION,
];

/// One route in one version.
#[derive(Debug)]
pub(crate) struct Battery<'a> {
    pub(crate) session: &'a Session<'a>,
    pub(crate) route: &'a Route,
    pub(crate) version: Version,
    /// True for the newest version of the route: what asks for nothing of a version is sent there alone.
    pub(crate) leads: bool,
    /// The target's processes.
    pub(crate) target: &'a dyn TargetControl,
    /// The only chain to pay on, if one was named.
    pub(crate) chain_id: Option<u64>,
}

impl Battery<'_> {
    /// Requests of [`Self::controls`].
    pub(crate) const REQUESTS_CONTROLS: usize = 7;

    /// Requests of [`Self::core`].
    pub(crate) const REQUESTS_CORE: usize = 3;

    /// Requests of the whole battery, roughly.
    pub(crate) fn requests_full(version: Version) -> usize {
        SECTIONS
            .iter()
            .map(|section| (section.requests)(version))
            .sum()
    }

    /// An unpaid request, and one good purchase.
    pub(crate) async fn core(&self) -> Result<Option<PaymentHeader>, SendError> {
        self.session
            .send(&self.probe("unpaid"), self.route, None)
            .await?;
        self.buy("good").await
    }

    /// What scenarios stand on: two good purchases, and one with a flipped signature. Tells whether it sells.
    pub(crate) async fn controls(&self) -> Result<bool, SendError> {
        self.session
            .send(&self.probe("unpaid"), self.route, None)
            .await?;
        let sold = self.buy_seen("good").await?;
        self.buy("good-2").await?;
        self.mutation().await?;
        Ok(sold)
    }

    /// Every section.
    pub(crate) async fn full(&self) -> Result<(), SendError> {
        let mut outcome = Ok(());
        for section in SECTIONS {
            outcome = (section.run)(self).await;
            if outcome.is_err() {
                break;
            }
        }
        // Also when it broke off: a facilitator that serves several runs must not keep them.
        let taken_back = self.take_all_back().await;
        outcome?;
        Ok(taken_back?)
    }

    /// The payer of good purchases is number 0, that of bad ones number 1.
    fn payer(&self, index: usize) -> &Payer {
        &self.session.payers[index % self.session.payers.len()]
    }

    /// The same on another route.
    fn on<'r>(&'r self, route: &'r Route) -> Battery<'r> {
        Battery { route, ..*self }
    }

    fn probe(&self, name: &str) -> String {
        format!("{}/{name}", self.version)
    }
}
