//! Steering one call: holds, then faults, around the facilitator's work.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::inject::{CallFacts, Flow, Inject, Shot};
use super::words::Words;
use crate::answer::Answer;
use crate::connection::Connection;
use crate::defects::{DefectMemory, DefectSet};
use crate::event::{AuthorizationKey, Endpoint};
use crate::facilitator::Facilitator;
use crate::holds::{Hold, Point, Turn};
use crate::ledger::SettleStep;
use crate::refusal::reason;

/// What is on for one call, and how far it got.
#[derive(Debug)]
pub(crate) struct Steer {
    call: Arc<CallFacts>,
    shots: Vec<Shot>,
    holds: Vec<Arc<Hold>>,
    defects: DefectSet,
    memory: Arc<DefectMemory>,
    connection: Option<Connection>,
    cut: AtomicBool,
    turns: Mutex<Vec<Turn>>,
}

/// How a call goes on once everything before the work is over.
#[derive(Debug)]
pub(crate) enum Start {
    /// The facilitator does its work.
    Work,
    /// It does not; this is answered.
    Answer(Answer),
    /// It does not, and nothing is answered.
    Cut,
}

impl Steer {
    /// Chooses what happens to a call.
    pub(crate) fn begin(
        facilitator: &Arc<Facilitator>,
        (call, endpoint, key): (u64, Endpoint, Option<AuthorizationKey>),
        connection: Option<Connection>,
        gone: CancellationToken,
    ) -> Self {
        let chosen = facilitator.faults().choose(endpoint, key.as_ref());
        let facilitator = Arc::clone(facilitator);
        let call = Arc::new(CallFacts {
            facilitator,
            call,
            endpoint,
            key,
            gone,
        });
        let shot = |(armed, position)| Shot::new(armed, position, Arc::clone(&call));
        Self {
            shots: chosen.faults.into_iter().map(shot).collect(),
            holds: chosen.holds,
            defects: chosen.defects,
            memory: chosen.memory,
            call,
            connection,
            cut: AtomicBool::new(false),
            turns: Mutex::default(),
        }
    }

    /// Defects of the facilitator.
    pub(crate) const fn defects(&self) -> DefectSet {
        self.defects
    }

    /// What the defects remember.
    pub(crate) const fn memory(&self) -> &Arc<DefectMemory> {
        &self.memory
    }

    /// Holds and faults before the work.
    pub(crate) async fn before(&self) -> Start {
        self.park(Point::Arrival).await;
        let mut answer = None;
        let mut works = true;
        for (shot, fault) in self.each() {
            match fault.before(shot).await {
                Flow::Go => works &= fault.works(),
                Flow::Answer(given) => answer = Some(given),
                Flow::Cut => return Start::Cut,
            }
        }
        match answer {
            Some(answer) => Start::Answer(answer),
            None if works => Start::Work,
            None => Start::Answer(idle(self.call.endpoint)),
        }
    }

    /// Faults after the work, then holds; no answer when the connection is to be cut, or is cut already.
    pub(crate) async fn after(&self, mut answer: Answer) -> Option<Answer> {
        for (shot, fault) in self.each() {
            if matches!(fault.after(shot, &mut answer).await, Flow::Cut) {
                return None;
            }
        }
        self.park(Point::Answer).await;
        (!self.cut.load(Ordering::Relaxed)).then_some(answer)
    }

    /// Faults at a step of the settlement.
    pub(crate) fn on_step(&self, step: SettleStep) {
        for (shot, fault) in self.each() {
            if fault.on_step(shot, step) {
                self.cut_now();
            }
        }
    }

    /// Cuts the connection, if it is known.
    pub(crate) fn cut_now(&self) {
        self.cut.store(true, Ordering::Relaxed);
        if let Some(connection) = &self.connection {
            connection.cut();
        }
    }

    /// The turns this call still has in its holds: whoever is next goes when they are dropped.
    pub(crate) fn take_turns(&self) -> Vec<Turn> {
        std::mem::take(&mut *self.turns.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn park(&self, point: Point) {
        for hold in self.holds.iter().filter(|hold| hold.point() == point) {
            let log = self.call.facilitator.log();
            if let Some(turn) = hold.park(self.call.call, log).await {
                self.turns
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(turn);
            }
        }
    }

    fn each(&self) -> impl Iterator<Item = (&Shot, &dyn Inject)> {
        self.shots
            .iter()
            .map(|shot| (shot, shot.armed.fault().inject()))
    }
}

/// The answer of a facilitator that was kept from its work.
fn idle(endpoint: Endpoint) -> Answer {
    let status = StatusCode::OK;
    let words = Words::of(endpoint);
    let message = "an injected fault kept the facilitator from doing anything";
    match endpoint {
        Endpoint::Settle => Answer::new(
            status,
            &json!({
                "success": false,
                (words.reason): reason::UNEXPECTED_SETTLE,
                (words.message): message,
                "transaction": "",
                "network": "",
            }),
        ),
        Endpoint::Verify => Answer::new(
            status,
            &json!({
                "isValid": false,
                (words.reason): reason::UNEXPECTED_VERIFY,
                (words.message): message,
            }),
        ),
        Endpoint::Supported | Endpoint::Other => Answer::new(status, &json!({ "error": message })),
    }
}
