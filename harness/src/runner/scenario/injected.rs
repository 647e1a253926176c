//! What a round injects, and taking it back.

use std::collections::BTreeSet;
use std::time::Duration;

use alloy_primitives::Address;

use super::faults::{self, Names};
use super::round::{Broken, Round};
use super::{Stage, links, restarts, wait};
use crate::client::Payer;
use crate::history::case_ran::{CaseRan, FaultMet, HoldMet};
use crate::scenario::steps::{Hold, Link, Order, Until};
use crate::service::ControlError;

/// Pause between two looks at what is held.
const LOOK: Duration = Duration::from_millis(15);

/// Waits until every request that is still open is held by one of these: nothing more can come then. Several calls that
/// are to go one after the other are left to the facilitator, which keeps their order.
pub(super) async fn complete(stage: &Stage<'_>, holds: &[(String, bool)]) -> Result<(), Broken> {
    loop {
        wait::pause(stage, LOOK).await?;
        let open = stage.session.open_exchanges();
        let list = stage.session.control.holds().await?;
        let parked = |ordered: bool| -> usize {
            let ours = list.holds.iter().filter(|view| {
                let mut known = holds.iter();
                !view.over && known.any(|hold| *hold == (view.hold.name.clone(), ordered))
            });
            ours.map(|view| view.parked.len()).sum()
        };
        let (together, ordered) = (parked(false), parked(true));
        if together + ordered > 0 && ordered <= 1 && together + ordered == open as usize {
            return Ok(());
        }
    }
}

impl Round<'_> {
    pub(super) async fn hold(&mut self, hold: &Hold, step: usize) -> Result<(), Broken> {
        let session = self.stage.session;
        let payers = self.payers();
        let names = self.names(step, &payers);
        let (name, spec, told) = faults::hold_spec(hold, self.case, &names);
        session.control.add_hold(&spec).await?;
        if let Until::InFlight { release, .. } = hold.until {
            let ordered = release != Order::Together;
            self.state.counting.push((name.clone(), ordered));
        }
        self.state.holds.push((name, step, told));
        Ok(())
    }

    /// Ends the holds that have all that can come, so that nobody waits for `or_quiet` in vain.
    pub(super) async fn end_complete(&mut self, ran: &mut CaseRan) -> Result<(), Broken> {
        for (name, _) in std::mem::take(&mut self.state.counting) {
            let found = self
                .state
                .holds
                .iter()
                .position(|(known, ..)| *known == name);
            let Some(place) = found else { continue };
            let (name, step, _) = self.state.holds.remove(place);
            self.end_hold(&name, step, ran).await?;
        }
        Ok(())
    }

    pub(super) fn link(&mut self, link: &Link, step: usize) -> Result<(), Broken> {
        let armed = links::arm(self.stage, &self.state, link, (step, self.seed(step)))?;
        self.state.links.push(armed);
        Ok(())
    }

    pub(super) async fn copy(&mut self, count: u32, step: usize) -> Result<(), Broken> {
        let copies = restarts::copies(self.stage, count).await;
        self.state.copies = copies.map_err(|why| Broken::Trouble(format!("step {step}: {why}")))?;
        Ok(())
    }

    /// Leaves one copy of the target running.
    pub(super) async fn end_copies(&mut self, ran: &mut CaseRan) {
        if self.state.copies.is_empty() {
            return;
        }
        self.state.copies.clear();
        let ended = restarts::copies(self.stage, 1).await;
        ran.troubles.extend(ended.err());
    }

    /// Whose calls faults and holds of this round are about: the run's payers and those the round named itself. Payers of
    /// earlier rounds stay out, or a run of many repeats would list them all.
    pub(super) fn payers(&self) -> BTreeSet<Address> {
        let of_run = self.stage.session.payers.iter().map(Payer::address);
        let of_round = self.state.payers.iter().map(|(_, payer)| payer.address());
        of_run.chain(of_round).collect()
    }

    pub(super) fn names<'n>(&'n self, step: usize, payers: &'n BTreeSet<Address>) -> Names<'n> {
        Names {
            prefix: &self.prefix,
            step,
            seed: self.seed(step),
            payers,
        }
    }

    /// The seed of a step; below 2^53, as every seed of the bench.
    pub(super) fn seed(&self, step: usize) -> u64 {
        let place = self.place;
        // Not of the case's number: a replay file holds one case alone.
        let turn = (u64::from(place.turn) << 8) ^ step as u64;
        place.seed.wrapping_mul(0x9E37_79B9).wrapping_add(turn) >> 11
    }

    /// Ends the holds that wait to be told.
    pub(super) async fn release(&mut self, ran: &mut CaseRan) -> Result<(), Broken> {
        let told: Vec<(String, usize, bool)> = self
            .state
            .holds
            .extract_if(.., |(_, _, told)| *told)
            .collect();
        for (name, step, _) in told {
            self.end_hold(&name, step, ran).await?;
        }
        Ok(())
    }

    pub(super) async fn end_hold(
        &self,
        name: &str,
        step: usize,
        ran: &mut CaseRan,
    ) -> Result<(), ControlError> {
        let control = &self.stage.session.control;
        let removed = control.remove_holds(name).await?;
        let mut calls = Vec::new();
        for view in removed.holds {
            calls.extend(view.rounds.into_iter().flat_map(|round| round.calls));
            calls.extend(view.parked);
        }
        ran.holds.push(HoldMet { step, calls });
        Ok(())
    }

    /// Ends every fault and hold of the round and notes what they did.
    pub(super) async fn take_back(&mut self, ran: &mut CaseRan) -> Result<(), ControlError> {
        for (name, step, _) in std::mem::take(&mut self.state.holds) {
            self.end_hold(&name, step, ran).await?;
        }
        if self.state.faults.is_empty() {
            return Ok(());
        }
        let removed = self
            .stage
            .session
            .control
            .remove_faults(&self.prefix)
            .await?;
        for view in removed.faults {
            let step = self
                .state
                .faults
                .iter()
                .find(|(name, _)| *name == view.name);
            ran.faults.push(FaultMet {
                step: step.map_or(0, |(_, step)| *step),
                kind: view.fault.kind().to_owned(),
                fired: view.fired,
            });
        }
        self.state.faults.clear();
        Ok(())
    }

    /// Ends every fault of the links and notes what they struck.
    pub(super) async fn take_links_back(&mut self, ran: &mut CaseRan) {
        for armed in std::mem::take(&mut self.state.links) {
            armed.take_back(self.stage, ran).await;
        }
    }
}
