//! What a fault can do to a call.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::Match;
use super::armed::Armed;
use super::draw::Draw;
use crate::answer::Answer;
use crate::event::{AuthorizationKey, CallStep, Endpoint};
use crate::facilitator::Facilitator;
use crate::ledger::SettleStep;

/// How a call goes on after a fault had its turn.
#[derive(Debug)]
pub(crate) enum Flow {
    /// As before.
    Go,
    /// With this answer; the facilitator does no work.
    Answer(Answer),
    /// Not at all: the connection is cut.
    Cut,
}

/// One kind of fault. Every hook does nothing unless a kind has something to do there.
#[async_trait]
pub(crate) trait Inject: Sync {
    /// What makes its values, or the calls it is for, impossible.
    fn validate(&self, _matching: &Match) -> Result<(), String> {
        Ok(())
    }

    /// False when the facilitator must not do its work.
    fn works(&self) -> bool {
        true
    }

    /// Before the work.
    async fn before(&self, _shot: &Shot) -> Flow {
        Flow::Go
    }

    /// While a settlement moves on; true cuts the connection at once.
    fn on_step(&self, _shot: &Shot, _step: SettleStep) -> bool {
        false
    }

    /// After the work; changes the answer.
    async fn after(&self, _shot: &Shot, _answer: &mut Answer) -> Flow {
        Flow::Go
    }
}

/// What is known of a call.
#[derive(Debug)]
pub(crate) struct CallFacts {
    /// The facilitator that was called.
    pub(crate) facilitator: Arc<Facilitator>,
    /// Number of the call.
    pub(crate) call: u64,
    /// Which endpoint.
    pub(crate) endpoint: Endpoint,
    /// Whose authorization.
    pub(crate) key: Option<AuthorizationKey>,
    /// Cancelled once the caller has hung up, or has its answer.
    pub(crate) gone: CancellationToken,
}

/// One fault that was chosen for one call.
#[derive(Debug)]
pub(crate) struct Shot {
    /// The fault.
    pub(crate) armed: Arc<Armed>,
    /// Position of the call among those the fault's rule met, from 1.
    pub(crate) position: u64,
    /// The call.
    pub(crate) call: Arc<CallFacts>,
    fired: AtomicBool,
}

impl Shot {
    /// Aims a fault at a call.
    pub(crate) const fn new(armed: Arc<Armed>, position: u64, call: Arc<CallFacts>) -> Self {
        Self {
            armed,
            position,
            call,
            fired: AtomicBool::new(false),
        }
    }

    /// Records, once, that the fault took effect.
    pub(crate) fn fire(&self) {
        if self.fired.swap(true, Ordering::Relaxed) {
            return;
        }
        self.armed.count_fired();
        let step = CallStep::Fault {
            fault: self.armed.name().to_owned(),
            kind: self.armed.fault().kind().to_owned(),
        };
        self.call.facilitator.log().append(self.call.call, step);
    }

    /// Chances of this call; `purpose` keeps different questions apart.
    pub(crate) fn draw(&self, purpose: &str) -> Draw {
        Draw::new(self.armed.seed(), purpose, self.position)
    }
}
