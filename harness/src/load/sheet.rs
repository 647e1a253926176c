//! What a load scenario asks for, before a seed makes it a plan.

use std::time::Duration;

use x402_assay_reports::model::load::LoadKind;

use super::arrivals::Arrivals;
use super::fault::LoadFault;
use super::mix::Mix;
use super::plan::{Connections, LoadPlan, PAYERS, Pace, QUEUE, Signing, TIMEOUT};
use super::thresholds::Threshold;
use super::users::Users;

/// A load scenario's own part.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadSheet {
    /// What each arrival does.
    pub kind: LoadKind,
    /// What sets the pace.
    pub pace: SheetPace,
    /// How it is connected.
    pub connections: Connections,
    /// What arrivals are.
    pub mix: Mix,
    /// When payments are signed.
    pub signing: Signing,
    /// Length before the measured span.
    pub warm_up: Duration,
    /// Most arrivals that wait.
    pub queue: usize,
    /// Accounts that pay in turn.
    pub payers: usize,
    /// How long one exchange may take.
    pub timeout: Duration,
    /// What is demanded.
    pub thresholds: Vec<Threshold>,
    /// What goes wrong on purpose meanwhile, in order.
    pub faults: Vec<LoadFault>,
}

/// What sets the pace of a load scenario.
#[derive(Debug, Clone, PartialEq)]
pub enum SheetPace {
    /// A schedule.
    Arrivals(Arrivals),
    /// Users.
    Users(Users),
}

impl LoadSheet {
    /// A sheet with nothing else said.
    pub fn new(kind: LoadKind, pace: SheetPace) -> Self {
        Self {
            kind,
            pace,
            connections: Connections::default(),
            mix: Mix::default(),
            signing: Signing::default(),
            warm_up: Duration::ZERO,
            queue: QUEUE,
            payers: PAYERS,
            timeout: TIMEOUT,
            thresholds: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// The plan with a seed.
    pub fn plan(&self, seed: u64) -> LoadPlan {
        let arrivals = match &self.pace {
            SheetPace::Arrivals(arrivals) => arrivals,
            SheetPace::Users(users) => {
                return LoadPlan {
                    warm_up: self.warm_up,
                    timeout: self.timeout,
                    ..LoadPlan::of_users(users.clone(), seed)
                };
            }
        };
        LoadPlan {
            kind: self.kind,
            pace: Pace::Open(arrivals.clone()),
            connections: self.connections,
            mix: self.mix.clone(),
            signing: self.signing,
            queue: self.queue,
            warm_up: self.warm_up,
            payers: self.payers,
            timeout: self.timeout,
            seed,
            scenario: None,
            faults: self.faults.clone(),
        }
    }
}
