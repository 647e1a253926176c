//! Injecting a load's faults at their time, and taking them back whatever becomes of it.

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::fault::{FaultKind, LoadFault};
use super::run::{Field, OnChain};
use crate::chain::chaos::{ChaosAction, MiningOrder};
use crate::service::{ControlClient, ControlError};

/// How the names of these faults begin.
const PREFIX: &str = "load-fault.";

/// A fault that was injected, when it was there.
#[derive(Debug)]
pub(super) struct Injected {
    pub(super) fault: LoadFault,
    /// Its beginning and its end; `None` when it was never injected.
    pub(super) span: Option<(Instant, Instant)>,
    /// Why it is not known what it did.
    pub(super) trouble: Option<String>,
}

/// The faults of one load: they wait for the first second, and end with the load at the latest.
#[derive(Debug)]
pub(super) struct Injecting {
    faults: Vec<LoadFault>,
    warm_up: Duration,
    control: ControlClient,
    chain: Option<OnChain>,
    over: CancellationToken,
    task: Option<JoinHandle<Vec<Injected>>>,
}

impl Injecting {
    pub(super) fn new(field: &Field<'_>, faults: &[LoadFault], warm_up: Duration) -> Self {
        Self {
            faults: faults.to_vec(),
            warm_up,
            control: field.control.clone(),
            chain: field.chain.clone(),
            over: CancellationToken::new(),
            task: None,
        }
    }

    /// Hears that this second of the load, from 0, is over; the first one that is heard starts the clock.
    pub(super) fn second(&mut self, second: u64) {
        if self.task.is_some() || self.faults.is_empty() {
            return;
        }
        let passed = Duration::from_secs(second + 1);
        let origin = Instant::now().checked_sub(passed);
        let begin = origin.unwrap_or_else(Instant::now) + self.warm_up;
        let course = Course {
            control: self.control.clone(),
            chain: self.chain.clone(),
            over: self.over.clone(),
        };
        let faults = std::mem::take(&mut self.faults);
        self.task = Some(tokio::spawn(course.run(faults, begin)));
    }

    /// Ends what is still there; tells of every fault.
    pub(super) async fn finish(self) -> Vec<Injected> {
        self.over.cancel();
        let never = |fault: LoadFault| Injected {
            fault,
            span: None,
            trouble: Some("the load ended before it".to_owned()),
        };
        match self.task {
            None => self.faults.into_iter().map(never).collect(),
            // It broke off in a panic: a defect of the bench, and nothing is known.
            Some(task) => task.await.unwrap_or_default(),
        }
    }
}

struct Course {
    control: ControlClient,
    chain: Option<OnChain>,
    over: CancellationToken,
}

impl Course {
    async fn run(self, faults: Vec<LoadFault>, begin: Instant) -> Vec<Injected> {
        let mut injected = Vec::with_capacity(faults.len());
        for (number, fault) in faults.into_iter().enumerate() {
            injected.push(self.one(number, fault, begin).await);
        }
        injected
    }

    async fn one(&self, number: usize, fault: LoadFault, begin: Instant) -> Injected {
        let name = format!("{PREFIX}{number}");
        if !self.wait(begin + fault.at).await {
            let trouble = Some("the load ended before it".to_owned());
            return Injected {
                fault,
                span: None,
                trouble,
            };
        }
        let began = self.inject(&name, &fault.what).await;
        let began_at = Instant::now();
        let whole = self.wait(began_at + fault.lasts).await;
        // Also when it could not be injected: half of it may be there.
        let ended = self.take_back(&name, &fault.what).await;
        let span = began.is_ok().then(|| (began_at, Instant::now()));
        let trouble = match (began.and(ended), whole) {
            (Err(error), _) => Some(error.to_string()),
            (Ok(_), false) => Some("the load ended while it was there".to_owned()),
            (Ok(Some(0)), true) => Some("no call that it could strike was made".to_owned()),
            (Ok(_), true) => None,
        };
        Injected {
            fault,
            span,
            trouble,
        }
    }

    /// False when the load was over before.
    async fn wait(&self, until: Instant) -> bool {
        tokio::select! {
            () = self.over.cancelled() => false,
            () = tokio::time::sleep_until(until.into()) => true,
        }
    }

    async fn inject(&self, name: &str, what: &FaultKind) -> Result<(), ControlError> {
        match what.spec(name) {
            Some(spec) => self.control.add_fault(&spec).await.map(drop),
            None => {
                let order = MiningOrder::Stop;
                self.chaos(&ChaosAction::Mine { order }).await
            }
        }
    }

    /// Gives the calls that were struck, where they are counted.
    async fn take_back(&self, name: &str, what: &FaultKind) -> Result<Option<u64>, ControlError> {
        if what.is_of_facilitator() {
            let gone = self.control.remove_faults(name).await?;
            return Ok(Some(gone.faults.iter().map(|fault| fault.fired).sum()));
        }
        let every = self.chain.as_ref().map_or(0, |chain| chain.block_ms);
        let action = match every {
            0 => ChaosAction::Mine {
                order: MiningOrder::Resume,
            },
            // Resuming alone would mine for each transaction.
            ms => ChaosAction::BlockTime { ms },
        };
        self.chaos(&action).await?;
        Ok(None)
    }

    async fn chaos(&self, action: &ChaosAction) -> Result<(), ControlError> {
        let Some(chain) = &self.chain else {
            return Ok(());
        };
        self.control.chaos(chain.id, action).await.map(drop)
    }
}
