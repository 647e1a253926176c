//! Hand-written histories for the tests of judges: a list of exchanges that is edited and then turned into events.

mod honest;
mod hygiene;
mod open;
mod play;
mod probe;
mod troubled;

use x402_assay_reports::Report;
use x402_mock_facilitator::event::LedgerRecord;

use super::event::{Event, RunStarted};
use super::{Damage, Facts};
use crate::verdict::{Judging, build_report};

pub(crate) use honest::{CONTENT, address, challenge_v1, challenge_v2, encode, offer};
pub(crate) use probe::{Call, Moves, Payment, Probe, Reply};
pub(crate) use troubled::PENDING_HASH;

/// A history that is being written.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    /// The first event.
    pub(crate) run: Option<RunStarted>,
    /// Exchanges, in order.
    pub(crate) probes: Vec<Probe>,
    /// Whether the target asked for `/supported` first.
    pub(crate) asks_supported: bool,
    /// Whether the origin counts handler runs.
    pub(crate) counts_runs: bool,
    /// Token logs that belong to no exchange.
    pub(crate) more_ledger: Vec<LedgerRecord>,
    /// Remarks: probe, text.
    pub(crate) notes: Vec<(String, String)>,
    /// Whether the ledger was read at the end.
    pub(crate) rests: bool,
    /// Interrupted, trouble; `None` breaks the history off.
    pub(crate) ending: Option<(bool, Option<String>)>,
}

impl Script {
    /// Changes one exchange.
    #[must_use]
    pub(crate) fn edit(mut self, name: &str, change: impl Fn(&mut Probe)) -> Self {
        let mut found = false;
        for probe in self.probes.iter_mut().filter(|probe| probe.name == name) {
            change(probe);
            found = true;
        }
        assert!(found, "the script holds no {name}");
        self
    }

    /// Changes every exchange that carries a payment.
    #[must_use]
    pub(crate) fn edit_paid(mut self, change: impl Fn(&mut Probe)) -> Self {
        self.probes
            .iter_mut()
            .filter(|probe| probe.payment.is_some())
            .for_each(change);
        self
    }

    /// Changes every exchange with the target that carries no payment.
    #[must_use]
    pub(crate) fn edit_unpaid(mut self, change: impl Fn(&mut Probe)) -> Self {
        self.probes
            .iter_mut()
            .filter(|probe| probe.payment.is_none() && probe.route.starts_with('/'))
            .for_each(change);
        self
    }

    /// Changes the set-up of the run.
    #[must_use]
    pub(crate) fn setup(mut self, change: impl Fn(&mut RunStarted)) -> Self {
        change(self.run.as_mut().expect("the script has a beginning"));
        self
    }

    /// Adds an exchange at the end.
    #[must_use]
    pub(crate) fn then(mut self, probe: Probe) -> Self {
        self.probes.push(probe);
        self
    }

    /// The events.
    pub(crate) fn events(&self) -> Vec<Event> {
        play::events(self)
    }

    /// The report on these events.
    pub(crate) fn report(&self) -> Report {
        self.report_with(&Judging::default(), None)
    }

    /// The report on these events, judged in another way.
    pub(crate) fn report_with(&self, judging: &Judging, damage: Option<&Damage>) -> Report {
        let events = self.events();
        build_report(&Facts::new(&events, damage), judging)
    }
}
