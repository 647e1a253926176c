//! `restart`: stops and starts a process.

use super::super::model::Role;
use super::super::scope::Scope;
use super::super::words::{Need, ProtocolEvent, words};
use super::{ANY_ROLE, Step, StepKind};
use crate::config::yaml::MapView;

words! {
    /// What is restarted.
    pub enum Restarted {
        /// The target.
        Target = "target",
        /// The bench's facilitator; its ledger and its log stay.
        Facilitator = "facilitator",
    }
}

words! {
    /// How it is stopped.
    pub enum How {
        /// At once (SIGKILL).
        Kill = "kill",
        /// In good order (SIGTERM).
        Stop = "stop",
    }
}

/// Stops and starts a process; the next step begins when it is ready again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restart {
    /// Which.
    pub of: Restarted,
    /// How it is stopped.
    pub how: How,
    /// With an event the restart is armed and takes place when the event is next seen, before it is passed on; the next
    /// step begins at once.
    pub when: Option<ProtocolEvent>,
}

pub(super) const KIND: StepKind = StepKind {
    name: "restart",
    about: "stops and starts the target or the facilitator, now or at a protocol event",
    keys: &["of", "how", "when"],
    roles: ANY_ROLE,
    decode,
};

fn decode(map: &MapView<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let of = match map.optional("of") {
        Some(view) => view.one_of(Restarted::ALL),
        None => Some(Restarted::Target),
    };
    match of {
        Some(Restarted::Target) => scope.need(map.view(), Need::Launch, "`restart`"),
        Some(Restarted::Facilitator) if scope.role == Role::Facilitator => {
            map.problem_at_key(
                "of",
                "the facilitator is the target here; write `of: target`",
            );
        }
        Some(Restarted::Facilitator) => scope.need(map.view(), Need::Facilitator, "`restart`"),
        None => {}
    }
    let how = match map.optional("how") {
        Some(view) => view.one_of(How::ALL),
        None => Some(How::Kill),
    };
    let when = map
        .optional("when")
        .map(|view| view.one_of(ProtocolEvent::ALL));
    Some(Step::Restart(Restart {
        of: of?,
        how: how?,
        when: match when {
            Some(event) => Some(event?),
            None => None,
        },
    }))
}
