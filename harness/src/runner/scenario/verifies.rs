//! Steps that are met by a `/verify` call, on servers that make none.

use super::Stage;
use crate::config::profile::Flow;
use crate::scenario::steps::{Calls, Condition, Endpoint, HoldOn, Wait};
use crate::scenario::{Case, ProtocolEvent, Step};

/// Why nothing would be met: the server settles at once, and a step waits for it to verify first.
pub(super) fn verify_missing(stage: &Stage<'_>, case: &Case) -> Option<String> {
    let declared = match (stage.session.profile.flow, stage.offered.settles_first) {
        (Flow::Upfront, _) => "the profile declares `flow: upfront`",
        (Flow::Authorization, true) => "its offers declare `paymentFlow: upfront`",
        (Flow::Authorization, false) => return None,
    };
    // A direct call meets them as well.
    let called = case
        .steps
        .iter()
        .any(|step| matches!(&step.step, Step::Call(call) if call.on == Endpoint::Verify));
    if called {
        return None;
    }
    let waiting = case.steps.iter().find(|step| is_about_verify(&step.step))?;
    Some(format!(
        "step {}: needs a server that verifies first, and {declared}",
        waiting.number
    ))
}

fn is_about_verify(step: &Step) -> bool {
    let seen = |event: ProtocolEvent| {
        matches!(
            event,
            ProtocolEvent::BeforeVerify | ProtocolEvent::AfterVerify
        )
    };
    match step {
        Step::Hold(hold) => hold.on == HoldOn::Verify,
        Step::Facilitator(fault) => fault.on == Calls::Verify,
        Step::Link(link) => seen(link.on),
        Step::Restart(restart) => restart.when.is_some_and(seen),
        Step::Wait(Wait::Until { condition, .. }) => {
            matches!(
                condition,
                Condition::Calls {
                    of: Endpoint::Verify,
                    ..
                }
            )
        }
        _ => false,
    }
}
